import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { HloBuilder } from '../hlo/builder.ts';
import type { Value } from '../hlo/builderApi.ts';
import type { Instruction } from '../hlo/module.ts';
import type { BinaryOpcode, Window, WindowDim } from '../hlo/opcodes.ts';
import { arrayShape, type ElementType } from '../hlo/shape.ts';
import { checkSchedule } from './checkSchedule.ts';
import { randomLiteral } from './randomLiteral.ts';
import { scheduleWindow } from './window.ts';

const plain: WindowDim = {
  size: 1,
  stride: 1,
  padLow: 0,
  padHigh: 0,
  baseDilation: 1,
  windowDilation: 1,
  reversal: false,
};
const dim = (
  size: number,
  stride = size,
  pad: readonly [number, number] = [0, 0],
  more: Partial<WindowDim> = {},
): WindowDim => ({
  ...plain,
  size,
  stride,
  padLow: pad[0],
  padHigh: pad[1],
  ...more,
});

const tolerance = { relative: 1e-5, absolute: 1e-5 };

function pool(
  window: Window,
  dims: readonly number[],
  op: BinaryOpcode,
  dtype: ElementType = 'f32',
  init?: number,
): void {
  const b = new HloBuilder('m');
  const x = b.parameter(0, arrayShape(dtype, dims));
  const start = b.scalar(init ?? (op === 'maximum' ? (dtype === 'f32' ? -Infinity : -100) : 0), dtype);
  const y = b.reduceWindow(x, start, window, b.reducer(op, dtype));
  const operands = [randomLiteral(dtype, dims, { scale: 50 }), (start as Instruction<'constant'>).attrs.literal];
  checkSchedule(scheduleWindow, y, operands, { tolerance });
}

describe('reduce-window', () => {
  test('pools channels-last images', () => {
    pool([plain, dim(2), dim(2), plain], [2, 6, 8, 5], 'maximum');
    pool([plain, dim(2), dim(2), plain], [2, 6, 8, 8], 'maximum');
    pool([plain, dim(3, 2, [0, 1]), dim(3, 2, [1, 1]), plain], [2, 7, 8, 9], 'maximum');
    pool([plain, dim(3, 1, [1, 1]), dim(3, 1, [1, 1]), plain], [1, 5, 6, 12], 'add');
    pool([plain, dim(5, 3), dim(5, 3), plain], [1, 11, 11, 4], 'add');
  });

  test('pools along the last dimension, with holes, and by any type', () => {
    pool([plain, dim(3, 2, [1, 1])], [3, 13], 'add');
    pool([plain, dim(4, 1, [3, 0])], [3, 13], 'add');
    pool([dim(2, 1, [1, 0], { windowDilation: 3 }), dim(3, 2, [2, 2], { baseDilation: 2 })], [9, 7], 'add');
    pool([dim(2, 1, [1, 0], { windowDilation: 3 }), plain], [9, 8], 'maximum');
    pool([dim(3, 2, [-1, 2]), plain], [9, 8], 'maximum');
    for (const t of ['s32', 's8', 'f64', 's64', 'bf16'] as const) pool([plain, dim(2), plain], [2, 6, 9], 'maximum', t);
    pool([plain, dim(2), plain], [2, 6, 9], 'maximum', 'f32', 0.25);
  });

  test('fuses the relu before and the scale after', () => {
    const b = new HloBuilder('m');
    const dims = [2, 4, 6, 8];
    const f = b.computation('f', [arrayShape('f32', dims), arrayShape('f32', [8])], (c, x, s) => {
      const relu = c.maximum(x!, c.full(0, 'f32', dims));
      const y = c.reduceWindow(relu, c.scalar(0, 'f32'), [plain, dim(2), dim(2), plain], c.reducer('add', 'f32'));
      const scaled = c.multiply(y, c.broadcast(s!, [2, 2, 3, 8], [3]));
      return c.tuple([scaled, c.negate(y)]);
    });
    const x = b.fusion('window', f, [b.parameter(0, arrayShape('f32', dims)), b.parameter(1, arrayShape('f32', [8]))]);
    checkSchedule(scheduleWindow, x, [randomLiteral('f32', dims), randomLiteral('f32', [8], { seed: 2 })], {
      tolerance,
    });
  });
});

function unpool(
  window: Window,
  dims: readonly number[],
  out: readonly number[],
  options: { scale?: number; fused?: boolean } = {},
) {
  const b = new HloBuilder('m');
  const shapes = [arrayShape('f32', dims), arrayShape('f32', out)];
  const make = (c: HloBuilder, x: Value, s: Value): Value => {
    const cell = arrayShape('f32', []);
    const select = c.computation('ge', [cell, cell], (d, p, q) => d.compare('GE', p!, q!));
    return c.selectAndScatter(x, s, c.scalar(0, 'f32'), { window, select, scatter: c.reducer('add', 'f32') });
  };
  const f = b.computation('f', shapes, (c, x, s) => {
    if (!options.fused) return make(c as HloBuilder, x!, s!);
    const y = make(c as HloBuilder, c.maximum(x!, c.full(0, 'f32', dims)), c.multiply(s!, s!));
    return c.select(c.compare('GT', x!, c.full(0, 'f32', dims)), y, c.full(0, 'f32', dims));
  });
  const x = b.fusion(
    'window',
    f,
    shapes.map((s, i) => b.parameter(i, s)),
  );
  // Whole numbers make ties.
  const values = randomLiteral('f32', dims, { scale: options.scale ?? 3 });
  for (let i = 0; i < values.data.length; i++) values.data[i] = Math.round(Number(values.data[i]));
  return checkSchedule(scheduleWindow, x, [values, randomLiteral('f32', out, { seed: 5 })], { tolerance });
}

describe('select-and-scatter', () => {
  test('writes windows that tile the array in one pass', () => {
    expect(unpool([plain, dim(2), dim(2), plain], [2, 4, 6, 5], [2, 2, 3, 5]).launches).toHaveLength(1);
    unpool([plain, dim(2), dim(2), plain], [2, 4, 6, 8], [2, 2, 3, 8], { fused: true });
    unpool([plain, dim(3)], [2, 9], [2, 3]);
  });

  test('gathers where windows overlap, leave elements out, or hang over', () => {
    expect(unpool([plain, dim(3, 2), dim(3, 2), plain], [2, 7, 9, 4], [2, 3, 4, 4]).launches).toHaveLength(2);
    unpool([plain, dim(3, 2, [0, 1]), dim(3, 2, [1, 1]), plain], [1, 8, 7, 9], [1, 4, 4, 9], { fused: true });
    unpool([plain, dim(2, 2), dim(2, 3), plain], [1, 5, 8, 4], [1, 2, 3, 4]);
    unpool([dim(3, 1, [2, 2]), plain], [5, 4], [7, 4]);
    unpool([dim(2, 1, [0, 0], { windowDilation: 2 })], [9], [7]);
  });

  test('random windows', () => {
    const one = fc.record({
      n: fc.integer({ min: 1, max: 7 }),
      size: fc.integer({ min: 1, max: 3 }),
      stride: fc.integer({ min: 1, max: 3 }),
      low: fc.nat(1),
      high: fc.nat(1),
    });
    fc.assert(
      fc.property(one, one, fc.constantFrom(1, 3, 4, 5), (a, c, channels) => {
        fc.pre(a.n + a.low + a.high >= a.size && c.n + c.low + c.high >= c.size);
        const places = (d: typeof a): number => Math.floor((d.n + d.low + d.high - d.size) / d.stride) + 1;
        const window = [dim(a.size, a.stride, [a.low, a.high]), dim(c.size, c.stride, [c.low, c.high]), plain];
        unpool(window, [a.n, c.n, channels], [places(a), places(c), channels]);
        pool(window, [a.n, c.n, channels], 'maximum');
      }),
      { numRuns: 60, seed: 5 },
    );
  });
});
