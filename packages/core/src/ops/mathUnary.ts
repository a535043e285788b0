/** @file Element-wise functions of one operand: signs, rounding, roots, exponentials, trigonometric and hyperbolic functions. */
import { type Builder, dtypeOf, type Value } from '@tsflow/xla';
import { floating, isInteger, signedIntegers } from '../dtype.ts';
import { installOperators } from '../graph/operators.ts';
import type { Tensor, TensorLike } from '../graph/tensor.ts';
import { floatType, type } from '../op/attr.ts';
import { call, convertToTensor } from '../op/call.ts';
import { defineOp } from '../op/defineOp.ts';
import { fullLike } from '../op/hlo.ts';
import { unary } from '../op/makers.ts';
import { uniform, values } from '../op/sample.ts';
import { sameShapes } from '../op/shapeFunctions.ts';
import { identity, zerosLike } from './array.ts';
import { add, divide, exp, multiply, negative, square, subtract } from './math.ts';
import { softplus } from './nn.ts';

const signed = [...floating, ...signedIntegers];

function isIntegerValue(x: Value): boolean {
  const dtype = dtypeOf(x);
  return dtype.startsWith('s') || dtype.startsWith('u');
}

const one = (b: Builder, x: Value): Value => fullLike(b, x, 1);
const plus = (b: Builder, x: Value, n: number): Value => b.add(x, fullLike(b, x, n));
const times = (b: Builder, x: Value, n: number): Value => b.multiply(x, fullLike(b, x, n));

export const Abs = unary('Abs', {
  T: signed,
  grad: ({ x }, dy) => multiply(dy, sign(x)),
  lower: (b, x) => b.abs(x),
  sample: values([[-1.5, 2, -0.25]]),
});
export const Sign = unary('Sign', {
  T: signed,
  grad: ({ x }) => zerosLike(x),
  lower: (b, x) => b.sign(x),
  sample: values([[-1.5, 2, -0.25]]),
});
export const Reciprocal = unary('Reciprocal', {
  T: signed,
  grad: ({ y }, dy) => reciprocalGrad(y, dy),
  lower: (b, x) => b.divide(one(b, x), x),
  sample: uniform([2, 3], 0.5, 2),
});
/** The old name of Reciprocal. */
export const Inv = unary('Inv', {
  T: signed,
  grad: ({ y }, dy) => call(InvGrad, { y, dy }).z,
  lower: (b, x) => b.divide(one(b, x), x),
  sample: uniform([2, 3], 0.5, 2),
});
export const Rsqrt = unary('Rsqrt', {
  T: floating,
  grad: ({ y }, dy) => rsqrtGrad(y, dy),
  lower: (b, x) => b.rsqrt(x),
  sample: uniform([2, 3], 0.5, 2),
});

/** z = dx of an op with output y, given dy. */
function gradientOp(
  type_: string,
  spec: {
    readonly lower: (b: Builder, y: Value, dy: Value) => Value;
    readonly grad: (y: Tensor, dy: Tensor, dz: Tensor) => { readonly y: Tensor; readonly dy: Tensor };
  },
) {
  return defineOp(type_, {
    inputs: ['y: T', 'dy: T'],
    outputs: ['z: T'],
    attrs: { T: floatType },
    shape: ({ y, dy }, ctx) => ({ z: sameShapes(y, dy, ctx) }),
    grad: ({ y, dy }, { z }) => spec.grad(y, dy, z),
    lower: (b, { y, dy }) => ({ z: spec.lower(b, y, dy) }),
    sample: { inputs: { y: uniform([2, 3], 0.2, 0.8), dy: uniform([2, 3]) } },
  });
}

/** dy·y·(1 − y) */
export const SigmoidGrad = gradientOp('SigmoidGrad', {
  lower: (b, y, dy) => b.multiply(dy, b.multiply(y, b.subtract(one(b, y), y))),
  grad: (y, dy, dz) => ({ y: multiply(multiply(dz, dy), subtract(1, multiply(y, 2))), dy: sigmoidGrad(y, dz) }),
});
/** dy·(1 − y²) */
export const TanhGrad = gradientOp('TanhGrad', {
  lower: (b, y, dy) => b.multiply(dy, b.subtract(one(b, y), b.multiply(y, y))),
  grad: (y, dy, dz) => ({ y: multiply(multiply(dz, dy), multiply(y, -2)), dy: tanhGrad(y, dz) }),
});
/** dy/(2y) */
export const SqrtGrad = gradientOp('SqrtGrad', {
  lower: (b, y, dy) => b.divide(times(b, dy, 0.5), y),
  grad: (y, dy, dz) => {
    const ratio = divide(dz, y);
    return { y: multiply(multiply(negative(ratio), 0.5), divide(dy, y)), dy: multiply(ratio, 0.5) };
  },
});
/** −dy·y³/2 */
export const RsqrtGrad = gradientOp('RsqrtGrad', {
  lower: (b, y, dy) => b.multiply(times(b, dy, -0.5), b.multiply(b.multiply(y, y), y)),
  grad: (y, dy, dz) => ({ y: multiply(multiply(multiply(dz, dy), square(y)), -1.5), dy: rsqrtGrad(y, dz) }),
});
/** −dy·y² */
export const ReciprocalGrad = gradientOp('ReciprocalGrad', {
  lower: (b, y, dy) => b.negate(b.multiply(dy, b.multiply(y, y))),
  grad: (y, dy, dz) => ({ y: multiply(multiply(dz, dy), multiply(y, -2)), dy: reciprocalGrad(y, dz) }),
});
export const InvGrad = gradientOp('InvGrad', {
  lower: (b, y, dy) => b.negate(b.multiply(dy, b.multiply(y, y))),
  grad: (y, dy, dz) => ({ y: multiply(multiply(dz, dy), multiply(y, -2)), dy: reciprocalGrad(y, dz) }),
});

/** Gradient of sigmoid by its output y. */
export function sigmoidGrad(y: Tensor, dy: Tensor): Tensor {
  return call(SigmoidGrad, { y, dy }).z;
}
/** Gradient of tanh by its output y. */
export function tanhGrad(y: Tensor, dy: Tensor): Tensor {
  return call(TanhGrad, { y, dy }).z;
}
/** Gradient of sqrt by its output y. */
export function sqrtGrad(y: Tensor, dy: Tensor): Tensor {
  return call(SqrtGrad, { y, dy }).z;
}
function rsqrtGrad(y: Tensor, dy: Tensor): Tensor {
  return call(RsqrtGrad, { y, dy }).z;
}
function reciprocalGrad(y: Tensor, dy: Tensor): Tensor {
  return call(ReciprocalGrad, { y, dy }).z;
}

export const Round = unary('Round', {
  T: signed,
  grad: null,
  lower: (b, x) => (isIntegerValue(x) ? x : b.roundNearestEven(x)),
  sample: values([0.5, 1.5, 2.5, -0.5, -1.5, 1.2]),
});
export const Rint = unary('Rint', {
  T: floating,
  grad: null,
  lower: (b, x) => b.roundNearestEven(x),
  sample: values([0.5, 1.5, 2.5, -0.5]),
});
export const Ceil = unary('Ceil', {
  T: floating,
  grad: null,
  lower: (b, x) => b.ceil(x),
  sample: values([0.5, 1.5, -0.5]),
});
export const Floor = unary('Floor', {
  T: floating,
  grad: null,
  lower: (b, x) => b.floor(x),
  sample: values([0.5, 1.5, -0.5]),
});
export const Expm1 = unary('Expm1', {
  T: floating,
  grad: ({ x }, dy) => multiply(dy, exp(x)),
  lower: (b, x) => b.expm1(x),
});
export const Log1p = unary('Log1p', {
  T: floating,
  grad: ({ x }, dy) => divide(dy, add(x, 1)),
  lower: (b, x) => b.log1p(x),
  sample: uniform([2, 3], -0.5, 2),
});
export const Sin = unary('Sin', {
  T: floating,
  grad: ({ x }, dy) => multiply(dy, cos(x)),
  lower: (b, x) => b.sin(x),
});
export const Cos = unary('Cos', {
  T: floating,
  grad: ({ x }, dy) => negative(multiply(dy, sin(x))),
  lower: (b, x) => b.cos(x),
});
export const Tan = unary('Tan', {
  T: floating,
  grad: ({ y }, dy) => multiply(dy, add(square(y), 1)), // d tan = (1 + tan²)·dy
  lower: (b, x) => b.tan(x),
});

/** √((1 − x)(1 + x)): √(1 − x²) without cancellation near 1. */
function coSine(b: Builder, x: Value): Value {
  return b.sqrt(b.multiply(b.subtract(one(b, x), x), plus(b, x, 1)));
}

export const Asin = unary('Asin', {
  T: floating,
  grad: ({ x }, dy) => multiply(dy, rsqrt(subtract(1, square(x)))),
  lower: (b, x) => b.atan2(x, coSine(b, x)),
  sample: uniform([2, 3], -0.8, 0.8),
});
export const Acos = unary('Acos', {
  T: floating,
  grad: ({ x }, dy) => negative(multiply(dy, rsqrt(subtract(1, square(x))))),
  lower: (b, x) => b.atan2(coSine(b, x), x),
  sample: uniform([2, 3], -0.8, 0.8),
});
export const Atan = unary('Atan', {
  T: floating,
  grad: ({ x }, dy) => divide(dy, add(square(x), 1)),
  lower: (b, x) => b.atan2(x, one(b, x)),
});

/** sinh: by expm1 below 1, where the exponentials cancel; else by exponentials halved in the exponent, so they do not overflow early. */
function lowerSinh(b: Builder, x: Value): Value {
  const e = b.expm1(x);
  const small = times(b, b.add(e, b.divide(e, plus(b, e, 1))), 0.5);
  const large = b.subtract(b.exp(plus(b, x, -Math.LN2)), b.exp(plus(b, b.negate(x), -Math.LN2)));
  return b.select(b.compare('LT', b.abs(x), one(b, x)), small, large);
}

export const Sinh = unary('Sinh', {
  T: floating,
  grad: ({ x }, dy) => multiply(dy, cosh(x)),
  lower: lowerSinh,
  sample: uniform([2, 3], -2, 2),
});
export const Cosh = unary('Cosh', {
  T: floating,
  grad: ({ x }, dy) => multiply(dy, sinh(x)),
  lower: (b, x) => b.add(b.exp(plus(b, x, -Math.LN2)), b.exp(plus(b, b.negate(x), -Math.LN2))),
  sample: uniform([2, 3], -2, 2),
});

/** asinh(x) = ±ln(a + √(a² + 1)), a = |x|: through log1p for small a, ln a + ln 2 where a² would overflow. */
function lowerAsinh(b: Builder, x: Value): Value {
  const a = b.abs(x);
  const squares = b.multiply(a, a);
  const root = b.sqrt(plus(b, squares, 1));
  const usual = b.log1p(b.add(a, b.divide(squares, plus(b, root, 1))));
  const huge = plus(b, b.log(a), Math.LN2);
  return b.multiply(b.sign(x), b.select(b.compare('LT', a, fullLike(b, a, hugeFor(a))), usual, huge));
}

/** From here x² ± 1 is x² and may overflow the type. */
function hugeFor(x: Value): number {
  const dtype = dtypeOf(x);
  if (dtype === 'f16') return 128;
  return dtype === 'f64' ? 1e9 : 1e5;
}

/** acosh(1 + t) = ln(1 + t + √(2t + t²)) */
function lowerAcosh(b: Builder, x: Value): Value {
  const t = plus(b, x, -1);
  const usual = b.log1p(b.add(t, b.sqrt(b.multiply(t, plus(b, t, 2)))));
  const huge = plus(b, b.log(x), Math.LN2);
  return b.select(b.compare('GT', x, fullLike(b, x, hugeFor(x))), huge, usual);
}

export const Asinh = unary('Asinh', {
  T: floating,
  grad: ({ x }, dy) => multiply(dy, rsqrt(add(square(x), 1))),
  lower: lowerAsinh,
  sample: uniform([2, 3], -3, 3),
});
export const Acosh = unary('Acosh', {
  T: floating,
  grad: ({ x }, dy) => multiply(dy, rsqrt(multiply(subtract(x, 1), add(x, 1)))),
  lower: lowerAcosh,
  sample: uniform([2, 3], 1.5, 3),
});
export const Atanh = unary('Atanh', {
  T: floating,
  grad: ({ x }, dy) => divide(dy, subtract(1, square(x))),
  lower: (b, x) => times(b, b.subtract(b.log1p(x), b.log1p(b.negate(x))), 0.5),
  sample: uniform([2, 3], -0.8, 0.8),
});

function predicate(type_: string, lower: (b: Builder, x: Value) => Value) {
  return defineOp(type_, {
    inputs: ['x: T'],
    outputs: ['y: bool'],
    attrs: { T: floatType },
    shape: ({ x }) => ({ y: x }),
    grad: null,
    lower: (b, { x }) => ({ y: lower(b, x) }),
    sample: { inputs: { x: values([1, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -2]) } },
  });
}

export const IsNan = predicate('IsNan', (b, x) => b.compare('NE', x, x));
export const IsInf = predicate('IsInf', (b, x) => b.compare('EQ', b.abs(x), fullLike(b, x, Number.POSITIVE_INFINITY)));
export const IsFinite = predicate('IsFinite', (b, x) => b.isFinite(x));

const bitTypes = type(['int8', 'int16', 'int32', 'int64', 'uint8', 'uint16', 'uint32', 'uint64']);

export const Invert = unary('Invert', {
  T: bitTypes.dtypes ?? [],
  grad: null,
  lower: (b, x) => b.not(x),
  sample: values([0, 5, -3], 'int32'),
});
/** Number of 1 bits. */
export const PopulationCount = defineOp('PopulationCount', {
  inputs: ['x: T'],
  outputs: ['y: uint8'],
  attrs: { T: bitTypes },
  shape: ({ x }) => ({ y: x }),
  grad: null,
  lower: (b, { x }) => ({ y: b.convert(b.popcnt(x), 'u8') }),
  sample: { inputs: { x: values([0, 5, -1], 'int32') } },
});

/** |x| */
export function abs(x: TensorLike, name?: string): Tensor {
  return call(Abs, { x }, { name }).y;
}
/** −1, 0 or 1. */
export function sign(x: TensorLike, name?: string): Tensor {
  return call(Sign, { x }, { name }).y;
}
/** 1/x */
export function reciprocal(x: TensorLike, name?: string): Tensor {
  return call(Reciprocal, { x }, { name }).y;
}
/** 1/√x */
export function rsqrt(x: TensorLike, name?: string): Tensor {
  return call(Rsqrt, { x }, { name }).y;
}
/** The nearest integer, halves to the even one (0.5 → 0, 1.5 → 2); integers are unchanged. */
export function round(x: TensorLike, name?: string): Tensor {
  const t = convertToTensor(x);
  return isInteger(t.dtype) ? identity(t, name) : call(Round, { x: t }, { name }).y;
}
/** The nearest integer of floats, halves to the even one. */
export function rint(x: TensorLike, name?: string): Tensor {
  return call(Rint, { x }, { name }).y;
}
/** The least integer not below x. */
export function ceil(x: TensorLike, name?: string): Tensor {
  return call(Ceil, { x }, { name }).y;
}
/** The greatest integer not above x. */
export function floor(x: TensorLike, name?: string): Tensor {
  return call(Floor, { x }, { name }).y;
}
/** eˣ − 1, exact near 0. */
export function expm1(x: TensorLike, name?: string): Tensor {
  return call(Expm1, { x }, { name }).y;
}
/** ln(1 + x), exact near 0. */
export function log1p(x: TensorLike, name?: string): Tensor {
  return call(Log1p, { x }, { name }).y;
}
/** Sine of radians. */
export function sin(x: TensorLike, name?: string): Tensor {
  return call(Sin, { x }, { name }).y;
}
/** Cosine of radians. */
export function cos(x: TensorLike, name?: string): Tensor {
  return call(Cos, { x }, { name }).y;
}
/** Tangent of radians. */
export function tan(x: TensorLike, name?: string): Tensor {
  return call(Tan, { x }, { name }).y;
}
/** Inverse sine, in [−π/2, π/2]; NaN outside [−1, 1]. */
export function asin(x: TensorLike, name?: string): Tensor {
  return call(Asin, { x }, { name }).y;
}
/** Inverse cosine, in [0, π]; NaN outside [−1, 1]. */
export function acos(x: TensorLike, name?: string): Tensor {
  return call(Acos, { x }, { name }).y;
}
/** Inverse tangent, in (−π/2, π/2). */
export function atan(x: TensorLike, name?: string): Tensor {
  return call(Atan, { x }, { name }).y;
}
/** Hyperbolic sine. */
export function sinh(x: TensorLike, name?: string): Tensor {
  return call(Sinh, { x }, { name }).y;
}
/** Hyperbolic cosine. */
export function cosh(x: TensorLike, name?: string): Tensor {
  return call(Cosh, { x }, { name }).y;
}
/** Inverse hyperbolic sine. */
export function asinh(x: TensorLike, name?: string): Tensor {
  return call(Asinh, { x }, { name }).y;
}
/** Inverse hyperbolic cosine; NaN below 1. */
export function acosh(x: TensorLike, name?: string): Tensor {
  return call(Acosh, { x }, { name }).y;
}
/** Inverse hyperbolic tangent; ±∞ at ±1, NaN outside. */
export function atanh(x: TensorLike, name?: string): Tensor {
  return call(Atanh, { x }, { name }).y;
}
/** Whether elements are NaN. TF `is_nan`. */
export function isNan(x: TensorLike, name?: string): Tensor {
  return call(IsNan, { x }, { name }).y;
}
/** Whether elements are ±∞. TF `is_inf`. */
export function isInf(x: TensorLike, name?: string): Tensor {
  return call(IsInf, { x }, { name }).y;
}
/** Whether elements are neither NaN nor ±∞. TF `is_finite`. */
// biome-ignore lint/suspicious/noShadowRestrictedNames: TensorFlow's name.
export function isFinite(x: TensorLike, name?: string): Tensor {
  return call(IsFinite, { x }, { name }).y;
}
/** All bits flipped. TF `bitwise.invert`. */
export function invert(x: TensorLike, name?: string): Tensor {
  return call(Invert, { x }, { name }).y;
}
/** Number of 1 bits, as uint8. TF `bitwise.population_count`. */
export function populationCount(x: TensorLike, name?: string): Tensor {
  return call(PopulationCount, { x }, { name }).y;
}
/** log σ(x) = −softplus(−x), without underflow. TF `log_sigmoid`. */
export function logSigmoid(x: TensorLike, name = 'LogSigmoid'): Tensor {
  return negative(softplus(negative(x)), name);
}

installOperators({ abs: (x) => abs(x) });
