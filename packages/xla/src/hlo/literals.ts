/** @file Making and reading literals: typed storage from plain numbers, element access as number or bigint, bit equality. */
import { invalidArgument } from './errors.ts';
import { fromBf16Bits, fromF16Bits, toBf16Bits, toF16Bits } from './float16.ts';
import { type Literal, type Storage, storageConstructors } from './literal.ts';
import { type ArrayShape, arrayShape, type ElementType, elementCount, shapeText } from './shape.ts';
import { integerLimits } from './traits.ts';

export type Scalar = number | bigint | boolean;

/** A zero-filled literal. */
export function zeroLiteral(shape: ArrayShape): Literal {
  return { shape, data: new storageConstructors[shape.dtype](elementCount(shape.dims)) };
}

/** Wraps row-major `data`; it must have the storage type of `dtype` and fill `dims`. */
export function literalOf(data: Storage, dtype: ElementType, dims: readonly number[]): Literal {
  const shape = arrayShape(dtype, dims);
  const want = storageConstructors[dtype];
  if (!(data instanceof want)) {
    const got = Object.prototype.toString.call(data).slice(8, -1);
    throw invalidArgument(`a literal ${shapeText(shape)} is stored as ${want.name}, not ${got}.`);
  }
  const count = elementCount(dims);
  if (data.length !== count) {
    throw invalidArgument(`a literal ${shapeText(shape)} has ${count} elements, but ${data.length} were given.`);
  }
  return { shape, data };
}

/** A literal from plain numbers, bigints or booleans, converted and range-checked by `encodeScalar`. */
export function literalFrom(values: ArrayLike<Scalar>, dtype: ElementType, dims: readonly number[]): Literal {
  const literal = zeroLiteral(arrayShape(dtype, dims));
  if (literal.data.length !== values.length) {
    throw invalidArgument(
      `a literal ${shapeText(literal.shape)} has ${literal.data.length} elements, but ${values.length} were given.`,
    );
  }
  for (let i = 0; i < values.length; i++) literal.data[i] = encodeScalar(values[i] as Scalar, dtype);
  return literal;
}

/** A rank-0 literal. */
export function scalarLiteral(value: Scalar, dtype: ElementType): Literal {
  return literalFrom([value], dtype, []);
}

/** Storage form of one value (16-bit floats as patterns). Integers must be whole and in range. */
export function encodeScalar(value: Scalar, dtype: ElementType): number | bigint {
  switch (dtype) {
    case 'f32':
    case 'f64':
      return Number(value);
    case 'f16':
      return toF16Bits(Number(value));
    case 'bf16':
      return toBf16Bits(Number(value));
    default:
      return encodeInteger(value, dtype);
  }
}

function encodeInteger(value: Scalar, dtype: ElementType): number | bigint {
  if (typeof value === 'number' && !Number.isInteger(value)) {
    throw invalidArgument(`${value} is not a whole number, as ${dtype} needs. Round it, or use a float type.`);
  }
  const big = BigInt(value);
  const [least, most] = integerLimits(dtype) as readonly [bigint, bigint];
  if (big < least || big > most) {
    throw invalidArgument(`${value} does not fit in ${dtype}, which holds ${least} to ${most}.`);
  }
  return dtype === 's64' || dtype === 'u64' ? big : Number(big);
}

/** Element i as a number (16-bit floats decoded) or, for 64-bit integers, a bigint. */
export function elementAt(literal: Literal, i: number): number | bigint {
  return decoder(literal.shape.dtype)(literal.data[i] as number | bigint);
}

/** Decodes stored elements of one type. */
export function decoder(dtype: ElementType): (stored: number | bigint) => number | bigint {
  if (dtype === 'f16') return (s) => fromF16Bits(s as number);
  if (dtype === 'bf16') return (s) => fromBf16Bits(s as number);
  return (s) => s;
}

/** Encodes values that belong to the type already, without the checks of `encodeScalar`. */
export function encoder(dtype: ElementType): (value: number | bigint) => number | bigint {
  if (dtype === 'f16') return (v) => toF16Bits(v as number);
  if (dtype === 'bf16') return (v) => toBf16Bits(v as number);
  return (v) => v;
}

/** All elements as numbers; 64-bit integers beyond 2^53 lose precision. */
export function toNumbers(literal: Literal): number[] {
  return Array.from({ length: literal.data.length }, (_, i) => Number(elementAt(literal, i)));
}

/** The bytes of a literal, as a view. */
export function literalBytes({ data }: Literal): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

/** Same shape, same bits (so NaN equals itself and 0 differs from −0). */
export function sameLiteral(a: Literal, b: Literal): boolean {
  if (a === b) return true;
  if (shapeText(a.shape) !== shapeText(b.shape)) return false;
  const x = literalBytes(a);
  const y = literalBytes(b);
  return x.every((byte, i) => byte === y[i]);
}
