/**
 * @file Combining rows by segment number. Unsorted forms know the number of segments and are compiled; the sorted forms derive it from
 * the last segment number, so the size of their result depends on data and they run on the host.
 */
import {
  type BinaryOpcode,
  type Builder,
  dimsOf,
  dtypeOf,
  type ElementType,
  type Scalar,
  type Value,
} from '@tsflow/xla';
import { type DType, isFloating, real } from '../dtype.ts';
import type { Tensor, TensorLike } from '../graph/tensor.ts';
import { type NdArray, type NdElement, toNdArray } from '../ndarray.ts';
import { indexType, indexTypes, type } from '../op/attr.ts';
import { call, convertToTensor } from '../op/call.ts';
import { defineOp, type Op } from '../op/defineOp.ts';
import { highest, largestFinite, lowest } from '../op/hlo.ts';
import { rowSize } from '../op/hostRows.ts';
import type { HostContext, ShapeContext } from '../op/record.ts';
import { uniform, values } from '../op/sample.ts';
import { formatShape, mergeShapes, type PartialShape } from '../shape.ts';
import { cast, shape, zerosLike } from './array.ts';
import { gather } from './arrayIndex.ts';
import { onesLike } from './arrayShape.ts';
import { getItem } from './arraySlice.ts';
import { equal, greater, greaterEqual, logicalAnd } from './compare.ts';
import { divide, multiply, sqrt } from './math.ts';
import { maximum } from './mathBinary.ts';
import { where } from './select.ts';

/** Rows of the result: data without the dimensions that segment_ids covers. */
function unsortedShape(data: PartialShape, ids: PartialShape, ctx: ShapeContext): PartialShape {
  const count = ctx.constantNumbers('num_segments')?.[0] ?? null;
  if (data === null || ids === null) return null;
  if (mergeShapes(data.slice(0, ids.length), ids) === undefined) {
    ctx.fail(`segment_ids ${formatShape(ids)} must be the first dimensions of data ${formatShape(data)}.`);
  }
  return [count, ...data.slice(ids.length)];
}

interface UnsortedSpec {
  readonly T?: readonly DType[];
  readonly opcode: BinaryOpcode;
  /** Value of empty segments. */
  readonly init: (dtype: ElementType) => Scalar;
  readonly grad: (
    io: { readonly data: Tensor; readonly segment_ids: Tensor; readonly num_segments: Tensor; readonly output: Tensor },
    dy: Tensor,
  ) => Tensor;
}

type UnsortedOp = Op<
  readonly ['data: T', 'segment_ids: Tindices', 'num_segments: Tnumsegments'],
  readonly ['output: T']
>;

function unsortedSegment(type_: string, spec: UnsortedSpec): UnsortedOp {
  return defineOp(type_, {
    inputs: ['data: T', 'segment_ids: Tindices', 'num_segments: Tnumsegments'],
    outputs: ['output: T'],
    attrs: { T: type(real), Tindices: type(indexTypes), Tnumsegments: indexType },
    shape: ({ data, segment_ids }, ctx) => ({ output: unsortedShape(data, segment_ids, ctx) }),
    grad: (io, dy) => ({ data: spec.grad(io, dy.output), segment_ids: null, num_segments: null }),
    lower: (b, { data, segment_ids }, ctx) => {
      const dtype = dtypeOf(data);
      const into = b.full(spec.init(dtype), dtype, ctx.dims('output'));
      return { output: scatterSegments(b, into, { data, ids: segment_ids, opcode: spec.opcode }) };
    },
    sample: {
      inputs: {
        data: uniform([5, 2]),
        segment_ids: values([2, 0, 2, -1, 1], 'int32'),
        num_segments: values(3, 'int32'),
      },
    },
  });
}

/** Segment numbers out of range are skipped. */
function scatterSegments(b: Builder, into: Value, x: { data: Value; ids: Value; opcode: BinaryOpcode }): Value {
  const batch = dimsOf(x.ids).length;
  return b.scatter(into, x.ids, x.data, {
    dimensionNumbers: {
      updateWindowDims: dimsOf(into)
        .slice(1)
        .map((_, d) => batch + d),
      insertedWindowDims: [0],
      scatterDimsToOperandDims: [0],
      indexVectorDim: batch,
    },
    computation: b.reducer(x.opcode, dtypeOf(into)),
  });
}

function lowestFinite(dtype: ElementType): Scalar {
  return ['f16', 'bf16', 'f32', 'f64'].includes(dtype) ? -largestFinite(dtype) : lowest(dtype);
}
function highestFinite(dtype: ElementType): Scalar {
  return ['f16', 'bf16', 'f32', 'f64'].includes(dtype) ? largestFinite(dtype) : highest(dtype);
}

/** segment_ids ≥ 0, with dimensions of 1 for those of the rows. */
function kept(ids: Tensor, rows: Tensor): Tensor {
  const own = greaterEqual(ids, zerosLike(ids));
  const extra = (rows.shape?.length ?? 0) - (ids.shape?.length ?? 0);
  let wide = own;
  for (let i = 0; i < extra; i++) wide = getItem(wide, '...', 'newaxis');
  return wide;
}

/** Rows of `x` by segment, 0 where the segment number is negative. */
function rowsOfSegments(x: Tensor, ids: Tensor): Tensor {
  const rows = gather(x, maximum(ids, zerosLike(ids)));
  return where(kept(ids, rows), rows, zerosLike(rows));
}

/** The gradient goes to the extreme elements of a segment, in equal shares. */
function extremeGrad(io: Parameters<UnsortedSpec['grad']>[0], dy: Tensor): Tensor {
  const { data, segment_ids, num_segments, output } = io;
  const found = equal(data, rowsOfSegments(output, segment_ids));
  const chosen = logicalAnd(found, kept(segment_ids, data));
  const shares = unsortedSegmentSum(cast(chosen, dy.dtype), segment_ids, num_segments);
  const each = rowsOfSegments(divide(dy, maximum(shares, onesLike(shares))), segment_ids);
  return where(chosen, each, zerosLike(each));
}

/** ∂(Π x)/∂xᵢ = Π of the others, also where some are 0. */
function productGrad(io: Parameters<UnsortedSpec['grad']>[0], dy: Tensor): Tensor {
  const { data, segment_ids, num_segments, output } = io;
  const zero = equal(data, zerosLike(data));
  const zeros = unsortedSegmentSum(cast(zero, 'int32'), segment_ids, num_segments);
  const flowing = where(greater(zeros, onesLike(zeros)), zerosLike(dy), dy);
  const others = unsortedSegmentProd(where(zero, onesLike(data), data), segment_ids, num_segments);
  const safe = where(zero, onesLike(data), data);
  const whenZero = rowsOfSegments(others, segment_ids);
  const partial = where(zero, whenZero, divide(rowsOfSegments(output, segment_ids), safe));
  return multiply(rowsOfSegments(flowing, segment_ids), partial);
}

export const UnsortedSegmentSum = unsortedSegment('UnsortedSegmentSum', {
  opcode: 'add',
  init: () => 0,
  grad: ({ segment_ids }, dy) => rowsOfSegments(dy, segment_ids),
});
export const UnsortedSegmentMax = unsortedSegment('UnsortedSegmentMax', {
  opcode: 'maximum',
  init: lowestFinite,
  grad: extremeGrad,
});
export const UnsortedSegmentMin = unsortedSegment('UnsortedSegmentMin', {
  opcode: 'minimum',
  init: highestFinite,
  grad: extremeGrad,
});
export const UnsortedSegmentProd = unsortedSegment('UnsortedSegmentProd', {
  opcode: 'multiply',
  init: () => 1,
  grad: productGrad,
});

function unsorted(op: UnsortedOp, data: TensorLike, segmentIds: TensorLike, numSegments: TensorLike): Tensor {
  const inputs = {
    data: convertToTensor(data),
    segment_ids: integers(segmentIds),
    num_segments: integers(numSegments),
  };
  return call(op, inputs).output;
}

/** Plain numbers become int32. */
function integers(x: TensorLike): Tensor {
  const plain = typeof x === 'number' || (Array.isArray(x) && x.flat(8).every((y) => typeof y === 'number'));
  return plain ? convertToTensor(x, { dtype: 'int32' }) : convertToTensor(x);
}

/** Sums of the rows of each segment; negative segment numbers are left out, empty segments are 0. TF `unsorted_segment_sum`. */
export function unsortedSegmentSum(data: TensorLike, segmentIds: TensorLike, numSegments: TensorLike): Tensor {
  return unsorted(UnsortedSegmentSum, data, segmentIds, numSegments);
}
/** Largest elements of each segment; empty segments hold the least finite value. TF `unsorted_segment_max`. */
export function unsortedSegmentMax(data: TensorLike, segmentIds: TensorLike, numSegments: TensorLike): Tensor {
  return unsorted(UnsortedSegmentMax, data, segmentIds, numSegments);
}
/** Smallest elements of each segment; empty segments hold the greatest finite value. TF `unsorted_segment_min`. */
export function unsortedSegmentMin(data: TensorLike, segmentIds: TensorLike, numSegments: TensorLike): Tensor {
  return unsorted(UnsortedSegmentMin, data, segmentIds, numSegments);
}
/** Products of each segment; empty segments are 1. TF `unsorted_segment_prod`. */
export function unsortedSegmentProd(data: TensorLike, segmentIds: TensorLike, numSegments: TensorLike): Tensor {
  return unsorted(UnsortedSegmentProd, data, segmentIds, numSegments);
}

/** Rows of each segment, at least 1, shaped to divide sums of `data`. */
function segmentCounts(data: Tensor, ids: Tensor, numSegments: TensorLike): Tensor {
  const counts = unsortedSegmentSum(onesOf(ids, data.dtype), ids, numSegments);
  let wide = maximum(counts, onesLike(counts));
  for (let i = ids.shape?.length ?? 1; i < (data.shape?.length ?? 1); i++) wide = getItem(wide, '...', 'newaxis');
  return wide;
}

function onesOf(ids: Tensor, dtype: DType): Tensor {
  return cast(onesLike(ids), dtype);
}

/** Means of each segment; empty segments are 0. TF `unsorted_segment_mean`. */
export function unsortedSegmentMean(data: TensorLike, segmentIds: TensorLike, numSegments: TensorLike): Tensor {
  const [x, ids] = [convertToTensor(data), integers(segmentIds)];
  return divide(unsortedSegmentSum(x, ids, numSegments), segmentCounts(x, ids, numSegments));
}
/** Sums of each segment over the root of its size. TF `unsorted_segment_sqrt_n`. */
export function unsortedSegmentSqrtN(data: TensorLike, segmentIds: TensorLike, numSegments: TensorLike): Tensor {
  const [x, ids] = [convertToTensor(data), integers(segmentIds)];
  return divide(unsortedSegmentSum(x, ids, numSegments), sqrt(segmentCounts(x, ids, numSegments)));
}

type Combine = (a: NdElement, b: NdElement) => NdElement;
/** How the elements of a segment are combined. */
export type Combination = 'add' | 'multiply' | 'maximum' | 'minimum';

const combinations: { readonly [C in Combination]: Combine } = {
  add: (a, b) => (typeof a === 'bigint' ? a + (b as bigint) : (a as number) + (b as number)),
  multiply: (a, b) => (typeof a === 'bigint' ? a * (b as bigint) : (a as number) * (b as number)),
  maximum: (a, b) => pick(b > a, b, a), // bigints too, which Math.max does not take
  minimum: (a, b) => pick(b < a, b, a),
};

function pick(first: boolean, a: NdElement, b: NdElement): NdElement {
  return first ? a : b;
}

/** Segment numbers of rows: ascending from 0 or more. Answers their list and the number of segments. */
export function sortedSegments(ids: NdArray, rows: number, ctx: HostContext): { list: number[]; count: number } {
  const list = ids.toNumbers();
  if (list.length !== rows)
    ctx.fail(`segment_ids has ${list.length} entries, but data has ${rows} rows. Give one a row.`);
  for (const [i, s] of list.entries()) {
    const before = list[i - 1] ?? 0;
    if (s < before)
      ctx.fail(`segment_ids[${i}] is ${s}, after ${before}. They must ascend from 0; use the unsorted form otherwise.`);
  }
  return { list, count: (list.at(-1) ?? -1) + 1 };
}

export interface SegmentRows {
  readonly data: NdArray;
  /** Row of data and segment of each summand. */
  readonly rows: readonly number[];
  readonly segments: readonly number[];
  readonly count: number;
}

/** Combines rows by segment; `empty` fills segments without rows. `scale` gets a segment's size. */
export function combineRows(
  { data, rows, segments, count }: SegmentRows,
  rule: { combine: Combination; empty: number; scale?: (n: number) => number },
): NdArray {
  const combine = combinations[rule.combine];
  const n = rowSize(data.shape);
  const whole = data.dtype === 'int64' || data.dtype === 'uint64';
  const out = new Array<NdElement>(count * n).fill(whole ? BigInt(rule.empty) : rule.empty);
  const sizes = new Array<number>(count).fill(0);
  for (const [i, s] of segments.entries()) {
    const first = sizes[s] === 0;
    sizes[s] = (sizes[s] as number) + 1;
    for (let j = 0; j < n; j++) {
      const x = data.at((rows[i] as number) * n + j);
      out[s * n + j] = first ? x : combine(out[s * n + j] as NdElement, x);
    }
  }
  const { scale } = rule;
  if (scale !== undefined) {
    for (const [i, x] of out.entries()) {
      const by = sizes[Math.floor(i / n)] as number;
      if (by > 0) out[i] = typeof x === 'bigint' ? x / BigInt(by) : scaled(x as number, scale(by), data.dtype);
    }
  }
  return toNdArray(out.length === 0 ? new Float32Array(0) : out, {
    dtype: data.dtype,
    shape: [count, ...data.shape.slice(1)],
  });
}

function scaled(x: number, by: number, dtype: DType): number {
  return isFloating(dtype) ? x / by : Math.trunc(x / by);
}

type SegmentOp = Op<readonly ['data: T', 'segment_ids: Tindices'], readonly ['output: T']>;

function segment(
  type_: string,
  spec: {
    readonly combine: Combination;
    readonly empty: number;
    readonly scale?: (n: number) => number;
    readonly grad: (io: { data: Tensor; segment_ids: Tensor; output: Tensor }, dy: Tensor) => Tensor;
  },
): SegmentOp {
  return defineOp(type_, {
    inputs: ['data: T', 'segment_ids: Tindices'],
    outputs: ['output: T'],
    attrs: { T: type(real), Tindices: type(indexTypes) },
    shape: ({ data, segment_ids }, ctx) => {
      if (segment_ids !== null && segment_ids.length !== 1)
        ctx.fail(`segment_ids must be 1-D, got ${formatShape(segment_ids)}.`);
      const last = ctx.constantNumbers('segment_ids')?.at(-1);
      return { output: data === null ? null : [last === undefined ? null : last + 1, ...data.slice(1)] };
    },
    grad: (io, dy) => ({ data: spec.grad(io, dy.output), segment_ids: null }),
    host: ({ data, segment_ids }, ctx) => {
      const rows = data.shape[0] as number;
      const { list, count } = sortedSegments(segment_ids, rows, ctx as HostContext);
      const own = [...new Array<number>(rows).keys()];
      return { output: combineRows({ data, rows: own, segments: list, count }, spec) };
    },
    sample: { inputs: { data: uniform([5, 2]), segment_ids: values([0, 0, 2, 2, 3], 'int32') } },
  });
}

/** Number of segments of a result, for the unsorted forms in gradients. */
function segmentsOf(output: Tensor): Tensor {
  return getItem(shape(output), 0);
}

const asUnsorted = (io: {
  data: Tensor;
  segment_ids: Tensor;
  output: Tensor;
}): Parameters<UnsortedSpec['grad']>[0] => ({
  ...io,
  num_segments: segmentsOf(io.output),
});

export const SegmentSum = segment('SegmentSum', {
  combine: 'add',
  empty: 0,
  grad: ({ segment_ids }, dy) => gather(dy, segment_ids),
});
export const SegmentMean = segment('SegmentMean', {
  combine: 'add',
  empty: 0,
  scale: (n) => n,
  grad: ({ data, segment_ids }, dy) =>
    gather(divide(dy, segmentCounts(data, segment_ids, segmentsOf(dy))), segment_ids),
});
export const SegmentMax = segment('SegmentMax', {
  combine: 'maximum',
  empty: 0,
  grad: (io, dy) => extremeGrad(asUnsorted(io), dy),
});
export const SegmentMin = segment('SegmentMin', {
  combine: 'minimum',
  empty: 0,
  grad: (io, dy) => extremeGrad(asUnsorted(io), dy),
});
export const SegmentProd = segment('SegmentProd', {
  combine: 'multiply',
  empty: 1,
  grad: (io, dy) => productGrad(asUnsorted(io), dy),
});

function sorted(op: SegmentOp, data: TensorLike, segmentIds: TensorLike, name: string | undefined): Tensor {
  return call(op, { data: convertToTensor(data), segment_ids: integers(segmentIds) }, { name }).output;
}

/** Sums of rows with equal, ascending segment numbers. Runs on the host: its size depends on the last number. TF `segment_sum`. */
export function segmentSum(data: TensorLike, segmentIds: TensorLike, name?: string): Tensor {
  return sorted(SegmentSum, data, segmentIds, name);
}
/** Means of rows with equal, ascending segment numbers. TF `segment_mean`. */
export function segmentMean(data: TensorLike, segmentIds: TensorLike, name?: string): Tensor {
  return sorted(SegmentMean, data, segmentIds, name);
}
/** Element-wise largest of rows with equal, ascending segment numbers. TF `segment_max`. */
export function segmentMax(data: TensorLike, segmentIds: TensorLike, name?: string): Tensor {
  return sorted(SegmentMax, data, segmentIds, name);
}
/** Element-wise smallest of rows with equal, ascending segment numbers. TF `segment_min`. */
export function segmentMin(data: TensorLike, segmentIds: TensorLike, name?: string): Tensor {
  return sorted(SegmentMin, data, segmentIds, name);
}
/** Products of rows with equal, ascending segment numbers. TF `segment_prod`. */
export function segmentProd(data: TensorLike, segmentIds: TensorLike, name?: string): Tensor {
  return sorted(SegmentProd, data, segmentIds, name);
}
