import { describe, expect, test } from 'vitest';
import { HloBuilder } from '../hlo/builder.ts';
import type { Value } from '../hlo/builderApi.ts';
import type { Instruction } from '../hlo/module.ts';
import type { BinaryOpcode, ScatterDimensionNumbers } from '../hlo/opcodes.ts';
import { arrayShape, type ElementType } from '../hlo/shape.ts';
import { checkSchedule } from './checkSchedule.ts';
import { scheduleDynamicUpdateSlice } from './dynamicUpdate.ts';
import { randomLiteral } from './randomLiteral.ts';
import { scheduleScatter } from './scatter.ts';

const tolerance = { relative: 1e-5, absolute: 1e-4 };

interface Case {
  readonly dims: readonly number[];
  readonly indices: readonly number[];
  readonly updates: readonly number[];
  readonly numbers: ScatterDimensionNumbers;
  readonly op?: BinaryOpcode;
  readonly dtype?: ElementType;
  readonly indexType?: ElementType;
  readonly scale?: number;
}

function scatter({ dims, indices, updates, numbers, op = 'add', dtype = 'f32', indexType = 's32', scale = 8 }: Case) {
  const b = new HloBuilder('m');
  const parameters = [arrayShape(dtype, dims), arrayShape(indexType, indices), arrayShape(dtype, updates)];
  const [x, i, u] = parameters.map((s, n) => b.parameter(n, s)) as [Value, Value, Value];
  const y = b.scatter(x, i, u, { dimensionNumbers: numbers, computation: b.reducer(op, dtype) });
  const operands = [
    randomLiteral(dtype, dims, { scale: 50 }),
    randomLiteral(indexType, indices, { scale, seed: 4 }),
    randomLiteral(dtype, updates, { scale: 50, seed: 9 }),
  ];
  return checkSchedule(scheduleScatter, y, operands, { tolerance });
}

const rows = { updateWindowDims: [1], insertedWindowDims: [0], scatterDimsToOperandDims: [0], indexVectorDim: 1 };

describe('scatter', () => {
  test('adds rows, skipping those outside', () => {
    for (const indexType of ['s32', 's64'] as const)
      scatter({ dims: [7, 10], indices: [9], updates: [9, 10], numbers: rows, indexType });
    for (const op of ['multiply', 'maximum', 'add'] as const)
      scatter({ dims: [7, 10], indices: [9, 1], updates: [9, 10], numbers: rows, op });
    for (const dtype of ['s32', 's8', 's64', 'f64', 'bf16'] as const) {
      const half = dtype === 'bf16';
      if (!half) scatter({ dims: [7, 10], indices: [9], updates: [9, 10], numbers: rows, dtype });
    }
  });

  test('threads share the rows of large updates', () => {
    const s = scatter({ dims: [40, 130], indices: [150], updates: [150, 130], numbers: rows, scale: 45 });
    expect(s.launches.map((l) => l.kernel.parallel)).toEqual([true]);
    expect(s.copied).toEqual([{ operand: 0, output: 0 }]);
  });

  test('single elements and windows', () => {
    scatter({
      dims: [6, 9],
      indices: [20, 2],
      updates: [20],
      numbers: {
        updateWindowDims: [],
        insertedWindowDims: [0, 1],
        scatterDimsToOperandDims: [0, 1],
        indexVectorDim: 1,
      },
    });
    scatter({
      dims: [6, 9],
      indices: [5, 2],
      updates: [5, 2, 4],
      numbers: {
        updateWindowDims: [1, 2],
        insertedWindowDims: [],
        scatterDimsToOperandDims: [1, 0],
        indexVectorDim: 1,
      },
    });
    scatter({
      dims: [6, 9],
      indices: [3],
      updates: [6, 3],
      numbers: { updateWindowDims: [0], insertedWindowDims: [1], scatterDimsToOperandDims: [1], indexVectorDim: 1 },
    });
  });

  test('starts from computed values, with computed updates', () => {
    const b = new HloBuilder('m');
    const shapes = [arrayShape('s32', [12]), arrayShape('f32', [12, 9])];
    const f = b.computation('f', shapes, (c, ids, u) =>
      c.scatter(c.full(0, 'f32', [5, 9]), ids!, c.multiply(u!, u!), {
        dimensionNumbers: rows,
        computation: c.reducer('add', 'f32'),
      }),
    );
    const x: Instruction = b.fusion(
      'scatter',
      f,
      shapes.map((s, i) => b.parameter(i, s)),
    );
    checkSchedule(scheduleScatter, x, [randomLiteral('s32', [12], { scale: 6 }), randomLiteral('f32', [12, 9])], {
      tolerance,
    });
  });
});

describe('dynamic-update-slice', () => {
  test('writes a slice at a clamped place', () => {
    const cases: readonly (readonly [readonly number[], readonly number[], ElementType])[] = [
      [[6, 9, 8], [2, 9, 8], 'f32'],
      [[6, 9, 8], [2, 3, 5], 'f32'],
      [[6, 9, 8], [6, 9, 8], 's64'],
      [[11], [4], 's8'],
      [[5, 40], [1, 40], 'f64'],
    ];
    for (const [dims, small, t] of cases) {
      const b = new HloBuilder('m');
      const starts = dims.map((_, d) => b.parameter(d + 2, arrayShape('s32', [])));
      const y = b.dynamicUpdateSlice(b.parameter(0, arrayShape(t, dims)), b.parameter(1, arrayShape(t, small)), starts);
      for (const seed of [1, 2, 3]) {
        const at = dims.map((_, d) => randomLiteral('s32', [], { scale: 7, seed: seed * 10 + d }));
        checkSchedule(scheduleDynamicUpdateSlice, y, [
          randomLiteral(t, dims),
          randomLiteral(t, small, { seed: 8 }),
          ...at,
        ]);
      }
    }
  });
});
