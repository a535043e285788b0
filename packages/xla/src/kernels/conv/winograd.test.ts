import { describe, expect, test } from 'vitest';
import { HloBuilder } from '../../hlo/builder.ts';
import type { ConvDimensionNumbers, WindowDim } from '../../hlo/opcodes.ts';
import { arrayShape } from '../../hlo/shape.ts';
import { findSite } from '../gemm/epilogue.ts';
import { checkSchedule, checkThreads, random, randomFloats, randomLiteral, testTarget } from '../gemm/testing.ts';
import { scheduleConvolution } from './conv.ts';
import { planWinograd } from './winograd.ts';
import { planFilterGradient } from './winogradFilter.ts';

const forward: ConvDimensionNumbers = {
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
const inputGradient: ConvDimensionNumbers = { ...forward, kernelInputFeature: 3, kernelOutputFeature: 2 };

interface Case {
  readonly input: readonly [number, number, number, number];
  readonly out: number;
  readonly taps: number;
  readonly pads: readonly [number, number, number, number];
  readonly reversal?: boolean;
  readonly transposed?: boolean;
}

function convolution(c: Case) {
  const channels = c.input[3];
  const input = arrayShape('f32', c.input);
  const kernel = arrayShape('f32', [c.taps, c.taps, ...(c.transposed ? [c.out, channels] : [channels, c.out])]);
  const dim = (padLow: number, padHigh: number): WindowDim => ({
    size: c.taps,
    stride: 1,
    padLow,
    padHigh,
    baseDilation: 1,
    windowDilation: 1,
    reversal: c.reversal ?? false,
  });
  const options = {
    window: [dim(c.pads[0], c.pads[1]), dim(c.pads[2], c.pads[3])],
    dimensionNumbers: c.transposed ? inputGradient : forward,
  };
  return { input, kernel, options };
}

const cases: readonly Case[] = [
  { input: [3, 14, 12, 16], out: 16, taps: 5, pads: [2, 2, 2, 2] },
  { input: [2, 13, 11, 20], out: 28, taps: 5, pads: [2, 2, 2, 2] },
  { input: [4, 7, 9, 24], out: 16, taps: 5, pads: [2, 2, 2, 2], reversal: true, transposed: true },
  { input: [2, 16, 16, 16], out: 36, taps: 3, pads: [1, 1, 1, 1] },
  { input: [3, 15, 13, 16], out: 20, taps: 3, pads: [0, 0, 0, 0] },
  { input: [3, 11, 14, 16], out: 16, taps: 3, pads: [2, -1, 3, 0], reversal: true },
  { input: [9, 5, 4, 16], out: 16, taps: 3, pads: [2, 2, 2, 2] },
];

describe('Winograd convolution', () => {
  test.each(cases)('$taps×$taps of $input → $out channels, padding $pads', (c) => {
    const { input, kernel, options } = convolution(c);
    const b = new HloBuilder('winograd');
    const x = b.convolution(b.parameter(0, input), b.parameter(1, kernel), options);
    expect(planWinograd(findSite(x, 'convolution'), testTarget)).toBeDefined();
    const next = random(3);
    const operands = [randomLiteral(input, next), randomLiteral(kernel, next)];
    checkSchedule(x, scheduleConvolution(x, testTarget), operands, { tolerance: 2e-3, threads: [] });
  });

  test('finishes results with bias, relu and a residual', () => {
    const { input, kernel, options } = convolution(cases[1] as Case);
    const out = arrayShape('f32', [2, 13, 11, 28]);
    const shapes = [input, kernel, arrayShape('f32', [28]), out];
    const b = new HloBuilder('winograd');
    const computation = b.computation('fused', shapes, (f, x, w, bias, residual) => {
      const sum = f.add(f.convolution(x!, w!, options), f.broadcast(bias!, out.dims, [3]));
      return f.tuple([f.maximum(sum, f.full(0, 'f32', out.dims)), f.add(sum, residual!)]);
    });
    const x = b.fusion(
      'convolution',
      computation,
      shapes.map((s, i) => b.parameter(i, s)),
    );
    const next = random(4);
    const operands = shapes.map((s) => randomLiteral(s, next));
    checkSchedule(x, scheduleConvolution(x, testTarget), operands, { tolerance: 2e-3, threads: [] });
  });

  test('leaves alone what it cannot do or would not pay', () => {
    const applies = (c: Case, change: Partial<WindowDim> = {}): boolean => {
      const { input, kernel, options } = convolution(c);
      const window = options.window.map((w) => ({ ...w, ...change }));
      const b = new HloBuilder('winograd');
      const x = b.convolution(b.parameter(0, input), b.parameter(1, kernel), { ...options, window });
      return planWinograd(findSite(x, 'convolution'), testTarget) !== undefined;
    };
    const base = cases[3] as Case;
    expect(applies(base)).toBe(true);
    expect(applies(base, { stride: 2 })).toBe(false);
    expect(applies(base, { windowDilation: 2 })).toBe(false);
    expect(applies({ ...base, input: [2, 16, 16, 8] })).toBe(false);
    expect(applies({ ...base, out: 18 })).toBe(false);
    expect(applies({ ...base, input: [1, 8, 8, 16] })).toBe(false);
  });
});

test('results do not depend on the number of threads', () => {
  const { input, kernel, options } = convolution({ input: [3, 6, 12, 16], out: 16, taps: 3, pads: [1, 1, 1, 1] });
  const b = new HloBuilder('winograd');
  const x = b.convolution(b.parameter(0, input), b.parameter(1, kernel), options);
  expect(planWinograd(findSite(x, 'convolution'), testTarget)).toBeUndefined();
  const wide = { ...input, dims: [9, 6, 12, 16] };
  const y = b.convolution(b.parameter(2, wide), b.parameter(1, kernel), options);
  expect(planWinograd(findSite(y, 'convolution'), testTarget)).toBeDefined();
  checkThreads(y, scheduleConvolution(y, testTarget), [randomFloats(wide, random(1)), randomFloats(kernel, random(2))]);
});

describe('Winograd filter gradient', () => {
  const numbers: ConvDimensionNumbers = {
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

  test.each([
    { batch: 3, height: 14, width: 13, taps: 5, from: 16, to: 20 },
    { batch: 32, height: 7, width: 8, taps: 3, from: 20, to: 16 },
  ])('$taps×$taps from $batch images of $height×$width', ({ batch, height, width, taps, from, to }) => {
    const input = arrayShape('f32', [batch, height, width, from]);
    const gradient = arrayShape('f32', [batch, height, width, to]);
    const pad = (taps - 1) / 2;
    const window = [height, width].map((size) => ({
      size,
      stride: 1,
      padLow: pad,
      padHigh: pad,
      baseDilation: 1,
      windowDilation: 1,
      reversal: false,
    }));
    const b = new HloBuilder('gradient');
    const x = b.convolution(b.parameter(0, input), b.parameter(1, gradient), { window, dimensionNumbers: numbers });
    expect(planFilterGradient(findSite(x, 'convolution'), testTarget)).toBeDefined();
    const next = random(6);
    const operands = [randomLiteral(input, next), randomLiteral(gradient, next)];
    checkSchedule(x, scheduleConvolution(x, testTarget), operands, { tolerance: 5e-3, threads: [] });
  });
});
