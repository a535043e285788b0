/**
 * @file `pnpm lint`: biome on everything, then our own checks (layers, cycles, hygiene, generated code in step).
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkCycles } from './cycles.ts';
import { checkHygiene } from './hygiene.ts';
import { checkLayers, type SourceFile } from './layers.ts';

const root = join(import.meta.dirname, '..', '..', '..');

/** Files that git tracks or would track. */
function trackedFiles(): string[] {
  const listed = spawnSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: root });
  if (listed.status !== 0) throw new Error(`git ls-files failed: ${listed.stderr}`);
  return listed.stdout
    .toString()
    .split('\0')
    .filter((path) => path !== '' && existsSync(join(root, path)));
}

const read = (path: string): SourceFile => ({ path, text: readFileSync(join(root, path), 'utf8') });

/** Dependencies of all kinds by package folder; the package's own name counts as declared. */
function declaredDependencies(paths: readonly string[]): Map<string, Set<string>> {
  const manifests = paths.filter((path) => /^(?:packages|apps|tools)\/[^/]+\/package\.json$/.test(path));
  return new Map(
    manifests.map((path) => {
      const manifest: Record<string, Record<string, string> | undefined> = JSON.parse(read(path).text);
      const kinds = ['dependencies', 'devDependencies', 'peerDependencies', 'optionalDependencies'];
      const names = kinds.flatMap((kind) => Object.keys(manifest[kind] ?? {}));
      return [path.replace('/package.json', ''), new Set([...names, String(manifest.name)])];
    }),
  );
}

function runBiome(): boolean {
  const bin = join(root, 'node_modules', '@biomejs', 'biome', 'bin', 'biome');
  const result = spawnSync(process.execPath, [bin, 'check', '--error-on-warnings', '--no-errors-on-unmatched', '.'], {
    cwd: root,
    stdio: 'inherit',
  });
  return result.status === 0;
}

const paths = trackedFiles();
const sources = paths.filter((path) => /^(?:packages|apps|tools)\/[^/]+\/src\/.*\.ts$/.test(path)).map(read);
const textual = paths
  .filter((path) => /\.(?:ts|mjs|js|json|ya?ml|md|py|sh|toml)$|^\.ci\/|\.npmrc$/.test(path))
  .map(read);
const problems = [
  ...checkLayers(sources, declaredDependencies(paths)),
  ...checkCycles(sources),
  ...checkHygiene(textual),
];
for (const problem of problems) console.error(problem);
const clean = runBiome();
console.log(`${sources.length} source files: ${problems.length} problems in layers, cycles and paths.`);
process.exitCode = clean && problems.length === 0 ? 0 : 1;
