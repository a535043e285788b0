/**
 * @file Fused batch normalisation (Ioffe, Szegedy 2015), versions 1 to 3 of the op, which differ in dtypes and reserved outputs only.
 * reserve_space_1 and _2 hold mean and biased variance of the batch, as TensorFlow's CPU kernels have it; statistics are float32.
 */
import { type Builder, dimsOf, dtypeOf, type Value } from '@tsflow/xla';
import type { Tensor, TensorLike } from '../graph/tensor.ts';
import { bool, float, oneOf, type } from '../op/attr.ts';
import { call, convertToTensor } from '../op/call.ts';
import { constantTensor } from '../op/constant.ts';
import { defineOp } from '../op/defineOp.ts';
import { fullLike, reduceAxes } from '../op/hlo.ts';
import type { ShapeContext } from '../op/record.ts';
import { uniform } from '../op/sample.ts';
import { withRank } from '../op/shapeFunctions.ts';
import { formatShape, mergeDimension, type PartialShape } from '../shape.ts';

type Format = 'NHWC' | 'NCHW' | 'NDHWC' | 'NCDHW';

interface NormAttrs {
  readonly epsilon: number;
  readonly data_format: Format;
  readonly is_training: boolean;
}

function channelAxis(rank: number, format: Format): number {
  return format.endsWith('C') ? rank - 1 : 1;
}

/** Shape of x with its channels merged with those of the vectors. */
function checked(
  x: PartialShape,
  vectors: Readonly<Record<string, PartialShape>>,
  ctx: Pick<ShapeContext, 'fail'> & { readonly attrs: NormAttrs },
): { readonly x: PartialShape; readonly channels: readonly [number | null] } {
  const shape = withRank(x, ctx.attrs.data_format.length, `x (${ctx.attrs.data_format})`, ctx);
  const axis = channelAxis(ctx.attrs.data_format.length, ctx.attrs.data_format);
  let channels = shape?.[axis] ?? null;
  for (const [name, vector] of Object.entries(vectors)) {
    const merged = mergeDimension(channels, withRank(vector, 1, name, ctx)?.[0] ?? null);
    if (merged === undefined) {
      return ctx.fail(`x ${formatShape(x)} has ${channels} channels, but ${name} is ${formatShape(vector)}.`);
    }
    channels = merged;
  }
  return { x: shape?.map((d, i) => (i === axis ? channels : d)) ?? null, channels: [channels] };
}

/** Channel-wise arithmetic on one array. */
class Channels {
  readonly #b: Builder;
  readonly #axis: number;
  readonly dims: readonly number[];
  /** Elements a channel. */
  readonly count: number;

  constructor(b: Builder, x: Value, format: Format) {
    this.#b = b;
    this.dims = dimsOf(x);
    this.#axis = channelAxis(this.dims.length, format);
    this.count = this.dims.reduce((n, d, i) => (i === this.#axis ? n : n * d), 1);
  }

  /** A vector of channels repeated over x. */
  spread(v: Value): Value {
    return this.#b.broadcast(v, this.dims, [this.#axis]);
  }

  sum(x: Value): Value {
    const axes = this.dims.flatMap((_, i) => (i === this.#axis ? [] : [i]));
    return reduceAxes(this.#b, x, { opcode: 'add', init: 0, axes });
  }

  mean(x: Value): Value {
    const sum = this.sum(x);
    return this.#b.divide(sum, fullLike(this.#b, sum, this.count));
  }
}

function inFloat(b: Builder, x: Value): Value {
  return dtypeOf(x) === 'f32' ? x : b.convert(x, 'f32');
}

function back(b: Builder, x: Value, like: Value): Value {
  return dtypeOf(like) === dtypeOf(x) ? x : b.convert(x, dtypeOf(like));
}

interface Normalized {
  readonly y: Value;
  readonly mean: Value;
  readonly variance: Value;
  readonly savedMean: Value;
  readonly savedVariance: Value;
}

interface NormInputs {
  readonly x: Value;
  readonly scale: Value;
  readonly offset: Value;
  readonly mean: Value;
  readonly variance: Value;
}

/** y = γ·(x − μ)/√(σ² + ε) + β; in training μ, σ² are the batch's and the answered variance is unbiased (n/(n − 1)). */
function normalize(
  b: Builder,
  inputs: NormInputs,
  attrs: NormAttrs & { readonly exponential_avg_factor: number },
): Normalized {
  const x = inFloat(b, inputs.x);
  const c = new Channels(b, x, attrs.data_format);
  const mean = attrs.is_training ? c.mean(x) : inFloat(b, inputs.mean);
  const centred = b.subtract(x, c.spread(mean));
  const variance = attrs.is_training ? c.mean(b.multiply(centred, centred)) : inFloat(b, inputs.variance);
  const inverse = b.rsqrt(b.add(variance, fullLike(b, variance, attrs.epsilon)));
  const factor = b.multiply(inverse, inFloat(b, inputs.scale));
  const y = b.add(b.multiply(centred, c.spread(factor)), c.spread(inFloat(b, inputs.offset)));
  const saved = { savedMean: mean, savedVariance: variance };
  if (!attrs.is_training) return { y: back(b, y, inputs.x), mean, variance, ...saved };
  const unbiased = b.multiply(variance, fullLike(b, variance, c.count / Math.max(c.count - 1, 1)));
  return {
    y: back(b, y, inputs.x),
    mean: running(b, inputs.mean, mean, attrs.exponential_avg_factor),
    variance: running(b, inputs.variance, unbiased, attrs.exponential_avg_factor),
    ...saved,
  };
}

/** (1 − f)·old + f·batch; f = 1 does not look at `old`, which may be empty. */
function running(b: Builder, old: Value, batch: Value, factor: number): Value {
  if (factor === 1) return batch;
  return b.add(
    b.multiply(inFloat(b, old), fullLike(b, batch, 1 - factor)),
    b.multiply(batch, fullLike(b, batch, factor)),
  );
}

interface GradInputs {
  readonly dy: Value;
  readonly x: Value;
  readonly scale: Value;
  readonly mean: Value;
  readonly variance: Value;
}

/** dβ = Σ dy, dγ = Σ dy·x̂, dx = γ/σ·(dy − (dβ + x̂·dγ)/n) in training, γ/σ·dy else; x̂ = (x − μ)/σ. */
function gradients(b: Builder, inputs: GradInputs, attrs: NormAttrs): { dx: Value; dscale: Value; doffset: Value } {
  const [x, dy] = [inFloat(b, inputs.x), inFloat(b, inputs.dy)];
  const c = new Channels(b, x, attrs.data_format);
  const variance = inFloat(b, inputs.variance);
  const inverse = b.rsqrt(b.add(variance, fullLike(b, variance, attrs.epsilon)));
  const normal = b.multiply(b.subtract(x, c.spread(inFloat(b, inputs.mean))), c.spread(inverse));
  const doffset = c.sum(dy);
  const dscale = c.sum(b.multiply(dy, normal));
  const factor = c.spread(b.multiply(inFloat(b, inputs.scale), inverse));
  if (!attrs.is_training) return { dx: back(b, b.multiply(dy, factor), inputs.x), dscale, doffset };
  const through = b.add(c.spread(doffset), b.multiply(normal, c.spread(dscale)));
  const share = b.multiply(through, fullLike(b, through, 1 / Math.max(c.count, 1)));
  return { dx: back(b, b.multiply(b.subtract(dy, share), factor), inputs.x), dscale, doffset };
}

const float32Only = type(['float32']);
const mixedT = type(['float16', 'bfloat16', 'float32']);
const planes = oneOf(['NHWC', 'NCHW'], 'NHWC');
const volumes = oneOf(['NHWC', 'NCHW', 'NDHWC', 'NCDHW'], 'NHWC');
const forward = { epsilon: float(1e-4), exponential_avg_factor: float(1) };
const training = { is_training: bool(true) };

const vectors = { scale: uniform([3], 0.5, 1.5), offset: uniform([3]) };
const statistics = { mean: uniform([3]), variance: uniform([3], 0.5, 1.5) };
/** Gradients of the statistics outputs are not defined, so the numeric check is in batchNorm.test.ts. */
const samples = [
  { inputs: { x: uniform([2, 2, 2, 3]), ...vectors, ...statistics }, attrs: { is_training: true }, grad: false },
  { inputs: { x: uniform([2, 2, 2, 3]), ...vectors, ...statistics }, attrs: { is_training: false }, grad: false },
  {
    inputs: { x: uniform([2, 3, 2, 2]), ...vectors, ...statistics },
    attrs: { is_training: true, data_format: 'NCHW' as const, exponential_avg_factor: 0.25 },
    grad: false,
  },
];
const gradSample = {
  inputs: {
    y_backprop: uniform([2, 2, 2, 3]),
    x: uniform([2, 2, 2, 3]),
    scale: vectors.scale,
    reserve_space_1: statistics.mean,
    reserve_space_2: statistics.variance,
  },
};

export const FusedBatchNorm = defineOp('FusedBatchNorm', {
  inputs: ['x: T', 'scale: T', 'offset: T', 'mean: T', 'variance: T'],
  outputs: ['y: T', 'batch_mean: T', 'batch_variance: T', 'reserve_space_1: T', 'reserve_space_2: T'],
  attrs: { T: float32Only, ...forward, data_format: planes, ...training },
  shape: ({ x, scale, offset }, ctx) => {
    const { x: y, channels } = checked(x, { scale, offset }, ctx);
    return { y, batch_mean: channels, batch_variance: channels, reserve_space_1: channels, reserve_space_2: channels };
  },
  grad: (io, dy, { attrs }) => {
    const saved = savedStatistics(io, attrs.is_training);
    const inputs = { y_backprop: dy.y, x: io.x, scale: io.scale, ...saved };
    const g = call(FusedBatchNormGrad, inputs, { attrs: normAttrs(attrs) });
    return { x: g.x_backprop, scale: g.scale_backprop, offset: g.offset_backprop, mean: null, variance: null };
  },
  lower: (b, inputs, { attrs }) => {
    const n = normalize(b, inputs, attrs);
    return {
      y: n.y,
      batch_mean: n.mean,
      batch_variance: n.variance,
      reserve_space_1: n.savedMean,
      reserve_space_2: n.savedVariance,
    };
  },
  sample: samples,
});

export const FusedBatchNormV2 = defineOp('FusedBatchNormV2', {
  inputs: ['x: T', 'scale: U', 'offset: U', 'mean: U', 'variance: U'],
  outputs: ['y: T', 'batch_mean: U', 'batch_variance: U', 'reserve_space_1: U', 'reserve_space_2: U'],
  attrs: { T: mixedT, U: float32Only, ...forward, data_format: planes, ...training },
  shape: ({ x, scale, offset }, ctx) => {
    const { x: y, channels } = checked(x, { scale, offset }, ctx);
    return { y, batch_mean: channels, batch_variance: channels, reserve_space_1: channels, reserve_space_2: channels };
  },
  grad: (io, dy, { attrs }) => {
    const saved = savedStatistics(io, attrs.is_training);
    const inputs = { y_backprop: dy.y, x: io.x, scale: io.scale, ...saved };
    const g = call(FusedBatchNormGradV2, inputs, { attrs: normAttrs(attrs) });
    return { x: g.x_backprop, scale: g.scale_backprop, offset: g.offset_backprop, mean: null, variance: null };
  },
  lower: (b, inputs, { attrs }) => {
    const n = normalize(b, inputs, attrs);
    return {
      y: n.y,
      batch_mean: n.mean,
      batch_variance: n.variance,
      reserve_space_1: n.savedMean,
      reserve_space_2: n.savedVariance,
    };
  },
  sample: samples,
});

export const FusedBatchNormV3 = defineOp('FusedBatchNormV3', {
  inputs: ['x: T', 'scale: U', 'offset: U', 'mean: U', 'variance: U'],
  outputs: [
    'y: T',
    'batch_mean: U',
    'batch_variance: U',
    'reserve_space_1: U',
    'reserve_space_2: U',
    'reserve_space_3: U',
  ],
  attrs: { T: mixedT, U: type(['bfloat16', 'float32']), ...forward, data_format: volumes, ...training },
  shape: ({ x, scale, offset }, ctx) => {
    const { x: y, channels } = checked(x, { scale, offset }, ctx);
    const own = { batch_mean: channels, batch_variance: channels };
    return { y, ...own, reserve_space_1: channels, reserve_space_2: channels, reserve_space_3: [] };
  },
  grad: (io, dy, { attrs }) => {
    const saved = savedStatistics(io, attrs.is_training);
    const inputs = { y_backprop: dy.y, x: io.x, scale: io.scale, ...saved, reserve_space_3: io.reserve_space_3 };
    const g = call(FusedBatchNormGradV3, inputs, { attrs: normAttrs(attrs) });
    return { x: g.x_backprop, scale: g.scale_backprop, offset: g.offset_backprop, mean: null, variance: null };
  },
  lower: (b, inputs, { attrs }) => {
    const n = normalize(b, inputs, attrs);
    const like = inputs.scale;
    return {
      y: n.y,
      batch_mean: back(b, n.mean, like),
      batch_variance: back(b, n.variance, like),
      reserve_space_1: back(b, n.savedMean, like),
      reserve_space_2: back(b, n.savedVariance, like),
      reserve_space_3: b.scalar(0, dtypeOf(like)),
    };
  },
  sample: samples,
});

/** What the gradient normalises by: the batch's statistics in training, the given ones else. */
function savedStatistics(
  io: {
    readonly mean: Tensor;
    readonly variance: Tensor;
    readonly reserve_space_1: Tensor;
    readonly reserve_space_2: Tensor;
  },
  isTraining: boolean,
): { readonly reserve_space_1: Tensor; readonly reserve_space_2: Tensor } {
  if (isTraining) return { reserve_space_1: io.reserve_space_1, reserve_space_2: io.reserve_space_2 };
  return { reserve_space_1: io.mean, reserve_space_2: io.variance };
}

function normAttrs<F extends Format>(attrs: {
  readonly epsilon: number;
  readonly data_format: F;
  readonly is_training: boolean;
}) {
  const { epsilon, data_format, is_training } = attrs;
  return { epsilon, data_format, is_training };
}

const none: PartialShape = [0];

export const FusedBatchNormGrad = defineOp('FusedBatchNormGrad', {
  inputs: ['y_backprop: T', 'x: T', 'scale: T', 'reserve_space_1: T', 'reserve_space_2: T'],
  outputs: ['x_backprop: T', 'scale_backprop: T', 'offset_backprop: T', 'reserve_space_3: T', 'reserve_space_4: T'],
  attrs: { T: float32Only, epsilon: float(1e-4), data_format: planes, ...training },
  shape: ({ x, scale }, ctx) => {
    const { x: dx, channels } = checked(x, { scale }, ctx);
    const own = { scale_backprop: channels, offset_backprop: channels };
    return { x_backprop: dx, ...own, reserve_space_3: none, reserve_space_4: none };
  },
  grad: null,
  lower: (b, inputs, { attrs }) => {
    const { y_backprop: dy, x, scale, reserve_space_1: mean, reserve_space_2: variance } = inputs;
    const g = gradients(b, { dy, x, scale, mean, variance }, attrs);
    const empty = b.full(0, 'f32', [0]);
    const own = { x_backprop: g.dx, scale_backprop: g.dscale, offset_backprop: g.doffset };
    return { ...own, reserve_space_3: empty, reserve_space_4: empty };
  },
  sample: gradSample,
});

export const FusedBatchNormGradV2 = defineOp('FusedBatchNormGradV2', {
  inputs: ['y_backprop: T', 'x: T', 'scale: float32', 'reserve_space_1: U', 'reserve_space_2: U'],
  outputs: ['x_backprop: T', 'scale_backprop: U', 'offset_backprop: U', 'reserve_space_3: U', 'reserve_space_4: U'],
  attrs: { T: mixedT, U: float32Only, epsilon: float(1e-4), data_format: planes, ...training },
  shape: ({ x, scale }, ctx) => {
    const { x: dx, channels } = checked(x, { scale }, ctx);
    const own = { scale_backprop: channels, offset_backprop: channels };
    return { x_backprop: dx, ...own, reserve_space_3: none, reserve_space_4: none };
  },
  grad: null,
  lower: (b, inputs, { attrs }) => {
    const { y_backprop: dy, x, scale, reserve_space_1: mean, reserve_space_2: variance } = inputs;
    const g = gradients(b, { dy, x, scale, mean, variance }, attrs);
    const empty = b.full(0, 'f32', [0]);
    const own = { x_backprop: g.dx, scale_backprop: g.dscale, offset_backprop: g.doffset };
    return { ...own, reserve_space_3: empty, reserve_space_4: empty };
  },
  sample: gradSample,
});

export const FusedBatchNormGradV3 = defineOp('FusedBatchNormGradV3', {
  inputs: ['y_backprop: T', 'x: T', 'scale: float32', 'reserve_space_1: U', 'reserve_space_2: U', 'reserve_space_3: U'],
  outputs: ['x_backprop: T', 'scale_backprop: U', 'offset_backprop: U', 'reserve_space_4: U', 'reserve_space_5: U'],
  attrs: { T: mixedT, U: float32Only, epsilon: float(1e-4), data_format: volumes, ...training },
  shape: ({ x, scale }, ctx) => {
    const { x: dx, channels } = checked(x, { scale }, ctx);
    const own = { scale_backprop: channels, offset_backprop: channels };
    return { x_backprop: dx, ...own, reserve_space_4: none, reserve_space_5: none };
  },
  grad: null,
  lower: (b, inputs, { attrs }) => {
    const { y_backprop: dy, x, scale, reserve_space_1: mean, reserve_space_2: variance } = inputs;
    const g = gradients(b, { dy, x, scale, mean, variance }, attrs);
    const empty = b.full(0, 'f32', [0]);
    const own = { x_backprop: g.dx, scale_backprop: g.dscale, offset_backprop: g.doffset };
    return { ...own, reserve_space_4: empty, reserve_space_5: empty };
  },
  sample: { inputs: { ...gradSample.inputs, reserve_space_3: uniform([]) } },
});

export interface FusedBatchNormOptions {
  /** γ [channels] */
  readonly scale: TensorLike;
  /** β [channels] */
  readonly offset: TensorLike;
  /** Statistics to normalise by when not training. */
  readonly mean?: TensorLike | null;
  readonly variance?: TensorLike | null;
  /** Default 0.001; at least 1.001e−5 is used. */
  readonly epsilon?: number;
  /** Default 'NHWC'. */
  readonly dataFormat?: Format;
  /** Default true: normalise by the batch's own mean and variance. */
  readonly isTraining?: boolean;
  /** f of the answered statistics (1 − f)·given + f·batch. Default 1: the batch's. */
  readonly exponentialAvgFactor?: number;
  readonly name?: string;
}

/**
 * Batch normalisation over all dimensions but the channels: [y, batchMean, batchVariance]. The variance answered is unbiased, y is
 * normalised by the biased one. TF `nn.fused_batch_norm`.
 */
export function fusedBatchNorm(x: TensorLike, options: FusedBatchNormOptions): readonly [Tensor, Tensor, Tensor] {
  const { scale, offset, isTraining = true } = options;
  const empty = (): Tensor => constantTensor([], 'float32', 'Const', [0]);
  const inputs = {
    x: convertToTensor(x, { name: 'input' }),
    scale,
    offset,
    mean: options.mean ?? empty(),
    variance: options.variance ?? empty(),
  };
  const attrs = {
    epsilon: Math.max(options.epsilon ?? 0.001, 1.001e-5),
    data_format: options.dataFormat ?? 'NHWC',
    is_training: isTraining,
    exponential_avg_factor: options.exponentialAvgFactor ?? 1,
  } as const;
  const out = call(FusedBatchNormV3, inputs, { attrs, name: options.name });
  return [out.y, out.batch_mean, out.batch_variance];
}
