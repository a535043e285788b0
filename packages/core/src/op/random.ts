/** @file Random values from a node's bit stream: what the bodies of random ops are built of. */
import type { Builder, Value } from '@tsflow/xla';
import { type DType, elementTypeOf } from '../dtype.ts';
import type { Dims } from '../shape.ts';
import type { LowerContext } from './record.ts';

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
  // Rounding to 16 bits may reach 1: fewer mantissa bits are kept by cutting, not rounding.
  if (dtype === 'float32') return floats;
  const kept = dtype === 'float16' ? 1024 : 128;
  const cut = b.divide(b.floor(b.multiply(floats, b.full(kept, 'f32', dims))), b.full(kept, 'f32', dims));
  return b.convert(cut, elementTypeOf(dtype) ?? 'f32');
}
