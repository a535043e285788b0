/**
 * @file Runs a task of this repository from a bare checkout: `node tools/setup/run.mjs <task> [arguments]`.
 *
 * Needs Node and npm only. If the dependencies are missing or out of step with the lock file they are installed first;
 * then the task runs from source, without a build. Plain JavaScript without imports from npm, because it runs before
 * anything is installed.
 */
import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { install, pinnedPnpm, run } from './install.mjs';
import { testAll } from './test.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

/** Tasks by name: a TypeScript entry to run, or a function of the arguments that answers the exit code. */
const tasks = {
  mnist: 'apps/examples/src/mnist.ts',
  bench: 'tools/bench/src/main.ts',
  lint: 'tools/lint/src/main.ts',
  'check-packages': 'tools/lint/src/packagesMain.ts',
  install: async () => 0,
  test: (args) => testAll(root, args, runEntry),
  turbo: (args) => runTurbo(args),
};

/** Starts turbo through npx's pnpm, because turbo insists on finding pnpm on the path. */
function runTurbo(args) {
  const pnpm = pinnedPnpm(root);
  const env = { ...process.env, TURBO_TELEMETRY_DISABLED: '1', DO_NOT_TRACK: '1' };
  return run('npx', ['--yes', pnpm, 'exec', 'turbo', 'run', ...args], { cwd: root, env });
}

/** Runs a TypeScript file with the packages resolved to their sources; answers its exit code. */
function runEntry(entry, args = []) {
  const loader = pathToFileURL(join(root, 'node_modules/tsx/dist/loader.mjs')).href;
  const flags = ['--conditions=tsflow-source', '--import', loader];
  const child = spawn(process.execPath, [...flags, join(root, entry), ...args], { stdio: 'inherit', cwd: root });
  // The child gets Ctrl-C from the terminal itself; this process stays to report how it ended.
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve(code ?? (signal === 'SIGINT' ? 130 : 1)));
  });
}

const [name = '', ...args] = process.argv.slice(2);
const task = Object.hasOwn(tasks, name) ? tasks[name] : undefined;
if (task === undefined) {
  console.error(`Unknown task "${name}". Tasks: ${Object.keys(tasks).join(', ')}.`);
  process.exit(2);
}
try {
  await install(root);
  process.exitCode = typeof task === 'string' ? await runEntry(task, args) : await task(args);
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
