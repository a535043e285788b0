/**
 * @file The compressions of record files, through the platform's own streams (Node and browsers alike).
 */

/** Names as TensorFlow spells them; `''` is none. ZLIB is RFC 1950, GZIP RFC 1952. */
export type Compression = '' | 'GZIP' | 'ZLIB';

/** Anything that gives bytes in order. */
export type ByteSource = Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

const formats = { GZIP: 'gzip', ZLIB: 'deflate' } as const;

async function feed(source: ByteSource, stream: CompressionStream | DecompressionStream): Promise<void> {
  const writer = stream.writable.getWriter();
  try {
    for await (const chunk of source) await writer.write(chunk);
    await writer.close();
  } catch (error) {
    await writer.abort(error);
    throw error;
  }
}

async function* through(source: ByteSource, stream: CompressionStream | DecompressionStream) {
  // A failure of `feed` is seen by the reader too, except when the source itself throws: hence both are awaited.
  const feeding = feed(source, stream);
  feeding.catch(() => {});
  const reader: ReadableStreamDefaultReader<Uint8Array> = stream.readable.getReader();
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) yield part.value;
    await feeding;
  } finally {
    await reader.cancel().catch(() => {});
  }
}

/** The compressed form of a stream of bytes. */
export async function* compress(source: ByteSource, compression: Compression): AsyncGenerator<Uint8Array, void> {
  if (compression === '') yield* source;
  else yield* through(source, new CompressionStream(formats[compression]));
}

/** The bytes behind a compressed stream. Several gzip members in a row are accepted where the platform does (Node). */
export async function* decompress(source: ByteSource, compression: Compression): AsyncGenerator<Uint8Array, void> {
  if (compression === '') yield* source;
  else yield* through(source, new DecompressionStream(formats[compression]));
}
