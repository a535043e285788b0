import { expect, test } from 'vitest';
import { AttrValue, Event, fromBigInt, toBigInt, toNumberChecked } from './index.ts';

test('carries the extremes of int64 through a message', () => {
  for (const value of [0n, 1n, -1n, 2n ** 53n + 1n, 2n ** 63n - 1n, -(2n ** 63n), -4_294_967_296n, 4_294_967_295n]) {
    const bytes = AttrValue.encode({ i: fromBigInt(value) }).finish();
    const back = AttrValue.decode(bytes);
    expect(back.value).toBe('i');
    expect(toBigInt(back.i ?? 0)).toBe(value);
  }
});

test('writes a negative int64 as a ten-byte varint', () => {
  const bytes = AttrValue.encode({ i: -1 }).finish();
  expect(Buffer.from(bytes).toString('hex')).toBe('18ffffffffffffffffff01');
});

test('takes uint64 values above 2^63', () => {
  expect(toBigInt(fromBigInt(2n ** 64n - 1n))).toBe(2n ** 64n - 1n);
  expect(toBigInt(fromBigInt(5, true))).toBe(5n);
});

test('refuses values that do not fit', () => {
  expect(() => fromBigInt(2n ** 64n)).toThrow(/does not fit uint64/);
  expect(() => fromBigInt(-(2n ** 63n) - 1n)).toThrow(/does not fit int64/);
  expect(() => toNumberChecked(fromBigInt(2n ** 60n), 'step')).toThrow(
    'step is 1152921504606846976, which a number cannot hold exactly; read it with toBigInt',
  );
  expect(() => toNumberChecked(Number.NaN)).toThrow(RangeError);
});

test('reads safe integers as numbers', () => {
  expect(toNumberChecked(Event.decode(Event.encode({ step: 901 }).finish()).step)).toBe(901);
  expect(toNumberChecked(-7n)).toBe(-7);
});
