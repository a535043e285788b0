import { expect, test } from 'vitest';
import * as node from './nodeStreams.ts';
import * as web from './webStreams.ts';

const text = 'the same bytes on every platform '.repeat(5000);
const pieces = Array.from({ length: 40 }, (_, i) => new TextEncoder().encode(text.slice(i * 4125, (i + 1) * 4125)));

async function collect(source: AsyncIterable<Uint8Array>): Promise<Uint8Array[]> {
  const found: Uint8Array[] = [];
  for await (const piece of source) found.push(piece);
  return found;
}

test.each(['GZIP', 'ZLIB'] as const)('Node and web streams read each other: %s', async (format) => {
  for (const [writer, reader] of [
    [node, web],
    [web, node],
  ] as const) {
    const packed = await collect(writer.deflateStream(pieces, format));
    expect(Buffer.concat(packed).length).toBeLessThan(text.length / 50);
    expect(Buffer.concat(await collect(reader.inflateStream(packed, format))).toString()).toBe(text);
  }
});

test.each([node, web])('stops when the reader stops', async (platform) => {
  const packed = await collect(platform.deflateStream(pieces, 'GZIP'));
  for await (const piece of platform.inflateStream(packed, 'GZIP')) {
    expect(piece.length).toBeGreaterThan(0);
    break;
  }
});

test.each([node, web])('refuses what is not compressed', async (platform) => {
  await expect(collect(platform.inflateStream(pieces, 'GZIP'))).rejects.toBeInstanceOf(Error);
});
