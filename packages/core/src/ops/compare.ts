/** @file Comparisons and logic, element-wise with broadcasting; the operator methods of Tensor for them. */
import { dimsOf, dtypeOf, type Value } from '@tsflow/xla';
import { installOperators } from '../graph/operators.ts';
import type { Tensor, TensorLike } from '../graph/tensor.ts';
import { bool, float, realType } from '../op/attr.ts';
import { call } from '../op/call.ts';
import { defineOp } from '../op/defineOp.ts';
import { broadcastPair, fullLike } from '../op/hlo.ts';
import { comparison } from '../op/makers.ts';
import { values } from '../op/sample.ts';
import { broadcastShape, sameShapes } from '../op/shapeFunctions.ts';
import { broadcastShapes } from '../shape.ts';

export const Less = comparison('Less', { lower: (b, x, y) => b.compare('LT', x, y) });
export const LessEqual = comparison('LessEqual', { lower: (b, x, y) => b.compare('LE', x, y) });
export const Greater = comparison('Greater', { lower: (b, x, y) => b.compare('GT', x, y) });
export const GreaterEqual = comparison('GreaterEqual', { lower: (b, x, y) => b.compare('GE', x, y) });

const equalitySample = {
  x: values([
    [1, 2, 3],
    [4, 5, 6],
  ]),
  y: values([1, 5, 3]),
};

export const Equal = defineOp('Equal', {
  inputs: ['x: T', 'y: T'],
  outputs: ['z: bool'],
  attrs: { T: 'type', incompatible_shape_error: bool(true) },
  shape: ({ x, y }, ctx) => {
    if (!ctx.attrs.incompatible_shape_error && broadcastShapes(x, y) === undefined) return { z: [] };
    return { z: broadcastShape(x, y, ctx) };
  },
  grad: null,
  lower: (b, { x, y }, ctx) => {
    if (ctx.dims('z').length === 0 && !fits(x, y)) return { z: b.scalar(false, 'pred') };
    return { z: b.compare('EQ', ...broadcastPair(b, x, y)) };
  },
  sample: { inputs: equalitySample },
});

export const NotEqual = defineOp('NotEqual', {
  inputs: ['x: T', 'y: T'],
  outputs: ['z: bool'],
  attrs: { T: 'type', incompatible_shape_error: bool(true) },
  shape: ({ x, y }, ctx) => {
    if (!ctx.attrs.incompatible_shape_error && broadcastShapes(x, y) === undefined) return { z: [] };
    return { z: broadcastShape(x, y, ctx) };
  },
  grad: null,
  lower: (b, { x, y }, ctx) => {
    if (ctx.dims('z').length === 0 && !fits(x, y)) return { z: b.scalar(true, 'pred') };
    return { z: b.compare('NE', ...broadcastPair(b, x, y)) };
  },
  sample: { inputs: equalitySample },
});

function fits(x: Value, y: Value): boolean {
  return broadcastShapes(dimsOf(x), dimsOf(y)) !== undefined;
}

export const ApproximateEqual = defineOp('ApproximateEqual', {
  inputs: ['x: T', 'y: T'],
  outputs: ['z: bool'],
  attrs: { T: realType, tolerance: float(1e-5) },
  shape: ({ x, y }, ctx) => ({ z: sameShapes(x, y, ctx) }),
  grad: null,
  lower: (b, { x, y }, { attrs }) => {
    const distance = b.abs(b.subtract(x, y));
    const wide = ['f32', 'f64'].includes(dtypeOf(x)) ? distance : b.convert(distance, 'f32');
    const limit = fullLike(b, wide, attrs.tolerance);
    return { z: b.compare('LT', wide, limit) };
  },
  sample: { inputs: { x: values([1, 2, 3]), y: values([1.000001, 2.1, 3]) } },
});

const truth = { x: values([[true, false]]), y: values([[true], [false]]) };

export const LogicalAnd = defineOp('LogicalAnd', {
  inputs: ['x: bool', 'y: bool'],
  outputs: ['z: bool'],
  attrs: {},
  shape: ({ x, y }, ctx) => ({ z: broadcastShape(x, y, ctx) }),
  grad: null,
  lower: (b, { x, y }) => ({ z: b.and(...broadcastPair(b, x, y)) }),
  sample: { inputs: truth },
});

export const LogicalOr = defineOp('LogicalOr', {
  inputs: ['x: bool', 'y: bool'],
  outputs: ['z: bool'],
  attrs: {},
  shape: ({ x, y }, ctx) => ({ z: broadcastShape(x, y, ctx) }),
  grad: null,
  lower: (b, { x, y }) => ({ z: b.or(...broadcastPair(b, x, y)) }),
  sample: { inputs: truth },
});

export const LogicalNot = defineOp('LogicalNot', {
  inputs: ['x: bool'],
  outputs: ['y: bool'],
  attrs: {},
  shape: ({ x }) => ({ y: x }),
  grad: null,
  lower: (b, { x }) => ({ y: b.not(x) }),
  sample: { inputs: { x: values([true, false]) } },
});

/** x = y, element-wise with broadcasting. */
export function equal(x: TensorLike, y: TensorLike, name?: string): Tensor {
  return call(Equal, { x, y }, { name }).z;
}
/** x ≠ y, element-wise with broadcasting. */
export function notEqual(x: TensorLike, y: TensorLike, name?: string): Tensor {
  return call(NotEqual, { x, y }, { name }).z;
}
/** x < y, element-wise with broadcasting. */
export function less(x: TensorLike, y: TensorLike, name?: string): Tensor {
  return call(Less, { x, y }, { name }).z;
}
/** x ≤ y, element-wise with broadcasting. */
export function lessEqual(x: TensorLike, y: TensorLike, name?: string): Tensor {
  return call(LessEqual, { x, y }, { name }).z;
}
/** x > y, element-wise with broadcasting. */
export function greater(x: TensorLike, y: TensorLike, name?: string): Tensor {
  return call(Greater, { x, y }, { name }).z;
}
/** x ≥ y, element-wise with broadcasting. */
export function greaterEqual(x: TensorLike, y: TensorLike, name?: string): Tensor {
  return call(GreaterEqual, { x, y }, { name }).z;
}
/** |x − y| < tolerance (default 1e-5); both operands have one shape. TF op `ApproximateEqual`. */
export function approximateEqual(
  x: TensorLike,
  y: TensorLike,
  options: { tolerance?: number; name?: string } = {},
): Tensor {
  const attrs = { tolerance: options.tolerance ?? 1e-5 };
  return call(ApproximateEqual, { x, y }, { attrs, name: options.name }).z;
}
/** x ∧ y of booleans with broadcasting. */
export function logicalAnd(x: TensorLike, y: TensorLike, name?: string): Tensor {
  return call(LogicalAnd, { x, y }, { name }).z;
}
/** x ∨ y of booleans with broadcasting. */
export function logicalOr(x: TensorLike, y: TensorLike, name?: string): Tensor {
  return call(LogicalOr, { x, y }, { name }).z;
}
/** ¬x of booleans. */
export function logicalNot(x: TensorLike, name?: string): Tensor {
  return call(LogicalNot, { x }, { name }).y;
}
/** x ⊕ y of booleans: (x ∨ y) ∧ ¬(x ∧ y). */
export function logicalXor(x: TensorLike, y: TensorLike, name = 'LogicalXor'): Tensor {
  return logicalAnd(logicalOr(x, y), logicalNot(logicalAnd(x, y)), name);
}

installOperators({
  equal: (x, y) => equal(x, y),
  notEqual: (x, y) => notEqual(x, y),
  less: (x, y) => less(x, y),
  lessEqual: (x, y) => lessEqual(x, y),
  greater: (x, y) => greater(x, y),
  greaterEqual: (x, y) => greaterEqual(x, y),
  logicalAnd: (x, y) => logicalAnd(x, y),
  logicalOr: (x, y) => logicalOr(x, y),
  logicalNot: (x) => logicalNot(x),
});
