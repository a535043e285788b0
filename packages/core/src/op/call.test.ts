import { describe, expect, test } from 'vitest';
import { InvalidArgumentError } from '../errors.ts';
import { Graph } from '../graph/graph.ts';
import { placeholder, reshape, shape } from '../ops/array.ts';
import { add, multiply } from '../ops/math.ts';
import { matMul } from '../ops/matmul.ts';
import { reduceSum } from '../ops/reduce.ts';
import { constantValue } from './constantValue.ts';

const inGraph = <R>(body: () => R): R => new Graph().asDefault(body);

describe('call', () => {
  test('infers types, shapes and names', () => {
    inGraph(() => {
      const x = placeholder('float64', { shape: [null, 3], name: 'x' });
      const y = multiply(x, 2);
      expect(y.dtype).toBe('float64');
      expect(y.shape).toEqual([null, 3]);
      expect(y.name).toBe('Mul:0');
      expect(y.op.inputs[1]?.name).toBe('Mul/y:0');
      expect(add(x, y).op.attrs).toEqual({ T: 'float64' });
    });
  });

  test('folds shapes that are known', () => {
    inGraph(() => {
      const x = placeholder('float32', { shape: [null, 4, 5] });
      const rows = reduceSum(shape(placeholder('float32', { shape: [3, 4] })), { axis: 0 });
      expect(reshape(x, [rows, 20]).shape).toEqual([7, 20]);
      expect(reshape(x, [-1, 20]).shape).toEqual([null, 20]);
      expect(constantValue(shape(placeholder('int32', { shape: [2, 3] })))?.toArray()).toEqual([2, 3]);
      expect(reduceSum(x, { axis: [1, -1] }).shape).toEqual([null]);
    });
  });

  test('states the fact and the repair, from the user’s line', () => {
    inGraph(() => {
      const a = placeholder('float32', { shape: [32, 784] });
      const b = placeholder('float32', { shape: [128, 10] });
      let error: unknown;
      try {
        matMul(a, b, { name: 'dense_1/MatMul' });
      } catch (e) {
        error = e;
      }
      expect(error).toBeInstanceOf(InvalidArgumentError);
      const e = error as InvalidArgumentError;
      expect(e.code).toBe('INVALID_ARGUMENT');
      expect(e.message).toMatchInlineSnapshot(
        `"MatMul "dense_1/MatMul": inner dimensions differ: a is [32, 784], b is [128, 10] (784 ≠ 128). Transpose one with { transposeA: true } or { transposeB: true }, or change a layer's size."`,
      );
      expect(e.stack?.split('\n').find((line) => /^\s+at /.test(line))).toContain('call.test.ts');
    });
  });

  test('refuses mixed dtypes', () => {
    inGraph(() => {
      const a = placeholder('float32', { name: 'a' });
      const b = placeholder('int32', { name: 'b' });
      expect(() => add(a, b)).toThrowErrorMatchingInlineSnapshot(
        `[InvalidArgumentError: Add "Add": input y is int32 ("b:0"), but T is float32 from the other inputs or attributes. Convert it with cast(x, 'float32').]`,
      );
    });
  });
});
