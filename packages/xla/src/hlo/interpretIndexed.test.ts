// Expected values: jax.lax.gather, scatter_add, scatter_mul, sort and top_k on the same patterned data.
import { describe, expect, it } from 'vitest';
import type { HloBuilder } from './builder.ts';
import type { Value } from './builderApi.ts';
import { toNumbers } from './literals.ts';
import { arrayShape } from './shape.ts';
import { numbers, pattern, run, vector } from './testing.ts';

const indices = [0, 1, 2, 3, 9, -4, 1, 0, 2, 2, 0, 4];

describe('gather', () => {
  const want = [
    5, 1, -3, -5, 2, -2, 3, -1, -5, -4, 3, -1, -3, 4, 0, 5, 1, -3, -5, 2, -2, -5, 2, -2, 1, -3, 4, -3, 4, 0, -3, 4, 0,
    3, -1, -5,
  ];

  it('clamps starts and places offsets, wherever the index vectors lie', () => {
    const numbersOf = (indexVectorDim: number, at: (b: HloBuilder) => Value) =>
      numbers((b) =>
        b.gather(
          b.constant(pattern([3, 4, 5])),
          at(b),
          { offsetDims: [1, 3], collapsedSliceDims: [0], startIndexMap: [0, 2], indexVectorDim },
          [1, 2, 3],
        ),
      );
    const last = (b: HloBuilder) => vector(b, indices, 's32', [2, 3, 2]);
    expect(numbersOf(2, last)).toEqual(want);
    expect(numbersOf(0, (b) => b.transpose(last(b), [2, 0, 1]))).toEqual(want);
    expect(numbersOf(1, (b) => b.convert(b.transpose(last(b), [0, 2, 1]), 's64'))).toEqual(want);
  });
});

describe('scatter', () => {
  it('adds windows, repeated ones too', () => {
    const dimensionNumbers = {
      updateWindowDims: [1],
      insertedWindowDims: [0],
      scatterDimsToOperandDims: [0, 1],
      indexVectorDim: 1,
    };
    expect(
      numbers((b) =>
        b.scatter(
          b.constant(pattern([3, 4])),
          vector(b, [0, 1, 2, 2, 0, 1], 's32', [3, 2]),
          b.constant(pattern([3, 2])),
          {
            dimensionNumbers,
            computation: b.reducer('add', 'f32'),
          },
        ),
      ),
    ).toEqual([-2, 7, 6, -3, 4, 0, -4, 3, -1, -5, 3, -5]);
  });

  it('combines by any computation and skips what lies outside', () => {
    const dimensionNumbers = {
      updateWindowDims: [],
      insertedWindowDims: [0],
      scatterDimsToOperandDims: [0],
      indexVectorDim: 1,
    };
    const scatter = (op: 'multiply' | 'assign') =>
      numbers((b) => {
        const f32 = arrayShape('f32', []);
        const assign = b.computation('assign', [f32, f32], (_c, _old, update) => update as Value);
        return b.scatter(b.constant(pattern([5])), vector(b, [0, 3, 3, 7], 's32', [4, 1]), b.constant(pattern([4])), {
          dimensionNumbers,
          computation: op === 'assign' ? assign : b.reducer('multiply', 'f32'),
        });
      });
    expect(scatter('multiply')).toEqual([4, 5, 1, -15, 4]);
    expect(scatter('assign')).toEqual([-2, 5, 1, 1, 4]); // the last update of a place wins
  });
});

describe('sort', () => {
  it('carries a second array along', () => {
    const [keys, values] = run((b) => {
      const [f32, s32] = [arrayShape('f32', []), arrayShape('s32', [])];
      const comparator = b.computation('less', [f32, f32, s32, s32], (c, x, y) =>
        c.compare('LT', x as Value, y as Value),
      );
      const x = b.constant(pattern([3, 5]));
      const s = b.sort([x, b.reshape(b.iota('s32', [15], 0), [3, 5])], { dimension: 0, comparator });
      return [b.getTupleElement(s, 0), b.getTupleElement(s, 1)];
    });
    expect(toNumbers(keys!)).toEqual([-2, -4, 1, -3, -5, 0, -2, 3, -1, -3, 2, 5, 5, 1, 4]);
    expect(toNumbers(values!)).toEqual([0, 6, 2, 3, 9, 5, 11, 7, 8, 14, 10, 1, 12, 13, 4]);
  });

  it('is stable', () => {
    const [, values] = run((b) => {
      const s32 = arrayShape('s32', []);
      const comparator = b.computation('greater', [s32, s32, s32, s32], (c, x, y) =>
        c.compare('GT', x as Value, y as Value),
      );
      const s = b.sort([vector(b, [1, 2, 1, 2, 1], 's32'), b.iota('s32', [5], 0)], { dimension: 0, comparator });
      return [b.getTupleElement(s, 0), b.getTupleElement(s, 1)];
    });
    expect(toNumbers(values!)).toEqual([1, 3, 0, 2, 4]);
  });
});

describe('top-k', () => {
  it('goes down, ties by lower index, NaN first', () => {
    const top = (values: number[], dims: number[], k: number) =>
      run((b) => {
        const t = b.topK(vector(b, values, 'f32', dims), k);
        return [b.getTupleElement(t, 0), b.getTupleElement(t, 1)];
      }).map((l) => toNumbers(l));
    expect(top([1, Infinity, 3, 3, -2, 5, 0, 0, 0, 7, 7, 7], [2, 6], 4)).toEqual([
      [Infinity, 5, 3, 3, 7, 7, 7, 0],
      [1, 5, 2, 3, 3, 4, 5, 0],
    ]);
    expect(top([1, Number.NaN, 9, Number.NaN], [4], 3)).toEqual([
      [Number.NaN, Number.NaN, 9],
      [1, 3, 2],
    ]);
  });
});
