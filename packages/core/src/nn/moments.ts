/** @file Means and variances, and the normalisations made of them. */
import { nameScope } from '../graph/graph.ts';
import type { Tensor, TensorLike } from '../graph/tensor.ts';
import { convertToTensor } from '../op/call.ts';
import { cast, shapeLike } from '../ops/array.ts';
import { squeeze, stopGradient } from '../ops/arrayShape.ts';
import { broadcastToShape } from '../ops/broadcast.ts';
import { add, divide, multiply, square, subtract } from '../ops/math.ts';
import { maximum, squaredDifference } from '../ops/mathBinary.ts';
import { rsqrt } from '../ops/mathUnary.ts';
import { reduceMean, reduceSum } from '../ops/reduce.ts';
import { scoped } from './softmax.ts';

export interface Moments {
  readonly mean: Tensor;
  readonly variance: Tensor;
}

export interface MomentsOptions {
  /** Keep reduced dimensions with size 1. Default false. */
  readonly keepDims?: boolean;
  readonly name?: string;
}

type Axes = readonly number[];

function dropAxes(x: Tensor, axes: Axes, options: MomentsOptions): Tensor {
  return options.keepDims === true || axes.length === 0 ? x : squeeze(x, { axis: axes });
}

/** float16 is summed in float32. */
function widened(x: TensorLike): { readonly x: Tensor; readonly narrow: (y: Tensor) => Tensor } {
  const t = convertToTensor(x, { name: 'x' });
  const half = t.dtype === 'float16' || t.dtype === 'bfloat16';
  return { x: half ? cast(t, 'float32') : t, narrow: (y) => cast(y, t.dtype) };
}

/**
 * Mean and (biased) variance of `x` over `axes`: [0] for batch normalisation of a dense layer, [0, 1, 2] of a convolution.
 * TF `nn.moments`.
 */
export function moments(x: TensorLike, axes: Axes, options: MomentsOptions = {}): Moments {
  return nameScope(options.name ?? 'moments', () => {
    const { x: y, narrow } = widened(x);
    const mean = reduceMean(y, { axis: axes, keepDims: true, name: 'mean' });
    const distances = squaredDifference(y, stopGradient(mean));
    const variance = reduceMean(distances, { axis: axes, keepDims: true, name: 'variance' });
    return { mean: narrow(dropAxes(mean, axes, options)), variance: narrow(dropAxes(variance, axes, options)) };
  });
}

/** Mean and variance with a weight for each element (broadcast to `x`). TF `nn.weighted_moments`. */
export function weightedMoments(
  x: TensorLike,
  axes: Axes,
  options: MomentsOptions & { readonly frequencyWeights: TensorLike },
): Moments {
  return nameScope(options.name ?? 'weighted_moments', () => {
    const { x: y, narrow } = widened(x);
    const weights = cast(convertToTensor(options.frequencyWeights), y.dtype);
    const wide = broadcastToShape(weights, shapeLike(y));
    const total = reduceSum(wide, { axis: axes, keepDims: true });
    const mean = divide(reduceSum(multiply(y, wide), { axis: axes, keepDims: true }), total);
    const spread = multiply(squaredDifference(y, stopGradient(mean)), wide);
    const variance = divide(reduceSum(spread, { axis: axes, keepDims: true }), total);
    return { mean: narrow(dropAxes(mean, axes, options)), variance: narrow(dropAxes(variance, axes, options)) };
  });
}

/** count, Σ(x − shift), Σ(x − shift)² over `axes`: what moments of a whole data set are made of. TF `nn.sufficient_statistics`. */
export function sufficientStatistics(
  x: TensorLike,
  axes: Axes,
  options: MomentsOptions & { readonly shift?: TensorLike } = {},
): { readonly count: Tensor; readonly mean: Tensor; readonly variance: Tensor; readonly shift: Tensor | null } {
  return nameScope(options.name ?? 'sufficient_statistics', () => {
    const t = convertToTensor(x, { name: 'x' });
    const shift =
      options.shift === undefined ? null : convertToTensor(options.shift, { dtype: t.dtype, name: 'shift' });
    const centred = shift === null ? t : subtract(t, shift);
    const squares = shift === null ? square(t) : squaredDifference(t, shift);
    const keepDims = options.keepDims ?? false;
    const onesLikeX = broadcastToShape(convertToTensor(1, { dtype: t.dtype }), shapeLike(t));
    const kept = reduceSum(onesLikeX, { axis: axes, keepDims: true });
    return {
      count: reduceMean(kept, { name: 'count' }),
      mean: reduceSum(centred, { axis: axes, keepDims, name: 'mean_ss' }),
      variance: reduceSum(squares, { axis: axes, keepDims, name: 'var_ss' }),
      shift,
    };
  });
}

/** Mean and variance from sufficient statistics. TF `nn.normalize_moments`. */
export function normalizeMoments(
  counts: TensorLike,
  sums: { readonly mean: TensorLike; readonly variance: TensorLike; readonly shift?: TensorLike | null },
  name?: string,
): Moments {
  return nameScope(name ?? 'normalize', () => {
    const count = convertToTensor(counts);
    const shifted = divide(sums.mean, count, 'shifted_mean');
    const mean = sums.shift === undefined || sums.shift === null ? shifted : add(shifted, sums.shift, 'mean');
    return { mean, variance: subtract(divide(sums.variance, count), square(shifted), 'variance') };
  });
}

export interface BatchNormalizationOptions {
  readonly mean: TensorLike;
  readonly variance: TensorLike;
  /** β; null or absent: none. */
  readonly offset?: TensorLike | null;
  /** γ; null or absent: none. */
  readonly scale?: TensorLike | null;
  /** Added to the variance. */
  readonly varianceEpsilon: number;
  readonly name?: string;
}

/** γ·(x − mean)/√(variance + ε) + β, operands broadcast. Ioffe, Szegedy 2015. TF `nn.batch_normalization`. */
export function batchNormalization(x: TensorLike, options: BatchNormalizationOptions): Tensor {
  return scoped(options.name, 'batchnorm', () => {
    const { mean, offset, scale } = options;
    let factor = rsqrt(add(options.variance, options.varianceEpsilon));
    if (scale !== undefined && scale !== null) factor = multiply(factor, scale);
    // x·f + (β − mean·f)
    const product = multiply(mean, factor);
    const t = multiply(x, factor);
    return offset === undefined || offset === null ? subtract(t, product) : add(t, subtract(offset, product));
  });
}

/** x / √max(Σ x², epsilon) over `axis` (default: all elements); epsilon 1e−12. TF `nn.l2_normalize`. */
export function l2Normalize(
  x: TensorLike,
  options: { readonly axis?: TensorLike | null; readonly epsilon?: number; readonly name?: string } = {},
): Tensor {
  return scoped(options.name, 'l2_normalize', (scope) => {
    const t = convertToTensor(x, { name: 'x' });
    const sum = reduceSum(square(t), { axis: options.axis, keepDims: true });
    return multiply(t, rsqrt(maximum(sum, options.epsilon ?? 1e-12)), scope);
  });
}
