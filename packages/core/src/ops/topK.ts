/** @file The k largest elements, and whether a class is among them. */
import { type Builder, dimsOf, type Value } from '@tsflow/xla';
import { type DType, elementTypeOf, real } from '../dtype.ts';
import type { Tensor, TensorLike } from '../graph/tensor.ts';
import { bool, indexTypes, int, type } from '../op/attr.ts';
import { call, convertToTensor } from '../op/call.ts';
import { defineOp } from '../op/defineOp.ts';
import { fullLike, reduceAxes } from '../op/hlo.ts';
import type { ShapeContext } from '../op/record.ts';
import { uniform, values } from '../op/sample.ts';
import { withRank } from '../op/shapeFunctions.ts';
import { formatShape, mergeDimension, type PartialShape } from '../shape.ts';
import { cast, range, reshape, shapeLike } from './array.ts';
import { scatterNd } from './arrayIndex.ts';
import { expandDims } from './arrayShape.ts';
import { slice } from './arraySlice.ts';
import { add, multiply } from './math.ts';
import { reduceProd } from './reduce.ts';

function topShape(input: PartialShape, k: number | null, ctx: Pick<ShapeContext, 'fail'>): PartialShape {
  if (input === null) return null;
  const n = input.at(-1);
  if (n === undefined) return ctx.fail('input is a scalar. topK looks along the last dimension; give at least one.');
  if (k !== null && n !== null && k > n) {
    ctx.fail(`k is ${k}, but the last dimension of ${formatShape(input)} has ${n} elements. Lower k.`);
  }
  return [...input.slice(0, -1), k];
}

/** dy scattered to the places its elements came from. */
function topGrad(input: Tensor, indices: Tensor, dy: Tensor): Tensor {
  const dims = shapeLike(input);
  const rank = input.shape?.length ?? indices.shape?.length;
  const last = rank === undefined ? slice(dims, [-1], [1]) : slice(dims, [rank - 1], [1]);
  const count = reduceProd(dims);
  const width = reshape(last, []);
  // position of row r, column c in the flat input: r·width + c
  const k = indices.shape?.at(-1) ?? null;
  const rows = reshape(cast(indices, 'int32'), [
    -1,
    k ?? reshape(slice(shapeLike(indices), [(rank ?? 1) - 1], [1]), []),
  ]);
  const starts = multiply(range(0, reshape(slice(shapeLike(rows), [0], [1]), [])), width);
  const flat = reshape(add(rows, expandDims(starts, -1)), [-1, 1]);
  const spread = scatterNd(flat, reshape(dy, [-1]), { shape: reshape(count, [1]) });
  return reshape(spread, dims);
}

function largest(b: Builder, input: Value, k: number): readonly [Value, Value] {
  const both = b.topK(input, k);
  return [b.getTupleElement(both, 0), b.getTupleElement(both, 1)];
}

const indexSizes: readonly DType[] = ['int16', 'int32', 'int64'];

export const TopK = defineOp('TopK', {
  inputs: ['input: T'],
  outputs: ['values: T', 'indices: int32'],
  attrs: { k: int(undefined, 0), sorted: bool(true), T: type(real) },
  shape: ({ input }, ctx) => {
    const shape = topShape(input, ctx.attrs.k, ctx);
    return { values: shape, indices: shape };
  },
  grad: ({ input, indices }, dy) => ({ input: topGrad(input, indices, dy.values) }),
  lower: (b, { input }, { attrs }) => {
    const [best, indices] = largest(b, input, attrs.k);
    return { values: best, indices };
  },
  sample: { inputs: { input: uniform([2, 5]) }, attrs: { k: 2 } },
});

export const TopKV2 = defineOp('TopKV2', {
  inputs: ['input: T', 'k: Tk'],
  outputs: ['values: T', 'indices: index_type'],
  attrs: { sorted: bool(true), T: type(real), Tk: type(indexSizes, 'int32'), index_type: type(indexSizes, 'int32') },
  shape: ({ input }, ctx) => {
    const shape = topShape(input, ctx.constantNumbers('k')?.[0] ?? null, ctx);
    return { values: shape, indices: shape };
  },
  grad: ({ input, indices }, dy) => ({ input: topGrad(input, indices, dy.values), k: null }),
  lower: (b, { input, k }, ctx) => {
    const [best, indices] = largest(b, input, ctx.numbers(k)[0] as number);
    const wanted = elementTypeOf(ctx.attrs.index_type) ?? 's32';
    return { values: best, indices: wanted === 's32' ? indices : b.convert(indices, wanted) };
  },
  sample: [
    { inputs: { input: uniform([2, 5]), k: values(3, 'int32') } },
    { inputs: { input: values([3, 1, 3, 2]), k: values(2, 'int32') }, grad: false },
  ],
});

/** Fewer than k classes score strictly higher than the target; false where a score is not finite or the target out of range. */
function inTop(b: Builder, predictions: Value, targets: Value, k: number): Value {
  const dims = dimsOf(predictions);
  const classes = b.iota('s32', dims, 1);
  const wide = b.broadcast(b.convert(targets, 's32'), dims, [0]);
  const hit = b.compare('EQ', classes, wide);
  const zero = fullLike(b, predictions, 0);
  const own = reduceAxes(b, b.select(hit, predictions, zero), { opcode: 'add', init: 0, axes: [1] });
  const higher = b.convert(b.compare('GT', predictions, b.broadcast(own, dims, [0])), 's32');
  const ahead = reduceAxes(b, higher, { opcode: 'add', init: 0, axes: [1] });
  const found = reduceAxes(b, hit, { opcode: 'or', init: false, axes: [1] });
  const finite = reduceAxes(b, b.isFinite(predictions), { opcode: 'and', init: true, axes: [1] });
  return b.and(b.compare('LT', ahead, fullLike(b, ahead, k)), b.and(found, finite));
}

function inTopShape(predictions: PartialShape, targets: PartialShape, ctx: Pick<ShapeContext, 'fail'>): PartialShape {
  const rows = withRank(predictions, 2, 'predictions', ctx)?.[0] ?? null;
  const own = withRank(targets, 1, 'targets', ctx)?.[0] ?? null;
  const batch = mergeDimension(rows, own);
  if (batch !== undefined) return [batch];
  return ctx.fail(
    `predictions ${formatShape(predictions)} and targets ${formatShape(targets)} differ in batch size. Give one class a row.`,
  );
}

const scores = values([
  [0.1, 0.7, 0.2],
  [0.5, 0.1, 0.4],
]);

export const InTopK = defineOp('InTopK', {
  inputs: ['predictions: float32', 'targets: T'],
  outputs: ['precision: bool'],
  attrs: { k: 'int', T: type(indexTypes, 'int32') },
  shape: ({ predictions, targets }, ctx) => ({ precision: inTopShape(predictions, targets, ctx) }),
  grad: null,
  lower: (b, { predictions, targets }, { attrs }) => ({ precision: inTop(b, predictions, targets, attrs.k) }),
  sample: { inputs: { predictions: scores, targets: values([1, 1], 'int32') }, attrs: { k: 2 } },
});

export const InTopKV2 = defineOp('InTopKV2', {
  inputs: ['predictions: float32', 'targets: T', 'k: T'],
  outputs: ['precision: bool'],
  attrs: { T: type(indexTypes, 'int32') },
  shape: ({ predictions, targets }, ctx) => ({ precision: inTopShape(predictions, targets, ctx) }),
  grad: null,
  lower: (b, { predictions, targets, k }, ctx) => ({
    precision: inTop(b, predictions, targets, ctx.numbers(k)[0] as number),
  }),
  sample: { inputs: { predictions: scores, targets: values([1, 1], 'int32'), k: values(2, 'int32') } },
});

/** The `k` largest elements along the last dimension, downwards, and their int32 positions; of equal ones the first comes first. */
export function topK(
  input: TensorLike,
  options: { readonly k?: TensorLike; readonly sorted?: boolean; readonly name?: string } = {},
): { readonly values: Tensor; readonly indices: Tensor } {
  const attrs = { sorted: options.sorted ?? true };
  return call(TopKV2, { input, k: options.k ?? 1 }, { attrs, name: options.name });
}

/** Whether class `targets[i]` is among the `k` best of row i of `predictions` [batch, classes]. TF `nn.in_top_k`. */
export function inTopK(
  predictions: TensorLike,
  targets: TensorLike,
  options: { readonly k: number; readonly name?: string },
): Tensor {
  const t = convertToTensor(targets, Array.isArray(targets) ? { dtype: 'int32' } : {});
  return call(InTopK, { predictions, targets: t }, { attrs: { k: options.k }, name: options.name }).precision;
}
