/**
 * @file Conversions between numbers and the 16-bit float formats. Rounding is to nearest, ties to even, from the full double:
 * converting in one step avoids the double rounding of going through f32.
 */

const f64 = new Float64Array(1);
const words = new Uint32Array(f64.buffer);
const f32 = new Float32Array(1);
const f32Bits = new Uint32Array(f32.buffer);

/** Rounds `x` to `mantissa` explicit bits with least exponent `minExponent` (then subnormal), as a double. */
function roundTo(x: number, mantissa: number, minExponent: number): number {
  f64[0] = x;
  const biased = ((words[1] as number) >>> 20) & 0x7ff;
  const exponent = Math.max(biased - 1023, minExponent);
  // x / ulp is exact (a power of two); adding and subtracting 2^52 rounds it to an integer, ties to even.
  const ulp = 2 ** (exponent - mantissa);
  const scaled = Math.abs(x) / ulp;
  const rounded = (scaled + 4503599627370496 - 4503599627370496) * ulp;
  return x < 0 || Object.is(x, -0) ? -rounded : rounded;
}

/** IEEE binary16 pattern of `x`. */
export function toF16Bits(x: number): number {
  if (Number.isNaN(x)) return 0x7e00;
  const sign = x < 0 || Object.is(x, -0) ? 0x8000 : 0;
  const a = Math.abs(roundTo(x, 10, -14));
  if (a >= 65536) return sign | 0x7c00;
  if (a < 6.103515625e-5) return sign | (a * 16777216); // subnormal: multiples of 2^-24
  f32[0] = a;
  return sign | (((f32Bits[0] as number) >>> 13) - ((127 - 15) << 10));
}

/** Value of an IEEE binary16 pattern. */
export function fromF16Bits(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >>> 10) & 31;
  const mantissa = bits & 1023;
  if (exponent === 31) return mantissa ? Number.NaN : sign * Infinity;
  if (exponent === 0) return sign * mantissa * 2 ** -24;
  return sign * (1 + mantissa / 1024) * 2 ** (exponent - 15);
}

/** bfloat16 pattern of `x`. */
export function toBf16Bits(x: number): number {
  if (Number.isNaN(x)) return 0x7fc0;
  f32[0] = Number.isFinite(x) ? roundTo(x, 7, -126) : x; // exact in f32, or overflows to infinity as it should
  return (f32Bits[0] as number) >>> 16;
}

/** Value of a bfloat16 pattern. */
export function fromBf16Bits(bits: number): number {
  f32Bits[0] = bits << 16;
  return f32[0] as number;
}
