/**
 * @file How a call is timed: warm-up calls, then runs until a second has passed, at least 10 when a run takes under
 * 1 s, 3 when under 8 s, else 1; at most 200. A first call of over 15 s is itself the only run.
 */
import type { Case } from './cases.ts';

/** One call of what is measured; a promise is awaited in every call. */
export type Call = () => unknown;

const second = 1000;
const rules = { tooSlowToRepeat: 15 * second, tooSlowToWarm: 5 * second, enough: second, atMost: 200 };

/** Runs that a case needs whose first run took `run` milliseconds. */
function runsNeeded(run: number): number {
  if (run < second) return 10;
  return run < 8 * second ? 3 : 1;
}

/** Times of the runs, in milliseconds per call, in the order of measuring; `first` is the first call's, compilation included. */
export interface Timing {
  readonly first: number;
  readonly times: readonly number[];
}

/** Times `call` by the rules above. `clock` reads milliseconds. */
export async function timeCalls(
  call: Call,
  { inner, warm }: Pick<Case, 'inner' | 'warm'>,
  clock: () => number = () => performance.now(),
): Promise<Timing> {
  const begin = clock();
  await call();
  const first = clock() - begin;
  if (first > rules.tooSlowToRepeat) return { first, times: [first] };
  for (let i = 1; i < warm && first < rules.tooSlowToWarm; i++) await call();
  const times: number[] = [];
  const start = clock();
  for (;;) {
    times.push((await timeRun(call, inner, clock)) / inner);
    const enough = times.length >= runsNeeded((times[0] ?? 0) * inner);
    if (enough && (clock() - start > rules.enough || times.length >= rules.atMost)) return { first, times };
  }
}

/** One run of `inner` calls. Synchronous calls are not awaited: a microtask would cost as much as a tiny step. */
async function timeRun(call: Call, inner: number, clock: () => number): Promise<number> {
  const start = clock();
  for (let i = 0; i < inner; i++) {
    const result = call();
    if (result instanceof Promise) await result;
  }
  return clock() - start;
}
