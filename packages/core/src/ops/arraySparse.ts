/** @file Dense values from sparse ones: SparseToDense, and sums of chosen rows by segment (embedding lookups). */
import { type Builder, dimsOf, dtypeOf, type Value } from '@tsflow/xla';
import { type DType, floating, real } from '../dtype.ts';
import type { Tensor, TensorLike } from '../graph/tensor.ts';
import { bool, indexType, indexTypes, type } from '../op/attr.ts';
import { call, convertToTensor } from '../op/call.ts';
import { defineOp, type Op } from '../op/defineOp.ts';
import type { HostContext } from '../op/record.ts';
import { uniform, values } from '../op/sample.ts';
import { shapeFromVector } from '../op/shapeFunctions.ts';
import { formatShape, mergeShapes } from '../shape.ts';
import { shape } from './array.ts';
import { gatherNd } from './arrayIndex.ts';
import { combineRows, sortedSegments } from './arraySegment.ts';
import { expandDims } from './arrayShape.ts';
import { getItem } from './arraySlice.ts';
import { subtract } from './math.ts';
import { reduceSum } from './reduce.ts';
import { addRows, rowsAt } from './sparseRows.ts';

export const SparseToDense = defineOp('SparseToDense', {
  inputs: ['sparse_indices: Tindices', 'output_shape: Tindices', 'sparse_values: T', 'default_value: T'],
  outputs: ['dense: T'],
  attrs: { validate_indices: bool(true), T: 'type', Tindices: type(indexTypes) },
  shape: ({ sparse_indices, output_shape, sparse_values }, ctx) => {
    const dense = shapeFromVector(ctx.constantShape('output_shape'), output_shape);
    const count = sparse_indices === null ? null : sparse_indices.length === 0 ? 1 : (sparse_indices[0] ?? null);
    if (sparse_values !== null && sparse_values.length > 0 && mergeShapes([count], sparse_values) === undefined) {
      ctx.fail(
        `sparse_values are ${formatShape(sparse_values)}, but sparse_indices ${formatShape(sparse_indices)} name ${count} elements. Give one value, or one each.`,
      );
    }
    return { dense };
  },
  grad: ({ sparse_indices, sparse_values }, dy) => {
    const own = sparse_indices.shape?.length === 1 ? expandDims(sparse_indices, -1) : sparse_indices;
    const taken = gatherNd(dy.dense, own);
    return {
      sparse_indices: null,
      output_shape: null,
      sparse_values: sparse_values.shape?.length === 0 ? reduceSum(taken) : taken,
      default_value: subtract(reduceSum(dy.dense), reduceSum(taken)),
    };
  },
  lower: (b, x, ctx) => {
    const dims = ctx.dims('dense');
    const count = dimsOf(x.sparse_indices)[0] ?? 1;
    const indices = b.reshape(x.sparse_indices, [count, dims.length]);
    const updates = dimsOf(x.sparse_values).length === 0 ? b.broadcast(x.sparse_values, [count], []) : x.sparse_values;
    const scalar = { kind: 'array', dtype: dtypeOf(updates), dims: [] } as const;
    const all = dims.map((_, i) => i);
    const dense = b.scatter(b.broadcast(x.default_value, dims, []), indices, updates, {
      dimensionNumbers: {
        updateWindowDims: [],
        insertedWindowDims: all,
        scatterDimsToOperandDims: all,
        indexVectorDim: 1,
      },
      computation: b.computation('replace', [scalar, scalar], (_, _old, update) => update as Value),
    });
    return { dense };
  },
  sample: {
    inputs: {
      sparse_indices: values(
        [
          [0, 1],
          [2, 0],
        ],
        'int32',
      ),
      output_shape: values([3, 2], 'int32'),
      sparse_values: uniform([2]),
      default_value: uniform([]),
    },
  },
});

/** `defaultValue` (0) everywhere but `sparseValues` at the index vectors `sparseIndices`. TF `sparse_to_dense`. */
export function sparseToDense(
  sparseIndices: TensorLike,
  outputShape: TensorLike,
  options: { values: TensorLike; defaultValue?: TensorLike; name?: string },
): Tensor {
  const inputs = {
    sparse_indices: sparseIndices,
    output_shape: outputShape,
    sparse_values: options.values,
    default_value: options.defaultValue ?? 0,
  };
  return call(SparseToDense, inputs, { name: options.name }).dense;
}

type Scale = 'sum' | 'mean' | 'sqrtN';

const scales: { readonly [S in Scale]: (n: number) => number } = { sum: () => 1, mean: (n) => n, sqrtN: Math.sqrt };

const sparseSegmentAttrs = (T: readonly DType[]) =>
  ({ T: type(T), Tidx: indexType, Tsegmentids: indexType, sparse_gradient: bool(false) }) as const;

type SparseSegmentOp = Op<readonly ['data: T', 'indices: Tidx', 'segment_ids: Tsegmentids'], readonly ['output: T']>;
type SparseSegmentGradOp = Op<
  readonly ['grad: T', 'indices: Tidx', 'segment_ids: Tsegmentids', 'output_dim0: int32'],
  readonly ['output: T']
>;

type CountedSegmentOp = Op<
  readonly ['data: T', 'indices: Tidx', 'segment_ids: Tsegmentids', 'num_segments: Tnumsegments'],
  readonly ['output: T']
>;

/** The same with the number of segments given, hence compiled. */
function countedSegment(
  type_: string,
  spec: { T: readonly DType[]; scale: Scale; grad: () => SparseSegmentGradOp },
): CountedSegmentOp {
  return defineOp(type_, {
    inputs: ['data: T', 'indices: Tidx', 'segment_ids: Tsegmentids', 'num_segments: Tnumsegments'],
    outputs: ['output: T'],
    attrs: {
      T: type(spec.T),
      Tidx: indexType,
      Tnumsegments: indexType,
      Tsegmentids: indexType,
      sparse_gradient: bool(false),
    },
    shape: ({ data }, ctx) => ({
      output: data === null ? null : [ctx.constantNumbers('num_segments')?.[0] ?? null, ...data.slice(1)],
    }),
    grad: ({ data, indices, segment_ids }, dy) => ({
      data: spread(spec.grad(), { grad: dy.output, indices, segment_ids, data }),
      indices: null,
      segment_ids: null,
      num_segments: null,
    }),
    lower: (b, { data, indices, segment_ids }, ctx) => {
      const zeros = b.full(0, dtypeOf(data), ctx.dims('output'));
      const sums = addRows(b, zeros, segment_ids, rowsAt(b, data, indices));
      if (spec.scale === 'sum') return { output: sums };
      return { output: b.divide(sums, segmentSizes(b, sums, segment_ids, spec.scale)) };
    },
    sample: {
      inputs: {
        data: uniform([4, 2]),
        indices: values([0, 3, 1, 1], 'int32'),
        segment_ids: values([0, 0, 2, 2], 'int32'),
        num_segments: values(4, 'int32'),
      },
    },
  });
}

function counted(
  op: CountedSegmentOp,
  x: Record<'data' | 'indices' | 'segment_ids' | 'num_segments', TensorLike>,
): Tensor {
  return call(op, x).output;
}

/** Rows `indices` of data, combined by segment. The number of segments depends on data, so it runs on the host. */
function sparseSegment(
  type_: string,
  spec: { T: readonly DType[]; scale: Scale; grad: () => SparseSegmentGradOp },
): SparseSegmentOp {
  return defineOp(type_, {
    inputs: ['data: T', 'indices: Tidx', 'segment_ids: Tsegmentids'],
    outputs: ['output: T'],
    attrs: sparseSegmentAttrs(spec.T),
    shape: ({ data, indices, segment_ids }, ctx) => {
      if (mergeShapes(indices, segment_ids) === undefined) {
        ctx.fail(
          `indices ${formatShape(indices)} and segment_ids ${formatShape(segment_ids)} differ. Give one segment an index.`,
        );
      }
      const last = ctx.constantNumbers('segment_ids')?.at(-1);
      return { output: data === null ? null : [last === undefined ? null : last + 1, ...data.slice(1)] };
    },
    grad: ({ data, indices, segment_ids }, dy) => ({
      data: spread(spec.grad(), { grad: dy.output, indices, segment_ids, data }),
      indices: null,
      segment_ids: null,
    }),
    host: ({ data, indices, segment_ids }, ctx) => {
      const rows = indices.toNumbers();
      const size = data.shape[0] as number;
      const bad = rows.find((r) => r < 0 || r >= size);
      if (bad !== undefined) ctx.fail(`index ${bad} is outside [0, ${size}), the rows of data.`);
      const { list, count } = sortedSegments(segment_ids, rows.length, ctx as HostContext);
      const add = { combine: 'add', empty: 0, scale: scales[spec.scale] } as const;
      return { output: combineRows({ data, rows, segments: list, count }, add) };
    },
    sample: {
      inputs: {
        data: uniform([4, 2]),
        indices: values([0, 3, 1, 1], 'int32'),
        segment_ids: values([0, 0, 2, 2], 'int32'),
      },
    },
  });
}

function spread(
  op: SparseSegmentGradOp,
  x: { grad: Tensor; indices: Tensor; segment_ids: Tensor; data: Tensor },
): Tensor {
  const { grad, indices, segment_ids, data } = x;
  return call(op, { grad, indices, segment_ids, output_dim0: getItem(shape(data), 0) }).output;
}

/** Each summand gets its segment's gradient, over the segment's size (mean) or its root (sqrtN). */
function sparseSegmentGrad(type_: string, scale: Scale, forward: () => CountedSegmentOp): SparseSegmentGradOp {
  return defineOp(type_, {
    inputs: ['grad: T', 'indices: Tidx', 'segment_ids: Tsegmentids', 'output_dim0: int32'],
    outputs: ['output: T'],
    attrs: { T: type(floating), Tidx: indexType, Tsegmentids: indexType },
    shape: ({ grad }, ctx) => ({
      output: grad === null ? null : [ctx.constantNumbers('output_dim0')?.[0] ?? null, ...grad.slice(1)],
    }),
    grad: ({ grad, indices, segment_ids }, dy) => ({
      grad: counted(forward(), { data: dy.output, indices, segment_ids, num_segments: getItem(shape(grad), 0) }),
      indices: null,
      segment_ids: null,
      output_dim0: null,
    }),
    lower: (b, { grad, indices, segment_ids }, ctx) => {
      const scaled = scale === 'sum' ? grad : b.divide(grad, segmentSizes(b, grad, segment_ids, scale));
      const zeros = b.full(0, dtypeOf(grad), ctx.dims('output'));
      return { output: addRows(b, zeros, indices, rowsAt(b, scaled, segment_ids)) };
    },
    sample: {
      inputs: {
        grad: uniform([3, 2]),
        indices: values([0, 3, 1, 1], 'int32'),
        segment_ids: values([0, 0, 2, 2], 'int32'),
        output_dim0: values(4, 'int32'),
      },
    },
  });
}

/** Size (or its root) of each segment, at least 1, in the dims of `grad`. */
function segmentSizes(b: Builder, grad: Value, ids: Value, scale: Scale): Value {
  const dims = dimsOf(grad);
  const dtype = dtypeOf(grad);
  const counts = addRows(b, b.full(0, dtype, [dims[0] as number]), ids, b.full(1, dtype, dimsOf(ids)));
  const least = b.maximum(counts, b.full(1, dtype, dimsOf(counts)));
  return b.broadcast(scale === 'sqrtN' ? b.sqrt(least) : least, dims, [0]);
}

export const SparseSegmentSumGrad = sparseSegmentGrad(
  'SparseSegmentSumGrad',
  'sum',
  () => SparseSegmentSumWithNumSegments,
);
export const SparseSegmentMeanGrad = sparseSegmentGrad(
  'SparseSegmentMeanGrad',
  'mean',
  () => SparseSegmentMeanWithNumSegments,
);
export const SparseSegmentSqrtNGrad = sparseSegmentGrad(
  'SparseSegmentSqrtNGrad',
  'sqrtN',
  () => SparseSegmentSqrtNWithNumSegments,
);

export const SparseSegmentSum = sparseSegment('SparseSegmentSum', {
  T: real,
  scale: 'sum',
  grad: () => SparseSegmentSumGrad,
});
export const SparseSegmentMean = sparseSegment('SparseSegmentMean', {
  T: floating,
  scale: 'mean',
  grad: () => SparseSegmentMeanGrad,
});
export const SparseSegmentSqrtN = sparseSegment('SparseSegmentSqrtN', {
  T: floating,
  scale: 'sqrtN',
  grad: () => SparseSegmentSqrtNGrad,
});

export const SparseSegmentSumWithNumSegments = countedSegment('SparseSegmentSumWithNumSegments', {
  T: real,
  scale: 'sum',
  grad: () => SparseSegmentSumGrad,
});
export const SparseSegmentMeanWithNumSegments = countedSegment('SparseSegmentMeanWithNumSegments', {
  T: floating,
  scale: 'mean',
  grad: () => SparseSegmentMeanGrad,
});
export const SparseSegmentSqrtNWithNumSegments = countedSegment('SparseSegmentSqrtNWithNumSegments', {
  T: floating,
  scale: 'sqrtN',
  grad: () => SparseSegmentSqrtNGrad,
});

/** Rows of `data` (by `indices`) and the ascending segment number of each. */
export interface SparseSegments {
  readonly indices: TensorLike;
  readonly segmentIds: TensorLike;
  /** Number of segments. Default: the last segment number + 1, which only the host can find out. */
  readonly numSegments?: TensorLike;
  readonly name?: string;
}

function combine(
  ops: { readonly plain: SparseSegmentOp; readonly counted: CountedSegmentOp },
  data: TensorLike,
  { indices, segmentIds, numSegments, name }: SparseSegments,
): Tensor {
  const inputs = { data: convertToTensor(data), indices, segment_ids: segmentIds };
  if (numSegments === undefined) return call(ops.plain, inputs, { name }).output;
  return call(ops.counted, { ...inputs, num_segments: numSegments }, { name }).output;
}

/** Sums of chosen rows of `data` by segment. TF `sparse_segment_sum(data, indices, segment_ids)`. */
export function sparseSegmentSum(data: TensorLike, segments: SparseSegments): Tensor {
  return combine({ plain: SparseSegmentSum, counted: SparseSegmentSumWithNumSegments }, data, segments);
}
/** Means of chosen rows of `data` by segment. TF `sparse_segment_mean`. */
export function sparseSegmentMean(data: TensorLike, segments: SparseSegments): Tensor {
  return combine({ plain: SparseSegmentMean, counted: SparseSegmentMeanWithNumSegments }, data, segments);
}
/** Sums of chosen rows over the root of the segment's size. TF `sparse_segment_sqrt_n`. */
export function sparseSegmentSqrtN(data: TensorLike, segments: SparseSegments): Tensor {
  return combine({ plain: SparseSegmentSqrtN, counted: SparseSegmentSqrtNWithNumSegments }, data, segments);
}
