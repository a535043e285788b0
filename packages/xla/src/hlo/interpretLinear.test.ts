// Expected values: jax.lax.conv_general_dilated and dot_general on the same patterned data.
import { describe, expect, it } from 'vitest';
import type { HloBuilder } from './builder.ts';
import type { Value } from './builderApi.ts';
import type { ConvDimensionNumbers, WindowDim } from './opcodes.ts';
import type { ElementType } from './shape.ts';
import { numbers, pattern, stored, vector, windowDim } from './testing.ts';
import { convolutionDims } from './textCodecs.ts';

const layout = (text: string): ConvDimensionNumbers =>
  convolutionDims.parse(
    { kind: 'string', text, at: 0 },
    { fail: (m) => new Error(m), computation: () => expect.fail() },
  );

interface Case {
  readonly input: number[];
  readonly kernel: number[];
  readonly dims: string;
  readonly window: WindowDim[];
  readonly groups?: number;
  readonly batchGroups?: number;
  readonly dtype?: ElementType;
}

function conv({ input, kernel, dims, window, groups = 1, batchGroups = 1, dtype = 'f32' }: Case): number[] {
  return numbers((b) =>
    b.convolution(b.constant(pattern(input, dtype)), b.constant(pattern(kernel, dtype)), {
      window,
      dimensionNumbers: layout(dims),
      featureGroupCount: groups,
      batchGroupCount: batchGroups,
    }),
  );
}

describe('convolution', () => {
  it('strides and pads', () => {
    const c: Case = {
      input: [1, 4, 5, 2],
      kernel: [3, 2, 2, 3],
      dims: 'b01f_01io->b01f',
      window: [windowDim(3, 1, { padLow: 1, padHigh: 1 }), windowDim(2, 2, { padHigh: 1 })],
    };
    const want = [
      2, -15, -21, 19, -25, 19, -22, -6, 32, 6, 44, -28, -17, 8, -22, 24, -22, -13, -35, 9, 20, 19, 6, 15, -11, 23, -9,
      -36, -12, -10, 19, 5, 13, -17, -8, 12,
    ];
    expect(conv(c)).toEqual(want);
    for (const dtype of ['f16', 'f64', 's8', 's32', 's64'] as const) expect(conv({ ...c, dtype })).toEqual(want);
  });

  it('groups features and dilates the window', () => {
    const window = [windowDim(3, 1, { padLow: 2, padHigh: 1, windowDilation: 2 })];
    expect(conv({ input: [2, 4, 6], kernel: [4, 2, 3], dims: 'bf0_oi0->bf0', window, groups: 2 })).toEqual([
      -25, 34, 21, -54, 29, -13, 34, 21, -50, 17, 34, -19, 42, -3, -35, -21, -9, 24, 38, -15, 5, -35, 25, 16, -14, -7,
      -15, 11, 28, -28, 5, -4, -48, 39, -5, 3, 37, -25, 0, -9,
    ]);
  });

  it('is depthwise with as many groups as features', () => {
    const window = [windowDim(2, 1), windowDim(2, 1)];
    expect(conv({ input: [1, 3, 3, 2], kernel: [2, 2, 1, 4], dims: 'b01f_01io->b01f', window, groups: 2 })).toEqual([
      7, 9, 38, -50, 25, 12, -7, 11, -16, -48, 13, -10, 13, 10, 23, -15,
    ]);
  });

  it('dilates the input, crops by negative padding', () => {
    const dims = 'b0f_0io->b0f';
    const dilated = [windowDim(3, 1, { padLow: 1, padHigh: 2, baseDilation: 2 })];
    expect(conv({ input: [1, 3, 2], kernel: [3, 2, 2], dims, window: dilated })).toEqual([
      -28, 15, 2, -24, 16, -9, -9, -6, 16, 0, -8, 20,
    ]);
    const cropped = [windowDim(2, 1, { padLow: -1, padHigh: -2 })];
    expect(conv({ input: [1, 7, 1], kernel: [2, 1, 1], dims, window: cropped })).toEqual([-5, -17, 26]);
    const both = [windowDim(2, 2, { padLow: -2, padHigh: 1, baseDilation: 2, windowDilation: 3 })];
    expect(conv({ input: [1, 5, 1], kernel: [2, 1, 1], dims, window: both })).toEqual([-10, -2, 6]);
  });

  it('groups batches', () => {
    const c: Case = {
      input: [4, 5, 1],
      kernel: [2, 1, 4],
      dims: 'b0f_0io->b0f',
      window: [windowDim(2, 1)],
      batchGroups: 2,
    };
    expect(conv(c)).toEqual([
      24, -10, 10, -12, -6, 25, -22, 21, -14, 5, 1, -12, 22, -15, 13, -12, -16, 0, 4, -12, 20, -20, 16, -12, -10, 15,
      -16, 21, -18, -5, 7, -12,
    ]);
  });

  it('reverses the window', () => {
    const window = [windowDim(3, 1, { padLow: 1, reversal: true }), windowDim(2, 1)];
    expect(conv({ input: [1, 5, 5, 1], kernel: [3, 2, 1, 1], dims: 'b01f_01io->b01f', window })).toEqual([
      -37, 25, -1, -38, -10, 36, 5, -15, 0, -53, 37, -5, 32, -10, 36, 5,
    ]);
  });

  it('takes any order of dimensions', () => {
    const window = [windowDim(2, 1), windowDim(2, 1)];
    expect(conv({ input: [2, 4, 4, 3], kernel: [2, 2, 2, 3], dims: 'f01b_i01o->01bf', window })).toEqual([
      3, 7, -44, -52, 58, 3, 3, -23, 39, 3, -5, -35, -30, 24, 67, 47, -35, 4, 3, -17, -26, 3, 1, 21, 47, -14, -42, -52,
      58, 3, 3, -23, 39, 3, -5, -35, -30, 24, 67, 47, -35, 4, 3, -17, -26, 3, 1, 21, 47, -14, -42, -30, 15, -17, 3, -23,
      39, 3, -5, -35, -30, 24, 67, 47, -35, 4, 3, -17, -26, 3, 1, 21, 47, -14, -42, -30, 15, -17, 3, -11, 30,
    ]);
  });
});

describe('dot', () => {
  it('batches and contracts', () => {
    const batched = (b: HloBuilder): Value =>
      b.dot(b.constant(pattern([2, 3, 4])), b.constant(pattern([2, 4, 3])), {
        lhsBatch: [0],
        rhsBatch: [0],
        lhsContracting: [2],
        rhsContracting: [1],
      });
    expect(numbers(batched)).toEqual([0, 7, 3, -7, 14, 2, 19, -23, 1, 28, 0, 16, -9, -1, -4, -13, -13, 42]);
    const twice = (b: HloBuilder): Value =>
      b.dot(b.constant(pattern([2, 3, 4])), b.constant(pattern([4, 3, 2])), {
        lhsBatch: [],
        rhsBatch: [],
        lhsContracting: [1, 2],
        rhsContracting: [1, 0],
      });
    expect(numbers(twice)).toEqual([-29, -21, -43, 80]);
  });

  it('is exact for integers and rounds floats once', () => {
    const inner = { lhsBatch: [], rhsBatch: [], lhsContracting: [0], rhsContracting: [0] };
    const big = (1n << 40n) + 7n;
    expect(stored((b) => b.dot(vector(b, [big, 3n], 's64'), vector(b, [big, -5n], 's64'), inner))).toEqual([
      BigInt.asIntN(64, big * big - 15n),
    ]);
    expect(numbers((b) => b.dot(vector(b, [100, 100], 's8'), vector(b, [100, 1], 's8'), inner))).toEqual([
      (10100 << 24) >> 24,
    ]);
    // 2^24 + 1 − 2^24: rounding in between would lose the 1.
    expect(
      numbers((b) => b.dot(vector(b, [16777216, 1, -16777216], 'f32'), vector(b, [1, 1, 1], 'f32'), inner)),
    ).toEqual([1]);
    expect(numbers((b) => b.dot(vector(b, [], 'f32'), vector(b, [], 'f32'), inner))).toEqual([0]);
  });
});
