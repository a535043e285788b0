/**
 * @file Exact 64-bit integers between protobuf messages and TypeScript.
 *
 * Decoded int64 fields are `Long` objects (or numbers, when a message was built by hand); a double holds them exactly
 * only up to 2^53 − 1. These helpers convert without ever rounding.
 */
import Long from 'long';

/** What an int64 or uint64 field may hold. */
export type Int64Like = number | bigint | Long;

/** The exact value of an int64/uint64 field as a bigint. */
export function toBigInt(value: Int64Like): bigint {
  if (typeof value === 'bigint') return value;
  if (typeof value === 'number') return BigInt(value);
  const high = value.unsigned ? value.high >>> 0 : value.high;
  return (BigInt(high) << 32n) | BigInt(value.low >>> 0);
}

/** The `Long` for a bigint or number; takes values of [−2^63, 2^64), those from 2^63 on (or `unsigned`) as uint64. */
export function fromBigInt(value: bigint | number, unsigned = value >= 1n << 63n): Long {
  const wide = BigInt(value);
  const [min, max] = unsigned ? [0n, (1n << 64n) - 1n] : [-(1n << 63n), (1n << 63n) - 1n];
  if (wide < min || wide > max) {
    throw new RangeError(`${wide} does not fit ${unsigned ? 'uint64' : 'int64'}, which holds ${min} … ${max}`);
  }
  return Long.fromBits(Number(BigInt.asIntN(32, wide)), Number(BigInt.asIntN(32, wide >> 32n)), unsigned);
}

/**
 * The value of an int64/uint64 field as a number.
 *
 * @throws RangeError when the value is not a safe integer; the message names `what`.
 */
export function toNumberChecked(value: Int64Like, what = 'the value'): number {
  const result = typeof value === 'object' ? value.toNumber() : Number(value);
  if (!Number.isSafeInteger(result)) {
    throw new RangeError(`${what} is ${value}, which a number cannot hold exactly; read it with toBigInt`);
  }
  return result;
}
