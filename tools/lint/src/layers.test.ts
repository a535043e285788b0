import { expect, test } from 'vitest';
import { checkLayers } from './layers.ts';

const declared = new Map([
  ['packages/xla', new Set(['@tsflow/xla'])],
  ['packages/core', new Set(['@tsflow/core', '@tsflow/formats', '@tsflow/xla'])],
  ['packages/formats', new Set(['@tsflow/formats', 'long'])],
]);
const check = (path: string, text: string) => checkLayers([{ path, text }], declared);

test('lets packages import downwards', () => {
  expect(check('packages/core/src/a.ts', "import { b } from '@tsflow/xla';\nimport './c.ts';\n")).toEqual([]);
});

test('refuses an import upwards and says what is allowed', () => {
  expect(check('packages/core/src/a.ts', "\nimport { b } from '@tsflow/tf';\n")).toEqual([
    'packages/core/src/a.ts:2: imports "@tsflow/tf": "core" may import formats, xla',
  ]);
  expect(check('packages/xla/src/a.ts', "import type { b } from '@tsflow/formats';\n")).toEqual([
    'packages/xla/src/a.ts:1: imports "@tsflow/formats": "xla" may import no other package',
  ]);
});

test('refuses paths into another package', () => {
  expect(check('packages/core/src/a.ts', "import '#own';\nimport '../../xla/src/b.ts';\n")).toEqual([
    'packages/core/src/a.ts:2: imports "../../xla/src/b.ts": reaches out of packages/core; import the package by name',
  ]);
});

test('keeps Node modules in the platform folder and in tests', () => {
  const text = "import { readFileSync } from 'node:fs';\n";
  expect(check('packages/core/src/a.ts', text)).toEqual([
    'packages/core/src/a.ts:1: imports "node:fs": "core" runs in browsers; Node\'s modules belong in its platform/',
  ]);
  expect(check('packages/core/src/platform/node.ts', text)).toEqual([]);
  expect(check('packages/core/src/a.test.ts', text)).toEqual([]);
  expect(check('packages/core/src/ops/support.ts', `${text}import { expect } from 'vitest';\n`)).toEqual([]);
  expect(check('tools/bench/src/a.ts', text)).toEqual([]);
});

test('refuses what the manifest does not declare', () => {
  expect(check('packages/formats/src/a.ts', "import Long from 'long';\nimport x from 'left-pad/x';\n")).toEqual([
    'packages/formats/src/a.ts:2: imports "left-pad/x": "left-pad" is not a dependency in packages/formats/package.json',
  ]);
});

test('keeps what tests share out of the rest', () => {
  const support = { path: 'packages/xla/src/support.ts', text: "import fc from 'fast-check';\n" };
  const user = (path: string) => ({ path, text: "import { x } from './support.ts';\n" });
  expect(checkLayers([support, user('packages/xla/src/a.test.ts')], declared)).toEqual([]);
  expect(checkLayers([support, user('packages/xla/src/a.ts')], declared)).toEqual([
    'packages/xla/src/a.ts:1: imports "./support.ts": it is for tests, since it imports a test tool',
  ]);
});
