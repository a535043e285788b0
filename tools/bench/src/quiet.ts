/**
 * @file Waits until other work takes under a quarter of one core, so that a measurement has the machine to itself.
 * Where the system does not tell (no /proc/stat) there is nothing to wait for.
 */
import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

/** Clock ticks of all processors since boot. */
export interface Ticks {
  readonly busy: number;
  readonly total: number;
}

/** Reads the first line of /proc/stat: user, nice, system, idle, iowait, irq, softirq, steal. */
export function parseTicks(stat: string): Ticks {
  const fields = (/^cpu +(.*)$/m.exec(stat)?.[1] ?? '').split(' ').map(Number);
  const [user = 0, nice = 0, system = 0, idle = 0, iowait = 0, irq = 0, softirq = 0, steal = 0] = fields;
  const busy = user + nice + system + irq + softirq + steal;
  return { busy, total: busy + idle + iowait };
}

/** How many processors were busy between two readings. */
export function busyProcessors(before: Ticks, after: Ticks, processors: number): number {
  return ((after.busy - before.busy) * processors) / Math.max(1, after.total - before.total);
}

const ticksNow = async (): Promise<Ticks> => parseTicks(await readFile('/proc/stat', 'utf8'));

/** Waits at most `seconds`; answers whether it has become quiet. */
export async function waitForQuiet(seconds: number): Promise<boolean> {
  const readable = await ticksNow().catch(() => null);
  if (!readable) return true;
  const deadline = performance.now() + seconds * 1000;
  for (;;) {
    const before = await ticksNow();
    await sleep(500);
    if (busyProcessors(before, await ticksNow(), availableParallelism()) < 0.25) return true;
    if (performance.now() > deadline) return false;
    await sleep(500);
  }
}
