/**
 * @file Compression in Node: zlib, which also reads several gzip members in a row.
 */
import { pipeline } from 'node:stream/promises';
import { createDeflate, createGunzip, createGzip, createInflate } from 'node:zlib';

type Source = Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
type Transform = ReturnType<typeof createGzip> | ReturnType<typeof createGunzip>;

async function* through(source: Source, transform: Transform): AsyncGenerator<Uint8Array, void> {
  // A failure of the source or of the transform ends the transform with that error, which the loop below throws.
  const feeding = pipeline(source, transform);
  feeding.catch(() => {});
  for await (const chunk of transform) yield chunk;
  await feeding;
}

export function deflateStream(source: Source, format: 'GZIP' | 'ZLIB'): AsyncGenerator<Uint8Array, void> {
  return through(source, format === 'GZIP' ? createGzip() : createDeflate());
}

export function inflateStream(source: Source, format: 'GZIP' | 'ZLIB'): AsyncGenerator<Uint8Array, void> {
  return through(source, format === 'GZIP' ? createGunzip() : createInflate());
}
