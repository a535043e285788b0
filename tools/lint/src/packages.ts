/**
 * @file Checks packages as a user would get them: builds, packs each one, lints the manifest, installs the tarballs
 * into an empty folder with npm, imports every entry with Node, and type-checks an import of it.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly private?: boolean;
  readonly exports: Readonly<Record<string, unknown>>;
}

/** A package of the workspace that gets published. */
export interface PublishedPackage {
  readonly folder: string;
  readonly manifest: Manifest;
}

const readJson = (path: string) => JSON.parse(readFileSync(path, 'utf8'));

/** The packages under `packages/` that are not private. */
export function publishedPackages(root: string): PublishedPackage[] {
  return readdirSync(join(root, 'packages'))
    .map((name) => join(root, 'packages', name))
    .map((folder) => ({ folder, manifest: readJson(join(folder, 'package.json')) as Manifest }))
    .filter(({ manifest }) => manifest.private !== true);
}

/** What users may import of a package: its entry and its subpaths, without wildcards and the manifest. */
export function entriesOf(manifest: Manifest): string[] {
  return Object.keys(manifest.exports)
    .filter((path) => !path.includes('*') && !path.endsWith('.json'))
    .map((path) => manifest.name + path.slice(1));
}

function run(command: string, args: readonly string[], cwd: string): string {
  const result = spawnSync(command, args, { cwd, encoding: 'utf8', shell: process.platform === 'win32' });
  if (result.status === 0) return result.stdout;
  throw new Error(`\`${command} ${args.join(' ')}\` failed:\n${result.stdout}${result.stderr}`);
}

/** Packs a package into `folder`; answers the tarball's path. */
function pack(root: string, published: PublishedPackage, folder: string): string {
  const pnpm: string = readJson(join(root, 'package.json')).packageManager;
  const target = join(folder, published.manifest.name.replace(/[@/]/g, '_'));
  mkdirSync(target, { recursive: true });
  run('npx', ['--yes', pnpm, 'pack', '--pack-destination', target], published.folder);
  return join(target, readdirSync(target)[0] ?? '');
}

/** Installs the tarballs, then imports all entries in Node and in a type-checked file. */
function useInstalled(root: string, tarballs: ReadonlyMap<PublishedPackage, string>, folder: string): void {
  const dependencies = [...tarballs].map(([{ manifest }, tarball]) => [manifest.name, `file:${tarball}`]);
  const manifest = { name: 'user', private: true, type: 'module', dependencies: Object.fromEntries(dependencies) };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
  run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', '--ignore-scripts'], folder);
  const entries = [...tarballs.keys()].flatMap((published) => entriesOf(published.manifest));
  const lines = entries.map((entry, i) => `import * as entry${i} from '${entry}';\nvoid entry${i};\n`);
  writeFileSync(join(folder, 'user.ts'), lines.join(''));
  const flags = [
    '--noEmit',
    '--strict',
    '--module',
    'nodenext',
    '--target',
    'es2023',
    '--lib',
    'es2023,dom,esnext.disposable',
  ];
  run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), ...flags, '--types', '', 'user.ts'], folder);
  for (const entry of entries) {
    const script = `const m = await import('${entry}'); console.log(Object.keys(m).length)`;
    const count = run(process.execPath, ['--input-type=module', '-e', script], folder).trim();
    console.log(`${entry}: ${count} exports`);
  }
}

/** Checks all published packages of the repository; answers the problems. */
export async function checkPackages(root: string): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'tsflow-packages-'));
  try {
    const published = publishedPackages(root);
    run(
      process.execPath,
      [join(root, 'node_modules/typescript/bin/tsc'), '-b', ...published.map((each) => each.folder)],
      root,
    );
    const tarballs = new Map(published.map((each) => [each, pack(root, each, folder)]));
    const problems: string[] = [];
    for (const [{ manifest }, path] of tarballs) {
      const data = new Uint8Array(readFileSync(path)).buffer;
      const { messages, pkg } = await publint({ pack: { tarball: data }, strict: true });
      for (const message of messages)
        problems.push(`${manifest.name}: ${formatMessage(message, pkg, { color: false })}`);
    }
    useInstalled(root, tarballs, folder);
    return problems;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
