/** @file Literal elements in HLO text: the shortest decimal that reads back to the same value; `inf`, `-inf`, `nan`, `-0`. */
import { encodeScalar } from './literals.ts';
import type { ElementType } from './shape.ts';

/** Text of a decoded element. NaNs lose their payload. */
export function elementText(value: number | bigint, dtype: ElementType): string {
  if (dtype === 'pred') return value ? 'true' : 'false';
  if (typeof value === 'bigint') return String(value);
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  if (Object.is(value, -0)) return '-0';
  if (dtype === 'f64' || Number.isInteger(value)) return String(value);
  return shortest(value, dtype);
}

function shortest(value: number, dtype: ElementType): string {
  const bits = encodeScalar(value, dtype);
  for (let digits = 1; digits <= 9; digits++) {
    const rounded = Number(value.toPrecision(digits));
    if (same(encodeScalar(rounded, dtype), bits, dtype)) return String(rounded);
  }
  return String(value);
}

function same(a: number | bigint, b: number | bigint, dtype: ElementType): boolean {
  return dtype === 'f32' ? Math.fround(Number(a)) === Math.fround(Number(b)) : a === b;
}

/** Storage form of a written element; nothing when the text does not suit the type. */
export function parseElement(text: string, dtype: ElementType): number | bigint | undefined {
  if (dtype === 'pred') return text === 'true' ? 1 : text === 'false' ? 0 : undefined;
  const isFloatType = dtype === 'f16' || dtype === 'bf16' || dtype === 'f32' || dtype === 'f64';
  if (isFloatType) {
    if (text.endsWith('nan')) return encodeScalar(Number.NaN, dtype);
    if (text.endsWith('inf')) return encodeScalar(text.startsWith('-') ? -Infinity : Infinity, dtype);
    const value = Number(text);
    return Number.isNaN(value) ? undefined : encodeScalar(value, dtype);
  }
  return /^-?\d+$/.test(text) ? encodeScalar(BigInt(text), dtype) : undefined;
}
