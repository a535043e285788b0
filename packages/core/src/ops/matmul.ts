/** @file Matrix products. */
import { dimsOf } from '@tsflow/xla';
import { real } from '../dtype.ts';
import { installOperators } from '../graph/operators.ts';
import type { Tensor, TensorLike } from '../graph/tensor.ts';
import { bool, type } from '../op/attr.ts';
import { call } from '../op/call.ts';
import { defineOp } from '../op/defineOp.ts';
import { uniform } from '../op/sample.ts';
import { withRank } from '../op/shapeFunctions.ts';
import { formatShape, mergeDimension } from '../shape.ts';

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

/** a · b of matrices, [m, k] · [k, n] → [m, n]; either may be transposed first. */
export function matMul(
  a: TensorLike,
  b: TensorLike,
  o: { transposeA?: boolean; transposeB?: boolean; name?: string } = {},
): Tensor {
  const attrs = { transpose_a: o.transposeA ?? false, transpose_b: o.transposeB ?? false };
  return call(MatMul, { a, b }, { attrs, name: o.name }).product;
}

installOperators({ matMul: (a, b) => matMul(a, b, { name: 'matmul' }) });
