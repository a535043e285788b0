import { expect, test } from 'vitest';
import { HloBuilder } from '../hlo/builder.ts';
import type { ConvDimensionNumbers, WindowDim } from '../hlo/opcodes.ts';
import { arrayShape } from '../hlo/shape.ts';
import { convolutionToDot } from './convolutionToDot.ts';
import { bodyText, transform } from './passTest.ts';

const plain: WindowDim = {
  size: 1,
  stride: 1,
  padLow: 0,
  padHigh: 0,
  baseDilation: 1,
  windowDilation: 1,
  reversal: false,
};
const nhwc: ConvDimensionNumbers = {
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

test('a 1×1 convolution is a matrix product', () => {
  const b = new HloBuilder('m');
  const x = b.parameter(0, arrayShape('f32', [2, 3, 4, 5]), 'x');
  const w = b.parameter(1, arrayShape('f32', [1, 1, 5, 6]), 'w');
  const m = b.build([b.convolution(x, w, { window: [plain, plain], dimensionNumbers: nhwc })]);
  expect(bodyText(transform(m, convolutionToDot))).toMatchInlineSnapshot(`
    "%0 = f32[2,3,4,5] parameter(0), name=x
    %1 = f32[1,1,5,6] parameter(1), name=w
    %2 = f32[5,6] reshape(%1)
    %3 = f32[2,3,4,6] dot(%0, %2), dimensionNumbers={lhsContracting=[3], rhsContracting=[0]}
    %4 = f32[2,3,4,6] reshape(%3)
    root %5 = (f32[2,3,4,6]) tuple(%4)"
  `);
});

test('so is its filter gradient, whose window is the whole image', () => {
  const b = new HloBuilder('m');
  const x = b.parameter(0, arrayShape('f32', [2, 3, 4, 5]), 'x');
  const dy = b.parameter(1, arrayShape('f32', [2, 3, 4, 6]), 'dy');
  const window = [
    { ...plain, size: 3 },
    { ...plain, size: 4 },
  ];
  const dimensionNumbers: ConvDimensionNumbers = {
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
  const m = b.build([b.convolution(x, dy, { window, dimensionNumbers })]);
  expect(bodyText(transform(m, convolutionToDot))).toMatchInlineSnapshot(`
    "%0 = f32[2,3,4,5] parameter(0), name=x
    %1 = f32[2,3,4,6] parameter(1), name=dy
    %2 = f32[2,3,4,6] reshape(%1)
    %3 = f32[5,6] dot(%0, %2), dimensionNumbers={lhsContracting=[0,1,2], rhsContracting=[0,1,2]}
    %4 = f32[1,1,5,6] reshape(%3)
    root %5 = (f32[1,1,5,6]) tuple(%4)"
  `);
});

test('turns the result when the output is laid out otherwise', () => {
  const b = new HloBuilder('m');
  const x = b.parameter(0, arrayShape('f32', [2, 3, 4, 5]), 'x');
  const w = b.parameter(1, arrayShape('f32', [1, 1, 5, 6]), 'w');
  const dimensionNumbers = { ...nhwc, outputFeature: 1, outputSpatial: [2, 3] };
  const m = b.build([b.convolution(x, w, { window: [plain, plain], dimensionNumbers })]);
  expect(bodyText(transform(m, convolutionToDot))).toMatchInlineSnapshot(`
    "%0 = f32[2,3,4,5] parameter(0), name=x
    %1 = f32[1,1,5,6] parameter(1), name=w
    %2 = f32[5,6] reshape(%1)
    %3 = f32[2,3,4,6] dot(%0, %2), dimensionNumbers={lhsContracting=[3], rhsContracting=[0]}
    %4 = f32[2,6,3,4] transpose(%3), permutation=[0,3,1,2]
    %5 = f32[2,6,3,4] reshape(%4)
    root %6 = (f32[2,6,3,4]) tuple(%5)"
  `);
});

test('leaves strides and padding to convolutions', () => {
  const b = new HloBuilder('m');
  const x = b.parameter(0, arrayShape('f32', [2, 4, 4, 5]), 'x');
  const w = b.parameter(1, arrayShape('f32', [1, 1, 5, 6]), 'w');
  const strided = { ...plain, stride: 2 };
  const m = b.build([b.convolution(x, w, { window: [strided, strided], dimensionNumbers: nhwc })]);
  expect(transform(m, convolutionToDot)).toBe(m);
});
