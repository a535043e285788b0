import { describe, expect, it } from 'vitest';
import { HloBuilder } from './builder.ts';
import type { Value } from './builderApi.ts';
import { interpretModule } from './interpret.ts';
import type { Literal } from './literal.ts';
import { literalFrom, toNumbers } from './literals.ts';
import { arrayShape } from './shape.ts';
import { numbers, run, stored, vector } from './testing.ts';

describe('integers', () => {
  it('divide by zero as XLA: all bits set, remainder the dividend, least / −1 = least', () => {
    const x = [7, -7, -2147483648, 5];
    const y = [0, 2, -1, -3];
    expect(numbers((b) => b.divide(vector(b, x, 's32'), vector(b, y, 's32')))).toEqual([-1, -3, -2147483648, -1]);
    expect(numbers((b) => b.remainder(vector(b, x, 's32'), vector(b, y, 's32')))).toEqual([7, -1, 0, 2]);
    expect(numbers((b) => b.divide(vector(b, [5], 'u8'), vector(b, [0], 'u8')))).toEqual([255]);
    const big = -(1n << 63n);
    expect(stored((b) => b.divide(vector(b, [big, 9n], 's64'), vector(b, [-1n, 0n], 's64')))).toEqual([big, -1n]);
    expect(stored((b) => b.divide(vector(b, [9n], 'u64'), vector(b, [0n], 'u64')))).toEqual([(1n << 64n) - 1n]);
  });

  it('wrap around', () => {
    expect(numbers((b) => b.multiply(vector(b, [65537], 's32'), vector(b, [65537], 's32')))).toEqual([131073]);
    expect(numbers((b) => b.add(vector(b, [127], 's8'), vector(b, [1], 's8')))).toEqual([-128]);
    expect(numbers((b) => b.subtract(vector(b, [0], 'u16'), vector(b, [1], 'u16')))).toEqual([65535]);
    expect(numbers((b) => b.multiply(vector(b, [4294967295], 'u32'), vector(b, [4294967295], 'u32')))).toEqual([1]);
    const m = (1n << 62n) + 3n;
    expect(stored((b) => b.multiply(vector(b, [m], 's64'), vector(b, [5n], 's64')))).toEqual([
      BigInt.asIntN(64, m * 5n),
    ]);
    expect(numbers((b) => b.abs(vector(b, [-128, 5], 's8')))).toEqual([-128, 5]);
    expect(numbers((b) => b.negate(vector(b, [1], 'u8')))).toEqual([255]);
    expect(numbers((b) => b.power(vector(b, [3, -2, 2, 0], 's32'), vector(b, [21, 3, -1, 0], 's32')))).toEqual([
      1870418611, -8, 0, 1,
    ]);
  });

  it('shift by the width or more: logical 0, arithmetic the sign', () => {
    const x = [-8, -8, 12, 1];
    const n = [1, 32, -1, 31];
    const shift = (op: 'shift-left' | 'shift-right-arithmetic' | 'shift-right-logical') =>
      numbers((b) => b.binary(op, vector(b, x, 's32'), vector(b, n, 's32')));
    expect(shift('shift-left')).toEqual([-16, 0, 0, -2147483648]);
    expect(shift('shift-right-arithmetic')).toEqual([-4, -1, 0, 0]);
    expect(shift('shift-right-logical')).toEqual([2147483644, 0, 0, 0]);
    expect(numbers((b) => b.shiftRightLogical(vector(b, [-1], 's8'), vector(b, [4], 's8')))).toEqual([15]);
  });

  it('count and flip bits', () => {
    expect(numbers((b) => b.popcnt(vector(b, [-1, 5, 0], 's16')))).toEqual([16, 2, 0]);
    expect(numbers((b) => b.not(vector(b, [0, 255], 'u8')))).toEqual([255, 0]);
    expect(numbers((b) => b.not(vector(b, [true, false], 'pred')))).toEqual([0, 1]);
    expect(numbers((b) => b.xor(vector(b, [true, true], 'pred'), vector(b, [true, false], 'pred')))).toEqual([0, 1]);
  });
});

describe('floats', () => {
  it('order and compare as IEEE says', () => {
    const x = [Number.NaN, -0, 1];
    const y = [1, 0, Number.NaN];
    expect(numbers((b) => b.maximum(vector(b, x, 'f32'), vector(b, y, 'f32')))).toEqual([Number.NaN, 0, Number.NaN]);
    expect(numbers((b) => b.minimum(vector(b, x, 'f32'), vector(b, y, 'f32')))).toEqual([Number.NaN, -0, Number.NaN]);
    expect(numbers((b) => b.compare('NE', vector(b, x, 'f32'), vector(b, y, 'f32')))).toEqual([1, 0, 1]);
    expect(numbers((b) => b.compare('LE', vector(b, x, 'f32'), vector(b, y, 'f32')))).toEqual([0, 1, 0]);
  });

  it('round once, to their type', () => {
    expect(numbers((b) => b.add(vector(b, [16777216], 'f32'), vector(b, [1], 'f32')))).toEqual([16777216]);
    expect(numbers((b) => b.add(vector(b, [2048], 'f16'), vector(b, [1], 'f16')))).toEqual([2048]);
    expect(numbers((b) => b.multiply(vector(b, [60000], 'f16'), vector(b, [2], 'f16')))).toEqual([Infinity]);
    expect(numbers((b) => b.add(vector(b, [256], 'bf16'), vector(b, [1], 'bf16')))).toEqual([256]);
    expect(numbers((b) => b.roundNearestEven(vector(b, [0.5, 1.5, 2.5, -0.5, -1.5, -0.4, Infinity], 'f64')))).toEqual([
      0,
      2,
      2,
      -0,
      -2,
      -0,
      Infinity,
    ]);
  });

  // scipy.special.erf, numpy
  it('compute special functions to double accuracy', () => {
    const erf = numbers((b) => b.erf(vector(b, [0.1, 0.5, 1, 2, 2.6, 3.5, -1, 7], 'f64')));
    const want = [
      0.1124629160182849, 0.5204998778130465, 0.8427007929497149, 0.9953222650189527, 0.9997639655834707,
      0.9999992569016276, -0.8427007929497149, 1,
    ];
    for (const [i, v] of erf.entries()) expect(Math.abs(v - want[i]!)).toBeLessThan(4e-16);
    expect(numbers((b) => b.logistic(vector(b, [-800, 0, 800], 'f64')))).toEqual([0, 0.5, 1]);
    expect(numbers((b) => b.power(vector(b, [1, -1, 2], 'f64'), vector(b, [Number.NaN, Infinity, -1], 'f64')))).toEqual(
      [1, 1, 0.5],
    );
    expect(numbers((b) => b.remainder(vector(b, [-5.5, 5.5], 'f32'), vector(b, [2, -2], 'f32')))).toEqual([-1.5, 1.5]);
  });

  it('convert', () => {
    const x = [Number.NaN, 1e20, -1e20, -1.9, 300.7];
    expect(numbers((b) => b.convert(vector(b, x, 'f32'), 's32'))).toEqual([0, 2147483647, -2147483648, -1, 300]);
    expect(numbers((b) => b.convert(vector(b, x, 'f32'), 'u8'))).toEqual([0, 255, 0, 0, 255]);
    expect(stored((b) => b.convert(vector(b, x, 'f32'), 's64'))).toEqual([
      0n,
      (1n << 63n) - 1n,
      -(1n << 63n),
      -1n,
      300n,
    ]);
    expect(numbers((b) => b.convert(vector(b, [300, -1], 's32'), 'u8'))).toEqual([44, 255]);
    expect(numbers((b) => b.convert(vector(b, [Number.NaN, 0, -0, 0.1], 'f32'), 'pred'))).toEqual([1, 0, 0, 1]);
    // 2^24·2^30 + 2^30 + 1 lies just above a tie of f32; going through f64 first would round it down.
    expect(numbers((b) => b.convert(vector(b, [(1n << 54n) + (1n << 30n) + 1n], 's64'), 'f32'))).toEqual([
      2 ** 54 + 2 ** 31,
    ]);
    expect(numbers((b) => b.bitcastConvert(vector(b, [1, -2], 'f32'), 'u32'))).toEqual([0x3f800000, 0xc0000000]);
  });
});

describe('moves', () => {
  const grid = (b: HloBuilder) => b.iota('s32', [6], 0);
  const matrix = (b: HloBuilder) => b.reshape(grid(b), [2, 3]);

  it('broadcast, transpose, slice, reverse, concatenate', () => {
    expect(numbers((b) => b.broadcast(vector(b, [1, 2], 's32'), [2, 3], [0]))).toEqual([1, 1, 1, 2, 2, 2]);
    expect(numbers((b) => b.broadcast(vector(b, [1, 2, 3], 's32', [1, 3]), [2, 3], [0, 1]))).toEqual([
      1, 2, 3, 1, 2, 3,
    ]);
    expect(numbers((b) => b.broadcast(matrix(b), [3, 2], [1, 0]))).toEqual([0, 3, 1, 4, 2, 5]);
    expect(numbers((b) => b.transpose(matrix(b), [1, 0]))).toEqual([0, 3, 1, 4, 2, 5]);
    expect(numbers((b) => b.slice(matrix(b), [0, 0], [2, 3], [1, 2]))).toEqual([0, 2, 3, 5]);
    expect(numbers((b) => b.reverse(matrix(b), [1]))).toEqual([2, 1, 0, 5, 4, 3]);
    expect(numbers((b) => b.concatenate([matrix(b), matrix(b)], 1))).toEqual([0, 1, 2, 0, 1, 2, 3, 4, 5, 3, 4, 5]);
    expect(numbers((b) => b.iota('f32', [2, 2, 2], 1))).toEqual([0, 0, 1, 1, 0, 0, 1, 1]);
  });

  it('pad with interior and negative edges', () => {
    const pad = (low: number, high: number, interior: number) =>
      numbers((b) => b.pad(vector(b, [1, 2, 3], 's32'), b.scalar(9, 's32'), [{ low, high, interior }]));
    expect(pad(1, 2, 0)).toEqual([9, 1, 2, 3, 9, 9]);
    expect(pad(-1, 0, 0)).toEqual([2, 3]);
    expect(pad(0, -1, 1)).toEqual([1, 9, 2, 9]);
    expect(pad(-1, 1, 1)).toEqual([9, 2, 9, 3, 9]);
    expect(pad(-4, 4, 0)).toEqual([9, 9, 9]);
    expect(pad(4, -4, 0)).toEqual([9, 9, 9]);
  });

  it('dynamic slices clamp their starts', () => {
    const at = (b: HloBuilder, i: number) => b.scalar(i, 's32');
    expect(numbers((b) => b.dynamicSlice(matrix(b), [at(b, 1), at(b, 9)], [1, 2]))).toEqual([4, 5]);
    expect(numbers((b) => b.dynamicSlice(grid(b), [at(b, -3)], [2]))).toEqual([0, 1]);
    expect(
      numbers((b) => b.dynamicUpdateSlice(matrix(b), vector(b, [7, 8], 's32', [2, 1]), [at(b, 0), at(b, 1)])),
    ).toEqual([0, 7, 2, 3, 8, 5]);
  });

  it('gather rows and scatter-add them back', () => {
    const dimensionNumbers = { offsetDims: [1], collapsedSliceDims: [0], startIndexMap: [0], indexVectorDim: 1 };
    const table = (b: HloBuilder) => b.reshape(b.iota('f32', [6], 0), [3, 2]);
    expect(numbers((b) => b.gather(table(b), vector(b, [2, 0, 9], 's32'), dimensionNumbers, [1, 2]))).toEqual([
      4, 5, 0, 1, 4, 5,
    ]);
    const scattered = numbers((b) =>
      b.scatter(table(b), vector(b, [2, 2, 5], 's32'), vector(b, [10, 20, 30, 40, 50, 60], 'f32', [3, 2]), {
        dimensionNumbers: {
          updateWindowDims: [1],
          insertedWindowDims: [0],
          scatterDimsToOperandDims: [0],
          indexVectorDim: 1,
        },
        computation: b.reducer('add', 'f32'),
      }),
    );
    expect(scattered).toEqual([0, 1, 2, 3, 44, 65]);
  });
});

describe('control', () => {
  const s32 = arrayShape('s32', []);

  it('loops and branches', () => {
    const sum = run((b) => {
      const state = b.tuple([b.scalar(0, 's32'), b.scalar(0, 's32')]);
      const condition = b.computation('less', [state.shape], (c, s) =>
        c.compare('LT', c.getTupleElement(s!, 0), c.scalar(10, 's32')),
      );
      const body = b.computation('step', [state.shape], (c, s) => {
        const i = c.getTupleElement(s!, 0);
        return c.tuple([c.add(i, c.scalar(1, 's32')), c.add(c.getTupleElement(s!, 1), i)]);
      });
      const end = b.while(state, condition, body);
      return [b.getTupleElement(end, 0), b.getTupleElement(end, 1)];
    });
    expect(sum.map((l) => toNumbers(l))).toEqual([[10], [45]]);
    const pick = (selector: (b: HloBuilder) => Value, count: number) =>
      numbers((b) => {
        const branches = Array.from({ length: count }, (_, i) =>
          b.computation(`branch${i}`, [s32], (c, x) => c.add(x!, c.scalar(100 * i, 's32'))),
        );
        return b.conditional(
          selector(b),
          branches,
          branches.map((_, i) => b.scalar(i, 's32')),
        );
      });
    expect(pick((b) => b.scalar(true, 'pred'), 2)).toEqual([0]);
    expect(pick((b) => b.scalar(false, 'pred'), 2)).toEqual([101]);
    expect(pick((b) => b.scalar(-1, 's32'), 3)).toEqual([202]);
    expect(pick((b) => b.scalar(1, 's32'), 3)).toEqual([101]);
  });

  it('calls registered functions and names the unknown', () => {
    const b = new HloBuilder('m');
    const x = b.parameter(0, arrayShape('f32', [2]));
    const attrs = { target: 'twice', config: '2', hasSideEffect: false, shape: x.shape };
    const module = b.build([b.customCall([x], attrs)]);
    const twice = (operands: readonly unknown[], config: string) => {
      const { shape, data } = operands[0] as Literal;
      return { shape, data: Float32Array.from(data as Float32Array, (v) => v * Number(config)) };
    };
    const arg = literalFrom([1, 2], 'f32', [2]);
    expect(toNumbers(interpretModule(module, [arg], { customCalls: new Map([['twice', twice]]) })[0]!)).toEqual([2, 4]);
    expect(() => interpretModule(module, [arg])).toThrowErrorMatchingInlineSnapshot(
      `[XlaError: custom-call: no function "twice" is registered with the interpreter. Registered: none.]`,
    );
    expect(() => interpretModule(module, [literalFrom([1], 'f32', [1])])).toThrowErrorMatchingInlineSnapshot(
      `[XlaError: parameter 0 "arg0" of module "m" is f32[2], the argument is f32[1].]`,
    );
  });

  it('reduces over groups of one replica only', () => {
    expect(numbers((b) => b.allReduce(vector(b, [1, 2], 'f32'), b.reducer('add', 'f32'), [[0]]))).toEqual([1, 2]);
    expect(() =>
      run((b) => b.allReduce(vector(b, [1, 2], 'f32'), b.reducer('add', 'f32'), [[0, 1]])),
    ).toThrowErrorMatchingInlineSnapshot(
      `[XlaError: all-reduce: a group of 2 replicas cannot be reduced: the interpreter runs one replica. Use groups of one, or none.]`,
    );
  });
});
