import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { opsPage } from './opsPage.ts';

test('docs/ops.md is what the registry says; `pnpm --filter @tsflow/core docs` writes it', () => {
  expect(readFileSync(new URL('../../docs/ops.md', import.meta.url), 'utf8')).toBe(opsPage());
});

test('a row tells signature, types, gradient and where the op runs', () => {
  const rows = opsPage().split('\n');
  expect(rows).toContain('| MatMul | a: T, b: T → product: T | T ∈ floats ints uints | yes | compiled |');
  expect(rows).toContain('| IsVariableInitialized | ref: dtype& → is_initialized: bool | dtype ∈ any | – | host |');
});
