/** @file Counting: Bincount, histograms of fixed width, positions in sorted rows. */
import { type Builder, dimsOf, type Value } from '@tsflow/xla';
import type { DType } from '../dtype.ts';
import type { Tensor, TensorLike } from '../graph/tensor.ts';
import { toNdArray } from '../ndarray.ts';
import { indexType, type } from '../op/attr.ts';
import { call, convertToTensor } from '../op/call.ts';
import { constantTensor } from '../op/constant.ts';
import { defineOp } from '../op/defineOp.ts';
import { reduceAxes } from '../op/hlo.ts';
import type { ShapeContext } from '../op/record.ts';
import { uniform, values } from '../op/sample.ts';
import { formatShape, mergeShapes, type PartialShape } from '../shape.ts';
import { cast, reshape, shape } from './array.ts';
import { size } from './arrayShape.ts';
import { getItem } from './arraySlice.ts';
import { greater } from './compare.ts';
import { add, multiply } from './math.ts';
import { maximum, minimum } from './mathBinary.ts';
import { reduceMax } from './reduce.ts';
import { addRows } from './sparseRows.ts';

const numbers: readonly DType[] = ['int32', 'int64', 'float32', 'float64'];

export const Bincount = defineOp('Bincount', {
  inputs: ['arr: int32', 'size: int32', 'weights: T'],
  outputs: ['bins: T'],
  attrs: { T: type(numbers) },
  shape: ({ arr, weights }, ctx) => {
    const none = weights === null || weights.includes(0);
    if (!none && mergeShapes(arr, weights) === undefined) {
      ctx.fail(
        `weights are ${formatShape(weights)}, arr is ${formatShape(arr)}. Give one weight a number, or none ([]).`,
      );
    }
    return { bins: [ctx.constantNumbers('size')?.[0] ?? null] };
  },
  grad: null,
  host: ({ arr, size: count, weights }, ctx) => {
    const n = Number(count.item());
    if (n < 0) ctx.fail(`size is ${n}. It must be ≥ 0.`);
    const whole = weights.dtype === 'int64';
    const bins = new Array<number | bigint>(n).fill(whole ? 0n : 0);
    for (const [i, x] of arr.toNumbers().entries()) {
      if (x < 0) ctx.fail(`arr has ${x}. Numbers that are counted are ≥ 0.`);
      if (x >= n) continue;
      const w = weights.size === 0 ? 1 : (weights.at(i) as number | bigint);
      const before = bins[x] as number | bigint;
      bins[x] = typeof before === 'bigint' ? before + BigInt(w) : before + Number(w);
    }
    return { bins: toNdArray(bins, { dtype: weights.dtype, shape: [n] }) };
  },
  sample: { inputs: { arr: values([1, 1, 3], 'int32'), size: values(4, 'int32'), weights: values([0.5, 1.5, 2]) } },
});

/** How often each number occurs in `arr` (int32, ≥ 0), or the sum of `weights` at it. TF `bincount`. */
export function bincount(
  arr: TensorLike,
  options: { weights?: TensorLike; minLength?: TensorLike; maxLength?: TensorLike; dtype?: DType } = {},
): Tensor {
  const x = convertToTensor(arr, Array.isArray(arr) ? { dtype: 'int32' } : {});
  const flat = reshape(x, [-1]);
  const some = cast(greater(size(flat), 0), 'int32');
  let count = multiply(some, add(reduceMax(flat), 1));
  if (options.minLength !== undefined) count = maximum(count, options.minLength);
  if (options.maxLength !== undefined) count = minimum(count, options.maxLength);
  const weights = options.weights ?? constantTensor([], options.dtype ?? 'int32', 'weights', [0]);
  return call(Bincount, { arr: x, size: count, weights: convertToTensor(weights) }, { name: 'bincount' }).bins;
}

export const HistogramFixedWidth = defineOp('HistogramFixedWidth', {
  inputs: ['values: T', 'value_range: T', 'nbins: int32'],
  outputs: ['out: dtype'],
  attrs: { T: type(numbers), dtype: indexType },
  shape: ({ value_range }, ctx) => {
    if (mergeShapes(value_range, [2]) === undefined)
      ctx.fail(`value_range is ${formatShape(value_range)}. Give [low, high].`);
    const n = ctx.constantNumbers('nbins')?.[0];
    if (n !== undefined && n < 1) ctx.fail(`nbins is ${n}. Ask for at least one bin.`);
    return { out: [n ?? null] };
  },
  grad: null,
  lower: (b, x, ctx) => {
    const [n] = ctx.dims('out') as [number];
    const flat = b.convert(b.reshape(x.values, [dimsOf(x.values).reduce((p, d) => p * d, 1)]), 'f64');
    const index = binOf(b, flat, b.convert(x.value_range, 'f64'), n);
    const type_ = ctx.attrs.dtype === 'int64' ? 's64' : 's32';
    return { out: addRows(b, b.full(0, type_, [n]), index, b.full(1, type_, dimsOf(flat))) };
  },
  sample: { inputs: { values: uniform([9], -2, 8), value_range: values([0, 5]), nbins: values(5, 'int32') } },
});

/** ⌊(x − low) / width⌋, the outer bins open. */
function binOf(b: Builder, x: Value, range: Value, n: number): Value {
  const dims = dimsOf(x);
  const at = (i: number): Value => b.reshape(b.slice(range, [i], [i + 1]), []);
  const width = b.divide(b.subtract(at(1), at(0)), b.scalar(n, 'f64'));
  const all = (v: Value): Value => b.broadcast(v, dims, []);
  const place = b.floor(b.divide(b.subtract(x, all(at(0))), all(width)));
  return b.convert(b.clamp(b.scalar(0, 'f64'), place, b.scalar(n - 1, 'f64')), 's32');
}

/** Counts of values in `nbins` (default 100) bins of equal width over [low, high]; values outside count at the ends. TF `histogram_fixed_width`. */
export function histogramFixedWidth(
  x: TensorLike,
  valueRange: TensorLike,
  options: { nbins?: TensorLike; dtype?: 'int32' | 'int64'; name?: string } = {},
): Tensor {
  const inputs = { values: x, value_range: valueRange, nbins: options.nbins ?? 100 };
  return call(HistogramFixedWidth, inputs, { attrs: { dtype: options.dtype ?? 'int32' }, name: options.name }).out;
}

function boundShape(sorted: PartialShape, x: PartialShape, ctx: Pick<ShapeContext, 'fail'>): PartialShape {
  for (const [name, s] of Object.entries({ sorted_inputs: sorted, values: x })) {
    if (s !== null && s.length !== 2) ctx.fail(`${name} must be [rows, n], but has shape ${formatShape(s)}.`);
  }
  const rows = mergeShapes(sorted === null ? null : [sorted[0] ?? null], x === null ? null : [x[0] ?? null]);
  if (rows === undefined) ctx.fail(`sorted_inputs ${formatShape(sorted)} and values ${formatShape(x)} differ in rows.`);
  return x ?? [null, null];
}

/** Number of sorted elements that compare with each value: [rows, values]. */
function countBefore(b: Builder, sorted: Value, x: Value, direction: 'LT' | 'LE'): Value {
  const [rows, n] = dimsOf(sorted) as [number, number];
  const [, m] = dimsOf(x) as [number, number];
  const dims = [rows, m, n];
  const before = b.compare(direction, b.broadcast(sorted, dims, [0, 2]), b.broadcast(x, dims, [0, 1]));
  return reduceAxes(b, b.convert(before, 's32'), { opcode: 'add', init: 0, axes: [2] });
}

const sortedSample = {
  sorted_inputs: values([
    [1, 3, 5, 5],
    [0, 2, 4, 6],
  ]),
  values: values([
    [5, 0],
    [7, 2],
  ]),
};

export const LowerBound = defineOp('LowerBound', {
  inputs: ['sorted_inputs: T', 'values: T'],
  outputs: ['output: out_type'],
  attrs: { T: 'type', out_type: indexType },
  shape: ({ sorted_inputs, values: x }, ctx) => ({ output: boundShape(sorted_inputs, x, ctx) }),
  grad: null,
  lower: (b, x, { attrs }) => ({
    output: b.convert(countBefore(b, x.sorted_inputs, x.values, 'LT'), attrs.out_type === 'int64' ? 's64' : 's32'),
  }),
  sample: { inputs: sortedSample },
});

export const UpperBound = defineOp('UpperBound', {
  inputs: ['sorted_inputs: T', 'values: T'],
  outputs: ['output: out_type'],
  attrs: { T: 'type', out_type: indexType },
  shape: ({ sorted_inputs, values: x }, ctx) => ({ output: boundShape(sorted_inputs, x, ctx) }),
  grad: null,
  lower: (b, x, { attrs }) => ({
    output: b.convert(countBefore(b, x.sorted_inputs, x.values, 'LE'), attrs.out_type === 'int64' ? 's64' : 's32'),
  }),
  sample: { inputs: sortedSample },
});

/** Where each value would be inserted in its sorted row: before equal elements (left, default) or after them. TF `searchsorted`. */
export function searchsorted(
  sortedSequence: TensorLike,
  x: TensorLike,
  options: { side?: 'left' | 'right'; outType?: 'int32' | 'int64'; name?: string } = {},
): Tensor {
  const [sequence, wanted] = [convertToTensor(sortedSequence), convertToTensor(x)];
  const rowsOf = (t: Tensor): Tensor => reshape(t, [-1, t.shape?.at(-1) ?? getItem(shape(t), -1)]);
  const record = options.side === 'right' ? UpperBound : LowerBound;
  const attrs = { out_type: options.outType ?? ('int32' as const) };
  const inputs = { sorted_inputs: rowsOf(sequence), values: rowsOf(wanted) };
  return reshape(call(record, inputs, { attrs, name: options.name }).output, shape(wanted));
}
