/** @file Matrix products. */
import { type Builder, dimsOf, type Value } from '@tsflow/xla';
import { floating, real } from '../dtype.ts';
import { installOperators } from '../graph/operators.ts';
import { isConvertible, Tensor, type TensorLike } from '../graph/tensor.ts';
import { bool, type } from '../op/attr.ts';
import { call, convertToTensor } from '../op/call.ts';
import { defineOp } from '../op/defineOp.ts';
import { broadcastTo } from '../op/hlo.ts';
import type { ShapeContext } from '../op/record.ts';
import { uniform } from '../op/sample.ts';
import { broadcastShape, sameShapes, withRank } from '../op/shapeFunctions.ts';
import { formatShape, mergeDimension, type PartialShape } from '../shape.ts';
import { sumToShape } from './broadcast.ts';

const options = {
  transpose_a: bool(false),
  transpose_b: bool(false),
  T: type(real),
  grad_a: bool(false),
  grad_b: bool(false),
};

export const MatMul = defineOp('MatMul', {
  inputs: ['a: T', 'b: T'],
  outputs: ['product: T'],
  attrs: options,
  shape: ({ a, b }, { attrs: { transpose_a, transpose_b }, fail }) => {
    const p = withRank(a, 2, 'a', { fail });
    const q = withRank(b, 2, 'b', { fail });
    const inner = [p?.[transpose_a ? 0 : 1] ?? null, q?.[transpose_b ? 1 : 0] ?? null] as const;
    if (mergeDimension(...inner) === undefined) {
      return fail(
        `inner dimensions differ: a is ${formatShape(a)}, b is ${formatShape(b)} (${inner[0]} ≠ ${inner[1]}). Transpose one with { transposeA: true } or { transposeB: true }, or change a layer's size.`,
      );
    }
    return { product: [p?.[transpose_a ? 1 : 0] ?? null, q?.[transpose_b ? 0 : 1] ?? null] };
  },
  // c = a·b: da = dc·bᵀ, db = aᵀ·dc; transposed operands move the transposes.
  grad: ({ a, b }, { product: dc }, { attrs: { transpose_a: ta, transpose_b: tb } }) => ({
    a: ta ? matMul(b, dc, { transposeA: tb, transposeB: true }) : matMul(dc, b, { transposeB: !tb }),
    b: tb ? matMul(dc, a, { transposeA: true, transposeB: ta }) : matMul(a, dc, { transposeA: !ta }),
  }),
  lower: (h, { a, b }, { attrs }) => ({
    product: h.dot(a, b, {
      lhsBatch: [],
      rhsBatch: [],
      lhsContracting: [attrs.transpose_a ? 0 : 1],
      rhsContracting: [attrs.transpose_b ? dimsOf(b).length - 1 : 0],
    }),
  }),
  sample: [
    { inputs: { a: uniform([2, 3]), b: uniform([3, 4]) } },
    { inputs: { a: uniform([3, 2]), b: uniform([4, 3]) }, attrs: { transpose_a: true, transpose_b: true } },
  ],
});

interface Adjoint {
  readonly adj_x: boolean;
  readonly adj_y: boolean;
}

/** Shape of a batched product: batch dimensions by `batch`, then rows of x and columns of y. */
function batchShape(
  { x, y }: { readonly x: PartialShape; readonly y: PartialShape },
  { adj_x, adj_y }: Adjoint,
  ctx: Pick<ShapeContext, 'fail'> & { readonly batch: (p: PartialShape, q: PartialShape) => PartialShape },
): PartialShape {
  for (const [name, shape] of Object.entries({ x, y })) {
    if (shape !== null && shape.length < 2) ctx.fail(`${name} must have rank ≥ 2, but is ${formatShape(shape)}.`);
  }
  if (x === null || y === null) return null;
  const inner = [x.at(adj_x ? -2 : -1) ?? null, y.at(adj_y ? -1 : -2) ?? null] as const;
  if (mergeDimension(...inner) === undefined) {
    ctx.fail(
      `inner dimensions differ: x is ${formatShape(x)}, y is ${formatShape(y)} (${inner[0]} ≠ ${inner[1]}). Transpose one with { transposeA: true } or { transposeB: true }.`,
    );
  }
  const batch = ctx.batch(x.slice(0, -2), y.slice(0, -2));
  if (batch === null) return null;
  return [...batch, x.at(adj_x ? -1 : -2) ?? null, y.at(adj_y ? -2 : -1) ?? null];
}

function lowerBatch(b: Builder, x: Value, y: Value, { adj_x, adj_y }: Adjoint): Value {
  const n = dimsOf(x).length;
  const batch = [...new Array<number>(n - 2).keys()];
  return b.dot(x, y, {
    lhsBatch: batch,
    rhsBatch: batch,
    lhsContracting: [adj_x ? n - 2 : n - 1],
    rhsContracting: [adj_y ? n - 1 : n - 2],
  });
}

const batchAttrs = { adj_x: bool(false), adj_y: bool(false), grad_x: bool(false), grad_y: bool(false) };

type BatchProduct = (x: TensorLike, y: TensorLike, o?: { transposeA?: boolean; transposeB?: boolean }) => Tensor;

/** c = x·y: dx = dc·yᵀ, dy = xᵀ·dc; transposed operands move the transposes. */
function batchGrad(product: BatchProduct, { x, y, dc }: { x: Tensor; y: Tensor; dc: Tensor }, attrs: Adjoint) {
  const { adj_x: tx, adj_y: ty } = attrs;
  return {
    x: tx ? product(y, dc, { transposeA: ty, transposeB: true }) : product(dc, y, { transposeB: !ty }),
    y: ty ? product(dc, x, { transposeA: true, transposeB: tx }) : product(x, dc, { transposeA: !tx }),
  };
}

export const BatchMatMul = defineOp('BatchMatMul', {
  inputs: ['x: T', 'y: T'],
  outputs: ['output: T'],
  attrs: { T: type([...floating, 'int32', 'int64']), ...batchAttrs },
  shape: ({ x, y }, ctx) => ({
    output: batchShape({ x, y }, ctx.attrs, { fail: ctx.fail, batch: (p, q) => sameShapes(p, q, ctx) }),
  }),
  grad: ({ x, y }, { output: dc }, { attrs }) => batchGrad(batchMatMulV1, { x, y, dc }, attrs),
  lower: (b, { x, y }, { attrs }) => ({ output: lowerBatch(b, x, y, attrs) }),
  sample: [
    { inputs: { x: uniform([2, 2, 3]), y: uniform([2, 3, 4]) } },
    { inputs: { x: uniform([2, 3, 2]), y: uniform([2, 4, 3]) }, attrs: { adj_x: true, adj_y: true } },
  ],
});

/** Batch dimensions broadcast. */
export const BatchMatMulV2 = defineOp('BatchMatMulV2', {
  inputs: ['x: T', 'y: T'],
  outputs: ['output: T'],
  attrs: { T: type([...floating, 'int16', 'int32', 'int64', 'uint8', 'uint16', 'uint32', 'uint64']), ...batchAttrs },
  shape: ({ x, y }, ctx) => ({
    output: batchShape({ x, y }, ctx.attrs, { fail: ctx.fail, batch: (p, q) => broadcastShape(p, q, ctx) }),
  }),
  grad: ({ x, y }, { output: dc }, { attrs }) => {
    const g = batchGrad(batchMatMul, { x, y, dc }, attrs);
    return { x: sumToShape(g.x, x), y: sumToShape(g.y, y) };
  },
  lower: (b, { x, y }, ctx) => {
    const batch = ctx.dims('output').slice(0, -2);
    const wide = (v: Value): Value => broadcastTo(b, v, [...batch, ...dimsOf(v).slice(-2)]);
    return { output: lowerBatch(b, wide(x), wide(y), ctx.attrs) };
  },
  sample: [
    { inputs: { x: uniform([2, 2, 3]), y: uniform([3, 4]) } },
    { inputs: { x: uniform([2, 1, 3, 2]), y: uniform([2, 4, 3]) }, attrs: { adj_x: true, adj_y: true } },
    { inputs: { x: uniform([2, 2, 3]), y: uniform([1, 4, 3]) }, attrs: { adj_y: true } },
  ],
});

interface MatMulOptions {
  readonly transposeA?: boolean | undefined;
  readonly transposeB?: boolean | undefined;
  /** For real numbers the same as transposing. */
  readonly adjointA?: boolean | undefined;
  readonly adjointB?: boolean | undefined;
  readonly name?: string | undefined;
}

function adjoints(o: MatMulOptions): Adjoint {
  return {
    adj_x: (o.transposeA ?? false) || (o.adjointA ?? false),
    adj_y: (o.transposeB ?? false) || (o.adjointB ?? false),
  };
}

/** x · y of the last two dimensions, batch dimensions equal. */
function batchMatMulV1(x: TensorLike, y: TensorLike, o: MatMulOptions = {}): Tensor {
  return call(BatchMatMul, { x, y }, { attrs: adjoints(o), name: o.name }).output;
}

/** x · y of the last two dimensions, batch dimensions broadcast. */
function batchMatMul(x: TensorLike, y: TensorLike, o: MatMulOptions = {}): Tensor {
  return call(BatchMatMulV2, { x, y }, { attrs: adjoints(o), name: o.name }).output;
}

function isBatch(x: Tensor): boolean {
  return x.shape !== null && x.shape.length > 2;
}

/**
 * a · b of matrices, [m, k] · [k, n] → [m, n]; either may be transposed first. Dimensions before the last two are batches and
 * broadcast: [batch…, m, k] · [batch…, k, n]. TF `matmul`.
 */
export function matMul(a: TensorLike, b: TensorLike, o: MatMulOptions = {}): Tensor {
  const name = o.name ?? 'MatMul';
  const p = convertIfNeeded(a, b, `${name}/a`);
  const q = convertIfNeeded(b, p, `${name}/b`);
  if (isBatch(p) || isBatch(q)) return batchMatMul(p, q, { ...o, name });
  const { adj_x, adj_y } = adjoints(o);
  return call(MatMul, { a: p, b: q }, { attrs: { transpose_a: adj_x, transpose_b: adj_y }, name }).product;
}

/** A tensor; plain values take the dtype of `other` where that is a tensor. */
function convertIfNeeded(x: TensorLike, other: TensorLike, name: string): Tensor {
  if (x instanceof Tensor || isConvertible(x)) return convertToTensor(x);
  const like = other instanceof Tensor || isConvertible(other) ? convertToTensor(other) : undefined;
  const plain = Array.isArray(x) || typeof x === 'number';
  return convertToTensor(x, like !== undefined && plain ? { dtype: like.dtype, name } : { name });
}

installOperators({ matMul: (a, b) => matMul(a, b, { name: 'matmul' }) });
