/** @file Random values from a node's bit stream: what the bodies of random ops are built of. */
import type { Builder, Value } from '@tsflow/xla';
import { type DType, elementTypeOf } from '../dtype.ts';
import type { Dims } from '../shape.ts';
import type { LowerContext } from './record.ts';
import { erfInverse } from './special.ts';

/** Uniform floats in [0, 1): random mantissa bits under the exponent of 1, less 1. */
export function uniformFloats(b: Builder, ctx: Pick<LowerContext, 'randomBits'>, dtype: DType, dims: Dims): Value {
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

/** Uniform floats in (0, 1), symmetric about ½: neither end occurs, so their logarithm and quantile are finite. */
export function openUniformFloats(
  b: Builder,
  ctx: Pick<LowerContext, 'randomBits'>,
  type: 'f32' | 'f64',
  dims: Dims,
): Value {
  const u = uniformFloats(b, ctx, type === 'f64' ? 'float64' : 'float32', dims);
  return b.add(u, b.full(type === 'f64' ? 2 ** -53 : 2 ** -24, type, dims));
}

/** √2·erf⁻¹(scale·(2u − 1)) of uniform u: a normal value, cut at the quantiles that `scale` leaves. */
function quantiles(b: Builder, ctx: Pick<LowerContext, 'randomBits'>, dtype: DType, dims: Dims, scale: number): Value {
  const type = dtype === 'float64' ? 'f64' : 'f32';
  const full = (x: number): Value => b.full(x, type, dims);
  const u = openUniformFloats(b, ctx, type, dims);
  const centred = b.multiply(b.subtract(u, full(0.5)), full(2 * scale));
  const z = b.multiply(erfInverse(b, centred), full(Math.SQRT2));
  return b.convert(z, elementTypeOf(dtype) ?? 'f32');
}

/** Standard normal values. */
export function normalFloats(b: Builder, ctx: Pick<LowerContext, 'randomBits'>, dtype: DType, dims: Dims): Value {
  return quantiles(b, ctx, dtype, dims, 1);
}

/** P(|z| < 2) of a standard normal z: erf(√2). */
const withinTwo = 0.9544997361036416;

/** Standard normal values within [−2, 2]. */
export function truncatedNormalFloats(
  b: Builder,
  ctx: Pick<LowerContext, 'randomBits'>,
  dtype: DType,
  dims: Dims,
): Value {
  return quantiles(b, ctx, dtype, dims, withinTwo);
}
