/**
 * @file Compression in browsers: the Compression Streams of the web, with the signatures of `nodeStreams.ts`.
 */
type Source = Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

const formats = { GZIP: 'gzip', ZLIB: 'deflate' } as const;

async function feed(source: Source, stream: CompressionStream | DecompressionStream): Promise<void> {
  const writer = stream.writable.getWriter();
  try {
    for await (const chunk of source) await writer.write(chunk);
    await writer.close();
  } catch (error) {
    await writer.abort(error);
    throw error;
  }
}

async function* through(source: Source, stream: CompressionStream | DecompressionStream) {
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

export function deflateStream(source: Source, format: 'GZIP' | 'ZLIB'): AsyncGenerator<Uint8Array, void> {
  return through(source, new CompressionStream(formats[format]));
}

export function inflateStream(source: Source, format: 'GZIP' | 'ZLIB'): AsyncGenerator<Uint8Array, void> {
  return through(source, new DecompressionStream(formats[format]));
}
