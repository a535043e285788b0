/** @file Reductions over axes. Axes must be known when a run is compiled. */
import { type DType, floating, real } from '../dtype.ts';
import { UnimplementedError } from '../errors.ts';
import { nameScope } from '../graph/graph.ts';
import type { Tensor, TensorLike } from '../graph/tensor.ts';
import { bool, indexType } from '../op/attr.ts';
import { call, convertToTensor } from '../op/call.ts';
import { constantTensor } from '../op/constant.ts';
import { constantValue } from '../op/constantValue.ts';
import { defineOp, type Op } from '../op/defineOp.ts';
import { fullLike, highest, lowest, reduceAxes } from '../op/hlo.ts';
import { reduction } from '../op/makers.ts';
import { values } from '../op/sample.ts';
import { reducedShape } from '../op/shapeFunctions.ts';
import { isFullyDefined, normalizeAxis, sizeOf } from '../shape.ts';
import { cast, range, rank, reshape, shape, shapeLike, zerosLike } from './array.ts';
import { size, stopGradient } from './arrayShape.ts';
import { broadcastToShape } from './broadcast.ts';
import { equal, notEqual } from './compare.ts';
import { cumprod } from './cumulative.ts';
import { add, divide, exp, log, multiply, sqrt, square, subtract } from './math.ts';
import { divNoNan, floorDiv, maximum } from './mathBinary.ts';
import { isFinite as isFiniteOp } from './mathUnary.ts';
import { where } from './select.ts';

export const Sum = reduction('Sum', {
  T: real,
  opcode: 'add',
  init: () => 0,
  grad: ({ input, reduction_indices }, dy, keepDims) => spreadOver(dy, input, { axes: reduction_indices, keepDims }),
});

export const Mean = reduction('Mean', {
  T: real,
  opcode: 'add',
  init: () => 0,
  finish: (b, sum, count) => b.divide(sum, fullLike(b, sum, count)),
  grad: ({ input, reduction_indices, output }, dy, keepDims) =>
    divide(spreadOver(dy, input, { axes: reduction_indices, keepDims }), reducedCount(input, output)),
});

export const Prod = reduction('Prod', {
  T: real,
  opcode: 'multiply',
  init: () => 1,
  grad: ({ input, reduction_indices }, dy, keepDims) => prodGrad(input, dy, { axes: reduction_indices, keepDims }),
});

export const Max = reduction('Max', {
  T: real,
  opcode: 'maximum',
  init: lowest,
  grad: ({ input, reduction_indices, output }, dy, keepDims) =>
    shareAmongEqual({ input, output, dy }, { axes: reduction_indices, keepDims }),
});

export const Min = reduction('Min', {
  T: real,
  opcode: 'minimum',
  init: highest,
  grad: ({ input, reduction_indices, output }, dy, keepDims) =>
    shareAmongEqual({ input, output, dy }, { axes: reduction_indices, keepDims }),
});

function logicalReduction(type: string, opcode: 'and' | 'or') {
  return defineOp(type, {
    inputs: ['input: bool', 'reduction_indices: Tidx'],
    outputs: ['output: bool'],
    attrs: { keep_dims: bool(false), Tidx: indexType },
    shape: ({ input }, ctx) => {
      const options = { axes: ctx.constantNumbers('reduction_indices'), keepDims: ctx.attrs.keep_dims };
      return { output: reducedShape(input, options, ctx) };
    },
    grad: null,
    lower: (b, { input, reduction_indices }, ctx) => {
      const n = input.shape.kind === 'array' ? input.shape.dims.length : 0;
      const axes = [...new Set(ctx.numbers(reduction_indices).map((a) => normalizeAxis(a, n) as number))];
      return { output: reduceAxes(b, input, { opcode, init: opcode === 'and', axes, keepDims: ctx.attrs.keep_dims }) };
    },
    sample: {
      inputs: {
        input: values([
          [true, false, true],
          [true, true, true],
        ]),
        reduction_indices: values([1], 'int32'),
      },
    },
  });
}

export const All = logicalReduction('All', 'and');
export const Any = logicalReduction('Any', 'or');

export const EuclideanNorm = defineOp('EuclideanNorm', {
  inputs: ['input: T', 'reduction_indices: Tidx'],
  outputs: ['output: T'],
  attrs: { keep_dims: bool(false), T: { kind: 'type', dtypes: floating }, Tidx: indexType },
  shape: ({ input }, ctx) => {
    const options = { axes: ctx.constantNumbers('reduction_indices'), keepDims: ctx.attrs.keep_dims };
    return { output: reducedShape(input, options, ctx) };
  },
  // dx = x/‖x‖·dy, 0 at 0
  grad: ({ input, reduction_indices, output }, dy, { attrs }) => {
    const options = { axes: reduction_indices, keepDims: attrs.keep_dims };
    const ratio = divNoNan(dy.output, output);
    return { input: multiply(input, withReducedDims(ratio, input, options)), reduction_indices: null };
  },
  lower: (b, { input, reduction_indices }, ctx) => {
    const n = input.shape.kind === 'array' ? input.shape.dims.length : 0;
    const axes = [...new Set(ctx.numbers(reduction_indices).map((a) => normalizeAxis(a, n) as number))];
    const squares = b.multiply(input, input);
    return { output: b.sqrt(reduceAxes(b, squares, { opcode: 'add', init: 0, axes, keepDims: ctx.attrs.keep_dims })) };
  },
  sample: { inputs: { input: values([[3, 4, 1]]), reduction_indices: values([1], 'int32') } },
});

export interface ReduceOptions {
  /** Axes to reduce, negative ones count from the end. Default: all. */
  readonly axis?: TensorLike | null | undefined;
  /** Keep reduced dimensions with size 1. Default false. */
  readonly keepDims?: boolean | undefined;
  readonly name?: string | undefined;
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

/** Sum over axes. TF `reduce_sum`. */
export function reduceSum(x: TensorLike, options: ReduceOptions = {}): Tensor {
  return reduce(Sum, x, options);
}

/** Mean over axes; integers divide rounding to zero. TF `reduce_mean`. */
export function reduceMean(x: TensorLike, options: ReduceOptions = {}): Tensor {
  return reduce(Mean, x, options);
}

/** Product over axes. TF `reduce_prod`. */
export function reduceProd(x: TensorLike, options: ReduceOptions = {}): Tensor {
  return reduce(Prod, x, options);
}

/** Greatest element over axes; its gradient is shared equally among equal maxima. TF `reduce_max`. */
export function reduceMax(x: TensorLike, options: ReduceOptions = {}): Tensor {
  return reduce(Max, x, options);
}

/** Least element over axes. TF `reduce_min`. */
export function reduceMin(x: TensorLike, options: ReduceOptions = {}): Tensor {
  return reduce(Min, x, options);
}

/** Logical and over axes of booleans. TF `reduce_all`. */
export function reduceAll(x: TensorLike, options: ReduceOptions = {}): Tensor {
  const input = convertToTensor(x);
  const attrs = { keep_dims: options.keepDims ?? false };
  return call(All, { input, reduction_indices: options.axis ?? allAxes(input) }, { attrs, name: options.name }).output;
}

/** Logical or over axes of booleans. TF `reduce_any`. */
export function reduceAny(x: TensorLike, options: ReduceOptions = {}): Tensor {
  const input = convertToTensor(x);
  const attrs = { keep_dims: options.keepDims ?? false };
  return call(Any, { input, reduction_indices: options.axis ?? allAxes(input) }, { attrs, name: options.name }).output;
}

/** √Σx² over axes. TF `reduce_euclidean_norm`. */
export function reduceEuclideanNorm(x: TensorLike, options: ReduceOptions = {}): Tensor {
  return reduce(EuclideanNorm, x, options);
}

/** log Σ eˣ over axes, without overflow. TF `reduce_logsumexp`. */
export function reduceLogsumexp(x: TensorLike, options: ReduceOptions = {}): Tensor {
  return nameScope(options.name ?? 'ReduceLogSumExp', () => {
    const input = convertToTensor(x);
    const axis = options.axis ?? allAxes(input);
    const raw = reduceMax(input, { axis, keepDims: true });
    // ±∞ as maximum would make NaN of ∞ − ∞
    const max = stopGradient(where(isFiniteOp(raw), raw, zerosLike(raw)));
    const sum = reduceSum(exp(subtract(input, max)), { axis, keepDims: options.keepDims });
    return add(log(sum), options.keepDims === true ? max : reshape(max, shape(sum)));
  });
}

/** Mean of squared distances from the mean, over axes. TF `math.reduce_variance`. */
export function reduceVariance(x: TensorLike, options: ReduceOptions = {}): Tensor {
  return nameScope(options.name ?? 'reduce_variance', () => {
    const input = convertToTensor(x);
    const mean = reduceMean(input, { axis: options.axis, keepDims: true });
    return reduceMean(square(subtract(input, mean)), { axis: options.axis, keepDims: options.keepDims });
  });
}

/** Square root of reduceVariance. TF `math.reduce_std`. */
export function reduceStd(x: TensorLike, options: ReduceOptions = {}): Tensor {
  return nameScope(options.name ?? 'reduce_std', () =>
    sqrt(reduceVariance(x, { axis: options.axis, keepDims: options.keepDims })),
  );
}

/** Number of elements that are not zero (`false`), over axes; int64 unless `dtype` says otherwise. TF `count_nonzero`. */
export function countNonzero(x: TensorLike, options: ReduceOptions & { readonly dtype?: DType } = {}): Tensor {
  return nameScope(options.name ?? 'count_nonzero', () => {
    const input = convertToTensor(x);
    const hit = input.dtype === 'bool' ? input : notEqual(input, zerosLike(input));
    const ones = cast(hit, options.dtype ?? 'int64');
    return reduceSum(ones, { axis: options.axis, keepDims: options.keepDims });
  });
}

interface ReducedAxes {
  readonly axes: Tensor;
  readonly keepDims: boolean;
}

/** A reduced tensor with its reduced dimensions back as 1. */
export function withReducedDims(dy: Tensor, input: Tensor, { axes, keepDims }: ReducedAxes): Tensor {
  if (keepDims) return dy;
  // The shape of a kept reduction; the reduction itself is never computed, its shape folds.
  const kept = reduceSum(input, { axis: axes, keepDims: true });
  return reshape(dy, isFullyDefined(kept.shape) ? shapeLike(kept) : shape(kept));
}

/** Gradient of a sum: `dy` repeated over the reduced axes, in the shape of `input`. */
export function spreadOver(dy: Tensor, input: Tensor, options: ReducedAxes): Tensor {
  return broadcastToShape(withReducedDims(dy, input, options), shapeLike(input));
}

/** Elements of `input` per element of `output`: a number where shapes are known, else computed from them. */
function reducedCount(input: Tensor, output: Tensor): TensorLike {
  const [all, kept] = [sizeOf(input.shape), sizeOf(output.shape)];
  if (all !== null && kept !== null && kept > 0) return all / kept;
  return cast(floorDiv(size(input), maximum(size(output), 1)), input.dtype);
}

/** Gradient of max and min: dy shared equally by the elements that are the extreme. */
function shareAmongEqual(
  { input, output, dy }: { input: Tensor; output: Tensor; dy: Tensor },
  options: ReducedAxes,
): Tensor {
  const extreme = cast(equal(withReducedDims(output, input, options), input), dy.dtype);
  const count = reduceSum(extreme, { axis: options.axes, keepDims: true });
  return multiply(divide(extreme, count), withReducedDims(dy, input, options));
}

/**
 * Gradient of a product, exact also where elements are 0: axis by axis, the product of the others is that of those before times
 * that of those after.
 */
function prodGrad(input: Tensor, dy: Tensor, { axes, keepDims }: ReducedAxes): Tensor {
  const list = constantValue(axes)?.toNumbers();
  if (list === undefined) {
    throw new UnimplementedError(
      'the gradient of reduceProd needs its axes while the graph is built. Give axis as numbers, and the input a known rank.',
      { opType: 'Prod', nodeName: input.op.name },
    );
  }
  const partial = [input];
  for (const axis of list) partial.push(reduceProd(partial.at(-1) as Tensor, { axis: [axis], keepDims: true }));
  let g = withReducedDims(dy, input, { axes, keepDims });
  for (const [i, axis] of [...list.entries()].reverse()) {
    const x = partial[i] as Tensor;
    const before = cumprod(x, { axis, exclusive: true });
    const after = cumprod(x, { axis, exclusive: true, reverse: true });
    g = multiply(multiply(before, after), g);
  }
  return g;
}
