/**
 * @file Finds the import specifiers of a TypeScript source by its text, and the files that relative ones mean.
 *
 * The text is enough because the formatter puts every import statement at the start of a line. Comments and the
 * contents of template literals are blanked first, so that examples in them are not taken for imports.
 */
import { posix } from 'node:path';

/** One import or re-export, static or dynamic. */
export interface Import {
  readonly specifier: string;
  /** True when nothing of it is left after compiling: `import type`, `export type`, or only `type` names. */
  readonly typeOnly: boolean;
  readonly line: number;
}

const blank = (text: string): string => text.replace(/[^\n]/g, ' ');

/** The source with comments and template literals replaced by spaces; strings are kept. */
function withoutNoise(source: string): string {
  const token = /\/\*[\s\S]*?\*\/|\/\/[^\n]*|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\[\s\S]|[^`\\])*`/g;
  return source.replace(token, (match) => (match.startsWith("'") || match.startsWith('"') ? match : blank(match)));
}

function isTypeOnly(clause: string): boolean {
  if (/^\s*type\b(?!\s*(?:,|$))/.test(clause)) return true;
  const names = /^\s*\{([^}]*)\}\s*$/
    .exec(clause)?.[1]
    ?.split(',')
    .filter((name) => name.trim() !== '');
  return names !== undefined && names.length > 0 && names.every((name) => /^\s*type\s/.test(name));
}

/** All imports of a source, in order. */
export function importsOf(source: string): Import[] {
  const text = withoutNoise(source);
  const found: (Import & { at: number })[] = [];
  const add = (at: number, specifier: string, typeOnly: boolean) =>
    found.push({ at, specifier, typeOnly, line: text.slice(0, at).split('\n').length });
  for (const match of text.matchAll(/^(?:import|export)\b([^'"`;=()]*?)\bfrom\s*['"]([^'"]+)['"]/gm)) {
    add(match.index, match[2] ?? '', isTypeOnly(match[1] ?? ''));
  }
  for (const match of text.matchAll(/^import\s*['"]([^'"]+)['"]/gm)) add(match.index, match[1] ?? '', false);
  for (const match of text.matchAll(/\bimport\(\s*['"]([^'"]+)['"]/g)) add(match.index, match[1] ?? '', false);
  return found.sort((a, b) => a.at - b.at).map(({ specifier, typeOnly, line }) => ({ specifier, typeOnly, line }));
}

/** The path (relative to the repository) that a relative specifier in `file` means. */
export function resolveRelative(file: string, specifier: string): string {
  return posix.join(posix.dirname(file), specifier);
}
