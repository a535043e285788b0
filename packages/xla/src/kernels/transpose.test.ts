import fc from 'fast-check';
import { expect, test } from 'vitest';
import { HloBuilder } from '../hlo/builder.ts';
import { arrayShape, type ElementType } from '../hlo/shape.ts';
import { checkSchedule } from './checkSchedule.ts';
import { randomLiteral } from './randomLiteral.ts';
import { scheduleTranspose, simplifyPermutation } from './transpose.ts';

function transpose(dims: readonly number[], permutation: readonly number[], dtype: ElementType = 'f32') {
  const b = new HloBuilder('m');
  const y = b.transpose(b.parameter(0, arrayShape(dtype, dims)), permutation);
  return checkSchedule(scheduleTranspose, y, [randomLiteral(dtype, dims)]);
}

test('merges dims that stay together', () => {
  expect(simplifyPermutation([2, 3, 4, 5], [2, 3, 0, 1])).toEqual({ dims: [6, 20], permutation: [1, 0] });
  expect(simplifyPermutation([2, 1, 4, 5], [3, 1, 0, 2])).toEqual({ dims: [8, 5], permutation: [1, 0] });
  expect(simplifyPermutation([2, 3, 4], [1, 0, 2])).toEqual({ dims: [2, 3, 4], permutation: [1, 0, 2] });
});

test('matrices of every element size, larger and smaller than a block', () => {
  for (const t of ['pred', 's8', 'f16', 'bf16', 'f32', 's64', 'f64'] as const) {
    for (const dims of [
      [3, 5],
      [4, 4],
      [37, 41],
      [70, 9],
      [1, 6],
      [8, 64],
    ])
      transpose(dims, [1, 0], t);
  }
  expect(transpose([130, 130], [1, 0]).launches[0]?.kernel.parallel).toBe(true);
});

test('large matrices turn in a buffer', () => {
  transpose([600, 450], [1, 0]);
  transpose([3, 401, 300], [0, 2, 1], 'f64');
});

test('any permutation', () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom(1, 2, 3, 4, 6, 9), { minLength: 1, maxLength: 4 }),
      fc.array(fc.nat(1000), { minLength: 4, maxLength: 4 }),
      (dims, keys) => {
        const permutation = dims.map((_, d) => d).sort((a, b) => (keys[a] as number) - (keys[b] as number) || a - b);
        transpose(dims, permutation);
      },
    ),
    { numRuns: 150, seed: 1 },
  );
});
