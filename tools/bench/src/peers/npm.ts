/**
 * @file Peers from npm: TensorFlow.js (WASM) and ONNX Runtime (native). They are large and have install scripts, so they
 * are no dependency of ours: the first run installs them, scripts off, into the workshop's folder outside the repository.
 */
import { copyFile, mkdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { nodeProgram, run } from '../process.ts';
import { type Command, isSessionRun, isTraining, type Peer, type Workshop } from './peer.ts';

const manifest = fileURLToPath(new URL('../../npm/package.json', import.meta.url));
const home = ({ folder }: Workshop) => join(folder, 'npm');

/** One installation serves all npm peers of a run. */
const installed = new Map<string, Promise<void>>();

async function install(workshop: Workshop): Promise<void> {
  const folder = home(workshop);
  const copy = join(folder, 'package.json');
  const wanted = await readFile(manifest, 'utf8');
  // npm writes this file at the end of an installation; older than our copy of the manifest, it is another's.
  const done = await stat(join(folder, 'node_modules', '.package-lock.json')).catch(() => null);
  const present = await readFile(copy, 'utf8').catch(() => '');
  if (done && present === wanted) return;
  await mkdir(folder, { recursive: true });
  await copyFile(manifest, copy);
  workshop.progress(`installing npm peers in ${folder}`);
  const args = ['install', '--ignore-scripts', '--no-package-lock', '--no-audit', '--no-fund', '--loglevel=error'];
  const { status, error, stderr } = await run({ program: 'npm', args, env: {} }, { seconds: 600, folder });
  if (error) throw new Error(`npm ${error}`);
  if (status !== 0) throw new Error(`npm install failed: ${stderr.trim().split('\n')[0] ?? ''}`);
}

function prepareNpm(workshop: Workshop): Promise<void> {
  const folder = home(workshop);
  const promise = installed.get(folder) ?? install(workshop);
  installed.set(folder, promise);
  return promise;
}

const command = (program: URL, name: string): Peer['command'] => {
  return (c, workshop): Command => ({
    program: process.execPath,
    args: [...nodeProgram(program), name, c.name],
    env: { TSFLOW_BENCH_NPM: home(workshop) },
  });
};

const tfjsWasm: Peer = {
  name: 'tfjs-wasm',
  fits: (c) => (isSessionRun(c) ? 'no' : 'yes'),
  prepare: prepareNpm,
  command: command(new URL('./tfjsProgram.ts', import.meta.url), 'tfjs-wasm'),
};

const ortNode: Peer = {
  name: 'ort-node',
  fits: (c) => (isSessionRun(c) ? 'no' : isTraining(c) ? { cannot: 'inference only' } : 'yes'),
  prepare: prepareNpm,
  command: command(new URL('./ortProgram.ts', import.meta.url), 'ort-node'),
};

export const npmPeers: readonly Peer[] = [tfjsWasm, ortNode];
