import { inflateSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { encodePng } from './png.ts';

/** The chunks of a PNG file, by type. */
function chunks(png: Uint8Array): Record<string, Uint8Array> {
  const view = new DataView(png.buffer, png.byteOffset, png.byteLength);
  const found: Record<string, Uint8Array> = {};
  for (let at = 8; at < png.length; ) {
    const length = view.getUint32(at);
    found[String.fromCharCode(...png.subarray(at + 4, at + 8))] = png.subarray(at + 8, at + 8 + length);
    at += 12 + length;
  }
  return found;
}

test.each([1, 3, 4])('keeps the pixels of an image with %i channels', async (channels) => {
  const data = Uint8Array.from({ length: 5 * 3 * channels }, (_, i) => (i * 37) & 255);
  const png = await encodePng({ width: 5, height: 3, channels, data });
  const { IHDR, IDAT } = chunks(png) as { IHDR: Uint8Array; IDAT: Uint8Array };
  expect([...IHDR]).toEqual([0, 0, 0, 5, 0, 0, 0, 3, 8, { 1: 0, 3: 2, 4: 6 }[channels], 0, 0, 0]);
  const rows = inflateSync(IDAT);
  const pixels = [0, 1, 2].flatMap((y) => [...rows.subarray(y * (5 * channels + 1) + 1, (y + 1) * (5 * channels + 1))]);
  expect(pixels).toEqual([...data]);
});

test('ends with the IEND chunk every PNG file ends with', async () => {
  const png = await encodePng({ width: 1, height: 1, channels: 1, data: Uint8Array.of(7) });
  expect([...png.subarray(-12)]).toEqual([0, 0, 0, 0, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82]);
});
