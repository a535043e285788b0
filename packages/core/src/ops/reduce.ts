/** @file Reductions over axes. Axes must be known when a run is compiled. */
import { real } from '../dtype.ts';
import type { Tensor, TensorLike } from '../graph/tensor.ts';
import { call, convertToTensor } from '../op/call.ts';
import { constantTensor } from '../op/constant.ts';
import type { Op } from '../op/defineOp.ts';
import { reduction } from '../op/makers.ts';
import { isFullyDefined } from '../shape.ts';
import { range, rank, reshape, shape, shapeLike } from './array.ts';
import { broadcastToShape } from './broadcast.ts';

export const Sum = reduction('Sum', {
  T: real,
  opcode: 'add',
  init: () => 0,
  grad: ({ input, reduction_indices }, dy, keepDims) => spreadOver(dy, input, { axes: reduction_indices, keepDims }),
});

export interface ReduceOptions {
  /** Axes to reduce, negative ones count from the end. Default: all. */
  readonly axis?: TensorLike;
  /** Keep reduced dimensions with size 1. Default false. */
  readonly keepDims?: boolean;
  readonly name?: string;
}

/** Makes a reduction node with TensorFlow's default of all axes. */
export function reduce(
  op: Op<readonly ['input: T', 'reduction_indices: Tidx'], readonly ['output: T']>,
  x: TensorLike,
  options: ReduceOptions,
): Tensor {
  const input = convertToTensor(x);
  const attrs = { keep_dims: options.keepDims ?? false };
  return call(op, { input, reduction_indices: options.axis ?? allAxes(input) }, { attrs, name: options.name }).output;
}

/** All axes of a tensor as a 1-D operand. */
export function allAxes(x: Tensor): Tensor {
  if (x.shape === null) return range(0, rank(x));
  return constantTensor([...x.shape.keys()], 'int32', 'Const');
}

/** Sum over axes. */
export function reduceSum(x: TensorLike, options: ReduceOptions = {}): Tensor {
  return reduce(Sum, x, options);
}

/** A reduced tensor with its reduced dimensions back as 1. */
export function withReducedDims(
  dy: Tensor,
  input: Tensor,
  { axes, keepDims }: { axes: Tensor; keepDims: boolean },
): Tensor {
  if (keepDims) return dy;
  // The shape of a kept reduction; the reduction itself is never computed, its shape folds.
  const kept = reduceSum(input, { axis: axes, keepDims: true });
  return reshape(dy, isFullyDefined(kept.shape) ? shapeLike(kept) : shape(kept));
}

/** Gradient of a sum: `dy` repeated over the reduced axes, in the shape of `input`. */
export function spreadOver(dy: Tensor, input: Tensor, options: { axes: Tensor; keepDims: boolean }): Tensor {
  return broadcastToShape(withReducedDims(dy, input, options), shapeLike(input));
}
