/**
 * @file The run: for each case, for each thread count, every peer in turn, each in a process of its own, so that the
 * figures of one case lie close in time and no two processes compete.
 */
import { type Case, limitsCase } from './cases.ts';
import { cannot, type Line, parseLine, type Subject } from './measurement.ts';
import { limitsCommand, limitsPeer, prepareLimits } from './peers/limits.ts';
import type { Command, Peer, Workshop } from './peers/peer.ts';
import { type Ended, run } from './process.ts';
import { waitForQuiet } from './quiet.ts';

export interface Plan {
  readonly cases: readonly Case[];
  readonly threads: readonly number[];
  /** tsflow first, so that it stands in the first column. */
  readonly peers: readonly Peer[];
  readonly limits: boolean;
  readonly workshop: Workshop;
  /** Seconds that one peer may take for one case. */
  readonly limitSeconds: number;
  /** Seconds to wait for a quiet machine before each process. */
  readonly quietSeconds: number;
  /** Called with each line as soon as it is there. */
  readonly onLine: (line: Line) => void;
}

/** Runs the plan and answers all its lines. */
export async function bench(plan: Plan): Promise<readonly Line[]> {
  const lines: Line[] = [];
  const say = (line: Line) => {
    lines.push(line);
    plan.onLine(line);
  };
  if (plan.limits) await measureLimits(plan, say);
  const present = await presentPeers(plan, say);
  for (const c of plan.cases) {
    for (const threads of plan.threads) {
      for (const peer of present) await measureCase({ plan, c, peer, threads, say });
    }
  }
  return lines;
}

type Say = (line: Line) => void;

async function measureLimits(plan: Plan, say: Say): Promise<void> {
  const { workshop } = plan;
  try {
    await prepareLimits(workshop);
  } catch (error) {
    say(cannot(limitsCase, { peer: limitsPeer, threads: 0 }, error));
    return;
  }
  for (const threads of plan.threads) {
    await measure({ plan, caseName: limitsCase, subject: { peer: limitsPeer, threads }, say }, limitsCommand(workshop));
  }
}

/** The peers that have a case of the plan and are on this machine; of those that are not, one line each says why. */
async function presentPeers({ peers, cases, threads, workshop }: Plan, say: Say): Promise<readonly Peer[]> {
  const present: Peer[] = [];
  for (const peer of peers) {
    if (!cases.some((c) => threads.some((count) => peer.fits(c, count) !== 'no'))) continue;
    try {
      await peer.prepare(workshop);
      present.push(peer);
    } catch (error) {
      say(cannot('all', { peer: peer.name, threads: 0 }, error));
    }
  }
  return present;
}

interface CaseRun {
  readonly plan: Plan;
  readonly c: Case;
  readonly peer: Peer;
  readonly threads: number;
  readonly say: Say;
}

async function measureCase({ plan, c, peer, threads, say }: CaseRun): Promise<void> {
  const fit = peer.fits(c, threads);
  const subject = { peer: peer.name, threads };
  if (fit === 'no') return;
  if (fit !== 'yes') {
    say(cannot(c.name, subject, fit.cannot));
    return;
  }
  await measure({ plan, caseName: c.name, subject, say }, peer.command(c, plan.workshop));
}

interface Measuring {
  readonly plan: Plan;
  readonly caseName: string;
  readonly subject: Subject;
  readonly say: Say;
}

/** Runs one measuring process; a process that says nothing gets its `cannot` line here. */
async function measure({ plan, caseName, subject, say }: Measuring, command: Command): Promise<void> {
  const { workshop, quietSeconds, limitSeconds } = plan;
  const title = `${caseName} · ${subject.peer} · ${subject.threads} thread${subject.threads > 1 ? 's' : ''}`;
  const quiet = await waitForQuiet(quietSeconds);
  workshop.progress(quiet ? title : `${title} (the machine is not quiet)`);
  let answered = false;
  const onLine = (text: string) => {
    const line = parseLine(text);
    if (!line) return;
    answered = true;
    say(line);
  };
  const threads = String(subject.threads);
  const env = { THREADS: threads, OMP_NUM_THREADS: threads };
  const ended = await run(command, { seconds: limitSeconds, env, onLine });
  const first = /^first call .*$/m.exec(ended.stderr)?.[0];
  if (first) workshop.progress(`  ${first}`);
  if (!answered) say(cannot(caseName, subject, endReason(ended, limitSeconds)));
}

/** Why a process ended without an answer. */
export function endReason({ status, signal, timedOut, error, stderr }: Ended, limitSeconds: number): string {
  if (error) return error;
  if (timedOut) return `stopped: over ${limitSeconds} s`;
  const how = signal ? `ended by ${signal}` : `ended with status ${status} and no measurement`;
  const lines = stderr.trim().split('\n');
  const telling = lines.findLast((line) => /error/i.test(line)) ?? lines.at(-1);
  return telling ? `${how}: ${telling.trim()}` : how;
}
