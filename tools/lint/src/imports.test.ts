import { expect, test } from 'vitest';
import { importsOf, resolveRelative } from './imports.ts';

test('finds static, side-effect, re-exported and dynamic imports with their lines', () => {
  const source = [
    "import { a } from './a.ts';",
    "import './effect.ts';",
    'import {',
    '  b,',
    "} from '@tsflow/xla';",
    "export * from './c.ts';",
    "const late = await import('node:fs');",
  ].join('\n');
  expect(importsOf(source)).toEqual([
    { specifier: './a.ts', typeOnly: false, line: 1 },
    { specifier: './effect.ts', typeOnly: false, line: 2 },
    { specifier: '@tsflow/xla', typeOnly: false, line: 3 },
    { specifier: './c.ts', typeOnly: false, line: 6 },
    { specifier: 'node:fs', typeOnly: false, line: 7 },
  ]);
});

test('knows imports that leave nothing behind', () => {
  const typeOnly = (line: string) => importsOf(line).map((found) => found.typeOnly);
  expect(typeOnly("import type { A } from './a.ts';")).toEqual([true]);
  expect(typeOnly("export type { A } from './a.ts';")).toEqual([true]);
  expect(typeOnly("import { type A, type B } from './a.ts';")).toEqual([true]);
  expect(typeOnly("import { type A, b } from './a.ts';")).toEqual([false]);
  expect(typeOnly("import type from './a.ts';")).toEqual([false]);
});

test('ignores imports in comments, templates and exported code', () => {
  const source = [
    '/**',
    " * import { a } from './a.ts';",
    ' */',
    "// import './b.ts';",
    'const text = `',
    "import './c.ts';",
    '`;',
    "export const from = 'nowhere';",
    "export function f() { return './d.ts'; }",
  ].join('\n');
  expect(importsOf(source)).toEqual([]);
});

test('resolves relative specifiers against the importing file', () => {
  expect(resolveRelative('packages/core/src/ops/math.ts', '../op/defineOp.ts')).toBe(
    'packages/core/src/op/defineOp.ts',
  );
});
