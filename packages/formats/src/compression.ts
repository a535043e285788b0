/**
 * @file The compressions of record files, by their TensorFlow names. The platform does the work (`platform/`).
 */
import { deflateStream, inflateStream } from '#streams';

/** Names as TensorFlow spells them; `''` is none. ZLIB is RFC 1950, GZIP RFC 1952. */
export type Compression = '' | 'GZIP' | 'ZLIB';

/** Anything that gives bytes in order. */
export type ByteSource = Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

/** The compressed form of a stream of bytes. */
export async function* compress(source: ByteSource, compression: Compression): AsyncGenerator<Uint8Array, void> {
  if (compression === '') yield* source;
  else yield* deflateStream(source, compression);
}

/** The bytes behind a compressed stream. Several gzip members in a row are one stream in Node; browsers refuse them. */
export async function* decompress(source: ByteSource, compression: Compression): AsyncGenerator<Uint8Array, void> {
  if (compression === '') yield* source;
  else yield* inflateStream(source, compression);
}
