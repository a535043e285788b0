import { describe, expect, test } from 'vitest';
import { HloBuilder } from '../../hlo/builder.ts';
import type { ConvDimensionNumbers, Window, WindowDim } from '../../hlo/opcodes.ts';
import { arrayShape, type ElementType } from '../../hlo/shape.ts';
import { checkSchedule, random, randomLiteral, testTarget } from '../gemm/testing.ts';
import type { Target } from '../target.ts';
import { scheduleConvolution } from './conv.ts';

interface Case {
  readonly input: readonly number[];
  readonly kernel: readonly number[];
  readonly window: readonly (Partial<WindowDim> & { readonly size: number })[];
  readonly numbers?: ConvDimensionNumbers;
  readonly featureGroups?: number;
  readonly batchGroups?: number;
  readonly dtype?: ElementType;
  readonly target?: Target;
}

/** NHWC · HWIO → NHWC */
const channelsLast: ConvDimensionNumbers = {
  inputBatch: 0,
  inputFeature: 3,
  inputSpatial: [1, 2],
  kernelInputFeature: 2,
  kernelOutputFeature: 3,
  kernelSpatial: [0, 1],
  outputBatch: 0,
  outputFeature: 3,
  outputSpatial: [1, 2],
};

/** NCHW · OIHW → NCHW */
const channelsFirst: ConvDimensionNumbers = {
  inputBatch: 0,
  inputFeature: 1,
  inputSpatial: [2, 3],
  kernelInputFeature: 1,
  kernelOutputFeature: 0,
  kernelSpatial: [2, 3],
  outputBatch: 0,
  outputFeature: 1,
  outputSpatial: [2, 3],
};

function windowOf(dims: Case['window']): Window {
  return dims.map((w) => ({
    stride: 1,
    padLow: 0,
    padHigh: 0,
    baseDilation: 1,
    windowDilation: 1,
    reversal: false,
    ...w,
  }));
}

function check(c: Case): void {
  const dtype = c.dtype ?? 'f32';
  const [input, kernel] = [arrayShape(dtype, c.input), arrayShape(dtype, c.kernel)];
  const b = new HloBuilder('conv');
  const x = b.convolution(b.parameter(0, input), b.parameter(1, kernel), {
    window: windowOf(c.window),
    dimensionNumbers: c.numbers ?? channelsLast,
    featureGroupCount: c.featureGroups ?? 1,
    batchGroupCount: c.batchGroups ?? 1,
  });
  const next = random(c.input.concat(c.kernel).reduce((s, d) => s * 31 + d, 7));
  const operands = [randomLiteral(input, next), randomLiteral(kernel, next)];
  checkSchedule(x, scheduleConvolution(x, c.target ?? testTarget), operands);
}

const same = (size: number): Partial<WindowDim> & { readonly size: number } => ({
  size,
  padLow: (size - 1) >> 1,
  padHigh: size >> 1,
});

describe('convolution', () => {
  test('SAME and VALID, channels last', () => {
    check({ input: [2, 7, 8, 5], kernel: [3, 3, 5, 9], window: [same(3), same(3)] });
    check({ input: [2, 9, 8, 16], kernel: [5, 3, 16, 12], window: [{ size: 5 }, { size: 3 }] });
    check({ input: [1, 6, 6, 20], kernel: [1, 1, 20, 8], window: [{ size: 1 }, { size: 1 }] });
  });

  test('one input channel', () => {
    check({ input: [2, 14, 14, 1], kernel: [5, 5, 1, 16], window: [same(5), same(5)] });
    check({ input: [2, 11, 13, 1], kernel: [3, 4, 1, 5], window: [same(3), same(4)] });
  });

  test('strides, window dilation, uneven and negative padding', () => {
    check({
      input: [2, 9, 10, 4],
      kernel: [3, 3, 4, 8],
      window: [
        { ...same(3), stride: 2 },
        { ...same(3), stride: 3 },
      ],
    });
    check({
      input: [1, 12, 11, 3],
      kernel: [3, 2, 3, 7],
      window: [
        { size: 3, windowDilation: 3, padLow: 4, padHigh: 1 },
        { size: 2, windowDilation: 2, padLow: -2, padHigh: 3 },
      ],
    });
    check({
      input: [1, 9, 9, 2],
      kernel: [2, 2, 2, 3],
      window: [
        { size: 2, padLow: -1, padHigh: -3 },
        { size: 2, padLow: 5 },
      ],
    });
  });

  test('base dilation, with and without other steps', () => {
    for (const b of [2, 3]) {
      for (const padLow of [0, 1, 2]) {
        const w = { size: 3, baseDilation: b, padLow, padHigh: 2 };
        check({ input: [2, 4, 5, 4], kernel: [3, 3, 4, 9], window: [w, { ...w, reversal: true }] });
        check({
          input: [2, 4, 5, 4],
          kernel: [3, 3, 4, 9],
          window: [
            { ...w, stride: 2 },
            { ...w, windowDilation: 2 },
          ],
        });
        check({ input: [2, 5, 4, 5], kernel: [9, 5, 3, 3], window: [w, w], numbers: channelsFirst });
      }
    }
    check({
      input: [1, 4, 4, 3],
      kernel: [1, 1, 3, 5],
      window: [
        { size: 1, baseDilation: 2 },
        { size: 1, baseDilation: 3, padHigh: 2 },
      ],
    });
  });

  test('channels first', () => {
    check({ input: [2, 5, 9, 8], kernel: [7, 5, 3, 3], window: [same(3), same(3)], numbers: channelsFirst });
    check({ input: [3, 4, 6, 6], kernel: [9, 4, 1, 1], window: [{ size: 1 }, { size: 1 }], numbers: channelsFirst });
    check({ input: [2, 1, 12, 12], kernel: [4, 1, 5, 5], window: [same(5), same(5)], numbers: channelsFirst });
  });

  test('feature and batch groups', () => {
    check({ input: [2, 6, 7, 8], kernel: [3, 3, 2, 12], window: [same(3), same(3)], featureGroups: 4 });
    check({ input: [6, 6, 7, 4], kernel: [3, 3, 4, 9], window: [same(3), same(3)], batchGroups: 3 });
    check({
      input: [2, 8, 6, 7],
      kernel: [12, 2, 3, 3],
      window: [same(3), same(3)],
      featureGroups: 4,
      numbers: channelsFirst,
    });
  });

  test('depthwise, with multipliers, and its filter gradient', () => {
    check({ input: [2, 6, 7, 10], kernel: [3, 3, 1, 10], window: [same(3), same(3)], featureGroups: 10 });
    check({
      input: [2, 6, 7, 5],
      kernel: [3, 3, 1, 10],
      window: [{ ...same(3), stride: 2 }, same(3)],
      featureGroups: 5,
    });
    check({
      input: [2, 6, 7, 10],
      kernel: [2, 6, 7, 10],
      window: [
        { size: 6, padLow: 1, padHigh: 1 },
        { size: 7, padLow: 1, padHigh: 1 },
      ],
      batchGroups: 10,
      numbers: filterGradient,
    });
  });

  test('input gradient: reversed window, swapped kernel features', () => {
    check({
      input: [2, 7, 7, 12],
      kernel: [5, 5, 6, 12],
      window: [
        { size: 5, padLow: 2, padHigh: 2, reversal: true },
        { size: 5, padLow: 2, padHigh: 2, reversal: true },
      ],
      numbers: { ...channelsLast, kernelInputFeature: 3, kernelOutputFeature: 2 },
    });
  });

  test('filter gradient: the window runs over the image', () => {
    const over = (size: number): Partial<WindowDim> & { readonly size: number } => ({ size, padLow: 2, padHigh: 2 });
    for (const channels of [1, 8, 5]) {
      check({ input: [3, 9, 8, channels], kernel: [3, 9, 8, 12], window: [over(9), over(8)], numbers: filterGradient });
    }
    check({
      input: [2, 20, 20, 1],
      kernel: [2, 20, 20, 8],
      window: [over(20), over(20)],
      numbers: filterGradient,
      target: { ...testTarget, l1Bytes: 2048 },
    });
  });

  test('one and three spatial dimensions', () => {
    check({
      input: [2, 11, 3],
      kernel: [4, 3, 5],
      window: [{ ...same(4), stride: 2 }],
      numbers: {
        inputBatch: 0,
        inputFeature: 2,
        inputSpatial: [1],
        kernelInputFeature: 1,
        kernelOutputFeature: 2,
        kernelSpatial: [0],
        outputBatch: 0,
        outputFeature: 2,
        outputSpatial: [1],
      },
    });
    check({
      input: [1, 4, 5, 6, 3],
      kernel: [2, 3, 2, 3, 6],
      window: [same(2), same(3), same(2)],
      numbers: {
        inputBatch: 0,
        inputFeature: 4,
        inputSpatial: [1, 2, 3],
        kernelInputFeature: 3,
        kernelOutputFeature: 4,
        kernelSpatial: [0, 1, 2],
        outputBatch: 0,
        outputFeature: 4,
        outputSpatial: [1, 2, 3],
      },
    });
  });

  test.each(['f64', 's32', 's8', 'bf16'] as const)('convolves %s', (dtype) => {
    check({ input: [1, 6, 7, 5], kernel: [3, 3, 5, 6], window: [same(3), same(3)], dtype });
  });

  test('empty batches, inputs and features', () => {
    const window = [same(3), same(3)];
    check({ input: [0, 5, 5, 2], kernel: [3, 3, 2, 4], window });
    check({ input: [2, 5, 5, 0], kernel: [3, 3, 0, 4], window });
    check({ input: [2, 5, 5, 3], kernel: [3, 3, 3, 0], window });
    check({ input: [2, 0, 5, 3], kernel: [3, 3, 3, 4], window: [{ size: 3, padLow: 2, padHigh: 2 }, same(3)] });
    check({ input: [1, 1, 2, 3], kernel: [3, 3, 3, 4], window: [{ size: 3 }, same(3)] });
  });

  test('results in any dimension order', () => {
    for (const outputSpatial of [
      [0, 1],
      [0, 3],
      [1, 3],
      [3, 0],
    ]) {
      const [outputBatch, outputFeature] = [0, 1, 2, 3].filter((d) => !outputSpatial.includes(d)) as [number, number];
      check({
        input: [2, 6, 7, 3],
        kernel: [3, 3, 3, 8],
        window: [same(3), same(3)],
        numbers: { ...channelsLast, outputBatch, outputFeature, outputSpatial },
      });
    }
  });
});

/** Input [n,h,w,c] with batch and features swapped, result gradient as the kernel → [h,w,c,o]. */
const filterGradient: ConvDimensionNumbers = {
  inputBatch: 3,
  inputFeature: 0,
  inputSpatial: [1, 2],
  kernelInputFeature: 0,
  kernelOutputFeature: 3,
  kernelSpatial: [1, 2],
  outputBatch: 2,
  outputFeature: 3,
  outputSpatial: [0, 1],
};

describe('a fusion around a convolution', () => {
  const cases: readonly Case[] = [
    { input: [2, 7, 6, 5], kernel: [3, 3, 5, 9], window: [same(3), same(3)] },
    { input: [2, 7, 6, 12], kernel: [3, 3, 1, 12], window: [same(3), same(3)], featureGroups: 12 },
    { input: [2, 7, 6, 6], kernel: [3, 3, 3, 8], window: [same(3), same(3)], featureGroups: 2 },
    { input: [2, 5, 7, 6], kernel: [9, 5, 3, 3], window: [same(3), same(3)], numbers: channelsFirst },
    { input: [2, 4, 5, 4], kernel: [3, 3, 4, 9], window: [same(3), same(3)].map((w) => ({ ...w, baseDilation: 2 })) },
  ];

  test.each(cases)('adds a bias and a residual, compares and converts: $input · $kernel', (c) => {
    const numbers = c.numbers ?? channelsLast;
    const [input, kernel] = [arrayShape('f32', c.input), arrayShape('f32', c.kernel)];
    const options = { window: windowOf(c.window), dimensionNumbers: numbers, featureGroupCount: c.featureGroups ?? 1 };
    const b = new HloBuilder('conv');
    const plain = b.convolution(b.parameter(0, input), b.parameter(1, kernel), options);
    const out = plain.shape as ReturnType<typeof arrayShape>;
    const bias = arrayShape('f32', [out.dims[numbers.outputFeature] as number]);
    const shapes = [input, kernel, bias, out];
    for (const wide of [false, true]) {
      const computation = b.computation(`fused${wide}`, shapes, (f, x, w, v, residual) => {
        const sum = f.add(f.convolution(x!, w!, options), f.broadcast(v!, out.dims, [numbers.outputFeature]));
        const result = f.maximum(f.add(sum, residual!), f.full(0, 'f32', out.dims));
        return f.tuple([result, wide ? f.convert(sum, 'f64') : f.compare('GT', sum, residual!)]);
      });
      const x = b.fusion(
        'convolution',
        computation,
        shapes.map((s, i) => b.parameter(i, s)),
      );
      const next = random(9);
      checkSchedule(
        x,
        scheduleConvolution(x, testTarget),
        shapes.map((s) => randomLiteral(s, next)),
      );
    }
  });
});

describe('random convolutions', () => {
  test('agree with the interpreter', () => {
    const next = random(5);
    const pick = (n: number): number => Math.floor(next() * n);
    let checkedCases = 0;
    for (let i = 0; i < 40; i++) {
      const groups = pick(4) === 0 ? 2 : 1;
      const c = (1 + pick(5)) * groups;
      const dim = (): Partial<WindowDim> & { readonly size: number } => ({
        size: 1 + pick(4),
        stride: 1 + pick(2),
        padLow: pick(4) - 1,
        padHigh: pick(4),
        baseDilation: 1 + (pick(3) === 0 ? pick(3) : 0),
        windowDilation: 1 + pick(2),
        reversal: pick(2) === 0,
      });
      const window = [dim(), dim()];
      const [h, w] = [5 + pick(6), 5 + pick(8)];
      const o = groups * (1 + pick(12));
      const first = pick(3) === 0;
      const [kh, kw] = window.map((x) => x.size) as [number, number];
      const n = 1 + pick(3);
      check({
        input: first ? [n, c, h, w] : [n, h, w, c],
        kernel: first ? [o, c / groups, kh, kw] : [kh, kw, c / groups, o],
        window,
        numbers: first ? channelsFirst : channelsLast,
        featureGroups: groups,
      });
      checkedCases++;
    }
    expect(checkedCases).toBe(40);
  });
});
