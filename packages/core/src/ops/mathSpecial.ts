/** @file Special functions: error functions, the gamma family, zeta, Bessel functions. Float32 results have an error near 1e−6. */
import { floating } from '../dtype.ts';
import type { Tensor, TensorLike } from '../graph/tensor.ts';
import { type } from '../op/attr.ts';
import { call } from '../op/call.ts';
import { defineOp } from '../op/defineOp.ts';
import { broadcastPair, fullLike } from '../op/hlo.ts';
import { unary } from '../op/makers.ts';
import { uniform, values } from '../op/sample.ts';
import { broadcastShape } from '../op/shapeFunctions.ts';
import { digamma as digammaOf, erfComplement, erfInverse, hurwitzZeta, logGamma, scaledBessel } from '../op/special.ts';
import { zerosLike } from './array.ts';
import { onesLike } from './arrayShape.ts';
import { sumToShape } from './broadcast.ts';
import { equal } from './compare.ts';
import { add, divide, exp, multiply, negative, square, subtract } from './math.ts';
import { abs, sign } from './mathUnary.ts';
import { where } from './select.ts';

export const Erf = unary('Erf', {
  T: floating,
  grad: ({ x }, dy) => multiply(dy, gauss(x)), // d erf = 2/√π·e^(−x²)
  lower: (b, x) => b.erf(x),
});
export const Erfc = unary('Erfc', {
  T: floating,
  grad: ({ x }, dy) => negative(multiply(dy, gauss(x))),
  lower: erfComplement,
  sample: values([-2, -0.5, 0.1, 0.9, 3]),
});
export const Erfinv = unary('Erfinv', {
  T: floating,
  grad: ({ y }, dy) => multiply(dy, multiply(exp(square(y)), Math.sqrt(Math.PI) / 2)),
  lower: erfInverse,
  sample: uniform([2, 3], -0.9, 0.9),
});

/** 2/√π·e^(−x²) */
function gauss(x: Tensor): Tensor {
  return multiply(exp(negative(square(x))), 2 / Math.sqrt(Math.PI));
}

export const Lgamma = unary('Lgamma', {
  T: floating,
  grad: ({ x }, dy) => multiply(dy, digamma(x)),
  lower: logGamma,
  sample: values([-1.5, 0.3, 0.8, 2.5, 7]),
});
export const Digamma = unary('Digamma', {
  T: floating,
  grad: ({ x }, dy) => multiply(dy, polygamma(onesLike(x), x)),
  lower: digammaOf,
  sample: values([0.3, 0.8, 2.5, 7]),
});

const doubles = type(['float32', 'float64']);

/** ζ(x, q) = Σ (q + k)^−x; only q is differentiated, as in TensorFlow. */
export const Zeta = defineOp('Zeta', {
  inputs: ['x: T', 'q: T'],
  outputs: ['z: T'],
  attrs: { T: doubles },
  shape: ({ x, q }, ctx) => ({ z: broadcastShape(x, q, ctx) }),
  grad: ({ x, q }, { z }) => ({ x: null, q: sumToShape(negative(multiply(z, multiply(x, zeta(add(x, 1), q)))), q) }),
  lower: (b, { x, q }) => ({ z: hurwitzZeta(b, ...broadcastPair(b, x, q)) }),
  sample: { inputs: { x: values([1.5, 2, 4]), q: values([0.5, 1, 3]) }, grad: false },
});

/** ψ⁽ᵃ⁾(x) = (−1)^(a+1)·a!·ζ(a + 1, x) for a = 1, 2 …, ψ(x) for a = 0, NaN for other a; only x is differentiated. */
export const Polygamma = defineOp('Polygamma', {
  inputs: ['a: T', 'x: T'],
  outputs: ['z: T'],
  attrs: { T: doubles },
  shape: ({ a, x }, ctx) => ({ z: broadcastShape(a, x, ctx) }),
  grad: ({ a, x }, { z }) => ({ a: null, x: sumToShape(multiply(z, polygamma(add(a, 1), x)), x) }),
  lower: (h, { a, x }) => {
    const [n, v] = broadcastPair(h, a, x);
    const full = (c: number) => fullLike(h, n, c);
    const next = h.add(n, full(1));
    const size = h.multiply(h.exp(logGamma(h, next)), hurwitzZeta(h, next, v));
    const half = h.multiply(n, full(0.5));
    const even = h.compare('EQ', half, h.floor(half));
    const signed = h.select(even, h.negate(size), size);
    const whole = h.and(h.compare('EQ', n, h.floor(n)), h.compare('GE', n, full(0)));
    const derivative = h.select(whole, signed, full(Number.NaN));
    return { z: h.select(h.compare('EQ', n, full(0)), digammaOf(h, v), derivative) };
  },
  sample: { inputs: { a: values([0, 1, 2, 3]), x: values([0.5, 1, 3, 2]) }, grad: false },
});

export const BesselI0e = unary('BesselI0e', {
  T: floating,
  grad: ({ x, y }, dy) => multiply(dy, subtract(besselI1e(x), multiply(sign(x), y))),
  lower: (b, x) => scaledBessel(b, x, 0),
  sample: values([-3, 0.5, 7, 20]),
});
export const BesselI1e = unary('BesselI1e', {
  T: floating,
  // I₀e − y·(sign x + 1/x), ½ at 0
  grad: ({ x, y }, dy) => {
    const atZero = equal(x, zerosLike(x));
    const safe = where(atZero, onesLike(x), x);
    const slope = subtract(besselI0e(safe), multiply(y, add(sign(safe), divide(1, safe))));
    return multiply(dy, where(atZero, multiply(onesLike(x), 0.5), slope));
  },
  lower: (b, x) => scaledBessel(b, x, 1),
  sample: values([-3, 0.5, 7, 20]),
});

/** The error function 2/√π·∫₀ˣ e^(−t²) dt. */
export function erf(x: TensorLike, name?: string): Tensor {
  return call(Erf, { x }, { name }).y;
}
/** 1 − erf(x), exact for large x. */
export function erfc(x: TensorLike, name?: string): Tensor {
  return call(Erfc, { x }, { name }).y;
}
/** The inverse of erf; ±∞ at ±1, NaN outside. TF `math.erfinv`. */
export function erfinv(x: TensorLike, name?: string): Tensor {
  return call(Erfinv, { x }, { name }).y;
}
/** ln |Γ(x)|; ∞ at 0, −1, −2 … */
export function lgamma(x: TensorLike, name?: string): Tensor {
  return call(Lgamma, { x }, { name }).y;
}
/** ψ(x), the derivative of ln Γ. */
export function digamma(x: TensorLike, name?: string): Tensor {
  return call(Digamma, { x }, { name }).y;
}
/** The a-th derivative of ψ at x, a = 0, 1, 2 … */
export function polygamma(a: TensorLike, x: TensorLike, name?: string): Tensor {
  return call(Polygamma, { a, x }, { name }).z;
}
/** The Hurwitz zeta function Σ (q + k)^−x. */
export function zeta(x: TensorLike, q: TensorLike, name?: string): Tensor {
  return call(Zeta, { x, q }, { name }).z;
}
/** e^−|x|·I₀(x). TF `math.bessel_i0e`. */
export function besselI0e(x: TensorLike, name?: string): Tensor {
  return call(BesselI0e, { x }, { name }).y;
}
/** e^−|x|·I₁(x). TF `math.bessel_i1e`. */
export function besselI1e(x: TensorLike, name?: string): Tensor {
  return call(BesselI1e, { x }, { name }).y;
}
/** The modified Bessel function I₀(x). TF `math.bessel_i0`. */
export function besselI0(x: TensorLike, name = 'bessel_i0'): Tensor {
  return multiply(exp(abs(x)), besselI0e(x), name);
}
/** The modified Bessel function I₁(x). TF `math.bessel_i1`. */
export function besselI1(x: TensorLike, name = 'bessel_i1'): Tensor {
  return multiply(exp(abs(x)), besselI1e(x), name);
}
