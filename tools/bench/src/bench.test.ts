import { tmpdir } from 'node:os';
import { expect, test } from 'vitest';
import { bench, endReason, type Plan } from './bench.ts';
import { caseNamed } from './cases.ts';
import { cannot, measured } from './measurement.ts';
import type { Peer } from './peers/peer.ts';

const c = caseNamed('gemm-256');

/** A peer whose process runs the given script, with THREADS in its environment. */
const scripted = (name: string, script: string, others: Partial<Peer> = {}): Peer => ({
  name,
  fits: () => 'yes',
  prepare: async () => {},
  command: () => ({ program: process.execPath, args: ['-e', script], env: {} }),
  ...others,
});

const speaking = (name: string) => {
  const line = JSON.stringify(measured(c, { peer: name, threads: 1 }, [2]));
  return scripted(name, `console.log('chatter'); console.log(${JSON.stringify(line)})`);
};

async function run(peers: readonly Peer[], plan: Partial<Plan> = {}) {
  const workshop = { folder: tmpdir(), python: 'python3', progress: () => {} };
  const fixed = { limits: false, workshop, limitSeconds: 30, quietSeconds: 0, onLine: () => {} };
  return bench({ cases: [c], threads: [1], peers, ...fixed, ...plan });
}

test('collects the line of each peer and drops other output', async () => {
  const lines = await run([speaking('a'), speaking('b')]);
  expect(lines.map(({ peer }) => peer)).toEqual(['a', 'b']);
  expect(lines[0]).toMatchObject({ case: 'gemm-256', median: 2 });
});

test('hands each process its number of threads', async () => {
  const script = `console.log(JSON.stringify({ case: 'x', peer: 'p', threads: +process.env.THREADS, cannot: 'test' }))`;
  const lines = await run([scripted('p', script)], { threads: [1, 2] });
  expect(lines.map(({ threads }) => threads)).toEqual([1, 2]);
});

test('answers for a process that says nothing', async () => {
  const lines = await run([scripted('quiet', `console.error('Error: out of luck'); process.exit(3)`)]);
  expect(lines).toEqual([
    cannot('gemm-256', { peer: 'quiet', threads: 1 }, 'ended with status 3 and no measurement: Error: out of luck'),
  ]);
});

test('stops a process after its time', async () => {
  const lines = await run([scripted('slow', 'setInterval(() => {}, 1000)')], { limitSeconds: 0.2 });
  expect(lines).toMatchObject([{ cannot: 'stopped: over 0.2 s' }]);
});

test('says once why a peer is absent, and which cases it cannot do', async () => {
  const absent = speaking('absent');
  const prepare = async () => {
    throw new Error('not installed');
  };
  const peers = [
    { ...absent, prepare },
    { ...speaking('partial'), fits: () => ({ cannot: 'inference only' }) },
    { ...speaking('elsewhere'), fits: () => 'no' as const },
  ];
  expect(await run(peers, { threads: [1, 2] })).toEqual([
    cannot('all', { peer: 'absent', threads: 0 }, 'not installed'),
    cannot('gemm-256', { peer: 'partial', threads: 1 }, 'inference only'),
    cannot('gemm-256', { peer: 'partial', threads: 2 }, 'inference only'),
  ]);
});

test('does not prepare a peer that has none of the cases', async () => {
  const prepare = async () => {
    throw new Error('prepared');
  };
  const peer = { ...speaking('idle'), prepare };
  expect(await run([peer], { cases: [] })).toEqual([]);
  expect(await run([{ ...peer, fits: () => 'no' as const }])).toEqual([]);
});

test('names the signal that ended a process', () => {
  const ended = { status: null, signal: 'SIGSEGV', timedOut: false, error: null, stderr: '' };
  expect(endReason(ended, 1)).toBe('ended by SIGSEGV');
});
