import { describe, expect, test } from 'vitest';
import { HloBuilder } from '../hlo/builder.ts';
import type { GatherDimensionNumbers } from '../hlo/opcodes.ts';
import { arrayShape, type ElementType } from '../hlo/shape.ts';
import { checkSchedule } from './checkSchedule.ts';
import { scheduleLoop } from './loop.ts';
import { randomLiteral } from './randomLiteral.ts';

interface Case {
  readonly dims: readonly number[];
  readonly indices: readonly number[];
  readonly numbers: GatherDimensionNumbers;
  readonly sliceSizes: readonly number[];
  readonly indexType?: ElementType;
}

function gather({ dims, indices, numbers, sliceSizes, indexType = 's32' }: Case) {
  const b = new HloBuilder('m');
  const y = b.gather(
    b.parameter(0, arrayShape('f32', dims)),
    b.parameter(1, arrayShape(indexType, indices)),
    numbers,
    sliceSizes,
  );
  // Some indices lie outside, and are clamped.
  return checkSchedule(scheduleLoop, y, [randomLiteral('f32', dims), randomLiteral(indexType, indices, { scale: 9 })]);
}

describe('gather', () => {
  const rows = { offsetDims: [1], collapsedSliceDims: [0], startIndexMap: [0], indexVectorDim: 1 };

  test('rows of a table, whatever type the indices have', () => {
    for (const indexType of ['s32', 's64'] as const) {
      gather({ dims: [7, 10], indices: [5], numbers: rows, sliceSizes: [1, 10], indexType });
    }
    gather({
      dims: [7, 10],
      indices: [4, 5],
      numbers: { ...rows, offsetDims: [2], indexVectorDim: 2 },
      sliceSizes: [1, 10],
    });
    gather({ dims: [7, 3, 5], indices: [5, 1], numbers: { ...rows, offsetDims: [1, 2] }, sliceSizes: [1, 3, 5] });
  });

  test('single elements, windows, and columns', () => {
    gather({
      dims: [6, 9],
      indices: [13, 2],
      numbers: { offsetDims: [], collapsedSliceDims: [0, 1], startIndexMap: [0, 1], indexVectorDim: 1 },
      sliceSizes: [1, 1],
    });
    gather({
      dims: [6, 9],
      indices: [4, 2],
      numbers: { offsetDims: [1, 2], collapsedSliceDims: [], startIndexMap: [1, 0], indexVectorDim: 1 },
      sliceSizes: [2, 5],
    });
    gather({
      dims: [6, 9],
      indices: [8],
      numbers: { offsetDims: [0], collapsedSliceDims: [1], startIndexMap: [1], indexVectorDim: 1 },
      sliceSizes: [6, 1],
    });
    gather({
      dims: [6, 9],
      indices: [2, 4],
      numbers: { offsetDims: [0, 2], collapsedSliceDims: [], startIndexMap: [0, 1], indexVectorDim: 0 },
      sliceSizes: [3, 4],
    });
  });

  test('fuses what reads it', () => {
    const b = new HloBuilder('m');
    const shapes = [arrayShape('f32', [7, 12]), arrayShape('s32', [5])];
    const f = b.computation('f', shapes, (c, table, ids) => c.tanh(c.gather(table!, c.add(ids!, ids!), rows, [1, 12])));
    const x = b.fusion(
      'loop',
      f,
      shapes.map((s, i) => b.parameter(i, s)),
    );
    const s = checkSchedule(scheduleLoop, x, [randomLiteral('f32', [7, 12]), randomLiteral('s32', [5], { scale: 5 })]);
    expect(s.launches).toHaveLength(1);
  });
});
