import fc from 'fast-check';
import { expect, test } from 'vitest';
import { crc32c, maskCrc, maskedCrc32c, unmaskCrc } from './crc32c.ts';

const ascii = (text: string) => new TextEncoder().encode(text);

/** Bit by bit, from the definition. */
function reference(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return ~crc >>> 0;
}

test.each([
  ['nothing', new Uint8Array(0), 0x00000000, 0xa282ead8],
  ['the digits', ascii('123456789'), 0xe3069283, 0xc78ab0e5],
  ['32 zeros', new Uint8Array(32), 0x8a9136aa, 0x0fd7fffa],
  ['32 ones', new Uint8Array(32).fill(0xff), 0x62a8ab43, 0xf909b029],
])('gives the published checksum of %s', (_, bytes, crc, masked) => {
  expect(crc32c(bytes)).toBe(crc);
  expect(maskedCrc32c(bytes)).toBe(masked);
  expect(unmaskCrc(masked)).toBe(crc);
});

test('equals the bitwise definition at every alignment and length', () => {
  const bytes = Uint8Array.from({ length: 300 }, (_, i) => (i * 151 + 7) & 255);
  for (let from = 0; from < 9; from++) {
    for (let to = from; to <= 300; to += 1 + (to % 7)) {
      const part = bytes.subarray(from, to);
      expect(crc32c(part)).toBe(reference(part));
    }
  }
});

test('continues over parts', () => {
  const property = fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(200), (bytes, at) => {
    expect(crc32c(bytes.subarray(at), crc32c(bytes.subarray(0, at)))).toBe(crc32c(bytes));
  });
  fc.assert(property);
});

test('unmasks what it masks', () => {
  fc.assert(fc.property(fc.integer({ min: 0, max: 2 ** 32 - 1 }), (crc) => unmaskCrc(maskCrc(crc)) === crc));
});
