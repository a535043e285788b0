/**
 * @file Record files as streams: reading and writing through an optional compression.
 */
import { type ByteSource, type Compression, compress, decompress } from './compression.ts';
import { DataLossError } from './errors.ts';
import { encodeRecord, RecordParser, type RecordParserOptions } from './tfrecord.ts';

/** How to read a record stream. */
export interface ReadRecordsOptions extends RecordParserOptions {
  /** Default none. The files do not say it themselves. */
  readonly compression?: Compression;
}

/** A failure of decompression, told as loss of data at the last sound record. */
function compressionLoss(error: unknown, compression: Compression, offset: number): DataLossError {
  const message = error instanceof Error ? error.message : String(error);
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  const truncated = code === 'Z_BUF_ERROR' || /unexpected end|incomplete|truncated/i.test(message);
  return new DataLossError(
    `${truncated ? 'truncated' : 'corrupt'} ${compression} stream after byte ${offset} of its content: ${message}`,
    { kind: truncated ? 'truncated' : 'corrupt', offset },
    error,
  );
}

/**
 * The records of a stream of bytes, in order.
 *
 * @throws DataLossError after all sound records, when the stream is corrupt or ends within a record.
 */
export async function* readRecords(
  source: ByteSource,
  { compression = '', ...options }: ReadRecordsOptions = {},
): AsyncGenerator<Uint8Array, void> {
  const parser = new RecordParser(options);
  let sourceError: unknown;
  const watched = async function* () {
    try {
      yield* source;
    } catch (error) {
      sourceError = error;
      throw error;
    }
  };
  try {
    for await (const chunk of decompress(watched(), compression)) {
      parser.push(chunk);
      for (let record = parser.next(); record !== undefined; record = parser.next()) yield record;
    }
  } catch (error) {
    // Only the decompressor's own failures mean damaged data; a disk error or a consumer's throw stays what it is.
    if (compression === '' || error instanceof DataLossError || error === sourceError) throw error;
    throw compressionLoss(error, compression, parser.offset);
  }
  parser.finish();
}

/** Joins small pieces, because each piece costs a trip through the compressor or a write to disk. */
async function* batched(source: ByteSource, size = 1 << 16): AsyncGenerator<Uint8Array, void> {
  let pieces: Uint8Array[] = [];
  let bytes = 0;
  const joined = () => {
    const whole = new Uint8Array(bytes);
    let at = 0;
    for (const piece of pieces) {
      whole.set(piece, at);
      at += piece.length;
    }
    pieces = [];
    bytes = 0;
    return whole;
  };
  for await (const piece of source) {
    pieces.push(piece);
    bytes += piece.length;
    if (bytes >= size) yield joined();
  }
  if (bytes > 0) yield joined();
}

/** The bytes of a record file with these payloads, in pieces of at least 64 KiB but for the last. */
export async function* writeRecords(
  payloads: ByteSource,
  compression: Compression = '',
): AsyncGenerator<Uint8Array, void> {
  const framed = async function* () {
    for await (const payload of payloads) yield encodeRecord(payload);
  };
  yield* compress(batched(framed()), compression);
}
