/**
 * @file Types that compute in a wider one. Small integers wrap back to their range after every operation; f16 and bf16 keep the
 * precision of f32 inside a kernel and round where they are converted to or stored.
 */
import type { ElementType } from '../../hlo/shape.ts';
import type { Expr } from '../ir.ts';
import type { KernelBuilder } from '../kernelBuilder.ts';

/** Wraps a value of the compute type into the range of a small integer type; other types pass. */
export function wrapNarrow(k: KernelBuilder, dtype: ElementType, x: Expr): Expr {
  const { lanes } = x.type;
  switch (dtype) {
    case 's8':
    case 's16': {
      const bits = dtype === 's8' ? 24 : 16;
      return k.binary('shift-right', k.binary('shift-left', x, bits), bits);
    }
    case 'u8':
    case 'u16':
      return k.binary('and', x, k.const('u32', dtype === 'u8' ? 255 : 65535, lanes));
    default:
      return x;
  }
}

const s32 = (k: KernelBuilder, x: Expr): ((v: number) => Expr) => {
  return (v) => k.const('s32', v, x.type.lanes);
};

/** bfloat16 pattern (low 16 bits of an s32) of an f32, to nearest even. */
export function brainBits(k: KernelBuilder, x: Expr): Expr {
  const c = s32(k, x);
  const bits = k.let(k.bitcast('s32', x), 'bits');
  const odd = k.binary('and', shiftRightLogical(k, bits, 16), c(1));
  const rounded = k.binary('add', bits, k.binary('add', odd, c(0x7fff)));
  const unordered = k.compare('NE', x, x);
  return shiftRightLogical(k, k.select(unordered, c(0x7fc00000), rounded), 16);
}

/** f32 value of a bfloat16 pattern. */
export function fromBrainBits(k: KernelBuilder, bits: Expr): Expr {
  return k.bitcast('f32', k.binary('shift-left', bits, k.index(16)));
}

/** IEEE binary16 pattern of an f32, to nearest even. */
export function halfBits(k: KernelBuilder, value: Expr): Expr {
  const c = s32(k, value);
  const f = (v: number): Expr => k.const('f32', v, value.type.lanes);
  const x = k.let(value, 'x');
  const bits = k.let(k.bitcast('s32', x), 'bits');
  const sign = k.binary('and', shiftRightLogical(k, bits, 16), c(0x8000));
  const magnitude = k.let(k.binary('and', bits, c(0x7fffffff)), 'a');
  // Subnormal halves are multiples of 2^-24, the unit in the last place of 0.5 in f32: the addition rounds.
  const small = k.binary(
    'subtract',
    k.bitcast('s32', k.binary('add', k.bitcast('f32', magnitude), f(0.5))),
    c(0x3f000000),
  );
  const odd = k.binary('and', shiftRightLogical(k, magnitude, 13), c(1));
  const rebiased = k.binary('add', magnitude, c(0xfff - (112 << 23)));
  const normal = shiftRightLogical(k, k.binary('add', rebiased, odd), 13);
  const big = k.select(k.compare('GT', magnitude, c(0x7f800000)), c(0x7e00), c(0x7c00));
  const finite = k.select(k.compare('LT', magnitude, c(113 << 23)), small, normal);
  return k.binary('or', sign, k.select(k.compare('GE', magnitude, c(143 << 23)), big, finite));
}

/** f32 value of an IEEE binary16 pattern (low 16 bits of an s32, the rest zero). */
export function fromHalfBits(k: KernelBuilder, pattern: Expr): Expr {
  const c = s32(k, pattern);
  const bits = k.let(pattern, 'h');
  const sign = k.binary('shift-left', k.binary('and', bits, c(0x8000)), k.index(16));
  const magnitude = k.let(k.binary('and', bits, c(0x7fff)), 'a');
  const shifted = k.let(k.binary('shift-left', magnitude, k.index(13)), 's');
  const normal = k.binary('add', shifted, c(112 << 23));
  const special = k.binary('or', shifted, c(0x7f800000));
  const small = k.bitcast(
    's32',
    k.binary('multiply', k.convert('f32', magnitude), k.const('f32', 2 ** -24, bits.type.lanes)),
  );
  const finite = k.select(k.compare('LT', magnitude, c(0x400)), small, normal);
  const result = k.select(k.compare('GE', magnitude, c(0x7c00)), special, finite);
  return k.bitcast('f32', k.binary('or', result, sign));
}

/** Logical right shift of s32 lanes by a constant. */
export function shiftRightLogical(k: KernelBuilder, x: Expr, bits: number): Expr {
  return k.bitcast('s32', k.binary('shift-right', k.bitcast('u32', x), k.const('u32', bits)));
}

/** Rounds an f32 to the precision of a 16-bit float; other types pass. */
export function roundNarrow(k: KernelBuilder, dtype: ElementType, x: Expr): Expr {
  if (dtype === 'f16') return fromHalfBits(k, halfBits(k, x));
  if (dtype === 'bf16') return fromBrainBits(k, brainBits(k, k.let(x, 'x')));
  return x;
}
