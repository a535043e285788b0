/** @file Functions composed of other array ops, as TensorFlow composes them: masks, grids, repeats. */
import type { DType } from '../dtype.ts';
import { InvalidArgumentError } from '../errors.ts';
import type { Tensor, TensorLike } from '../graph/tensor.ts';
import { convertToTensor } from '../op/call.ts';
import { cast, range, reshape, shape } from './array.ts';
import { gather } from './arrayIndex.ts';
import { concat, tile } from './arrayJoin.ts';
import { expandDims, size } from './arrayShape.ts';
import { getItem } from './arraySlice.ts';
import { broadcastToShape } from './broadcast.ts';
import { less } from './compare.ts';
import { maximum } from './mathBinary.ts';
import { reduceMax } from './reduce.ts';

/** Plain numbers become int32. */
function integers(x: TensorLike): Tensor {
  const plain = typeof x === 'number' || (Array.isArray(x) && x.flat(8).every((y) => typeof y === 'number'));
  return plain ? convertToTensor(x, { dtype: 'int32' }) : convertToTensor(x);
}

/**
 * mask[…, j] = j < lengths[…], with `maxlen` columns (default: the greatest length, which must then be known before the run).
 * dtype bool by default. TF `sequence_mask`.
 */
export function sequenceMask(
  lengths: TensorLike,
  options: { maxlen?: TensorLike; dtype?: DType; name?: string } = {},
): Tensor {
  const own = integers(lengths);
  const most = options.maxlen === undefined ? reduceMax(own) : integers(options.maxlen);
  const columns = range(cast(0, own.dtype), cast(maximum(cast(most, own.dtype), cast(0, own.dtype)), own.dtype), {
    delta: cast(1, own.dtype),
  });
  const mask = less(columns, expandDims(own, -1), options.name ?? 'SequenceMask');
  return cast(mask, options.dtype ?? 'bool');
}

/**
 * Coordinates of a grid from vectors: one tensor a vector, all of one shape. Indexing 'xy' (default) puts the first vector along the
 * second dimension, 'ij' along the first. TF `meshgrid`.
 */
export function meshgrid(vectors: readonly TensorLike[], options: { indexing?: 'xy' | 'ij' } = {}): readonly Tensor[] {
  const flat = vectors.map((v) => reshape(v, [-1]));
  const order = flat.map((_, i) => i);
  if ((options.indexing ?? 'xy') === 'xy' && order.length > 1) order.splice(0, 2, 1, 0);
  const sizes = order.map((i) => reshape(size(flat[i] as Tensor), [1]));
  if (sizes.length === 0) return [];
  const dims = sizes.length === 1 ? (sizes[0] as Tensor) : concat(sizes, 0);
  return flat.map((v, i) => {
    const own = order.map((j) => (j === i ? -1 : 1));
    return broadcastToShape(reshape(v, own), dims);
  });
}

/** `input` with each entry along `axis` (default: of the flattened input) `repeats` times, a number. TF `repeat`. */
export function repeat(input: TensorLike, repeats: number, options: { axis?: number } = {}): Tensor {
  const given = convertToTensor(input);
  const x = options.axis === undefined ? reshape(given, [-1]) : given;
  const rank = x.shape?.length;
  if (rank === undefined) {
    throw new InvalidArgumentError(
      `repeat needs a known rank; "${x.name}" has an unknown shape. Set it with setShape(…).`,
    );
  }
  const axis = options.axis ?? 0;
  const at = axis < 0 ? axis + rank : axis;
  const wide = expandDims(x, at + 1);
  const copies = tile(wide, new Array<number>(rank + 1).fill(1).with(at + 1, repeats));
  const dims = Array.from({ length: rank }, (_, i) => (i === at ? -1 : (x.shape?.[i] ?? getItem(shape(x), i))));
  return reshape(copies, dims);
}

/** gather along the last dimension of `indices`, the dimensions before it shared with `params`. TF `batch_gather`. */
export function batchGather(params: TensorLike, indices: TensorLike): Tensor {
  const at = integers(indices);
  const rank = at.shape?.length;
  if (rank === undefined) {
    throw new InvalidArgumentError(`batchGather needs indices of known rank; "${at.name}" has an unknown shape.`);
  }
  return gather(params, at, { batchDims: rank - 1 });
}

/** Smallest paddings that make `inputShape` a multiple of `blockShape`, and the crops that undo them: [m, 2] each. TF `required_space_to_batch_paddings`. */
export function requiredSpaceToBatchPaddings(
  inputShape: readonly number[],
  blockShape: readonly number[],
  basePaddings: readonly (readonly [number, number])[] = inputShape.map(() => [0, 0] as const),
): { readonly paddings: [number, number][]; readonly crops: [number, number][] } {
  const extra = inputShape.map((d, i) => {
    const [before, after] = basePaddings[i] ?? [0, 0];
    const block = blockShape[i] as number;
    return (block - ((d + before + after) % block)) % block;
  });
  return {
    paddings: basePaddings.map(([before, after], i) => [before, after + (extra[i] as number)]),
    crops: extra.map((e) => [0, e]),
  };
}
