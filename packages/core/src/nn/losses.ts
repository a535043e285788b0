/** @file Losses on logits. All work on logits rather than probabilities, so nothing overflows or loses its gradient. */
import { InvalidArgumentError } from '../errors.ts';
import type { Tensor, TensorLike } from '../graph/tensor.ts';
import { call, convertToTensor } from '../op/call.ts';
import { cast, reshape, shape, zerosLike } from '../ops/array.ts';
import { concat } from '../ops/arrayJoin.ts';
import { stopGradient } from '../ops/arrayShape.ts';
import { slice } from '../ops/arraySlice.ts';
import { greaterEqual, less, logicalOr } from '../ops/compare.ts';
import { add, exp, log, multiply, negative, subtract } from '../ops/math.ts';
import { abs, log1p } from '../ops/mathUnary.ts';
import { relu } from '../ops/nn.ts';
import { where } from '../ops/select.ts';
import { SoftmaxCrossEntropyWithLogits, SparseSoftmaxCrossEntropyWithLogits } from '../ops/softmax.ts';
import { formatShape, isCompatible, isFullyDefined, mergeShapes } from '../shape.ts';
import { axisToLast, scoped } from './softmax.ts';

/** Cross entropy of distributions. */
export interface CrossEntropyOptions {
  /** Probability of each class, in the shape of the logits; each distribution sums to 1. */
  readonly labels: TensorLike;
  /** Unscaled log-probabilities, float. */
  readonly logits: TensorLike;
  /** The class dimension. Default −1. */
  readonly axis?: number | undefined;
  readonly name?: string | undefined;
}

/** [outer…, classes] → [outer product, classes] */
function flattenOuter(x: Tensor): Tensor {
  if (x.shape?.length === 2) return x;
  const classes = x.shape?.at(-1);
  if (typeof classes === 'number') return reshape(x, [-1, classes]);
  const last = x.shape === null ? slice(shape(x), [-1], [1]) : slice(shape(x), [x.shape.length - 1], [1]);
  return reshape(x, concat([[-1], last], 0));
}

/** Losses, one a row, back in the outer shape of `logits`. */
function unflatten(loss: Tensor, logits: Tensor): Tensor {
  if (logits.shape?.length === 2) return loss;
  if (logits.shape !== null) {
    const outer = logits.shape.slice(0, -1);
    const dims = isFullyDefined(outer) ? outer : slice(shape(logits), [0], [outer.length]);
    const result = reshape(loss, dims);
    result.setShape(outer);
    return result;
  }
  throw new InvalidArgumentError(
    `logits "${logits.name}" have an unknown rank. Set it with setShape(…), or reshape to [batch, classes].`,
  );
}

/**
 * −Σ labels·log softmax(logits) along `axis`, one loss a distribution: the shape of `logits` without `axis`. Gradients flow into
 * labels as well. TF `nn.softmax_cross_entropy_with_logits_v2`.
 */
export function softmaxCrossEntropyWithLogitsV2(options: CrossEntropyOptions): Tensor {
  return scoped(options.name, 'softmax_cross_entropy_with_logits', () => {
    const given = convertToTensor(options.logits, { name: 'logits' });
    const half = given.dtype === 'float16' || given.dtype === 'bfloat16';
    const logits = half ? cast(given, 'float32') : given;
    const labels = cast(convertToTensor(options.labels, { name: 'labels' }), logits.dtype);
    if (!isCompatible(labels.shape, logits.shape) && labels.shape?.length !== logits.shape?.length) {
      throw new InvalidArgumentError(
        `labels ${formatShape(labels.shape)} and logits ${formatShape(logits.shape)} differ in rank. Labels are one probability a class; class numbers go to sparseSoftmaxCrossEntropyWithLogits.`,
      );
    }
    const p = axisToLast(logits, options.axis ?? -1).moved;
    const q = axisToLast(labels, options.axis ?? -1).moved;
    const { loss } = call(SoftmaxCrossEntropyWithLogits, { features: flattenOuter(p), labels: flattenOuter(q) });
    const result = unflatten(loss, p);
    return half ? cast(result, given.dtype) : result;
  });
}

/**
 * −Σ labels·log softmax(logits) along `axis`, one loss a distribution. No gradient flows into labels.
 * TF `nn.softmax_cross_entropy_with_logits`.
 */
export function softmaxCrossEntropyWithLogits(options: CrossEntropyOptions): Tensor {
  return scoped(options.name, 'softmax_cross_entropy_with_logits_sg', (scope) => {
    const labels = stopGradient(options.labels, 'labels_stop_gradient');
    return softmaxCrossEntropyWithLogitsV2({ ...options, labels, name: scope });
  });
}

/**
 * −log softmax(logits)[label], one loss a label. `labels` [d…] are class numbers (int32 or int64), `logits` [d…, classes]. A label
 * outside [0, classes) gives NaN. TF `nn.sparse_softmax_cross_entropy_with_logits`.
 */
export function sparseSoftmaxCrossEntropyWithLogits(options: {
  readonly labels: TensorLike;
  readonly logits: TensorLike;
  readonly name?: string;
}): Tensor {
  return scoped(options.name, 'SparseSoftmaxCrossEntropyWithLogits', () => {
    const given = convertToTensor(options.logits, { name: 'logits' });
    const half = given.dtype === 'float16' || given.dtype === 'bfloat16';
    const logits = half ? cast(given, 'float32') : given;
    const labels = toLabels(options.labels);
    const outer = logits.shape?.slice(0, -1) ?? null;
    if (logits.shape !== null && mergeShapes(labels.shape, outer) === undefined) {
      throw new InvalidArgumentError(
        `labels ${formatShape(labels.shape)} must have the shape of logits ${formatShape(logits.shape)} without the last dimension. Give one class number a row; distributions go to softmaxCrossEntropyWithLogits.`,
      );
    }
    const flat = flattenOuter(logits);
    const classNumbers = labels.shape?.length === 1 ? labels : reshape(labels, [-1]);
    const { loss } = call(SparseSoftmaxCrossEntropyWithLogits, { features: flat, labels: classNumbers });
    const result = unflatten(loss, logits);
    return half ? cast(result, given.dtype) : result;
  });
}

/** Plain numbers as class numbers are int32. */
function toLabels(labels: TensorLike): Tensor {
  const t = convertToTensor(labels, Array.isArray(labels) || typeof labels === 'number' ? { dtype: 'int32' } : {});
  if (t.dtype === 'int32' || t.dtype === 'int64') return t;
  throw new InvalidArgumentError(`labels "${t.name}" are ${t.dtype}; class numbers are int32 or int64. Cast them.`);
}

/** Labels and logits of one shape. */
function sameShapePair(options: {
  readonly labels: TensorLike;
  readonly logits: TensorLike;
}): readonly [Tensor, Tensor] {
  const logits = convertToTensor(options.logits, { name: 'logits' });
  const labels = convertToTensor(options.labels, { dtype: logits.dtype, name: 'labels' });
  if (isCompatible(labels.shape, logits.shape)) return [labels, logits];
  throw new InvalidArgumentError(
    `labels ${formatShape(labels.shape)} and logits ${formatShape(logits.shape)} must have the same shape.`,
  );
}

/**
 * max(x, 0) − x·z + ln(1 + e^−|x|), x = logits, z = labels: the cross entropy of independent yes/no questions, element-wise.
 * TF `nn.sigmoid_cross_entropy_with_logits`.
 */
export function sigmoidCrossEntropyWithLogits(options: {
  readonly labels: TensorLike;
  readonly logits: TensorLike;
  readonly name?: string;
}): Tensor {
  return scoped(options.name, 'logistic_loss', (scope) => {
    const [labels, logits] = sameShapePair(options);
    const none = zerosLike(logits);
    // choosing instead of max and |x| gives the right gradient at 0
    const positive = greaterEqual(logits, none);
    const reluLogits = where(positive, logits, none);
    const negativeAbs = where(positive, negative(logits), logits);
    return add(subtract(reluLogits, multiply(logits, labels)), log1p(exp(negativeAbs)), scope);
  });
}

/**
 * Sigmoid cross entropy with positive answers weighted by `posWeight`: (1 − z)·x + (1 + (q − 1)·z)·(ln(1 + e^−|x|) + max(−x, 0)).
 * TF `nn.weighted_cross_entropy_with_logits`.
 */
export function weightedCrossEntropyWithLogits(options: {
  readonly labels: TensorLike;
  readonly logits: TensorLike;
  readonly posWeight: TensorLike;
  readonly name?: string;
}): Tensor {
  return scoped(options.name, 'logistic_loss', (scope) => {
    const [labels, logits] = sameShapePair(options);
    const weight = add(multiply(subtract(options.posWeight, 1), labels), 1);
    const softplus = add(log1p(exp(negative(abs(logits)))), relu(negative(logits)));
    return add(multiply(subtract(1, labels), logits), multiply(weight, softplus), scope);
  });
}

/**
 * e^c − z·c for c = logInput and counts z: the Poisson loss without its constant. `computeFullLoss` adds Stirling's approximation of
 * ln z! for z > 1. TF `nn.log_poisson_loss`.
 */
export function logPoissonLoss(
  targets: TensorLike,
  logInput: TensorLike,
  options: { readonly computeFullLoss?: boolean; readonly name?: string } = {},
): Tensor {
  return scoped(options.name, 'log_poisson_loss', () => {
    const c = convertToTensor(logInput, { name: 'log_input' });
    const z = convertToTensor(targets, { dtype: c.dtype, name: 'targets' });
    const loss = subtract(exp(c), multiply(c, z));
    if (options.computeFullLoss !== true) return loss;
    const small = logicalOr(less(z, 0), less(1, z));
    const safe = where(small, z, add(zerosLike(z), 1));
    const stirling = add(subtract(multiply(safe, log(safe)), safe), multiply(log(multiply(safe, 2 * Math.PI)), 0.5));
    return add(loss, where(small, stirling, zerosLike(z)));
  });
}
