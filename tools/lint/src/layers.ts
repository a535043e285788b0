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

const testTools: readonly string[] = ['vitest', 'fast-check'];

/** Tests, and what they share: modules that import a test tool. */
const isTest = (file: SourceFile): boolean =>
  file.path.endsWith('.test.ts') || importsOf(file.text).some((found) => testTools.includes(found.specifier));

const folderOf = (path: string): string => path.split('/').slice(0, 2).join('/');
const packageOf = (specifier: string): string =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');

/** Why a package may not import a specifier that names another package, or undefined. */
function problemOfPackage(folder: string, imported: string, declared: Declared): string | undefined {
  const [area, name = ''] = folder.split('/');
  if (imported.startsWith('@tsflow/') && area === 'packages') {
    const other = imported.slice('@tsflow/'.length);
    const allowed = mayImport[name] ?? [];
    if (other !== name && !allowed.includes(other)) {
      return `"${name}" may import ${allowed.length > 0 ? allowed.join(', ') : 'no other package'}`;
    }
  }
  const known = declared.get(folder);
  return known === undefined || known.has(imported)
    ? undefined
    : `"${imported}" is not a dependency in ${folder}/package.json`;
}

/** What is wrong with one import of a file, or undefined. `tests` are the paths of tests and their support. */
function problemOf(
  file: SourceFile,
  { specifier }: Import,
  declared: Declared,
  tests: ReadonlySet<string>,
): string | undefined {
  const folder = folderOf(file.path);
  const [area, name = ''] = folder.split('/');
  if (specifier.startsWith('#')) return undefined; // the package's own, by its manifest
  if (specifier.startsWith('.')) {
    const target = resolveRelative(file.path, specifier);
    if (tests.has(target) && !tests.has(file.path)) return 'it is for tests, since it imports a test tool';
    return target.startsWith(`${folder}/`) ? undefined : `reaches out of ${folder}; import the package by name`;
  }
  if (specifier.startsWith('node:')) {
    const outside = area === 'packages' && portable.includes(name) && !file.path.includes('/platform/');
    return outside && !tests.has(file.path)
      ? `"${name}" runs in browsers; Node's modules belong in its platform/`
      : undefined;
  }
  const imported = packageOf(specifier);
  return testTools.includes(imported) ? undefined : problemOfPackage(folder, imported, declared);
}

/** One line per forbidden import: `path:line: imports "x": why`. */
export function checkLayers(files: readonly SourceFile[], declared: Declared): string[] {
  const tests = new Set(files.filter(isTest).map((file) => file.path));
  return files.flatMap((file) =>
    importsOf(file.text).flatMap((found) => {
      const problem = problemOf(file, found, declared, tests);
      return problem === undefined ? [] : [`${file.path}:${found.line}: imports "${found.specifier}": ${problem}`];
    }),
  );
}
