/** @file Bias, losses and local response normalisation of neural networks. */
import { type Builder, dimsOf, dtypeOf, type Value } from '@tsflow/xla';
import { real } from '../dtype.ts';
import { UnimplementedError } from '../errors.ts';
import type { Tensor, TensorLike } from '../graph/tensor.ts';
import { float, floatType, int, oneOf, type } from '../op/attr.ts';
import { call } from '../op/call.ts';
import { defineOp } from '../op/defineOp.ts';
import { fullLike, reduceAxes } from '../op/hlo.ts';
import type { ShapeContext } from '../op/record.ts';
import { uniform } from '../op/sample.ts';
import { withRank } from '../op/shapeFunctions.ts';
import { formatShape, mergeDimension, type PartialShape } from '../shape.ts';
import { reshape, shapeLike } from './array.ts';
import { broadcastToShape } from './broadcast.ts';
import { multiply } from './math.ts';

type ChannelFormat = 'NHWC' | 'NCHW';
const formats = oneOf(['NHWC', 'NCHW'], 'NHWC');

/** Dimension of the channels: the last one, or 1. */
function channelAxis(rank: number, format: ChannelFormat): number {
  return format === 'NHWC' ? rank - 1 : 1;
}

function biasShape(
  { value, bias }: { value: PartialShape; bias: PartialShape },
  format: ChannelFormat,
  ctx: Pick<ShapeContext, 'fail'>,
): PartialShape {
  const channels = withRank(bias, 1, 'bias', ctx)?.[0] ?? null;
  if (value === null) return null;
  if (value.length < 2) ctx.fail(`value must have rank ≥ 2, but is ${formatShape(value)}. Use add for vectors.`);
  const axis = channelAxis(value.length, format);
  const merged = mergeDimension(value[axis] ?? null, channels);
  if (merged !== undefined) return value.map((d, i) => (i === axis ? merged : d));
  return ctx.fail(
    `value ${formatShape(value)} has ${value[axis]} channels (dimension ${axis}, ${format}), but bias is ${formatShape(bias)}. Give one bias a channel.`,
  );
}

export const BiasAdd = defineOp('BiasAdd', {
  inputs: ['value: T', 'bias: T'],
  outputs: ['output: T'],
  attrs: { T: type(real), data_format: formats },
  shape: ({ value, bias }, ctx) => ({ output: biasShape({ value, bias }, ctx.attrs.data_format, ctx) }),
  grad: (_, dy, { attrs }) => ({ value: dy.output, bias: biasAddGrad(dy.output, attrs.data_format) }),
  lower: (b, { value, bias }, { attrs }) => {
    const dims = dimsOf(value);
    return { output: b.add(value, b.broadcast(bias, dims, [channelAxis(dims.length, attrs.data_format)])) };
  },
  sample: [
    { inputs: { value: uniform([2, 3]), bias: uniform([3]) } },
    { inputs: { value: uniform([2, 3, 2, 2]), bias: uniform([3]) }, attrs: { data_format: 'NCHW' } },
  ],
});

/** BiasAdd of early graphs: channels last. */
export const BiasAddV1 = defineOp('BiasAddV1', {
  inputs: ['value: T', 'bias: T'],
  outputs: ['output: T'],
  attrs: { T: type(real) },
  shape: ({ value, bias }, ctx) => ({ output: biasShape({ value, bias }, 'NHWC', ctx) }),
  grad: (_, dy) => ({ value: dy.output, bias: biasAddGrad(dy.output, 'NHWC') }),
  lower: (b, { value, bias }) => {
    const dims = dimsOf(value);
    return { output: b.add(value, b.broadcast(bias, dims, [dims.length - 1])) };
  },
  sample: { inputs: { value: uniform([2, 3]), bias: uniform([3]) } },
});

export const BiasAddGrad = defineOp('BiasAddGrad', {
  inputs: ['out_backprop: T'],
  outputs: ['output: T'],
  attrs: { T: type(real), data_format: formats },
  shape: ({ out_backprop: dy }, { attrs, fail }) => {
    if (dy !== null && dy.length < 2) fail(`out_backprop must have rank ≥ 2, but is ${formatShape(dy)}.`);
    return { output: [dy?.[channelAxis(dy.length, attrs.data_format)] ?? null] };
  },
  grad: ({ out_backprop }, dy, { attrs }) => ({
    out_backprop: spreadChannels(dy.output, out_backprop, attrs.data_format),
  }),
  lower: (b, { out_backprop: dy }, { attrs }) => {
    const rank = dimsOf(dy).length;
    const channels = channelAxis(rank, attrs.data_format);
    const axes = dimsOf(dy).flatMap((_, i) => (i === channels ? [] : [i]));
    return { output: reduceAxes(b, dy, { opcode: 'add', init: 0, axes }) };
  },
  sample: [
    { inputs: { out_backprop: uniform([2, 3]) } },
    { inputs: { out_backprop: uniform([2, 3, 2, 2]) }, attrs: { data_format: 'NCHW' } },
  ],
});

/** One number a channel, repeated to the shape of `like`. */
function spreadChannels(perChannel: Tensor, like: Tensor, format: ChannelFormat): Tensor {
  if (format === 'NHWC') return broadcastToShape(perChannel, shapeLike(like));
  if (like.shape === null) {
    throw new UnimplementedError('the gradient of BiasAddGrad in NCHW needs a known rank. Set it with setShape(…).', {
      opType: like.op.type,
      nodeName: like.op.name,
    });
  }
  const column = reshape(perChannel, [1, -1, ...like.shape.slice(2).map(() => 1)]);
  return broadcastToShape(column, shapeLike(like));
}

/** Gradient of biasAdd by the bias: sums over all but the channels. */
function biasAddGrad(outBackprop: Tensor, dataFormat: ChannelFormat): Tensor {
  return call(BiasAddGrad, { out_backprop: outBackprop }, { attrs: { data_format: dataFormat } }).output;
}

/**
 * `value` (rank ≥ 2) plus `bias` [channels]; the channels are the last dimension ('NHWC', default) or dimension 1 ('NCHW').
 * TF `nn.bias_add`.
 */
export function biasAdd(
  value: TensorLike,
  bias: TensorLike,
  options: { dataFormat?: ChannelFormat; name?: string } = {},
): Tensor {
  const attrs = { data_format: options.dataFormat ?? 'NHWC' } as const;
  return call(BiasAdd, { value, bias }, { attrs, name: options.name }).output;
}

export const L2Loss = defineOp('L2Loss', {
  inputs: ['t: T'],
  outputs: ['output: T'],
  attrs: { T: floatType },
  shape: () => ({ output: [] }),
  grad: ({ t }, dy) => ({ t: multiply(t, dy.output) }),
  lower: (b, { t }) => {
    const axes = dimsOf(t).map((_, i) => i);
    const sum = reduceAxes(b, b.multiply(t, t), { opcode: 'add', init: 0, axes });
    return { output: b.multiply(sum, fullLike(b, sum, 0.5)) };
  },
  sample: { inputs: { t: uniform([2, 3]) } },
});

/** Σ t² / 2 over all elements. TF `nn.l2_loss`. */
export function l2Loss(t: TensorLike, name?: string): Tensor {
  return call(L2Loss, { t }, { name }).output;
}

interface LrnOf {
  readonly depth_radius: number;
  readonly bias: number;
  readonly alpha: number;
  readonly beta: number;
}

const lrnAttrs = {
  depth_radius: int(5),
  bias: float(1),
  alpha: float(1),
  beta: float(0.5),
  T: type(['float16', 'bfloat16', 'float32'], 'float32'),
};

/** Sums over the `2·radius + 1` channels around each: differences of padded slices, added up. */
function windowSums(b: Builder, x: Value, radius: number): Value {
  const dims = dimsOf(x);
  const last = dims.length - 1;
  const window = dims.map((_, i) => ({
    size: i === last ? 2 * radius + 1 : 1,
    stride: 1,
    padLow: i === last ? radius : 0,
    padHigh: i === last ? radius : 0,
    baseDilation: 1,
    windowDilation: 1,
    reversal: false,
  }));
  return b.reduceWindow(x, b.scalar(0, dtypeOf(x)), window, b.reducer('add', dtypeOf(x)));
}

/** bias + alpha·Σ x² over the neighbouring channels. */
function lrnNorm(b: Builder, x: Value, { depth_radius, bias, alpha }: LrnOf): Value {
  const sums = windowSums(b, b.multiply(x, x), depth_radius);
  return b.add(fullLike(b, x, bias), b.multiply(fullLike(b, x, alpha), sums));
}

export const LRN = defineOp('LRN', {
  inputs: ['input: T'],
  outputs: ['output: T'],
  attrs: lrnAttrs,
  shape: ({ input }, ctx) => ({ output: withRank(input, 4, 'input', ctx) }),
  grad: ({ input, output }, dy, { attrs }) => ({ input: lrnGrad({ input, output, dy: dy.output }, attrs) }),
  lower: (b, { input }, { attrs }) => ({
    output: b.multiply(input, b.power(lrnNorm(b, input, attrs), fullLike(b, input, -attrs.beta))),
  }),
  sample: { inputs: { input: uniform([1, 2, 2, 4]) }, attrs: { depth_radius: 1, alpha: 0.5 } },
});

function lrnGrad({ input, output, dy }: { input: Tensor; output: Tensor; dy: Tensor }, attrs: LrnOf): Tensor {
  const { depth_radius, bias, alpha, beta } = attrs;
  const inputs = { input_grads: dy, input_image: input, output_image: output };
  return call(LRNGrad, inputs, { attrs: { depth_radius, bias, alpha, beta } }).output;
}

export const LRNGrad = defineOp('LRNGrad', {
  inputs: ['input_grads: T', 'input_image: T', 'output_image: T'],
  outputs: ['output: T'],
  attrs: lrnAttrs,
  shape: ({ input_image }, ctx) => ({ output: withRank(input_image, 4, 'input_image', ctx) }),
  grad: null,
  // dx = dy·n^−β − 2αβ·x·Σ_window dy·y/n, n = bias + α·Σ x²
  lower: (b, { input_grads: dy, input_image: x, output_image: y }, { attrs }) => {
    const norm = lrnNorm(b, x, attrs);
    const direct = b.multiply(dy, b.power(norm, fullLike(b, x, -attrs.beta)));
    const around = windowSums(b, b.divide(b.multiply(dy, y), norm), attrs.depth_radius);
    const through = b.multiply(b.multiply(fullLike(b, x, 2 * attrs.alpha * attrs.beta), x), around);
    return { output: b.subtract(direct, through) };
  },
  sample: {
    inputs: {
      input_grads: uniform([1, 2, 2, 4]),
      input_image: uniform([1, 2, 2, 4]),
      output_image: uniform([1, 2, 2, 4]),
    },
    attrs: { depth_radius: 1 },
  },
});

/**
 * x / (bias + alpha·Σ x²)^beta, the sum over `depthRadius` channels on both sides of each. `input` is [batch, height, width, channels].
 * Krizhevsky et al. 2012. TF `nn.local_response_normalization` (`nn.lrn`).
 */
export function localResponseNormalization(
  input: TensorLike,
  options: { depthRadius?: number; bias?: number; alpha?: number; beta?: number; name?: string } = {},
): Tensor {
  const { depthRadius = 5, bias = 1, alpha = 1, beta = 0.5 } = options;
  return call(LRN, { input }, { attrs: { depth_radius: depthRadius, bias, alpha, beta }, name: options.name }).output;
}
