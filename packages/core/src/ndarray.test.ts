import { describe, expect, test } from 'vitest';
import { NdArray, toNdArray } from './ndarray.ts';

describe('toNdArray', () => {
  test('infers dtype and shape', () => {
    expect(
      toNdArray([
        [1, 2],
        [3, 4],
      ]),
    ).toMatchObject({ dtype: 'float32', shape: [2, 2] });
    expect(toNdArray(3n)).toMatchObject({ dtype: 'int64', shape: [] });
    expect(toNdArray([true, false])).toMatchObject({ dtype: 'bool', shape: [2] });
    expect(toNdArray(['a', 'b'])).toMatchObject({ dtype: 'string', shape: [2], data: ['a', 'b'] });
    expect(toNdArray(Int32Array.of(1, 2))).toMatchObject({ dtype: 'int32', shape: [2] });
    expect(toNdArray([])).toMatchObject({ dtype: 'float32', shape: [0] });
    expect(toNdArray([[], []])).toMatchObject({ dtype: 'float32', shape: [2, 0] });
  });

  test('keeps 64-bit integers exact', () => {
    const big = 9007199254740993n;
    expect(toNdArray([big]).toArray()).toEqual([big]);
    expect(toNdArray([1, 2], { dtype: 'int64' }).toArray()).toEqual([1n, 2n]);
  });

  test('decodes 16-bit floats', () => {
    expect(toNdArray([1.5, -0.25], { dtype: 'float16' }).toArray()).toEqual([1.5, -0.25]);
    expect(toNdArray(1.5, { dtype: 'bfloat16' }).item()).toBe(1.5);
  });

  test('fills a shape with one element', () => {
    expect(toNdArray(2, { shape: [2, 2] }).toArray()).toEqual([
      [2, 2],
      [2, 2],
    ]);
  });

  test('refuses what does not fit', () => {
    expect(() => toNdArray([[1, 2], [3]])).toThrowErrorMatchingInlineSnapshot(
      `[InvalidArgumentError: the nested list is ragged: at depth 1 it has a list of 1 where a list of 2 is expected.]`,
    );
    expect(() => toNdArray(1.5, { dtype: 'int32' })).toThrowErrorMatchingInlineSnapshot(
      `[InvalidArgumentError: 1.5 does not fit int32. Round it, or give another dtype.]`,
    );
    expect(() => toNdArray([1, 2, 3], { shape: [2, 2] })).toThrowErrorMatchingInlineSnapshot(
      `[InvalidArgumentError: a value of shape [3] (3 elements) does not fill shape [2, 2] (4).]`,
    );
    expect(() => new NdArray('int32', [2], Float32Array.of(1, 2))).toThrowErrorMatchingInlineSnapshot(
      `[InvalidArgumentError: int32 data is stored as Int32Array, not Float32Array.]`,
    );
    expect(() => toNdArray([1, 2]).item()).toThrow(/item\(\) needs one element/);
  });
});
