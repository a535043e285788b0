/** @file Convolutions and pooling made of the 2-D ops: one dimension, dilation, separable filters, any of them by one call. */
import { InvalidArgumentError, UnimplementedError } from '../errors.ts';
import { nameScope } from '../graph/graph.ts';
import type { Tensor, TensorLike } from '../graph/tensor.ts';
import { convertToTensor } from '../op/call.ts';
import { expandDims, squeeze } from '../ops/arrayShape.ts';
import { conv2d, conv2dTranspose, depthwiseConv2dNative } from '../ops/conv.ts';
import { avgPool, maxPool } from '../ops/pool.ts';
import { formatShape } from '../shape.ts';

type Padding = 'SAME' | 'VALID' | 'same' | 'valid';
type Format1d = 'NWC' | 'NCW';
type Format2d = 'NHWC' | 'NCHW';
type AnyFormat = Format1d | Format2d;

interface Named {
  readonly padding: Padding;
  readonly name?: string | undefined;
}

function channelsLast(format: AnyFormat | undefined): boolean {
  return format === undefined || format.endsWith('C');
}

/** One number for each dimension of the input, 1 for batch and channels. */
function spread(spatial: readonly number[], last: boolean): readonly number[] {
  return last ? [1, ...spatial, 1] : [1, 1, ...spatial];
}

function plane(last: boolean): Format2d {
  return last ? 'NHWC' : 'NCHW';
}

/** Runs a 2-D function on a 1-D input by a height of 1. */
function asPlane(x: TensorLike, last: boolean, f: (plane: Tensor) => Tensor): Tensor {
  const axis = last ? 1 : 2;
  return squeeze(f(expandDims(x, axis)), { axis: [axis] });
}

export interface Conv1dOptions extends Named {
  readonly stride: number;
  /** Default 'NWC': [batch, width, channels]. */
  readonly dataFormat?: Format1d;
  /** Default 1. */
  readonly dilation?: number;
}

/** 1-D convolution of `value` [batch, width, channels] with `filters` [width, channels, out]. TF `nn.conv1d`. */
export function conv1d(value: TensorLike, filters: TensorLike, options: Conv1dOptions): Tensor {
  const last = channelsLast(options.dataFormat);
  return nameScope(options.name ?? 'conv1d', () =>
    asPlane(value, last, (x) =>
      conv2d(x, expandDims(filters, 0), {
        strides: spread([1, options.stride], last),
        padding: options.padding,
        dataFormat: plane(last),
        dilations: spread([1, options.dilation ?? 1], last),
      }),
    ),
  );
}

export interface DepthwiseOptions extends Named {
  /** One number a dimension of the input. */
  readonly strides: readonly number[];
  readonly dataFormat?: Format2d;
  /** [height, width] of the dilation; needs strides of 1. Default [1, 1]. */
  readonly rate?: readonly number[];
}

function dilations(options: DepthwiseOptions): readonly number[] {
  const rate = options.rate ?? [1, 1];
  if (rate.some((r) => r > 1) && options.strides.some((s) => s > 1)) {
    throw new InvalidArgumentError(
      `strides [${options.strides.join(', ')}] and rate [${rate.join(', ')}] are both above 1. Use one of them.`,
    );
  }
  return spread(rate, channelsLast(options.dataFormat));
}

/**
 * Convolves each channel of `input` with its own filters `filter` [height, width, channels, multiplier]; `rate` dilates. TF
 * `nn.depthwise_conv2d`.
 */
export function depthwiseConv2d(input: TensorLike, filter: TensorLike, options: DepthwiseOptions): Tensor {
  const { strides, padding, dataFormat = 'NHWC' } = options;
  const rest = { strides, padding, dataFormat, dilations: dilations(options) };
  return depthwiseConv2dNative(input, filter, { ...rest, name: options.name ?? 'depthwise' });
}

/**
 * A depthwise convolution, then a 1×1 convolution `pointwiseFilter` [1, 1, channels · multiplier, out] that mixes channels. TF
 * `nn.separable_conv2d`.
 */
export function separableConv2d(
  input: TensorLike,
  depthwiseFilter: TensorLike,
  options: DepthwiseOptions & { readonly pointwiseFilter: TensorLike },
): Tensor {
  return nameScope(options.name ?? 'separable_conv2d', (scope) => {
    const depthwise = depthwiseConv2d(input, depthwiseFilter, { ...options, name: 'depthwise' });
    return conv2d(depthwise, options.pointwiseFilter, {
      strides: [1, 1, 1, 1],
      padding: 'VALID',
      dataFormat: options.dataFormat ?? 'NHWC',
      name: scope,
    });
  });
}

/** 2-D convolution whose filter has holes: every `rate`-th input element is taken. TF `nn.atrous_conv2d`. */
export function atrousConv2d(
  value: TensorLike,
  filters: TensorLike,
  options: Named & { readonly rate: number },
): Tensor {
  const { rate, padding, name } = options;
  return conv2d(value, filters, {
    strides: [1, 1, 1, 1],
    padding,
    dilations: [1, rate, rate, 1],
    name: name ?? 'convolution',
  });
}

/** The transpose of atrousConv2d, answering `outputShape`. TF `nn.atrous_conv2d_transpose`. */
export function atrousConv2dTranspose(
  value: TensorLike,
  filters: TensorLike,
  options: Named & { readonly rate: number; readonly outputShape: TensorLike },
): Tensor {
  const { rate, padding, outputShape, name } = options;
  const dilated = { strides: [1, 1, 1, 1], padding, dilations: [1, rate, rate, 1] };
  return conv2dTranspose(value, filters, { ...dilated, outputShape, name: name ?? 'atrous_conv2d_transpose' });
}

export interface ConvolutionOptions extends Named {
  /** One number a spatial dimension. Default 1. */
  readonly strides?: readonly number[];
  readonly dilationRate?: readonly number[];
  /** Default channels last. */
  readonly dataFormat?: AnyFormat;
}

/** Number of spatial dimensions of an input; 1 and 2 are supported. */
function spatialRank(x: Tensor, what: string): 1 | 2 {
  const n = x.shape === null ? undefined : x.shape.length - 2;
  if (n === 1 || n === 2) return n;
  throw new UnimplementedError(
    `${what} of an input of shape ${formatShape(x.shape)} is not supported. Inputs have rank 3 (1-D) or 4 (2-D).`,
  );
}

/** 1-D or 2-D convolution by the rank of `input`, with strides or dilation. TF `nn.convolution`. */
export function convolution(input: TensorLike, filter: TensorLike, options: ConvolutionOptions): Tensor {
  const x = convertToTensor(input);
  const n = spatialRank(x, 'convolution');
  const ones = new Array<number>(n).fill(1);
  const strides = options.strides ?? ones;
  const rate = options.dilationRate ?? ones;
  const last = channelsLast(options.dataFormat);
  if (n === 1) {
    const [stride = 1] = strides;
    const [dilation = 1] = rate;
    const dataFormat = last ? 'NWC' : 'NCW';
    return conv1d(x, filter, {
      stride,
      dilation,
      padding: options.padding,
      dataFormat,
      name: options.name ?? 'convolution',
    });
  }
  return conv2d(x, filter, {
    strides: spread(strides, last),
    padding: options.padding,
    dataFormat: plane(last),
    dilations: spread(rate, last),
    name: options.name ?? 'convolution',
  });
}

export interface PoolingOptions extends Named {
  /** One number a spatial dimension. */
  readonly windowShape: readonly number[];
  readonly poolingType: 'AVG' | 'MAX';
  readonly strides?: readonly number[];
  readonly dataFormat?: AnyFormat;
}

/** Maximum or mean over windows of a 1-D or 2-D input. TF `nn.pool`; dilated windows are not supported. */
export function pool(input: TensorLike, options: PoolingOptions): Tensor {
  const x = convertToTensor(input);
  const n = spatialRank(x, 'pool');
  const strides = options.strides ?? new Array<number>(n).fill(1);
  const last = channelsLast(options.dataFormat);
  const f = options.poolingType === 'MAX' ? maxPool : avgPool;
  const pooled = (y: Tensor, window: readonly number[], step: readonly number[]): Tensor =>
    f(y, {
      ksize: spread(window, last),
      strides: spread(step, last),
      padding: options.padding,
      dataFormat: plane(last),
    });
  return nameScope(options.name ?? `${options.poolingType.toLowerCase()}_pool`, () => {
    if (n === 2) return pooled(x, options.windowShape, strides);
    return asPlane(x, last, (y) => pooled(y, [1, ...options.windowShape], [1, ...strides]));
  });
}

export interface Pool1dOptions extends Named {
  readonly ksize: number;
  readonly strides: number;
  readonly dataFormat?: Format1d;
}

/** Maximum over windows of `input` [batch, width, channels]. TF `nn.max_pool1d`. */
export function maxPool1d(input: TensorLike, options: Pool1dOptions): Tensor {
  return pool1d(input, options, 'MAX');
}

/** Mean over windows of `input` [batch, width, channels]. TF `nn.avg_pool1d`. */
export function avgPool1d(input: TensorLike, options: Pool1dOptions): Tensor {
  return pool1d(input, options, 'AVG');
}

function pool1d(input: TensorLike, options: Pool1dOptions, poolingType: 'AVG' | 'MAX'): Tensor {
  const { ksize, strides, padding } = options;
  const format = options.dataFormat === undefined ? {} : { dataFormat: options.dataFormat };
  const name = options.name ?? `${poolingType.toLowerCase()}_pool1d`;
  return pool(input, { windowShape: [ksize], strides: [strides], padding, poolingType, name, ...format });
}
