/**
 * @file Installs the dependencies with the pinned pnpm, unless they are there and in step with the lock file.
 *
 * A stamp inside `node_modules` holds the hash of what an installation depends on: the lock file, every manifest, the
 * platform. Someone who uses pnpm directly loses nothing: the stamp is then stale once, and that install is a no-op.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const oldestNode = [20, 19];

/** Refuses a Node that is too old, with the version found and the one wanted. */
function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > oldestNode[0] || (major === oldestNode[0] && minor >= oldestNode[1])) return;
  throw new Error(`tsflow needs Node ${oldestNode.join('.')} or later; this is Node ${process.versions.node}.`);
}

/** The manifests of all workspace packages, one folder below `packages`, `apps` and `tools`. */
function manifests(root) {
  const inside = (folder) =>
    readdirSync(join(root, folder))
      .map((name) => join(folder, name, 'package.json'))
      .filter((path) => existsSync(join(root, path)));
  return [
    'package.json',
    'pnpm-workspace.yaml',
    ...['packages', 'apps', 'tools'].filter((f) => existsSync(join(root, f))).flatMap(inside),
  ];
}

function fingerprint(root) {
  const hash = createHash('sha256').update(`${process.platform}-${process.arch}\n`);
  for (const path of ['pnpm-lock.yaml', ...manifests(root).sort()])
    hash.update(path).update(readFileSync(join(root, path)));
  return hash.digest('hex');
}

/** Runs a command with its output shown; answers the exit code. */
export function run(command, args, options) {
  // npm's commands are scripts on Windows, which only a shell starts.
  const shell = process.platform === 'win32';
  const child = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit'], shell, ...options });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });
}

/** The package manager that this repository is pinned to, as npx takes it: `pnpm@<version>`. */
export function pinnedPnpm(root) {
  return JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).packageManager;
}

/** Installs what the lock file says, if that has not been done yet. Throws with the repair when it fails. */
export async function install(root) {
  checkNode();
  const stamp = join(root, 'node_modules', '.tsflow-installed');
  const wanted = fingerprint(root);
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  const pnpm = pinnedPnpm(root);
  console.log(`Installing dependencies with ${pnpm} (first run, or the lock file changed) …`);
  const started = Date.now();
  const code = await run('npx', ['--yes', pnpm, 'install', '--frozen-lockfile', '--reporter=append-only'], {
    cwd: root,
  });
  if (code !== 0) {
    throw new Error(
      `Installing the dependencies failed (exit code ${code}); see the lines above. Check the connection to the npm ` +
        `registry, then try again, or run \`npx ${pnpm} install\` yourself.`,
    );
  }
  writeFileSync(stamp, wanted);
  console.log(`Dependencies are ready (${((Date.now() - started) / 1000).toFixed(0)} s).`);
}
