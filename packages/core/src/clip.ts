/** @file Clipping of tensors and gradients, sparse ones (IndexedSlices) by their values. */
import { InvalidArgumentError } from './errors.ts';
import { nameScope } from './graph/graph.ts';
import { IndexedSlices } from './graph/indexedSlices.ts';
import type { Tensor, TensorLike } from './graph/tensor.ts';
import { convertToTensor } from './op/call.ts';
import { cast, identity, stack } from './ops/array.ts';
import { onesLike, size } from './ops/arrayShape.ts';
import { greater } from './ops/compare.ts';
import { add, divide, multiply, sqrt, square, subtract } from './ops/math.ts';
import { maximum, minimum } from './ops/mathBinary.ts';
import { rsqrt } from './ops/mathUnary.ts';
import { l2Loss } from './ops/nnNorm.ts';
import { reduceSum } from './ops/reduce.ts';
import { where } from './ops/select.ts';
import { formatShape, isCompatible } from './shape.ts';

/** What gradients are: dense, sparse, or none. */
export type Clippable = Tensor | IndexedSlices | null;

/** Applies `f` to the values of `t` and answers the same kind. */
function onValues(t: TensorLike | IndexedSlices, f: (values: Tensor) => Tensor): Tensor | IndexedSlices {
  if (t instanceof IndexedSlices) return new IndexedSlices(f(t.values), t.indices, t.denseShape);
  return f(convertToTensor(t));
}

/**
 * `t` with values below `clipValueMin` raised to it and values above `clipValueMax` lowered to it; the limits broadcast to t.
 * TF `clip_by_value`.
 */
export function clipByValue(t: IndexedSlices, clipValueMin: TensorLike, clipValueMax: TensorLike): IndexedSlices;
export function clipByValue(t: TensorLike, clipValueMin: TensorLike, clipValueMax: TensorLike): Tensor;
export function clipByValue(
  t: TensorLike | IndexedSlices,
  clipValueMin: TensorLike,
  clipValueMax: TensorLike,
): Tensor | IndexedSlices {
  return nameScope('clip_by_value', (scope) =>
    onValues(t, (values) => {
      const clipped = maximum(minimum(values, clipValueMax, 'Minimum'), clipValueMin, scope);
      if (isCompatible(values.shape, clipped.shape)) return clipped;
      throw new InvalidArgumentError(
        `clipByValue: the limits broadcast ${formatShape(values.shape)} to ${formatShape(clipped.shape)}. Give scalars, or limits that broadcast to the tensor.`,
      );
    }),
  );
}

/**
 * `t` scaled down to an L2 norm of `clipNorm` where its norm (over `axes`, default all) is greater. TF `clip_by_norm`.
 */
export function clipByNorm(
  t: IndexedSlices,
  clipNorm: TensorLike,
  options?: { axes?: readonly number[]; name?: string },
): IndexedSlices;
export function clipByNorm(
  t: TensorLike,
  clipNorm: TensorLike,
  options?: { axes?: readonly number[]; name?: string },
): Tensor;
export function clipByNorm(
  t: TensorLike | IndexedSlices,
  clipNorm: TensorLike,
  options: { axes?: readonly number[]; name?: string } = {},
): Tensor | IndexedSlices {
  return nameScope(options.name ?? 'clip_by_norm', (scope) =>
    onValues(t, (values) => {
      const sum = reduceSum(square(values), { axis: options.axes, keepDims: true });
      // √0 has an infinite gradient: take it of 1 there
      const positive = greater(sum, 0);
      const norm = where(positive, sqrt(where(positive, sum, onesLike(sum))), sum);
      return divide(multiply(values, clipNorm), maximum(norm, clipNorm), scope);
    }),
  );
}

/** √Σ‖t‖² over all tensors of the list; nulls count 0. TF `global_norm`. */
export function globalNorm(tensors: readonly (Clippable | TensorLike)[], name?: string): Tensor {
  return nameScope(name ?? 'global_norm', () => {
    const halves = tensors.flatMap((t) => {
      if (t === null) return [];
      return [l2Loss(t instanceof IndexedSlices ? t.values : (t as TensorLike))];
    });
    if (halves.length === 0) {
      throw new InvalidArgumentError(
        'globalNorm needs at least one tensor that is not null. Are any variables trained?',
      );
    }
    const total = reduceSum(stack(halves));
    return sqrt(multiply(total, 2), 'global_norm');
  });
}

/**
 * All tensors scaled by clipNorm / max(globalNorm, clipNorm), so that their directions stay; nulls stay null. Answers the list and the
 * global norm. A norm that is not finite makes all of them NaN, so it shows. Pascanu et al. 2012. TF `clip_by_global_norm`.
 */
export function clipByGlobalNorm(
  tensors: readonly Clippable[],
  clipNorm: TensorLike,
  options: { readonly useNorm?: Tensor; readonly name?: string } = {},
): readonly [Clippable[], Tensor] {
  const norm = options.useNorm ?? globalNorm(tensors);
  return nameScope(options.name ?? 'clip_by_global_norm', (): readonly [Clippable[], Tensor] => {
    const limit = convertToTensor(clipNorm, typeof clipNorm === 'number' ? { dtype: norm.dtype } : {});
    const finite = multiply(limit, minimum(divide(1, norm), divide(1, limit)));
    const scale = add(finite, subtract(norm, norm));
    const clipped = tensors.map((t, i) => (t === null ? null : onValues(t, (v) => scaled(v, scale, i))));
    return [clipped, norm];
  });
}

function scaled(values: Tensor, scale: Tensor, i: number): Tensor {
  return identity(multiply(values, cast(scale, values.dtype)), `clip_by_global_norm_${i}`);
}

/** `t` scaled down to an average L2 norm (‖t‖ / element count) of `clipNorm`. TF `clip_by_average_norm`. */
export function clipByAverageNorm(t: TensorLike, clipNorm: TensorLike, name?: string): Tensor {
  return nameScope(name ?? 'clip_by_average_norm', (scope) => {
    const x = convertToTensor(t);
    const count = cast(size(x), x.dtype);
    const inverse = rsqrt(reduceSum(square(x)));
    return multiply(multiply(x, clipNorm), minimum(multiply(inverse, count), divide(1, clipNorm)), scope);
  });
}
