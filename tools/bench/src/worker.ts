/**
 * @file The frame of every measuring JavaScript process: `node PROGRAM PEER CASE` with THREADS in the environment.
 * It prints the case's line on standard output; whatever throws becomes a `cannot` line.
 */
import { type Case, caseNamed } from './cases.ts';
import { cannot, type Line, measured, type Subject } from './measurement.ts';
import { type Call, timeCalls } from './timing.ts';

/** What a program prepares for a case: the call to time, and a check of its result that runs once after timing. */
export interface Prepared {
  readonly call: Call;
  readonly check?: () => unknown;
}

/** Builds the call of a case. It may throw where the peer lacks something. */
export type Prepare = (c: Case, threads: number) => Promise<Prepared>;

/** Threads that this process may use, from THREADS. */
export function threadsFromEnvironment(): number {
  const threads = Number(process.env['THREADS'] ?? 1);
  if (!Number.isInteger(threads) || threads < 1) {
    throw new Error(`THREADS is "${process.env['THREADS']}". Expected a whole number of at least 1.`);
  }
  return threads;
}

/** Measures one case in this process and ends it (peers may leave workers behind that would keep it alive). */
export async function runWorker(prepare: Prepare): Promise<never> {
  const [peer = 'unnamed', name = ''] = process.argv.slice(2);
  const subject = { peer, threads: threadsFromEnvironment() };
  const line = await measureCase(prepare, name, subject);
  await new Promise<void>((written) => process.stdout.write(`${JSON.stringify(line)}\n`, () => written()));
  process.exit(0);
}

async function measureCase(prepare: Prepare, name: string, subject: Subject): Promise<Line> {
  try {
    const c = caseNamed(name);
    const { call, check } = await prepare(c, subject.threads);
    const { first, times } = await timeCalls(call, c);
    await check?.();
    process.stderr.write(`first call ${first.toFixed(1)} ms\n`);
    return measured(c, subject, times);
  } catch (error) {
    if (error instanceof Error && error.stack) process.stderr.write(`${error.stack}\n`);
    return cannot(name, subject, error);
  }
}
