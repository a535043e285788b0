/** @file Random values from a node's bit stream: what the bodies of random ops are built of. */
import { type Builder, dimsOf, dtypeOf, type Value } from '@tsflow/xla';
import { type DType, elementTypeOf } from '../dtype.ts';
import type { Dims } from '../shape.ts';
import { fullLike } from './hlo.ts';
import type { LowerContext } from './record.ts';

type Bits = Pick<LowerContext, 'randomBits'>;

/** Uniform floats in [0, 1): random mantissa bits under the exponent of 1, less 1. */
export function uniformFloats(b: Builder, ctx: Bits, dtype: DType, dims: Dims): Value {
  if (dtype === 'float64') {
    const mantissa = b.shiftRightLogical(ctx.randomBits('u64', dims), b.full(12n, 'u64', dims));
    const bits = b.or(mantissa, b.full(0x3ff0000000000000n, 'u64', dims));
    return b.subtract(b.bitcastConvert(bits, 'f64'), b.full(1, 'f64', dims));
  }
  const mantissa = b.shiftRightLogical(ctx.randomBits('u32', dims), b.full(9, 'u32', dims));
  const bits = b.or(mantissa, b.full(0x3f800000, 'u32', dims));
  const floats = b.subtract(b.bitcastConvert(bits, 'f32'), b.full(1, 'f32', dims));
  if (dtype === 'float32') return floats;
  // Rounding to 16 bits could reach 1: mantissa bits are cut, not rounded.
  const kept = dtype === 'float16' ? 1024 : 128;
  const cut = b.divide(b.floor(b.multiply(floats, b.full(kept, 'f32', dims))), b.full(kept, 'f32', dims));
  return b.convert(cut, elementTypeOf(dtype) ?? 'f32');
}

/** Standard normal values by Box and Muller: √(−2 ln u)·(cos 2πv, sin 2πv), two from each pair of uniforms. */
export function normalFloats(b: Builder, ctx: Bits, dtype: DType, dims: Dims): Value {
  const count = dims.reduce((n, d) => n * d, 1);
  const half = Math.ceil(count / 2);
  const wide: DType = dtype === 'float64' ? 'float64' : 'float32';
  const uniforms = uniformFloats(b, ctx, wide, [2 * half]);
  // 1 − u lies in (0, 1]: its logarithm is finite.
  const u = b.subtract(fullLike(b, uniforms, 1), uniforms);
  const first = b.slice(u, [0], [half]);
  const angle = b.multiply(b.slice(uniforms, [half], [2 * half]), fullLike(b, first, 2 * Math.PI));
  const radius = b.sqrt(b.multiply(b.log(first), fullLike(b, first, -2)));
  const both = b.concatenate([b.multiply(radius, b.cos(angle)), b.multiply(radius, b.sin(angle))], 0);
  const values = b.reshape(count === 2 * half ? both : b.slice(both, [0], [count]), dims);
  return narrow(b, values, dtype);
}

function narrow(b: Builder, x: Value, dtype: DType): Value {
  const type = elementTypeOf(dtype) ?? 'f32';
  return dtypeOf(x) === type ? x : b.convert(x, type);
}

/** erf(√2): the share of a normal distribution within two standard deviations. */
const withinTwo = 0.9544997361036416;

/** Normal values within two standard deviations: √2·erf⁻¹(u), u uniform in ±erf(√2). */
export function truncatedNormalFloats(b: Builder, ctx: Bits, dtype: DType, dims: Dims): Value {
  const wide: DType = dtype === 'float64' ? 'float64' : 'float32';
  const uniform = uniformFloats(b, ctx, wide, dims);
  const u = b.multiply(
    b.subtract(b.multiply(uniform, fullLike(b, uniform, 2)), fullLike(b, uniform, 1)),
    fullLike(b, uniform, withinTwo),
  );
  const x = b.multiply(inverseErf(b, u), fullLike(b, u, Math.SQRT2));
  const limit = fullLike(b, x, 2);
  return narrow(b, b.clamp(b.negate(limit), x, limit), dtype);
}

/** Coefficients of erf⁻¹(x)/x in w − 2.5, w = −ln(1 − x²) < 5 (M. Giles, “Approximating the erfinv function”). */
const giles = [
  2.81022636e-8, 3.43273939e-7, -3.5233877e-6, -4.39150654e-6, 0.00021858087, -0.00125372503, -0.00417768164,
  0.246640727, 1.50140941,
];

/** erf⁻¹ for |x| < 0.99; one Newton step makes float64 exact beyond the fit's single precision. */
function inverseErf(b: Builder, x: Value): Value {
  const one = fullLike(b, x, 1);
  const w = b.subtract(b.negate(b.log(b.multiply(b.subtract(one, x), b.add(one, x)))), fullLike(b, x, 2.5));
  let p = b.full(giles[0] as number, dtypeOf(x), dimsOf(x));
  for (const c of giles.slice(1)) p = b.add(b.multiply(p, w), fullLike(b, x, c));
  const y = b.multiply(p, x);
  if (dtypeOf(x) !== 'f64') return y;
  const slope = b.multiply(b.exp(b.negate(b.multiply(y, y))), fullLike(b, y, 2 / Math.sqrt(Math.PI)));
  return b.subtract(y, b.divide(b.subtract(b.erf(y), x), slope));
}
