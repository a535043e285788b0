/**
 * @file `tf.losses`: losses averaged over a batch, with weights. Each joins collection LOSSES, so getTotalLoss() finds them all
 * with the regularization losses. Values are computed in float32. Names, defaults and formulas are TensorFlow 1.x's.
 */
import { InvalidArgumentError } from './errors.ts';
import { GraphKeys } from './graph/collections.ts';
import { addToCollection, getCollection, nameScope } from './graph/graph.ts';
import { Tensor, type TensorLike } from './graph/tensor.ts';
import {
  sigmoidCrossEntropyWithLogits,
  softmaxCrossEntropyWithLogitsV2,
  sparseSoftmaxCrossEntropyWithLogits,
} from './nn/losses.ts';
import { convertToTensor } from './op/call.ts';
import { cast, constant, shape, zerosLike } from './ops/array.ts';
import { onesLike, size, squeeze, stopGradient } from './ops/arrayShape.ts';
import { getItem } from './ops/arraySlice.ts';
import { equal, greater } from './ops/compare.ts';
import { add, addN, divide, log, multiply, negative, square, subtract } from './ops/math.ts';
import { divNoNan, maximum, minimum, squaredDifference } from './ops/mathBinary.ts';
import { abs } from './ops/mathUnary.ts';
import { relu } from './ops/nn.ts';
import { reduceSum } from './ops/reduce.ts';
import { where } from './ops/select.ts';
import { formatShape, mergeShapes, type PartialShape } from './shape.ts';

/** How weighted losses become one number: their sum divided by nothing, by their number, by the weights, or by the non-zero weights. */
export const Reduction = {
  NONE: 'none',
  SUM: 'weighted_sum',
  SUM_OVER_BATCH_SIZE: 'weighted_sum_over_batch_size',
  MEAN: 'weighted_mean',
  SUM_BY_NONZERO_WEIGHTS: 'weighted_sum_by_nonzero_weights',
  SUM_OVER_NONZERO_WEIGHTS: 'weighted_sum_by_nonzero_weights',
} as const;
export type Reduction = (typeof Reduction)[keyof typeof Reduction];

export interface LossOptions {
  /** A scalar, or of the rank of the losses with dimensions equal or 1. Default 1. */
  readonly weights?: TensorLike | undefined;
  /** Name scope. Default: TensorFlow's name of the loss. */
  readonly scope?: string | undefined;
  /** Collection to join; null for none. Default LOSSES. */
  readonly lossCollection?: string | null | undefined;
  /** Default: weighted sum / number of elements with non-zero weight. */
  readonly reduction?: Reduction | undefined;
}

function asFloat(x: TensorLike): Tensor {
  return cast(x, 'float32');
}

/** Opens the scope of a loss; `body` gets it with trailing slash. */
function lossScope(options: LossOptions, name: string, body: (scope: string) => Tensor): Tensor {
  return nameScope(options.scope ?? name, body);
}

/** Labels and predictions as float32 of one shape. */
function pair(labels: TensorLike, predictions: TensorLike, loss: string): { readonly z: Tensor; readonly p: Tensor } {
  const p = asFloat(predictions);
  const z = asFloat(labels);
  checkSame(loss, ['labels', z.shape], ['predictions', p.shape]);
  return { z, p };
}

function checkSame(loss: string, a: readonly [string, PartialShape], b: readonly [string, PartialShape]): void {
  if (mergeShapes(a[1], b[1]) !== undefined) return;
  throw new InvalidArgumentError(
    `${a[0]} have shape ${formatShape(a[1])}, ${b[0]} ${formatShape(b[1])}. Give both in one shape.`,
    { opType: loss },
  );
}

function checkWeights(weights: PartialShape, losses: PartialShape): void {
  if (weights === null || losses === null || weights.length === 0) return;
  const fits =
    weights.length === losses.length &&
    weights.every((d, i) => d === null || d === 1 || losses[i] === null || d === losses[i]);
  if (fits) return;
  throw new InvalidArgumentError(
    `weights have shape ${formatShape(weights)}, the losses ${formatShape(losses)}. Give a scalar, or weights of the same rank with dimensions equal or 1.`,
    { opType: 'computeWeightedLoss' },
  );
}

/** Elements with non-zero weight: of all losses, or of each row (kept as [batch, 1, …]). */
function present(losses: Tensor, weights: Tensor, perRow = false): Tensor {
  return nameScope('num_present', () => {
    const counted = where(equal(weights, 0), zerosLike(weights), onesLike(weights));
    const spread = multiply(counted, onesLike(losses));
    return perRow ? sumOfRows(spread) : reduceSum(spread);
  });
}

function sumOfRows(x: Tensor): Tensor {
  if (x.shape === null) {
    throw new InvalidArgumentError(`"${x.name}" has an unknown rank. Set it with setShape(…).`, {
      opType: x.op.type,
      nodeName: x.op.name,
    });
  }
  return reduceSum(x, { axis: x.shape.slice(1).map((_, i) => i + 1), keepDims: true });
}

/**
 * `losses` times `weights`, reduced. TF `losses.compute_weighted_loss`.
 * @throws InvalidArgument when the weights do not broadcast to the losses.
 */
export function computeWeightedLoss(losses: TensorLike, options: LossOptions = {}): Tensor {
  const reduction = options.reduction ?? Reduction.SUM_BY_NONZERO_WEIGHTS;
  if (!Object.values(Reduction).includes(reduction)) {
    throw new InvalidArgumentError(
      `"${reduction}" is no reduction. Take one of ${[...new Set(Object.values(Reduction))].join(', ')}.`,
      { opType: 'computeWeightedLoss' },
    );
  }
  return lossScope(options, 'weighted_loss', () => {
    const given = convertToTensor(losses);
    const each = asFloat(given);
    const weights = asFloat(options.weights ?? 1);
    checkWeights(weights.shape, each.shape);
    const loss = cast(reduced(each, weights, reduction), given.dtype);
    addLoss(loss, options.lossCollection);
    return loss;
  });
}

function reduced(losses: Tensor, weights: Tensor, reduction: Reduction): Tensor {
  const weighted = multiply(losses, weights);
  if (reduction === 'none') return weighted;
  const sum = reduceSum(weighted);
  switch (reduction) {
    case 'weighted_sum':
      return sum;
    case 'weighted_mean':
      return divNoNan(sum, reduceSum(multiply(onesLike(losses), weights)), 'value');
    case 'weighted_sum_over_batch_size':
      return divNoNan(sum, cast(size(losses), 'float32'), 'value');
    case 'weighted_sum_by_nonzero_weights':
      return divNoNan(sum, present(losses, weights), 'value');
    default:
      return reduction satisfies never;
  }
}

/** |predictions − labels|. TF `losses.absolute_difference`. */
export function absoluteDifference(labels: TensorLike, predictions: TensorLike, options: LossOptions = {}): Tensor {
  return lossScope(options, 'absolute_difference', (scope) => {
    const { z, p } = pair(labels, predictions, 'absoluteDifference');
    return computeWeightedLoss(abs(subtract(p, z)), { ...options, scope });
  });
}

/** (predictions − labels)². TF `losses.mean_squared_error`. */
export function meanSquaredError(labels: TensorLike, predictions: TensorLike, options: LossOptions = {}): Tensor {
  return lossScope(options, 'mean_squared_error', (scope) => {
    const { z, p } = pair(labels, predictions, 'meanSquaredError');
    return computeWeightedLoss(squaredDifference(p, z), { ...options, scope });
  });
}

/** ½e² for |e| ≤ delta, else delta·(|e| − ½delta), e = predictions − labels. `delta` defaults to 1. TF `losses.huber_loss`. */
export function huberLoss(
  labels: TensorLike,
  predictions: TensorLike,
  options: LossOptions & { readonly delta?: number } = {},
): Tensor {
  const delta = options.delta ?? 1;
  return lossScope(options, 'huber_loss', (scope) => {
    const { z, p } = pair(labels, predictions, 'huberLoss');
    const error = abs(subtract(p, z));
    const quadratic = minimum(error, delta);
    // min(|e|, δ)²/2 + δ·(|e| − min(|e|, δ)) is both cases without a branch
    const losses = add(multiply(square(quadratic), 0.5), multiply(subtract(error, quadratic), delta));
    return computeWeightedLoss(losses, { ...options, scope });
  });
}

/** max(0, 1 − (2·labels − 1)·logits), labels 0 or 1. TF `losses.hinge_loss`. */
export function hingeLoss(labels: TensorLike, logits: TensorLike, options: LossOptions = {}): Tensor {
  return lossScope(options, 'hinge_loss', (scope) => {
    const { z, p } = pair(labels, logits, 'hingeLoss');
    const sides = subtract(multiply(z, 2), 1);
    return computeWeightedLoss(relu(subtract(1, multiply(sides, p))), { ...options, scope });
  });
}

/** −z·ln(p + epsilon) − (1 − z)·ln(1 − p + epsilon). `epsilon` defaults to 1e-7. TF `losses.log_loss`. */
export function logLoss(
  labels: TensorLike,
  predictions: TensorLike,
  options: LossOptions & { readonly epsilon?: number } = {},
): Tensor {
  const epsilon = options.epsilon ?? 1e-7;
  return lossScope(options, 'log_loss', (scope) => {
    const { z, p } = pair(labels, predictions, 'logLoss');
    const yes = multiply(z, log(add(p, epsilon)));
    const no = multiply(subtract(1, z), log(add(subtract(1, p), epsilon)));
    return computeWeightedLoss(subtract(negative(yes), no), { ...options, scope });
  });
}

/** 1 − Σ labels·predictions along `axis`, for vectors of length 1. TF `losses.cosine_distance`. */
export function cosineDistance(
  labels: TensorLike,
  predictions: TensorLike,
  options: LossOptions & { readonly axis: number },
): Tensor {
  return lossScope(options, 'cosine_distance_loss', (scope) => {
    const { z, p } = pair(labels, predictions, 'cosineDistance');
    const cosine = reduceSum(multiply(p, z), { axis: [options.axis], keepDims: true });
    return computeWeightedLoss(subtract(1, cosine), { ...options, scope });
  });
}

/**
 * Mean over pairs of elements of a row of ((pᵢ − pⱼ) − (zᵢ − zⱼ))², summed over the batch [batch, …].
 * TF `losses.mean_pairwise_squared_error`.
 */
export function meanPairwiseSquaredError(
  labels: TensorLike,
  predictions: TensorLike,
  options: Omit<LossOptions, 'reduction'> = {},
): Tensor {
  return lossScope(options, 'mean_pairwise_squared_error', () => {
    const weights = asFloat(options.weights ?? 1);
    const { z, p } = pair(labels, predictions, 'meanPairwiseSquaredError');
    checkWeights(weights.shape, z.shape);
    const error = subtract(p, z);
    const n = present(error, weights, true);
    const less = subtract(n, 1);
    // Σᵢⱼ(eᵢ − eⱼ)² = 2n·Σe² − 2(Σe)², divided by the n(n − 1) pairs
    const squares = multiply(divNoNan(sumOfRows(square(error)), maximum(less, 0)), 2);
    const product = multiply(divNoNan(square(sumOfRows(error)), maximum(multiply(n, less), 0)), 2);
    const sum = reduceSum(multiply(subtract(squares, product), weights));
    const loss = where(greater(reduceSum(n), 0), sum, zerosLike(sum));
    addLoss(loss, options.lossCollection);
    return loss;
  });
}

export interface CrossEntropyLossOptions extends LossOptions {
  /** Moves labels towards equal probabilities: ½ each for sigmoid, 1/classes for softmax. Default 0. */
  readonly labelSmoothing?: number | undefined;
}

function logitsOf(logits: TensorLike): Tensor {
  return convertToTensor(logits, { name: 'logits' });
}

/** Sigmoid cross entropy of independent classes. TF `losses.sigmoid_cross_entropy`. */
export function sigmoidCrossEntropy(
  multiClassLabels: TensorLike,
  logits: TensorLike,
  options: CrossEntropyLossOptions = {},
): Tensor {
  const smoothing = options.labelSmoothing ?? 0;
  return lossScope(options, 'sigmoid_cross_entropy_loss', (scope) => {
    const x = logitsOf(logits);
    const labels = cast(multiClassLabels, x.dtype);
    checkSame('sigmoidCrossEntropy', ['labels', labels.shape], ['logits', x.shape]);
    const smooth = smoothing > 0 ? add(multiply(labels, 1 - smoothing), 0.5 * smoothing) : labels;
    return computeWeightedLoss(sigmoidCrossEntropyWithLogits({ labels: smooth, logits: x }), { ...options, scope });
  });
}

/**
 * Softmax cross entropy of exclusive classes, labels one-hot (or probabilities) [batch, classes]; weights are [batch] or a scalar.
 * TF `losses.softmax_cross_entropy`.
 */
export function softmaxCrossEntropy(
  onehotLabels: TensorLike,
  logits: TensorLike,
  options: CrossEntropyLossOptions = {},
): Tensor {
  const smoothing = options.labelSmoothing ?? 0;
  return lossScope(options, 'softmax_cross_entropy_loss', (scope) => {
    const x = logitsOf(logits);
    const labels = cast(onehotLabels, x.dtype);
    checkSame('softmaxCrossEntropy', ['labels', labels.shape], ['logits', x.shape]);
    const smooth = smoothing > 0 ? smoothed(labels, smoothing) : labels;
    const losses = softmaxCrossEntropyWithLogitsV2({ labels: stopGradient(smooth), logits: x, name: 'xentropy' });
    return computeWeightedLoss(losses, { ...options, scope });
  });
}

function smoothed(labels: Tensor, smoothing: number): Tensor {
  const classes = cast(getItem(shape(labels), -1), labels.dtype);
  return add(multiply(labels, 1 - smoothing), divide(constant(smoothing, { dtype: labels.dtype }), classes));
}

/**
 * Softmax cross entropy with class numbers as labels: [batch] or [batch, 1] for logits [batch, classes]; weights likewise or a scalar.
 * TF `losses.sparse_softmax_cross_entropy`.
 */
export function sparseSoftmaxCrossEntropy(labels: TensorLike, logits: TensorLike, options: LossOptions = {}): Tensor {
  return lossScope(options, 'sparse_softmax_cross_entropy_loss', (scope) => {
    const x = logitsOf(logits);
    const plain = typeof labels === 'object' && !Array.isArray(labels) ? {} : { dtype: 'int32' as const };
    const given = convertToTensor(labels, { ...plain, name: 'labels' });
    const rank = x.shape === null ? undefined : x.shape.length - 1;
    const numbers = withoutLast(given, rank);
    const losses = sparseSoftmaxCrossEntropyWithLogits({ labels: numbers, logits: x, name: 'xentropy' });
    const weights = withoutLast(asFloat(options.weights ?? 1), rank);
    return computeWeightedLoss(losses, { ...options, scope, weights });
  });
}

/** A trailing dimension of 1 beyond `rank` is dropped. */
function withoutLast(x: Tensor, rank: number | undefined): Tensor {
  const extra = rank !== undefined && x.shape?.length === rank + 1 && x.shape.at(-1) === 1;
  return extra ? squeeze(x, { axis: [-1] }) : x;
}

/** Adds a loss of your own to those that getTotalLoss() sums. */
export function addLoss(loss: Tensor, lossCollection: string | null = GraphKeys.LOSSES): void {
  if (lossCollection !== null) addToCollection(lossCollection, loss);
}

function tensorsIn(key: string, scope: string | undefined): Tensor[] {
  return getCollection(key, scope).filter((x) => x instanceof Tensor);
}

/** The losses of a collection. `scope`: those whose names start with this regular expression. */
export function getLosses(scope?: string, lossCollection: string = GraphKeys.LOSSES): Tensor[] {
  return tensorsIn(lossCollection, scope);
}

/** The regularization losses of variables, see getVariable's `regularizer`. */
export function getRegularizationLosses(scope?: string): Tensor[] {
  return tensorsIn(GraphKeys.REGULARIZATION_LOSSES, scope);
}

/** Sum of the regularization losses, 0 without any. */
export function getRegularizationLoss(scope?: string, name = 'total_regularization_loss'): Tensor {
  const losses = getRegularizationLosses(scope);
  return losses.length === 0 ? constant(0) : addN(losses, name);
}

export interface TotalLossOptions {
  /** Default true. */
  readonly addRegularizationLosses?: boolean;
  /** Default total_loss. */
  readonly name?: string;
  readonly scope?: string;
}

/**
 * Sum of all losses of the graph and, by default, the regularization losses.
 * @throws InvalidArgument when there are none.
 */
export function getTotalLoss(options: TotalLossOptions = {}): Tensor {
  const regularization = options.addRegularizationLosses === false ? [] : getRegularizationLosses(options.scope);
  const losses = [...getLosses(options.scope), ...regularization];
  if (losses.length === 0) {
    throw new InvalidArgumentError('the graph has no losses. Make one of tf.losses, or call addLoss(…).', {
      opType: 'getTotalLoss',
    });
  }
  return addN(losses, options.name ?? 'total_loss');
}
