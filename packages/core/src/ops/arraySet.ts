/**
 * @file Ops on sets of elements and on rows sorted into parts: Unique, ListDiff, DynamicPartition, DynamicStitch. The sizes of their
 * results depend on data, so they run on the host.
 */
import { InvalidArgumentError } from '../errors.ts';
import type { Tensor, TensorLike } from '../graph/tensor.ts';
import { NdArray, textOf, zeroData } from '../ndarray.ts';
import { count, indexType, type } from '../op/attr.ts';
import { call, convertToTensor } from '../op/call.ts';
import { defineOp } from '../op/defineOp.ts';
import { copyRow, indexArray, rowSize, takeRows } from '../op/hostRows.ts';
import type { HostContext, ShapeContext } from '../op/record.ts';
import { uniform, values } from '../op/sample.ts';
import { type Dims, formatShape, mergeShapes, normalizeAxis, type PartialShape } from '../shape.ts';
import { range, reshape, shape } from './array.ts';
import { gather } from './arrayIndex.ts';
import { size } from './arrayShape.ts';

/** A key that is equal for equal elements. NaNs differ from each other, as in TensorFlow. */
function keyOf(x: NdArray, start: number, length: number): string {
  const parts: string[] = [];
  for (let i = start; i < start + length; i++) {
    const e = x.at(i);
    if (typeof e === 'number' && Number.isNaN(e)) parts.push(`NaN${i}`);
    else if (e === 0)
      parts.push('0'); // −0 = 0
    else
      parts.push(e instanceof Uint8Array ? `${textOf(e).length}:${Array.from(e).join()}` : JSON.stringify(String(e)));
  }
  return parts.join();
}

interface Distinct {
  /** Position of the first of each distinct entry. */
  readonly first: number[];
  /** Number of the distinct entry at each position. */
  readonly index: number[];
  readonly counts: number[];
}

/** Distinct rows in order of first occurrence. */
function distinctRows(x: NdArray, rows: number, length: number): Distinct {
  const known = new Map<string, number>();
  const found: Distinct = { first: [], index: [], counts: [] };
  for (let r = 0; r < rows; r++) {
    const key = keyOf(x, r * length, length);
    let at = known.get(key);
    if (at === undefined) {
      at = found.first.push(r) - 1;
      known.set(key, at);
      found.counts.push(0);
    }
    found.index.push(at);
    found.counts[at] = (found.counts[at] as number) + 1;
  }
  return found;
}

/** Dimensions of `x` in another order, copied. */
function permuted(x: NdArray, perm: Dims): NdArray {
  const dims = perm.map((p) => x.shape[p] as number);
  const strides = x.shape.map((_, i) => rowSize(x.shape, i + 1));
  const data = zeroData(x.dtype, x.size);
  for (let i = 0; i < x.size; i++) {
    let rest = i;
    let from = 0;
    for (const [j, p] of perm.entries()) {
      const inner = rowSize(dims, j + 1);
      from += Math.floor(rest / inner) * (strides[p] as number);
      rest %= inner;
    }
    copyRow(x.data, from, data, i, 1);
  }
  return new NdArray(x.dtype, dims, data);
}

interface UniqueResult {
  readonly y: NdArray;
  readonly idx: NdArray;
  readonly count: NdArray;
}

function uniqueOf(x: NdArray, axis: number, dtype: 'int32' | 'int64'): UniqueResult {
  const front = [axis, ...x.shape.map((_, i) => i).filter((i) => i !== axis)];
  const moved = axis === 0 ? x : permuted(x, front);
  const found = distinctRows(moved, moved.shape[0] as number, rowSize(moved.shape));
  const rows = takeRows(moved, found.first, {
    size: rowSize(moved.shape),
    shape: [found.first.length, ...moved.shape.slice(1)],
  });
  const back = x.shape.map((_, i) => front.indexOf(i));
  return {
    y: axis === 0 ? rows : permuted(rows, back),
    idx: indexArray(found.index, dtype),
    count: indexArray(found.counts, dtype),
  };
}

function indexDtype(dtype: unknown): 'int32' | 'int64' {
  return dtype === 'int64' ? 'int64' : 'int32';
}

function vectorShape(x: PartialShape, ctx: Pick<ShapeContext, 'fail'>): PartialShape {
  if (x !== null && x.length !== 1) ctx.fail(`x must be 1-D, but has shape ${formatShape(x)}. Reshape it to [-1].`);
  return x ?? [null];
}

export const Unique = defineOp('Unique', {
  inputs: ['x: T'],
  outputs: ['y: T', 'idx: out_idx'],
  attrs: { T: 'type', out_idx: indexType },
  shape: ({ x }, ctx) => ({ y: [null], idx: vectorShape(x, ctx) }),
  grad: null,
  host: ({ x }, { attrs }) => uniqueOf(x, 0, indexDtype(attrs.out_idx)),
  sample: { inputs: { x: values([3, 1, 3, 2, 1], 'int32') } },
});

export const UniqueWithCounts = defineOp('UniqueWithCounts', {
  inputs: ['x: T'],
  outputs: ['y: T', 'idx: out_idx', 'count: out_idx'],
  attrs: { T: 'type', out_idx: indexType },
  shape: ({ x }, ctx) => ({ y: [null], idx: vectorShape(x, ctx), count: [null] }),
  grad: null,
  host: ({ x }, { attrs }) => uniqueOf(x, 0, indexDtype(attrs.out_idx)),
  sample: { inputs: { x: values([3, 1, 3, 2, 1], 'int32') } },
});

/** Axis 0 where none is given: an empty vector. */
function uniqueAxis(axis: NdArray, rank: number, ctx: Pick<HostContext, 'fail'>): number {
  const wanted = axis.toNumbers()[0] ?? 0;
  const at = normalizeAxis(wanted, rank);
  return at ?? ctx.fail(`axis ${wanted} is outside [-${rank}, ${rank}).`);
}

/** Length of the axis that is searched, and the shape with it open. */
function uniqueShapes(x: PartialShape, ctx: ShapeContext): { y: PartialShape; idx: PartialShape } {
  const axis = ctx.constantNumbers('axis');
  if (x === null || axis === undefined) return { y: x?.map(() => null) ?? null, idx: [null] };
  const at = normalizeAxis(axis[0] ?? 0, x.length);
  if (at === undefined)
    return ctx.fail(`axis ${axis[0]} is outside [-${x.length}, ${x.length}) for ${formatShape(x)}.`);
  return { y: x.with(at, null), idx: [x[at] ?? null] };
}

export const UniqueV2 = defineOp('UniqueV2', {
  inputs: ['x: T', 'axis: Taxis'],
  outputs: ['y: T', 'idx: out_idx'],
  attrs: { T: 'type', Taxis: type(['int32', 'int64'], 'int64'), out_idx: indexType },
  shape: ({ x }, ctx) => uniqueShapes(x, ctx),
  grad: null,
  host: ({ x, axis }, ctx) => uniqueOf(x, uniqueAxis(axis, x.shape.length, ctx), indexDtype(ctx.attrs.out_idx)),
  sample: {
    inputs: {
      x: values(
        [
          [1, 0],
          [2, 5],
          [1, 0],
        ],
        'int32',
      ),
      axis: values([0], 'int64'),
    },
  },
});

export const UniqueWithCountsV2 = defineOp('UniqueWithCountsV2', {
  inputs: ['x: T', 'axis: Taxis'],
  outputs: ['y: T', 'idx: out_idx', 'count: out_idx'],
  attrs: { T: 'type', Taxis: type(['int32', 'int64'], 'int64'), out_idx: indexType },
  shape: ({ x }, ctx) => ({ ...uniqueShapes(x, ctx), count: [null] }),
  grad: null,
  host: ({ x, axis }, ctx) => uniqueOf(x, uniqueAxis(axis, x.shape.length, ctx), indexDtype(ctx.attrs.out_idx)),
  sample: {
    inputs: {
      x: values(
        [
          [1, 0],
          [2, 5],
          [1, 0],
        ],
        'int32',
      ),
      axis: values([0], 'int64'),
    },
  },
});

export interface UniqueOptions {
  /** dtype of idx and count. Default int32. */
  readonly outIdx?: 'int32' | 'int64';
  readonly name?: string;
}

/** Distinct elements of a vector in order of first occurrence, and for each element its position among them. TF `unique`. */
export function unique(x: TensorLike, options: UniqueOptions = {}): { readonly y: Tensor; readonly idx: Tensor } {
  return call(Unique, { x: convertToTensor(x) }, { attrs: { out_idx: options.outIdx ?? 'int32' }, name: options.name });
}

/** The same with the number of occurrences of each. TF `unique_with_counts`. */
export function uniqueWithCounts(
  x: TensorLike,
  options: UniqueOptions = {},
): { readonly y: Tensor; readonly idx: Tensor; readonly count: Tensor } {
  const attrs = { out_idx: options.outIdx ?? 'int32' };
  return call(UniqueWithCounts, { x: convertToTensor(x) }, { attrs, name: options.name });
}

export const ListDiff = defineOp('ListDiff', {
  inputs: ['x: T', 'y: T'],
  outputs: ['out: T', 'idx: out_idx'],
  attrs: { T: 'type', out_idx: indexType },
  shape: ({ x, y }, ctx) => {
    vectorShape(x, ctx);
    vectorShape(y, ctx);
    return { out: [null], idx: [null] };
  },
  grad: null,
  host: ({ x, y }, { attrs }) => {
    const out = new Set(Array.from({ length: y.size }, (_, i) => keyOf(y, i, 1)));
    const kept = Array.from({ length: x.size }, (_, i) => i).filter((i) => !out.has(keyOf(x, i, 1)));
    return {
      out: takeRows(x, kept, { size: 1, shape: [kept.length] }),
      idx: indexArray(kept, indexDtype(attrs.out_idx)),
    };
  },
  sample: { inputs: { x: values([1, 2, 3, 4, 2], 'int32'), y: values([1, 3], 'int32') } },
});

/** Elements of x that are not in y, in order, and their positions. TF `setdiff1d`. */
export function setdiff1d(
  x: TensorLike,
  y: TensorLike,
  options: { indexDtype?: 'int32' | 'int64'; name?: string } = {},
): { readonly out: Tensor; readonly idx: Tensor } {
  return call(ListDiff, { x, y }, { attrs: { out_idx: options.indexDtype ?? 'int32' }, name: options.name });
}

export const DynamicPartition = defineOp('DynamicPartition', {
  inputs: ['data: T', 'partitions: int32'],
  outputs: ['outputs: num_partitions * T'],
  attrs: { num_partitions: count(1), T: 'type' },
  shape: ({ data, partitions }, ctx) => {
    const n = ctx.attrs.num_partitions;
    if (data === null || partitions === null) return { outputs: new Array<PartialShape>(n).fill(null) };
    if (mergeShapes(data.slice(0, partitions.length), partitions) === undefined) {
      ctx.fail(`partitions ${formatShape(partitions)} must be the first dimensions of data ${formatShape(data)}.`);
    }
    return { outputs: new Array<PartialShape>(n).fill([null, ...data.slice(partitions.length)]) };
  },
  grad: ({ data, partitions }, dy, { attrs }) => {
    const positions = reshape(range(0, size(partitions)), shape(partitions));
    const parts = dynamicPartition(positions, partitions, attrs.num_partitions);
    return { data: reshape(dynamicStitch(parts, dy.outputs), shape(data)), partitions: null };
  },
  host: ({ data, partitions }, ctx) => {
    const n = ctx.attrs.num_partitions;
    const parts: number[][] = Array.from({ length: n }, () => []);
    for (const [i, p] of partitions.toNumbers().entries()) {
      (parts[p] ?? ctx.fail(`partitions[${i}] is ${p}, outside [0, ${n}).`)).push(i);
    }
    const row = data.shape.slice(partitions.shape.length);
    const length = rowSize(data.shape, partitions.shape.length);
    return { outputs: parts.map((own) => takeRows(data, own, { size: length, shape: [own.length, ...row] })) };
  },
  sample: {
    inputs: { data: uniform([4, 2]), partitions: values([1, 0, 1, 0], 'int32') },
    attrs: { num_partitions: 2 },
    grad: false, // sizes that only the run knows
  },
});

/** Rows of `data` sorted into `numPartitions` tensors by their number in `partitions`. TF `dynamic_partition`. */
export function dynamicPartition(data: TensorLike, partitions: TensorLike, numPartitions: number): readonly Tensor[] {
  return call(DynamicPartition, { data, partitions }, { attrs: { num_partitions: numPartitions } }).outputs;
}

/** [greatest index + 1, …row] as far as known. */
function stitchedShape(
  indices: readonly PartialShape[],
  data: readonly PartialShape[],
  ctx: ShapeContext,
): PartialShape {
  let row: PartialShape = null;
  for (const [i, d] of data.entries()) {
    const at = indices[i] ?? null;
    if (d === null || at === null) continue;
    if (mergeShapes(d.slice(0, at.length), at) === undefined) {
      ctx.fail(`indices[${i}] ${formatShape(at)} must be the first dimensions of data[${i}] ${formatShape(d)}.`);
    }
    const own: PartialShape = d.slice(at.length);
    const next: PartialShape | undefined = mergeShapes(row, own);
    if (next === undefined)
      return ctx.fail(`rows of data[${i}] are ${formatShape(own)}, those before it ${formatShape(row)}.`);
    row = next;
  }
  return row === null ? null : [null, ...row];
}

/** Rows of the lists written where their indices say; later ones win. */
function stitch(indices: readonly NdArray[], data: readonly NdArray[], ctx: Pick<HostContext, 'fail'>): NdArray {
  const lists = indices.map((i) => i.toNumbers());
  const rows = lists.reduce((n, l) => l.reduce((m, i) => Math.max(m, i + 1), n), 0);
  const first = data[0] as NdArray;
  const row = first.shape.slice((indices[0] as NdArray).shape.length);
  const length = row.reduce((n, d) => n * d, 1);
  const out = zeroData(first.dtype, rows * length);
  for (const [k, list] of lists.entries()) {
    for (const [i, at] of list.entries()) {
      if (at < 0) ctx.fail(`indices[${k}] has ${at}. Indices are ≥ 0.`);
      copyRow((data[k] as NdArray).data, i, out, at, length);
    }
  }
  return new NdArray(first.dtype, [rows, ...row], out);
}

const stitchSample = {
  indices: [values([2, 0], 'int32'), values([[1], [3]], 'int32')],
  data: [uniform([2, 3]), uniform([2, 1, 3])],
};

export const DynamicStitch = defineOp('DynamicStitch', {
  inputs: ['indices: N * int32', 'data: N * T'],
  outputs: ['merged: T'],
  attrs: { N: count(1), T: 'type' },
  shape: ({ indices, data }, ctx) => ({ merged: stitchedShape(indices, data, ctx) }),
  grad: ({ indices }, dy) => ({ indices: indices.map(() => null), data: indices.map((i) => gather(dy.merged, i)) }),
  host: ({ indices, data }, ctx) => ({ merged: stitch(indices, data, ctx) }),
  sample: { inputs: stitchSample, grad: false },
});

/** The form whose writes may run in parallel; here they are in order. */
export const ParallelDynamicStitch = defineOp('ParallelDynamicStitch', {
  inputs: ['indices: N * int32', 'data: N * T'],
  outputs: ['merged: T'],
  attrs: { N: count(1), T: 'type' },
  shape: ({ indices, data }, ctx) => ({ merged: stitchedShape(indices, data, ctx) }),
  grad: ({ indices }, dy) => ({ indices: indices.map(() => null), data: indices.map((i) => gather(dy.merged, i)) }),
  host: ({ indices, data }, ctx) => ({ merged: stitch(indices, data, ctx) }),
  sample: { inputs: stitchSample, grad: false },
});

/** One tensor with row `indices[k][i]` = `data[k][i]`; the inverse of dynamicPartition. TF `dynamic_stitch`. */
export function dynamicStitch(indices: readonly TensorLike[], data: readonly TensorLike[], name?: string): Tensor {
  if (indices.length !== data.length) {
    throw new InvalidArgumentError(
      `dynamicStitch was given ${indices.length} lists of indices and ${data.length} of data. Give as many of both.`,
      { opType: 'DynamicStitch' },
    );
  }
  return call(DynamicStitch, { indices, data }, { name }).merged;
}
