/** @file Element-wise arithmetic. */
import { floating, real } from '../dtype.ts';
import { InvalidArgumentError } from '../errors.ts';
import { installOperators } from '../graph/operators.ts';
import type { Tensor, TensorLike } from '../graph/tensor.ts';
import { count, type } from '../op/attr.ts';
import { call, convertToTensor } from '../op/call.ts';
import { defineOp } from '../op/defineOp.ts';
import { broadcastBinary, unary } from '../op/makers.ts';
import { uniform } from '../op/sample.ts';
import { sameShapes } from '../op/shapeFunctions.ts';
import { identity } from './array.ts';
import { sigmoidGrad, sqrtGrad, tanhGrad } from './mathUnary.ts';

export const Add = broadcastBinary('Add', {
  grad: (_, dz) => [dz, dz],
  lower: (b, x, y) => b.add(x, y),
});
export const AddV2 = broadcastBinary('AddV2', {
  grad: (_, dz) => [dz, dz],
  lower: (b, x, y) => b.add(x, y),
});
export const Sub = broadcastBinary('Sub', {
  grad: (_, dz) => [dz, negative(dz)],
  lower: (b, x, y) => b.subtract(x, y),
});
export const Mul = broadcastBinary('Mul', {
  grad: ({ x, y }, dz) => [multiply(dz, y), multiply(dz, x)], // d(xy) = y·dx + x·dy
  lower: (b, x, y) => b.multiply(x, y),
});
export const RealDiv = broadcastBinary('RealDiv', {
  T: floating,
  grad: ({ x, y }, dz) => [divide(dz, y), negative(multiply(dz, divide(divide(x, y), y)))], // d(x/y) = dx/y − x/y²·dy
  lower: (b, x, y) => b.divide(x, y),
});
export const Neg = unary('Neg', {
  grad: (_, dy) => negative(dy),
  lower: (b, x) => b.negate(x),
});
export const Square = unary('Square', {
  grad: ({ x }, dy) => multiply(dy, multiply(x, 2)),
  lower: (b, x) => b.multiply(x, x),
});
export const Exp = unary('Exp', {
  T: floating,
  grad: ({ y }, dy) => multiply(dy, y),
  lower: (b, x) => b.exp(x),
});
export const Log = unary('Log', {
  T: floating,
  grad: ({ x }, dy) => divide(dy, x),
  lower: (b, x) => b.log(x),
  sample: uniform([2, 3], 0.5, 2),
});
export const Sigmoid = unary('Sigmoid', {
  T: floating,
  grad: ({ y }, dy) => sigmoidGrad(y, dy), // dσ = σ(1 − σ)·dy
  lower: (b, x) => b.logistic(x),
});
export const Tanh = unary('Tanh', {
  T: floating,
  grad: ({ y }, dy) => tanhGrad(y, dy), // d tanh = (1 − y²)·dy
  lower: (b, x) => b.tanh(x),
});
export const Sqrt = unary('Sqrt', {
  T: floating,
  grad: ({ y }, dy) => sqrtGrad(y, dy),
  lower: (b, x) => b.sqrt(x),
  sample: uniform([2, 3], 0.5, 2),
});
export const AddN = defineOp('AddN', {
  inputs: ['inputs: N * T'],
  outputs: ['sum: T'],
  attrs: { N: count(1), T: type(real) },
  shape: ({ inputs }, ctx) => ({ sum: inputs.reduce((a, b) => sameShapes(a, b, ctx)) }),
  grad: ({ inputs }, dy) => ({ inputs: inputs.map(() => dy.sum) }),
  lower: (b, { inputs }) => ({ sum: inputs.reduce((x, y) => b.add(x, y)) }),
  sample: { inputs: { inputs: [uniform([2, 3]), uniform([2, 3]), uniform([2, 3])] } },
});

/** Sum of tensors of one shape and dtype; of a single tensor, that tensor. TF `add_n`. */
export function addN(inputs: readonly TensorLike[], name?: string): Tensor {
  const [first] = inputs;
  if (first === undefined) throw new InvalidArgumentError('addN needs at least one tensor, but the list is empty.');
  if (inputs.length === 1) return name === undefined ? convertToTensor(first) : identity(first, name);
  return call(AddN, { inputs }, { name }).sum;
}

/** x + y with broadcasting. */
export function add(x: TensorLike, y: TensorLike, name?: string): Tensor {
  return call(Add, { x, y }, { name }).z;
}
/** x − y with broadcasting. */
export function subtract(x: TensorLike, y: TensorLike, name?: string): Tensor {
  return call(Sub, { x, y }, { name }).z;
}
/** x · y, element-wise with broadcasting. */
export function multiply(x: TensorLike, y: TensorLike, name?: string): Tensor {
  return call(Mul, { x, y }, { name }).z;
}
/** x / y of floats with broadcasting. */
export function divide(x: TensorLike, y: TensorLike, name?: string): Tensor {
  return call(RealDiv, { x, y }, { name: name ?? 'truediv' }).z;
}
/** −x */
export function negative(x: TensorLike, name?: string): Tensor {
  return call(Neg, { x }, { name }).y;
}
/** x² */
export function square(x: TensorLike, name?: string): Tensor {
  return call(Square, { x }, { name }).y;
}
/** eˣ */
export function exp(x: TensorLike, name?: string): Tensor {
  return call(Exp, { x }, { name }).y;
}
/** ln x */
export function log(x: TensorLike, name?: string): Tensor {
  return call(Log, { x }, { name }).y;
}
/** 1 / (1 + e⁻ˣ) */
export function sigmoid(x: TensorLike, name?: string): Tensor {
  return call(Sigmoid, { x }, { name }).y;
}
/** Hyperbolic tangent. */
export function tanh(x: TensorLike, name?: string): Tensor {
  return call(Tanh, { x }, { name }).y;
}
/** √x */
export function sqrt(x: TensorLike, name?: string): Tensor {
  return call(Sqrt, { x }, { name }).y;
}
installOperators({
  addN,
  add: (x, y) => call(AddV2, { x, y }, { name: 'add' }).z,
  sub: (x, y) => subtract(x, y, 'sub'),
  mul: (x, y) => multiply(x, y, 'mul'),
  neg: (x) => negative(x),
});
