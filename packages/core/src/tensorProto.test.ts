import { TensorProto } from '@tsflow/formats';
import { describe, expect, test } from 'vitest';
import type { ValueDType } from './dtype.ts';
import { type NdArrayLike, toNdArray } from './ndarray.ts';
import { ndArrayOf, shapeFromProto, shapeToProto, tensorProtoOf } from './tensorProto.ts';

const cases: readonly (readonly [ValueDType, NdArrayLike])[] = [
  [
    'float32',
    [
      [1.5, -2],
      [0, 3],
    ],
  ],
  ['float64', Math.PI],
  ['float16', [1.5, -0.25]],
  ['bfloat16', 2.5],
  ['int8', -5],
  ['int16', [1, -2]],
  ['int32', [[1], [-2]]],
  ['int64', [9007199254740993n, -1n]],
  ['int64', -9007199254740993n],
  ['uint8', [1, 255]],
  ['uint16', 65535],
  ['uint32', 4294967295],
  ['uint64', 18446744073709551615n],
  ['bool', [true, false]],
  ['bool', true],
  ['string', ['a', 'ü']],
];

describe('TensorProto', () => {
  for (const [dtype, value] of cases) {
    test(`carries ${dtype}`, () => {
      const array = toNdArray(value, { dtype });
      const bytes = TensorProto.encode(tensorProtoOf(array)).finish();
      expect(ndArrayOf(TensorProto.decode(bytes))).toEqual(array);
    });
  }

  test('repeats the last value of a short list', () => {
    const proto = { dtype: 1, tensorShape: shapeToProto([3]), floatVal: [2] };
    expect(ndArrayOf(proto).toArray()).toEqual([2, 2, 2]);
  });

  test('keeps bytes that are not text', () => {
    const bytes = Uint8Array.of(0xff, 0xfe);
    expect(ndArrayOf({ dtype: 7, tensorShape: shapeToProto([]), stringVal: [bytes] }).item()).toEqual(bytes);
  });

  test('refuses content of the wrong length', () => {
    const proto = { dtype: 1, tensorShape: shapeToProto([3]), tensorContent: new Uint8Array(8) };
    expect(() => ndArrayOf(proto)).toThrowErrorMatchingInlineSnapshot(
      `[DataLossError: a float32 tensor of 3 elements has 8 bytes, 12 expected.]`,
    );
  });

  test('shapes keep what is unknown', () => {
    for (const shape of [null, [], [null, 3]]) expect(shapeFromProto(shapeToProto(shape))).toEqual(shape);
  });
});
