/**
 * @file The barrier of a program's threads, in shared memory. A thread that arrives last resets the count and opens the next
 * generation; the others spin a little, then sleep. Sleepers wake up now and then to see whether the run was aborted, and then trap,
 * so a lost thread never hangs the rest. Sleeping is not allowed on a browser's main thread: run one thread there.
 */
import type { FunctionBody } from './encoder.ts';
import { FunctionWriter } from './functionWriter.ts';

/** Byte offsets in the control block at `sync`; hot words have cache lines of their own. */
export const syncLayout = {
  arrived: 0,
  generation: 64,
  sleepers: 128,
  aborted: 192,
  /** One word a thread: the number of barriers it has reached in this run. */
  reached: 256,
} as const;

export function syncBytes(threads: number): number {
  return syncLayout.reached + 4 * threads;
}

/** Loads of the generation before a thread sleeps: about 10 µs. */
const spins = 8000;
/** Nanoseconds a sleeper waits before it looks whether the run was aborted. */
const nap = 50_000_000n;

/** Body of `barrier`, () → (), on the globals that `run` sets. */
export function barrierBody(globals: {
  readonly threads: number;
  readonly tid: number;
  readonly sync: number;
}): FunctionBody {
  const w = new FunctionWriter(0);
  const sync = w.temp('i32');
  const generation = w.temp('i32');
  const count = w.temp('i32');
  const load = (offset: number): FunctionWriter => w.get(sync).memory('i32AtomicLoad', offset, 2);
  const moved = (): FunctionWriter => load(syncLayout.generation).get(generation).op('i32Ne');

  w.with('globalGet', globals.threads).i32(1).op('i32LeS').open('if').op('return').op('end');
  w.with('globalGet', globals.sync).set(sync);
  // This thread's progress, for the error that names the missing one.
  const mine = (): FunctionWriter => w.get(sync).with('globalGet', globals.tid).i32(2).op('i32Shl').op('i32Add');
  mine();
  mine().memory('i32Load', syncLayout.reached, 2).i32(1).op('i32Add').memory('i32Store', syncLayout.reached, 2);

  load(syncLayout.generation).set(generation);
  w.get(sync).i32(1).memory('i32AtomicRmwAdd', syncLayout.arrived, 2).i32(1).op('i32Add');
  w.with('globalGet', globals.threads).op('i32Eq').open('if');
  w.get(sync).i32(0).memory('i32AtomicStore', syncLayout.arrived, 2);
  w.get(sync).get(generation).i32(1).op('i32Add').memory('i32AtomicStore', syncLayout.generation, 2);
  load(syncLayout.sleepers).open('if');
  w.get(sync).i32(-1).memory('atomicNotify', syncLayout.generation, 2).op('drop');
  w.op('end').op('return').op('end');

  w.i32(spins).set(count).open('loop');
  moved().open('if').op('return').op('end');
  w.get(count).i32(-1).op('i32Add').tee(count).with('brIf', 0).op('end');

  w.get(sync).i32(1).memory('i32AtomicRmwAdd', syncLayout.sleepers, 2).op('drop');
  w.open('block').open('loop');
  moved().with('brIf', 1);
  load(syncLayout.aborted).open('if').op('unreachable').op('end');
  w.get(sync).get(generation).i64(nap).memory('atomicWait32', syncLayout.generation, 2).op('drop');
  w.with('br', 0).op('end').op('end');
  w.get(sync).i32(-1).memory('i32AtomicRmwAdd', syncLayout.sleepers, 2).op('drop');
  return w.finish();
}
