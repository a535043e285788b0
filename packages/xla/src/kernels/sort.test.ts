import { describe, expect, test } from 'vitest';
import { HloBuilder } from '../hlo/builder.ts';
import { literalOf } from '../hlo/literals.ts';
import { arrayShape, type ElementType } from '../hlo/shape.ts';
import { checkSchedule } from './checkSchedule.ts';
import { randomLiteral } from './randomLiteral.ts';
import { scheduleRng } from './rng.ts';
import { scheduleSort } from './sort.ts';
import { scheduleTopK } from './topK.ts';

describe('sort', () => {
  test('rows of any type along any dimension', () => {
    for (const t of ['f32', 's32', 's8', 'u8', 's64', 'f64', 'bf16'] as const) {
      for (const [dims, dimension] of [
        [[5, 23], 1],
        [[23, 5], 0],
        [[3, 8, 4], 1],
        [[1], 0],
        [[64], 0],
      ] as const) {
        const b = new HloBuilder('m');
        const cell = arrayShape(t, []);
        const comparator = b.computation('lt', [cell, cell], (c, p, q) => c.compare('LT', p!, q!));
        const y = b.sort([b.parameter(0, arrayShape(t, dims))], { dimension, comparator });
        checkSchedule(scheduleSort, y, [randomLiteral(t, dims, { scale: 9 })]);
      }
    }
  });

  test('several arrays together, stably, downwards', () => {
    const b = new HloBuilder('m');
    const dims = [4, 50];
    const comparator = b.computation(
      'gt',
      [arrayShape('s32', []), arrayShape('s32', []), arrayShape('f32', []), arrayShape('f32', [])],
      (c, p, q) => c.compare('GT', p!, q!),
    );
    const y = b.sort([b.parameter(0, arrayShape('s32', dims)), b.parameter(1, arrayShape('f32', dims))], {
      dimension: 1,
      comparator,
      stable: true,
    });
    checkSchedule(scheduleSort, y, [randomLiteral('s32', dims, { scale: 3 }), randomLiteral('f32', dims)]);
  });

  test('many rows are shared', () => {
    const b = new HloBuilder('m');
    const cell = arrayShape('f32', []);
    const comparator = b.computation('lt', [cell, cell], (c, p, q) => c.compare('LT', p!, q!));
    const y = b.sort([b.parameter(0, arrayShape('f32', [40, 60]))], { dimension: 1, comparator });
    const s = checkSchedule(scheduleSort, y, [randomLiteral('f32', [40, 60])]);
    expect(s.launches[0]?.kernel.parallel).toBe(true);
  });
});

describe('top-k', () => {
  test('winners and places, ties by place, NaN first', () => {
    for (const t of ['f32', 's32', 'u8', 's64', 'f64', 'bf16'] as ElementType[]) {
      for (const [dims, k] of [
        [[6, 41], 5],
        [[41], 41],
        [[3, 7], 1],
        [[2, 200], 70],
        [[4, 16], 16],
      ] as const) {
        const b = new HloBuilder('m');
        const y = b.topK(b.parameter(0, arrayShape(t, dims)), k);
        const special = t === 'f32' || t === 'f64';
        checkSchedule(scheduleTopK, y, [randomLiteral(t, dims, { scale: 6, special })]);
      }
    }
  });

  test('large rows are shared', () => {
    const b = new HloBuilder('m');
    const y = b.topK(b.parameter(0, arrayShape('f32', [20, 3000])), 8);
    const s = checkSchedule(scheduleTopK, y, [randomLiteral('f32', [20, 3000])]);
    expect(s.launches[0]?.kernel.parallel).toBe(true);
  });
});

describe('rng-bit-generator', () => {
  test('equals the reference bit for bit', () => {
    for (const dtype of ['u32', 'u64'] as const) {
      for (const dims of [[1], [7], [64], [5, 9], [0], [3001]]) {
        const b = new HloBuilder('m');
        const y = b.rngBitGenerator(b.parameter(0, arrayShape('u64', [2])), dtype, dims);
        const state = literalOf(BigUint64Array.of(0x123456789abcdef0n, 0xfffffffffffffffen), 'u64', [2]);
        checkSchedule(scheduleRng, y, [state]);
      }
    }
  });
});
