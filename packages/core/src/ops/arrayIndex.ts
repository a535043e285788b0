/**
 * @file Reading and writing by index: Gather, GatherNd, ScatterNd and the functional scatter updates. Constant indices are checked while
 * the graph is built; in compiled runs computed indices out of range read the nearest row and their writes are skipped.
 */
import { type BinaryOpcode, type Builder, type Computation, dimsOf, dtypeOf, type Value } from '@tsflow/xla';
import { UnimplementedError } from '../errors.ts';
import { IndexedSlices } from '../graph/indexedSlices.ts';
import type { Tensor, TensorLike } from '../graph/tensor.ts';
import { bool, indexTypes, int, string, type } from '../op/attr.ts';
import { call, convertToTensor } from '../op/call.ts';
import { constantValue } from '../op/constantValue.ts';
import { defineOp } from '../op/defineOp.ts';
import type { GradValue, ShapeContext } from '../op/record.ts';
import { uniform, values } from '../op/sample.ts';
import { checkAxis, shapeFromVector } from '../op/shapeFunctions.ts';
import { formatShape, isFullyDefined, mergeShapes, normalizeAxis, type PartialShape } from '../shape.ts';
import { cast, range, reshape, shape, shapeLike, zerosLike } from './array.ts';
import { concat } from './arrayJoin.ts';
import { unsortedSegmentSum } from './arraySegment.ts';
import { squeeze, transpose } from './arrayShape.ts';
import { getItem } from './arraySlice.ts';
import { add, multiply, negative } from './math.ts';

const wideIndexTypes = type(['int16', 'int32', 'int64']);

/** Indices as HLO takes them. */
function asIndex(b: Builder, x: Value): Value {
  return dtypeOf(x) === 's32' || dtypeOf(x) === 's64' ? x : b.convert(x, 's32');
}

/** Fails when a known index is outside [0, size). */
function checkIndices(input: string, size: number | null | undefined, ctx: ShapeContext): void {
  if (size === null || size === undefined) return;
  const bad = ctx.constantNumbers(input)?.find((i) => i < 0 || i >= size);
  if (bad !== undefined) ctx.fail(`index ${bad} is outside [0, ${size}), the dimension it indexes.`);
}

interface GatherAxes {
  readonly axis: number;
  readonly batch: number;
}

/** Axis and batch dims from the front, checked. */
function gatherAxes(
  { axis, batch }: GatherAxes,
  params: number,
  indices: number,
  ctx: Pick<ShapeContext, 'fail'>,
): GatherAxes {
  const at = checkAxis(axis, params, ctx);
  const b = batch < 0 ? batch + indices : batch;
  if (b < 0 || b > indices || b > at) {
    ctx.fail(`batch_dims ${batch} must be at most the axis (${at}) and the rank of indices (${indices}).`);
  }
  return { axis: at, batch: b };
}

function gatheredShape(
  params: PartialShape,
  indices: PartialShape,
  batchDims: number,
  ctx: ShapeContext,
): PartialShape {
  if (params === null || indices === null) return null;
  const wanted = ctx.constantNumbers('axis')?.[0];
  if (wanted === undefined)
    return new Array<null>(params.length - 1 + indices.length - Math.max(batchDims, 0)).fill(null);
  const { axis, batch } = gatherAxes({ axis: wanted, batch: batchDims }, params.length, indices.length, ctx);
  const front = mergeShapes(params.slice(0, batch), indices.slice(0, batch));
  if (front === undefined || front === null) {
    return ctx.fail(
      `params ${formatShape(params)} and indices ${formatShape(indices)} differ in their first ${batch} dimensions.`,
    );
  }
  checkIndices('indices', params[axis], ctx);
  return [...front, ...params.slice(batch, axis), ...indices.slice(batch), ...params.slice(axis + 1)];
}

/** params[…batch, …, indices[…batch, …], …]: batch positions become part of the index vectors. */
function gatherAlong(b: Builder, params: Value, indices: Value, { axis, batch }: GatherAxes): Value {
  const p = dimsOf(params);
  const index = asIndex(b, indices);
  const i = dimsOf(index);
  const front = Array.from({ length: batch }, (_, d) => d);
  const columns = [...front.map((d) => b.iota(dtypeOf(index), i, d)), index].map((x) => b.reshape(x, [...i, 1]));
  const vectors = batch === 0 ? index : b.concatenate(columns, i.length);
  const middle = Array.from({ length: axis - batch }, (_, d) => batch + d);
  const rest = p.slice(axis + 1).map((_, d) => axis + i.length - batch + d);
  const taken = [...front, axis];
  return b.gather(
    params,
    vectors,
    { offsetDims: [...middle, ...rest], collapsedSliceDims: taken, startIndexMap: taken, indexVectorDim: i.length },
    p.map((d, n) => (taken.includes(n) ? 1 : d)),
  );
}

/** Rows of dy at their indices: a sparse gradient of `params`. */
function sparseRows(dy: Tensor, params: Tensor, indices: Tensor): IndexedSlices {
  const row = params.shape?.slice(1);
  const rowShape = row !== undefined && isFullyDefined(row) ? [...row] : getItem(shape(params), [1, null]);
  const rows = reshape(
    dy,
    concat(
      [[-1], rowShape].map((x) => convertToTensor(x as TensorLike, Array.isArray(x) ? { dtype: 'int32' } : {})),
      0,
    ),
  );
  return new IndexedSlices(rows, reshape(indices, [-1]), shapeLike(params));
}

type Size = number | Tensor;

/** Dimension d of a tensor of known rank: a number where it is known. */
function dimensions(x: Tensor): Size[] {
  if (x.shape === null) {
    throw new UnimplementedError(
      `the gradient of a gather along an inner axis needs known ranks; "${x.name}" has an unknown one. Set it with setShape(…).`,
      { opType: x.op.type, nodeName: x.op.name },
    );
  }
  return x.shape.map((d, i) => d ?? getItem(shape(x), i));
}

function product(sizes: readonly Size[]): Size {
  return sizes.reduce((n, d) => (typeof n === 'number' && typeof d === 'number' ? n * d : multiply(n, d)), 1 as Size);
}

function shapeOf(sizes: readonly Size[]): Tensor {
  return convertToTensor(sizes as TensorLike, sizes.every((d) => typeof d === 'number') ? { dtype: 'int32' } : {});
}

/** Dense gradient along any axis: gathered positions to the front, one segment sum, and back. */
function denseRows(dy: Tensor, params: Tensor, indices: Tensor, { axis, batch }: GatherAxes): Tensor {
  const [p, i] = [dimensions(params), dimensions(indices)];
  const [lead, inner] = [p.slice(0, batch), [...p.slice(batch, axis), ...p.slice(axis + 1)]];
  const own = i.slice(batch);
  const count = axis - batch; // dy: [lead, middle, own, rest] → [lead, own, middle, rest]
  const n = p.length - 1 + own.length;
  const order = [...new Array<number>(n).keys()];
  const perm = [
    ...order.slice(0, batch),
    ...order.slice(axis, axis + own.length),
    ...order.slice(batch, axis),
    ...order.slice(axis + own.length),
  ];
  const rows = reshape(count === 0 ? dy : transpose(dy, { perm }), shapeOf([product([...lead, ...own]), ...inner]));
  const [size, groups] = [p[axis] as Size, product(lead)];
  let ids = reshape(indices, shapeOf([groups, product(own)]));
  if (batch > 0) {
    const offsets = multiply(range(0, groups), size);
    const typed = offsets.dtype === ids.dtype ? offsets : cast(offsets, ids.dtype);
    ids = add(ids, reshape(typed, [-1, 1]));
  }
  const sums = unsortedSegmentSum(rows, reshape(ids, [-1]), product([groups, size]));
  const wide = reshape(sums, shapeOf([...lead, size, ...inner]));
  if (count === 0) return wide;
  const back = [...new Array<number>(p.length).keys()];
  return transpose(wide, {
    perm: [...back.slice(0, batch), ...back.slice(batch + 1, axis + 1), batch, ...back.slice(axis + 1)],
  });
}

export const Gather = defineOp('Gather', {
  inputs: ['params: Tparams', 'indices: Tindices'],
  outputs: ['output: Tparams'],
  attrs: { validate_indices: bool(true), Tparams: 'type', Tindices: type(indexTypes) },
  shape: ({ params, indices }, ctx) => {
    checkIndices('indices', params?.[0], ctx);
    return { output: params === null || indices === null ? null : [...indices, ...params.slice(1)] };
  },
  grad: ({ params, indices }, dy) => ({ params: sparseRows(dy.output, params, indices), indices: null }),
  lower: (b, { params, indices }) => ({ output: gatherAlong(b, params, indices, { axis: 0, batch: 0 }) }),
  sample: {
    inputs: {
      params: uniform([4, 3]),
      indices: values(
        [
          [2, 0],
          [2, 3],
        ],
        'int32',
      ),
    },
  },
});

export const GatherV2 = defineOp('GatherV2', {
  inputs: ['params: Tparams', 'indices: Tindices', 'axis: Taxis'],
  outputs: ['output: Tparams'],
  attrs: { batch_dims: int(0), Tparams: 'type', Tindices: wideIndexTypes, Taxis: type(indexTypes) },
  shape: ({ params, indices }, ctx) => ({ output: gatheredShape(params, indices, ctx.attrs.batch_dims, ctx) }),
  grad: ({ params, indices, axis }, dy, ctx) => ({
    params: gatherGrad(dy.output, { params, indices, axis }, ctx.attrs.batch_dims),
    indices: null,
    axis: null,
  }),
  partialValue: ({ params, indices }, ctx) => {
    const at = ctx.constantNumbers('indices');
    if (params.value === null || at === undefined || (indices.shape?.length ?? 2) > 1) return null;
    const list = params.value;
    return at.map((i) => list[i] ?? null);
  },
  lower: (b, { params, indices, axis }, ctx) => {
    const wanted = { axis: ctx.numbers(axis)[0] as number, batch: ctx.attrs.batch_dims };
    const axes = gatherAxes(wanted, dimsOf(params).length, dimsOf(indices).length, ctx);
    return { output: gatherAlong(b, params, indices, axes) };
  },
  sample: [
    {
      inputs: {
        params: uniform([4, 3]),
        indices: values(
          [
            [2, 0],
            [2, 3],
          ],
          'int32',
        ),
        axis: values(0, 'int32'),
      },
    },
    { inputs: { params: uniform([2, 4, 3]), indices: values([3, 0, 3], 'int64'), axis: values(-2, 'int32') } },
    {
      inputs: {
        params: uniform([2, 3, 4]),
        indices: values(
          [
            [3, 0],
            [1, 1],
          ],
          'int32',
        ),
        axis: values(2, 'int32'),
      },
      attrs: { batch_dims: 1 },
    },
  ],
});

function gatherGrad(dy: Tensor, x: { params: Tensor; indices: Tensor; axis: Tensor }, batchDims: number): GradValue {
  const known = constantValue(x.axis)?.toNumbers()[0];
  if (known === 0 && batchDims === 0) return sparseRows(dy, x.params, x.indices);
  if (known === undefined) {
    throw new UnimplementedError(`the gradient of gather needs a constant axis, but "${x.axis.name}" is computed.`, {
      opType: 'GatherV2',
      nodeName: x.axis.op.name,
    });
  }
  const rank = x.params.shape?.length ?? dimensions(x.params).length;
  const axis = normalizeAxis(known, rank) as number;
  const batch = batchDims < 0 ? batchDims + dimensions(x.indices).length : batchDims;
  return denseRows(dy, x.params, x.indices, { axis, batch });
}

/**
 * The slices of `params` along `axis` (default: `batchDims`, itself 0 by default) at `indices`. Its gradient along axis 0 is sparse.
 * Constant indices out of range throw InvalidArgument; computed ones read the nearest slice. TF `gather`.
 */
export function gather(
  params: TensorLike,
  indices: TensorLike,
  options: { axis?: number | Tensor; batchDims?: number; name?: string } = {},
): Tensor {
  const batch_dims = options.batchDims ?? 0;
  const inputs = {
    params: convertToTensor(params),
    indices: integers(indices),
    axis: integers(options.axis ?? batch_dims),
  };
  return call(GatherV2, inputs, { attrs: { batch_dims }, name: options.name }).output;
}

/** Plain numbers become int32. */
function integers(x: TensorLike): Tensor {
  const plain = typeof x === 'number' || (Array.isArray(x) && x.flat(8).every((y) => typeof y === 'number'));
  return plain ? convertToTensor(x, { dtype: 'int32' }) : convertToTensor(x);
}

const policy = string('');

function gatherNdShape(params: PartialShape, indices: PartialShape, ctx: Pick<ShapeContext, 'fail'>): PartialShape {
  if (indices !== null && indices.length === 0)
    ctx.fail('indices is a scalar. Its last dimension must hold index vectors.');
  const depth = indices?.at(-1) ?? null;
  if (params === null || indices === null || depth === null) return null;
  if (depth > params.length) {
    ctx.fail(`index vectors have ${depth} entries, but params is ${formatShape(params)} of rank ${params.length}.`);
  }
  return [...indices.slice(0, -1), ...params.slice(depth)];
}

export const GatherNd = defineOp('GatherNd', {
  inputs: ['params: Tparams', 'indices: Tindices'],
  outputs: ['output: Tparams'],
  attrs: { Tparams: 'type', Tindices: wideIndexTypes, bad_indices_policy: policy },
  shape: ({ params, indices }, ctx) => ({ output: gatherNdShape(params, indices, ctx) }),
  grad: ({ params, indices }, dy) => ({ params: gatherNdGrad(dy.output, params, indices), indices: null }),
  lower: (b, { params, indices }) => {
    const index = asIndex(b, indices);
    const batch = dimsOf(index).length - 1;
    const depth = dimsOf(index)[batch] as number;
    const taken = Array.from({ length: depth }, (_, d) => d);
    const output = b.gather(
      params,
      index,
      {
        offsetDims: dimsOf(params)
          .slice(depth)
          .map((_, d) => batch + d),
        collapsedSliceDims: taken,
        startIndexMap: taken,
        indexVectorDim: batch,
      },
      dimsOf(params).map((d, i) => (i < depth ? 1 : d)),
    );
    return { output };
  },
  sample: [
    {
      inputs: {
        params: uniform([3, 4, 2]),
        indices: values(
          [
            [2, 1],
            [0, 3],
            [2, 1],
          ],
          'int32',
        ),
      },
    },
    { inputs: { params: uniform([3, 2]), indices: values([[2], [0], [2]], 'int32') } },
  ],
});

function gatherNdGrad(dy: Tensor, params: Tensor, indices: Tensor): GradValue {
  if (indices.shape?.length === 2 && indices.shape[1] === 1) {
    return new IndexedSlices(dy, squeeze(indices, { axis: -1 }), shapeLike(params));
  }
  return scatterNd(indices, dy, { shape: shapeAs(params, indices) });
}

function shapeAs(x: Tensor, index: Tensor): Tensor {
  return index.dtype === 'int64' ? shape(x, { outType: 'int64' }) : shapeLike(x);
}

/** The slices of `params` at the index vectors in the last dimension of `indices`. TF `gather_nd`. */
export function gatherNd(params: TensorLike, indices: TensorLike, name?: string): Tensor {
  return call(GatherNd, { params: convertToTensor(params), indices: integers(indices) }, { name }).output;
}

/** `into` with `updates` combined in at the index vectors of `indices`. */
function scattered(b: Builder, x: { into: Value; indices: Value; updates: Value }, computation: Computation): Value {
  const index = asIndex(b, x.indices);
  const batch = dimsOf(index).length - 1;
  const depth = dimsOf(index)[batch] as number;
  const taken = Array.from({ length: depth }, (_, d) => d);
  return b.scatter(x.into, index, x.updates, {
    dimensionNumbers: {
      updateWindowDims: dimsOf(x.into)
        .slice(depth)
        .map((_, d) => batch + d),
      insertedWindowDims: taken,
      scatterDimsToOperandDims: taken,
      indexVectorDim: batch,
    },
    computation,
  });
}

function replacement(b: Builder, like: Value): Computation {
  const scalar = { kind: 'array', dtype: dtypeOf(like), dims: [] } as const;
  return b.computation('replace', [scalar, scalar], (_, _old, update) => update as Value);
}

/** Updates must have the shape of what the indices read. */
function checkUpdates(
  into: PartialShape,
  indices: PartialShape,
  updates: PartialShape,
  ctx: Pick<ShapeContext, 'fail'>,
): void {
  const wanted = gatherNdShape(into, indices, ctx);
  if (mergeShapes(wanted, updates) === undefined) {
    ctx.fail(
      `updates are ${formatShape(updates)}, but indices ${formatShape(indices)} into ${formatShape(into)} need ${formatShape(wanted)}.`,
    );
  }
}

export const ScatterNd = defineOp('ScatterNd', {
  inputs: ['indices: Tindices', 'updates: T', 'shape: Tindices'],
  outputs: ['output: T'],
  attrs: { T: 'type', Tindices: wideIndexTypes, bad_indices_policy: policy },
  shape: ({ indices, updates, shape }, ctx) => {
    const output = shapeFromVector(ctx.constantShape('shape'), shape);
    checkUpdates(output, indices, updates, ctx);
    return { output };
  },
  grad: ({ indices }, dy) => ({ indices: null, updates: gatherNd(dy.output, indices), shape: null }),
  lower: (b, { indices, updates }, ctx) => {
    const dtype = dtypeOf(updates);
    const into = b.full(dtype === 'pred' ? false : 0, dtype, ctx.dims('output'));
    return { output: scattered(b, { into, indices, updates }, b.reducer(dtype === 'pred' ? 'or' : 'add', dtype)) };
  },
  sample: {
    inputs: { indices: values([[1], [3], [1]], 'int32'), updates: uniform([3, 2]), shape: values([5, 2], 'int32') },
  },
});

/** Zeros of `shape` with `updates` added at the index vectors of `indices`. TF `scatter_nd(indices, updates, shape)`. */
export function scatterNd(
  indices: TensorLike,
  updates: TensorLike,
  options: { shape: TensorLike; name?: string },
): Tensor {
  const inputs = { indices: integers(indices), updates: convertToTensor(updates), shape: options.shape };
  return call(ScatterNd, inputs, { name: options.name }).output;
}

const scatterSample = {
  tensor: uniform([5, 2]),
  indices: values([[1], [3]], 'int32'),
  updates: uniform([2, 2]),
};

export const TensorScatterUpdate = defineOp('TensorScatterUpdate', {
  inputs: ['tensor: T', 'indices: Tindices', 'updates: T'],
  outputs: ['output: T'],
  attrs: { T: 'type', Tindices: type(['int16', 'int32', 'int64', 'uint16']), bad_indices_policy: policy },
  shape: ({ tensor, indices, updates }, ctx) => {
    checkUpdates(tensor, indices, updates, ctx);
    return { output: tensor };
  },
  grad: ({ indices, updates }, dy) => ({
    tensor: tensorScatterUpdate(dy.output, indices, zerosLike(updates)),
    indices: null,
    updates: gatherNd(dy.output, indices),
  }),
  lower: (b, { tensor, indices, updates }) => ({
    output: scattered(b, { into: tensor, indices, updates }, replacement(b, tensor)),
  }),
  sample: { inputs: scatterSample },
});

export const TensorScatterAdd = defineOp('TensorScatterAdd', {
  inputs: ['tensor: T', 'indices: Tindices', 'updates: T'],
  outputs: ['output: T'],
  attrs: { T: 'type', Tindices: type(indexTypes), bad_indices_policy: policy },
  shape: ({ tensor, indices, updates }, ctx) => {
    checkUpdates(tensor, indices, updates, ctx);
    return { output: tensor };
  },
  grad: ({ indices }, dy) => ({ tensor: dy.output, indices: null, updates: gatherNd(dy.output, indices) }),
  lower: (b, { tensor, indices, updates }) => ({ output: combined(b, { into: tensor, indices, updates }, 'add') }),
  sample: { inputs: scatterSample },
});

export const TensorScatterSub = defineOp('TensorScatterSub', {
  inputs: ['tensor: T', 'indices: Tindices', 'updates: T'],
  outputs: ['output: T'],
  attrs: { T: 'type', Tindices: type(indexTypes), bad_indices_policy: policy },
  shape: ({ tensor, indices, updates }, ctx) => {
    checkUpdates(tensor, indices, updates, ctx);
    return { output: tensor };
  },
  grad: ({ indices }, dy) => ({ tensor: dy.output, indices: null, updates: negative(gatherNd(dy.output, indices)) }),
  lower: (b, { tensor, indices, updates }) => ({
    output: combined(b, { into: tensor, indices, updates: b.negate(updates) }, 'add'),
  }),
  sample: { inputs: scatterSample },
});

function combined(b: Builder, x: { into: Value; indices: Value; updates: Value }, opcode: BinaryOpcode): Value {
  return scattered(b, x, b.reducer(opcode, dtypeOf(x.into)));
}

/** `tensor` with the slices at the index vectors replaced, the last of repeated ones. TF `tensor_scatter_nd_update`. */
export function tensorScatterUpdate(tensor: TensorLike, indices: TensorLike, updates: TensorLike): Tensor {
  return call(TensorScatterUpdate, { tensor, indices: integers(indices), updates }).output;
}

/** `tensor` with `updates` added at the index vectors. TF `tensor_scatter_nd_add`. */
export function tensorScatterAdd(tensor: TensorLike, indices: TensorLike, updates: TensorLike): Tensor {
  return call(TensorScatterAdd, { tensor, indices: integers(indices), updates }).output;
}

/** `tensor` with `updates` subtracted at the index vectors. TF `tensor_scatter_nd_sub`. */
export function tensorScatterSub(tensor: TensorLike, indices: TensorLike, updates: TensorLike): Tensor {
  return call(TensorScatterSub, { tensor, indices: integers(indices), updates }).output;
}
