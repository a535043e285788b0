/**
 * @file 2-D convolutions: Conv2D, depthwise, and the gradients of both, which are convolutions again. Input and filter gradients use
 * the window's reversal, base dilation and swapped dimension numbers, so nothing is transposed in memory.
 */
import type { Builder, Value } from '@tsflow/xla';
import { dimsOf } from '@tsflow/xla';
import type { Tensor, TensorLike } from '../graph/tensor.ts';
import { type AttrSpecs, type AttrValues, bool, ints, oneOf, type } from '../op/attr.ts';
import { call } from '../op/call.ts';
import { defineOp } from '../op/defineOp.ts';
import { uniform, values } from '../op/sample.ts';
import {
  type DataFormat,
  imageAxes,
  type Padding,
  requireImage,
  type WindowAttrs,
  type WindowSpec,
  windowCount,
  windowExtent,
  windowedShape,
  windowPadding,
  windowSpecs,
} from '../op/windowGeometry.ts';
import { type Dimension, type Dims, formatShape, type PartialShape } from '../shape.ts';
import { shapeLike } from './array.ts';

const convAttrs = {
  T: type(['float16', 'bfloat16', 'float32', 'float64', 'int32']),
  strides: 'ints',
  use_cudnn_on_gpu: bool(true),
  padding: oneOf(['SAME', 'VALID', 'EXPLICIT']),
  explicit_paddings: ints([]),
  data_format: oneOf(['NHWC', 'NCHW'], 'NHWC'),
  dilations: ints([1, 1, 1, 1]),
} as const satisfies AttrSpecs;

const convGradAttrs = {
  ...convAttrs,
  T: type(['float16', 'bfloat16', 'float32', 'float64']),
} as const satisfies AttrSpecs;

const depthwiseAttrs = {
  T: type(['float16', 'bfloat16', 'float32', 'float64']),
  strides: 'ints',
  padding: oneOf(['SAME', 'VALID', 'EXPLICIT']),
  explicit_paddings: ints([]),
  data_format: oneOf(['NHWC', 'NCHW'], 'NHWC'),
  dilations: ints([1, 1, 1, 1]),
} as const satisfies AttrSpecs;

type Fail = (text: string) => never;

/** Filter height and width; complains about another rank. */
function filterWindow(filter: PartialShape, fail: Fail): readonly [number, number] | undefined {
  if (filter === null) return undefined;
  if (filter.length !== 4) fail(`filter must have 4 dimensions [height, width, in, out], got ${formatShape(filter)}.`);
  const [h, w] = filter;
  return h === null || h === undefined || w === null || w === undefined ? undefined : [h, w];
}

/** Static shape of a convolution; `outChannels` from the filter's channel counts and the input's channels. */
function convShape(
  input: PartialShape,
  filter: PartialShape,
  options: { attrs: WindowAttrs; fail: Fail; outChannels: (inChannels: Dimension, filter: PartialShape) => Dimension },
): PartialShape {
  const { attrs, fail } = options;
  requireImage(input, 'input', fail);
  const window = filterWindow(filter, fail);
  const axes = imageAxes(attrs.data_format as DataFormat);
  const channels = options.outChannels(input === null ? null : (input[axes.channels] as Dimension), filter);
  const specs = windowSpecs(window ?? [1, 1], attrs, fail);
  if (window === undefined) {
    const unknown: Dimension[] = [null, null, null, null];
    unknown[axes.batch] = input === null ? null : (input[axes.batch] as Dimension);
    unknown[axes.channels] = channels;
    return unknown;
  }
  return windowedShape(input, specs, { format: attrs.data_format, channels, fail });
}

/** Output channels of Conv2D; input channels must be a multiple of the filter's (grouped convolution). */
function convChannels(fail: Fail) {
  return (inChannels: Dimension, filter: PartialShape): Dimension => {
    const [, , filterIn, filterOut] = filter ?? [null, null, null, null];
    if (inChannels !== null && filterIn !== null && filterIn !== undefined) {
      const groups = inChannels / filterIn;
      if (!Number.isInteger(groups) || groups < 1 || (filterOut !== null && (filterOut as number) % groups !== 0)) {
        fail(
          `input has ${inChannels} channels, but filter ${formatShape(filter)} takes ${filterIn}. ` +
            "Input channels must be a multiple of the filter's third dimension, and its fourth a multiple of that factor.",
        );
      }
    }
    return filterOut ?? null;
  };
}

function depthwiseChannels(fail: Fail) {
  return (inChannels: Dimension, filter: PartialShape): Dimension => {
    const [, , filterIn, multiplier] = filter ?? [null, null, null, null];
    if (inChannels !== null && filterIn !== null && inChannels !== filterIn) {
      fail(
        `input has ${inChannels} channels, but filter ${formatShape(filter)} has ${filterIn}. A depthwise filter is [height, width, input channels, multiplier].`,
      );
    }
    const channels = inChannels ?? filterIn ?? null;
    return channels === null || multiplier === null || multiplier === undefined ? null : channels * multiplier;
  };
}

/** What lowering needs to know of one convolution. Dims are those of the forward op's input, filter and output. */
interface Geometry {
  readonly specs: readonly [WindowSpec, WindowSpec];
  readonly format: DataFormat;
  readonly groups: number;
  readonly inputDims: Dims;
}

function geometry(inputDims: Dims, filterDims: Dims, attrs: WindowAttrs, fail: Fail): Geometry {
  const format = attrs.data_format as DataFormat;
  const specs = windowSpecs([filterDims[0] as number, filterDims[1] as number], attrs, fail);
  const channels = inputDims[imageAxes(format).channels] as number;
  return { specs, format, groups: channels / (filterDims[2] as number), inputDims };
}

function inputSize(g: Geometry, i: 0 | 1): number {
  return g.inputDims[imageAxes(g.format).spatial[i]] as number;
}

const both = [0, 1] as const;

/** y[b,o,f] = Σ x[b, o·stride + k·dilation − pad, c]·w[k,c,f] */
function forward(b: Builder, x: Value, filter: Value, g: Geometry): Value {
  const axes = imageAxes(g.format);
  return b.convolution(x, filter, {
    window: both.map((i) => {
      const [padLow, padHigh] = windowPadding(inputSize(g, i), g.specs[i]);
      const { size, stride, dilation } = g.specs[i];
      return { size, stride, padLow, padHigh, baseDilation: 1, windowDilation: dilation, reversal: false };
    }),
    dimensionNumbers: {
      inputBatch: axes.batch,
      inputFeature: axes.channels,
      inputSpatial: axes.spatial,
      kernelInputFeature: 2,
      kernelOutputFeature: 3,
      kernelSpatial: [0, 1],
      outputBatch: axes.batch,
      outputFeature: axes.channels,
      outputSpatial: axes.spatial,
    },
    featureGroupCount: g.groups,
  });
}

/** dx: the filter slides reversed over dy spread out by the stride; features in and out of the filter swap. */
function backpropInput(b: Builder, filter: Value, dy: Value, g: Geometry): Value {
  const axes = imageAxes(g.format);
  return b.convolution(dy, swapGroups(b, filter, g.groups), {
    window: both.map((i) => {
      const { size, stride, dilation } = g.specs[i];
      const extent = windowExtent(g.specs[i]);
      const input = inputSize(g, i);
      const padLow = extent - 1 - windowPadding(input, g.specs[i])[0];
      const spread = ((windowCount(input, g.specs[i]) as number) - 1) * stride + 1;
      const padHigh = input - 1 + extent - spread - padLow;
      return { size, stride: 1, padLow, padHigh, baseDilation: stride, windowDilation: dilation, reversal: true };
    }),
    dimensionNumbers: {
      inputBatch: axes.batch,
      inputFeature: axes.channels,
      inputSpatial: axes.spatial,
      kernelInputFeature: 3,
      kernelOutputFeature: 2,
      kernelSpatial: [0, 1],
      outputBatch: axes.batch,
      outputFeature: axes.channels,
      outputSpatial: axes.spatial,
    },
    featureGroupCount: g.groups,
  });
}

/** [h, w, in/g, out] → [h, w, in, out/g]: groups move from the output to the input features, for the input gradient. */
function swapGroups(b: Builder, filter: Value, groups: number): Value {
  if (groups === 1) return filter;
  const [h, w, inner, out] = dimsOf(filter) as readonly [number, number, number, number];
  const split = b.reshape(filter, [h, w, inner, groups, out / groups]);
  return b.reshape(b.transpose(split, [0, 1, 3, 2, 4]), [h, w, groups * inner, out / groups]);
}

/** dw[k,c,f] = Σ x[b, o·stride + k·dilation − pad, c]·dy[b,o,f]: batch and feature of x swap, dy is the window. */
function backpropFilter(b: Builder, x: Value, dy: Value, g: Geometry): Value {
  const axes = imageAxes(g.format);
  return b.convolution(x, dy, {
    window: both.map((i) => {
      const { size, stride, dilation } = g.specs[i];
      const input = inputSize(g, i);
      const count = windowCount(input, g.specs[i]) as number;
      const [padLow] = windowPadding(input, g.specs[i]);
      const padHigh = (count - 1) * stride + 1 + (size - 1) * dilation - input - padLow;
      return {
        size: count,
        stride: dilation,
        padLow,
        padHigh,
        baseDilation: 1,
        windowDilation: stride,
        reversal: false,
      };
    }),
    dimensionNumbers: {
      inputBatch: axes.channels,
      inputFeature: axes.batch,
      inputSpatial: axes.spatial,
      kernelInputFeature: axes.batch,
      kernelOutputFeature: axes.channels,
      kernelSpatial: axes.spatial,
      outputBatch: 2,
      outputFeature: 3,
      outputSpatial: [0, 1],
    },
    batchGroupCount: g.groups,
  });
}

/** Filter of a depthwise op as that of a grouped convolution: [h, w, c, m] → [h, w, 1, c·m]. */
function depthwiseFilter(b: Builder, filter: Value): Value {
  const [h, w, c, m] = dimsOf(filter) as readonly [number, number, number, number];
  return b.reshape(filter, [h, w, 1, c * m]);
}

const convSample = {
  inputs: { input: uniform([2, 5, 6, 3]), filter: uniform([3, 2, 3, 4]) },
  attrs: { strides: [1, 2, 1, 1], padding: 'SAME' },
} as const;

interface ConvInputs {
  readonly input: Tensor;
  readonly filter: Tensor;
}
interface InputGradInputs {
  readonly sizes: Tensor;
  readonly filter: Tensor;
  readonly dy: Tensor;
}
interface FilterGradInputs {
  readonly input: Tensor;
  readonly sizes: Tensor;
  readonly dy: Tensor;
}
type ConvAttrs = AttrValues<typeof convAttrs>;
type DepthwiseAttrs = AttrValues<typeof depthwiseAttrs>;

// The six records differentiate into each other; these make the nodes.
function conv(inputs: ConvInputs, attrs: ConvAttrs): Tensor {
  return call(Conv2D, inputs, { attrs }).output;
}
function convInput({ sizes, filter, dy }: InputGradInputs, attrs: ConvAttrs): Tensor {
  return call(Conv2DBackpropInput, { input_sizes: sizes, filter, out_backprop: dy }, { attrs }).output;
}
function convFilter({ input, sizes, dy }: FilterGradInputs, attrs: ConvAttrs): Tensor {
  return call(Conv2DBackpropFilter, { input, filter_sizes: sizes, out_backprop: dy }, { attrs }).output;
}
function depthwise(inputs: ConvInputs, attrs: DepthwiseAttrs): Tensor {
  return call(DepthwiseConv2dNative, inputs, { attrs }).output;
}
function depthwiseInput({ sizes, filter, dy }: InputGradInputs, attrs: DepthwiseAttrs): Tensor {
  return call(DepthwiseConv2dNativeBackpropInput, { input_sizes: sizes, filter, out_backprop: dy }, { attrs }).output;
}
function depthwiseFilterGradient({ input, sizes, dy }: FilterGradInputs, attrs: DepthwiseAttrs): Tensor {
  return call(DepthwiseConv2dNativeBackpropFilter, { input, filter_sizes: sizes, out_backprop: dy }, { attrs }).output;
}

/** TF op Conv2D. */
export const Conv2D = defineOp('Conv2D', {
  inputs: ['input', 'filter'],
  outputs: ['output'],
  attrs: convAttrs,
  shape: ({ input, filter }, { attrs, fail }) => ({
    output: convShape(input, filter, { attrs, fail, outChannels: convChannels(fail) }),
  }),
  grad: ({ input, filter }, { output: dy }, { attrs }) => ({
    input: convInput({ sizes: shapeLike(input), filter, dy }, attrs),
    filter: convFilter({ input, sizes: shapeLike(filter), dy }, attrs),
  }),
  lower: (b, { input, filter }, { attrs, fail }) => ({
    output: forward(b, input, filter, geometry(dimsOf(input), dimsOf(filter), attrs, fail)),
  }),
  sample: [
    convSample,
    {
      inputs: { input: uniform([1, 3, 7, 7]), filter: uniform([3, 3, 3, 2]) },
      attrs: { strides: [1, 1, 1, 1], padding: 'VALID', data_format: 'NCHW', dilations: [1, 1, 2, 2] },
    },
    {
      inputs: { input: uniform([2, 4, 4, 4]), filter: uniform([3, 3, 2, 6]) },
      attrs: { strides: [1, 1, 1, 1], padding: 'EXPLICIT', explicit_paddings: [0, 0, 2, 1, 0, 1, 0, 0] },
    },
  ],
});

/** TF op Conv2DBackpropInput: the gradient of Conv2D by its input; also the transposed convolution. */
export const Conv2DBackpropInput = defineOp('Conv2DBackpropInput', {
  inputs: ['input_sizes: int32', 'filter', 'out_backprop'],
  outputs: ['output'],
  attrs: convAttrs,
  shape: ({ out_backprop: dy, filter }, { attrs, fail, constantShape }) => ({
    output: gradInputShape(constantShape('input_sizes'), filter, { dy, attrs, fail, outChannels: convChannels(fail) }),
  }),
  grad: ({ filter, out_backprop: dy }, { output: ddx }, { attrs }) => ({
    input_sizes: null,
    filter: convFilter({ input: ddx, sizes: shapeLike(filter), dy }, attrs),
    out_backprop: conv({ input: ddx, filter }, attrs),
  }),
  lower: (b, { filter, out_backprop: dy }, { attrs, fail, dims }) => ({
    output: backpropInput(b, filter, dy, geometry(dims('output'), dimsOf(filter), attrs, fail)),
  }),
  sample: [
    {
      inputs: {
        input_sizes: values([2, 5, 6, 3], 'int32'),
        filter: uniform([3, 2, 3, 4]),
        out_backprop: uniform([2, 3, 6, 4]),
      },
      attrs: convSample.attrs,
    },
    {
      inputs: {
        input_sizes: values([1, 4, 4, 4], 'int32'),
        filter: uniform([2, 2, 2, 6]),
        out_backprop: uniform([1, 2, 2, 6]),
      },
      attrs: { strides: [1, 2, 2, 1], padding: 'VALID' },
    },
  ],
});

/** TF op Conv2DBackpropFilter: the gradient of Conv2D by its filter. */
export const Conv2DBackpropFilter = defineOp('Conv2DBackpropFilter', {
  inputs: ['input', 'filter_sizes: int32', 'out_backprop'],
  outputs: ['output'],
  attrs: convGradAttrs,
  shape: ({ input, out_backprop: dy }, { attrs, fail, constantShape }) => {
    requireImage(input, 'input', fail);
    requireImage(dy, 'out_backprop', fail);
    const filter = constantShape('filter_sizes');
    filterWindow(filter, fail);
    windowSpecs([1, 1], attrs, fail);
    return { output: filter ?? [null, null, null, null] };
  },
  grad: ({ input, out_backprop: dy }, { output: ddw }, { attrs }) => ({
    input: convInput({ sizes: shapeLike(input), filter: ddw, dy }, attrs),
    filter_sizes: null,
    out_backprop: conv({ input, filter: ddw }, attrs),
  }),
  lower: (b, { input, out_backprop: dy }, { attrs, fail, dims }) => ({
    output: backpropFilter(b, input, dy, geometry(dimsOf(input), dims('output'), attrs, fail)),
  }),
  sample: [
    {
      inputs: {
        input: uniform([2, 5, 6, 3]),
        filter_sizes: values([3, 2, 3, 4], 'int32'),
        out_backprop: uniform([2, 3, 6, 4]),
      },
      attrs: convSample.attrs,
    },
    {
      inputs: {
        input: uniform([2, 5, 5, 4]),
        filter_sizes: values([2, 2, 2, 6], 'int32'),
        out_backprop: uniform([2, 3, 3, 6]),
      },
      attrs: { strides: [1, 1, 1, 1], padding: 'VALID', dilations: [1, 2, 2, 1] },
    },
  ],
});

/** The declared input shape must give `dy`'s shape in the forward direction. */
function gradInputShape(
  sizes: PartialShape,
  filter: PartialShape,
  options: {
    dy: PartialShape;
    attrs: WindowAttrs;
    fail: Fail;
    outChannels: (c: Dimension, f: PartialShape) => Dimension;
  },
): PartialShape {
  const { dy, attrs, fail } = options;
  requireImage(dy, 'out_backprop', fail);
  if (sizes === null) {
    const unknown: Dimension[] = [null, null, null, null];
    if (dy !== null) unknown[0] = dy[0] as Dimension;
    return unknown;
  }
  const expected = convShape(sizes, filter, options);
  if (expected !== null && dy?.some((d, i) => d !== null && expected[i] !== null && d !== expected[i])) {
    fail(
      `out_backprop is ${formatShape(dy)}, but an input of ${formatShape(sizes)} with filter ${formatShape(filter)}, strides [${attrs.strides.join(', ')}] ` +
        `and padding '${attrs.padding}' gives ${formatShape(expected)}. Give input_sizes (output shape of a transposed convolution) that fits.`,
    );
  }
  return sizes;
}

const depthwiseSample = {
  inputs: { input: uniform([2, 5, 6, 3]), filter: uniform([3, 2, 3, 2]) },
  attrs: { strides: [1, 2, 2, 1], padding: 'SAME' },
} as const;

/** TF op DepthwiseConv2dNative. */
export const DepthwiseConv2dNative = defineOp('DepthwiseConv2dNative', {
  inputs: ['input', 'filter'],
  outputs: ['output'],
  attrs: depthwiseAttrs,
  shape: ({ input, filter }, { attrs, fail }) => ({
    output: convShape(input, filter, { attrs, fail, outChannels: depthwiseChannels(fail) }),
  }),
  grad: ({ input, filter }, { output: dy }, { attrs }) => ({
    input: depthwiseInput({ sizes: shapeLike(input), filter, dy }, attrs),
    filter: depthwiseFilterGradient({ input, sizes: shapeLike(filter), dy }, attrs),
  }),
  lower: (b, { input, filter }, { attrs, fail }) => {
    const grouped = depthwiseFilter(b, filter);
    return { output: forward(b, input, grouped, geometry(dimsOf(input), dimsOf(grouped), attrs, fail)) };
  },
  sample: [
    depthwiseSample,
    {
      inputs: { input: uniform([1, 6, 6, 4]), filter: uniform([3, 3, 4, 1]) },
      attrs: { strides: [1, 1, 1, 1], padding: 'VALID', dilations: [1, 2, 2, 1] },
    },
  ],
});

/** TF op DepthwiseConv2dNativeBackpropInput. */
export const DepthwiseConv2dNativeBackpropInput = defineOp('DepthwiseConv2dNativeBackpropInput', {
  inputs: ['input_sizes: int32', 'filter', 'out_backprop'],
  outputs: ['output'],
  attrs: depthwiseAttrs,
  shape: ({ out_backprop: dy, filter }, { attrs, fail, constantShape }) => ({
    output: gradInputShape(constantShape('input_sizes'), filter, {
      dy,
      attrs,
      fail,
      outChannels: depthwiseChannels(fail),
    }),
  }),
  grad: ({ filter, out_backprop: dy }, { output: ddx }, { attrs }) => ({
    input_sizes: null,
    filter: depthwiseFilterGradient({ input: ddx, sizes: shapeLike(filter), dy }, attrs),
    out_backprop: depthwise({ input: ddx, filter }, attrs),
  }),
  lower: (b, { filter, out_backprop: dy }, { attrs, fail, dims }) => {
    const grouped = depthwiseFilter(b, filter);
    return { output: backpropInput(b, grouped, dy, geometry(dims('output'), dimsOf(grouped), attrs, fail)) };
  },
  sample: {
    inputs: {
      input_sizes: values([2, 5, 6, 3], 'int32'),
      filter: uniform([3, 2, 3, 2]),
      out_backprop: uniform([2, 3, 3, 6]),
    },
    attrs: depthwiseSample.attrs,
  },
});

/** TF op DepthwiseConv2dNativeBackpropFilter. */
export const DepthwiseConv2dNativeBackpropFilter = defineOp('DepthwiseConv2dNativeBackpropFilter', {
  inputs: ['input', 'filter_sizes: int32', 'out_backprop'],
  outputs: ['output'],
  attrs: depthwiseAttrs,
  shape: ({ input, out_backprop: dy }, { attrs, fail, constantShape }) => {
    requireImage(input, 'input', fail);
    requireImage(dy, 'out_backprop', fail);
    const filter = constantShape('filter_sizes');
    filterWindow(filter, fail);
    windowSpecs([1, 1], attrs, fail);
    return { output: filter ?? [null, null, null, null] };
  },
  grad: ({ input, out_backprop: dy }, { output: ddw }, { attrs }) => ({
    input: depthwiseInput({ sizes: shapeLike(input), filter: ddw, dy }, attrs),
    filter_sizes: null,
    out_backprop: depthwise({ input, filter: ddw }, attrs),
  }),
  lower: (b, { input, out_backprop: dy }, { attrs, fail, dims }) => {
    const [h, w, c, m] = dims('output') as readonly [number, number, number, number];
    const grouped = backpropFilter(b, input, dy, geometry(dimsOf(input), [h, w, 1, c * m], attrs, fail));
    return { output: b.reshape(grouped, [h, w, c, m]) };
  },
  sample: {
    inputs: {
      input: uniform([2, 5, 6, 3]),
      filter_sizes: values([3, 2, 3, 2], 'int32'),
      out_backprop: uniform([2, 3, 3, 6]),
    },
    attrs: depthwiseSample.attrs,
  },
});

/** Options of the convolution functions. */
export interface ConvOptions {
  /** One number a dimension of the input, 1 for batch and channels. */
  readonly strides: readonly number[];
  /** 'SAME', 'VALID' (any case), or before/after of each dimension as [[0, 0], [top, bottom], [left, right], [0, 0]]. */
  readonly padding: 'SAME' | 'VALID' | 'same' | 'valid' | readonly (readonly [number, number])[];
  /** Default 'NHWC'. */
  readonly dataFormat?: DataFormat;
  /** Default [1, 1, 1, 1]. */
  readonly dilations?: readonly number[];
  readonly name?: string;
}

function convAttrsOf(options: ConvOptions) {
  const { padding } = options;
  const named = typeof padding === 'string';
  return {
    strides: options.strides,
    padding: (named ? padding.toUpperCase() : 'EXPLICIT') as Padding,
    explicit_paddings: named ? [] : padding.flat(),
    ...(options.dataFormat === undefined ? {} : { data_format: options.dataFormat }),
    ...(options.dilations === undefined ? {} : { dilations: options.dilations }),
  };
}

/**
 * 2-D convolution (cross-correlation) of `input` [batch, height, width, channels] with `filter` [height, width, channels, out].
 * Answers [batch, height', width', out]. Input channels may be a multiple of the filter's: grouped convolution. TF: tf.nn.conv2d.
 */
export function conv2d(input: TensorLike, filter: TensorLike, options: ConvOptions): Tensor {
  return call(Conv2D, { input, filter }, { attrs: convAttrsOf(options), name: options.name }).output;
}

/**
 * The transpose (gradient) of conv2d: `value` [batch, height, width, in], `filter` [height, width, out, in], answering `outputShape`.
 * TF: tf.nn.conv2d_transpose.
 */
export function conv2dTranspose(
  value: TensorLike,
  filter: TensorLike,
  options: ConvOptions & { readonly outputShape: TensorLike },
): Tensor {
  const inputs = { input_sizes: options.outputShape, filter, out_backprop: value };
  return call(Conv2DBackpropInput, inputs, { attrs: convAttrsOf(options), name: options.name ?? 'conv2d_transpose' })
    .output;
}

/** Gradient of conv2d by its input, whose shape is `inputSizes`. TF: tf.nn.conv2d_backprop_input. */
export function conv2dBackpropInput(
  inputSizes: TensorLike,
  filter: TensorLike,
  options: ConvOptions & { readonly outBackprop: TensorLike },
): Tensor {
  const inputs = { input_sizes: inputSizes, filter, out_backprop: options.outBackprop };
  return call(Conv2DBackpropInput, inputs, { attrs: convAttrsOf(options), name: options.name }).output;
}

/** Gradient of conv2d by its filter, whose shape is `filterSizes`. TF: tf.nn.conv2d_backprop_filter. */
export function conv2dBackpropFilter(
  input: TensorLike,
  filterSizes: TensorLike,
  options: ConvOptions & { readonly outBackprop: TensorLike },
): Tensor {
  const inputs = { input, filter_sizes: filterSizes, out_backprop: options.outBackprop };
  return call(Conv2DBackpropFilter, inputs, { attrs: convAttrsOf(options), name: options.name }).output;
}

/**
 * Convolves each channel of `input` [batch, height, width, channels] with its own filters: `filter` [height, width, channels, multiplier].
 * Answers [batch, height', width', channels · multiplier]. TF: tf.nn.depthwise_conv2d_native (and depthwise_conv2d).
 */
export function depthwiseConv2dNative(input: TensorLike, filter: TensorLike, options: ConvOptions): Tensor {
  return call(DepthwiseConv2dNative, { input, filter }, { attrs: convAttrsOf(options), name: options.name }).output;
}
