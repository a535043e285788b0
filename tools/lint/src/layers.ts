/**
 * @file Checks imports against the table of rooms: packages import downwards only, stay out of each other's files,
 * declare what they import, and keep Node's modules inside `platform/` where browsers run the rest.
 */
import { type Import, importsOf, resolveRelative } from './imports.ts';
import { mayImport, portable } from './rules.ts';

/** A source file by its path relative to the repository, with forward slashes. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

/** Dependencies that each package's manifest declares, by folder (`packages/core`). */
export type Declared = ReadonlyMap<string, ReadonlySet<string>>;

/** Tests, and the modules named `testing.ts` that only tests use. */
const isTest = (path: string): boolean => /(?:\.test|\btesting)\.ts$/.test(path);
const folderOf = (path: string): string => path.split('/').slice(0, 2).join('/');
const packageOf = (specifier: string): string =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');

/** What is wrong with one import of a file, or undefined. */
function problemOf(file: SourceFile, { specifier }: Import, declared: Declared): string | undefined {
  const folder = folderOf(file.path);
  const [area, name = ''] = folder.split('/');
  if (specifier.startsWith('#')) return undefined; // the package's own, by its manifest
  if (specifier.startsWith('.')) {
    const target = resolveRelative(file.path, specifier);
    return target.startsWith(`${folder}/`) ? undefined : `reaches out of ${folder}; import the package by name`;
  }
  if (specifier.startsWith('node:')) {
    const outside = area === 'packages' && portable.includes(name) && !file.path.includes('/platform/');
    return outside && !isTest(file.path)
      ? `"${name}" runs in browsers; Node's modules belong in its platform/`
      : undefined;
  }
  const imported = packageOf(specifier);
  if (imported.startsWith('@tsflow/') && area === 'packages') {
    const other = imported.slice('@tsflow/'.length);
    const allowed = mayImport[name] ?? [];
    if (other !== name && !allowed.includes(other)) {
      return `"${name}" may import ${allowed.length > 0 ? allowed.join(', ') : 'no other package'}`;
    }
  }
  const isRoot = isTest(file.path) && ['vitest', 'fast-check'].includes(imported);
  const known = declared.get(folder);
  if (isRoot || known === undefined || known.has(imported)) return undefined;
  return `"${imported}" is not a dependency in ${folder}/package.json`;
}

/** One line per forbidden import: `path:line: imports "x": why`. */
export function checkLayers(files: readonly SourceFile[], declared: Declared): string[] {
  return files.flatMap((file) =>
    importsOf(file.text).flatMap((found) => {
      const problem = problemOf(file, found, declared);
      return problem === undefined ? [] : [`${file.path}:${found.line}: imports "${found.specifier}": ${problem}`];
    }),
  );
}
