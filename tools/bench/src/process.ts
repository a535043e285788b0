/**
 * @file Child processes: started one at a time, their standard output read as lines, ended after a time limit.
 */
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Command } from './peers/peer.ts';

/** How a process ended. `error` says that it could not be started, `status` is null when a signal ended it. */
export interface Ended {
  readonly status: number | null;
  readonly signal: string | null;
  readonly timedOut: boolean;
  readonly error: string | null;
  readonly stderr: string;
}

export interface RunOptions {
  /** Time limit; the process is killed after it. */
  readonly seconds: number;
  readonly env?: Readonly<Record<string, string>>;
  readonly folder?: string;
  readonly onLine?: (line: string) => void;
}

/** Only the end of standard error is kept: it is where the reason stands. */
const keptOutput = 4000;

/** Processes that run now; they end with this one. */
const running = new Set<ReturnType<typeof spawn>>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** Runs a command to its end. */
export function run(command: Command, options: RunOptions): Promise<Ended> {
  const child = spawn(command.program, command.args, {
    env: { ...process.env, ...command.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(options.folder !== undefined && { cwd: options.folder }),
  });
  running.add(child);
  let stderr = '';
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    child.kill('SIGKILL');
  }, options.seconds * 1000);
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-keptOutput);
  });
  createInterface({ input: child.stdout }).on('line', (line) => options.onLine?.(line));
  return new Promise((resolve) => {
    const end = (ended: Pick<Ended, 'status' | 'signal' | 'error'>) => {
      clearTimeout(timer);
      running.delete(child);
      resolve({ ...ended, timedOut, stderr });
    };
    child.once('error', ({ message }) => end({ status: null, signal: null, error: `does not start (${message})` }));
    child.once('close', (status, signal) => end({ status, signal, error: null }));
  });
}

/** Arguments with which Node runs one of our own programs: as it is when built, else through tsx from source. */
export function nodeProgram(url: URL): readonly string[] {
  if (!import.meta.url.endsWith('.ts')) return [fileURLToPath(url).replace(/\.ts$/, '.js')];
  const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
  return ['--conditions=tsflow-source', '--import', tsx, fileURLToPath(url)];
}
