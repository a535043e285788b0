/**
 * @file TFRecord framing: records of bytes, one after the other, each with its length and two masked CRC-32Cs.
 *
 *     uint64 length · uint32 masked CRC of the length · payload · uint32 masked CRC of the payload   (little-endian)
 *
 * A clean end lies between records. `RecordParser` is the one place that knows the layout for reading; it takes chunks
 * as they come, so files, sockets and growing logs are read alike.
 */
import { maskedCrc32c } from './crc32c.ts';
import { DataLossError } from './errors.ts';

const HEADER_BYTES = 12;
const FOOTER_BYTES = 4;

/** Frames one record. */
export function encodeRecord(payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES + payload.length + FOOTER_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, payload.length >>> 0, true);
  view.setUint32(4, Math.floor(payload.length / 2 ** 32), true);
  view.setUint32(8, maskedCrc32c(bytes.subarray(0, 8)), true);
  bytes.set(payload, HEADER_BYTES);
  view.setUint32(HEADER_BYTES + payload.length, maskedCrc32c(payload), true);
  return bytes;
}

/** Bounds and position for a `RecordParser`. */
export interface RecordParserOptions {
  /** Offset of the first chunk within its file, for messages; default 0. */
  readonly offset?: number;
  /** Longest record to accept, in bytes; default 2^31 − 1, the most that a protobuf message may have. */
  readonly maxRecordBytes?: number;
}

const hex = (value: number): string => `0x${value.toString(16).padStart(8, '0')}`;

/** Cuts a stream of bytes into records. Give it chunks with `push`, take records with `next`, close with `finish`. */
export class RecordParser {
  #bytes = new Uint8Array(0);
  #view = new DataView(this.#bytes.buffer);
  #start = 0;
  #end = 0;
  #offset: number;
  #length: number | undefined;
  readonly #maxRecordBytes: number;

  constructor({ offset = 0, maxRecordBytes = 2 ** 31 - 1 }: RecordParserOptions = {}) {
    this.#offset = offset;
    this.#maxRecordBytes = maxRecordBytes;
  }

  /** Offset just after the last record that `next` returned: where to resume. */
  get offset(): number {
    return this.#offset;
  }

  /** Bytes that were pushed and do not make a whole record yet. */
  get pendingBytes(): number {
    return this.#end - this.#start;
  }

  /** Adds bytes; they are copied. */
  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    const pending = this.pendingBytes;
    const needed = pending + chunk.length;
    if (this.#start > 0 || needed > this.#bytes.length) {
      const space = needed > this.#bytes.length ? new Uint8Array(this.#capacityFor(needed)) : this.#bytes;
      space.set(this.#bytes.subarray(this.#start, this.#end));
      this.#bytes = space;
      this.#view = new DataView(space.buffer);
      this.#start = 0;
      this.#end = pending;
    }
    this.#bytes.set(chunk, this.#end);
    this.#end += chunk.length;
  }

  /** At least doubles while a record is gathered, but no further than that record needs. */
  #capacityFor(needed: number): number {
    const record = this.#length === undefined ? 0 : this.#length + HEADER_BYTES + FOOTER_BYTES;
    return Math.max(needed, Math.min(2 * this.#bytes.length, record), 4096);
  }

  /**
   * The payload of the next record (a copy, yours to keep), or undefined until more bytes come.
   *
   * @throws DataLossError (`corrupt`) when a checksum does not match; the parser stays before that record.
   */
  next(): Uint8Array | undefined {
    if (this.#length === undefined) {
      if (this.pendingBytes < HEADER_BYTES) return undefined;
      this.#length = this.#readLength();
    }
    const size = HEADER_BYTES + this.#length + FOOTER_BYTES;
    if (this.pendingBytes < size) return undefined;
    const payload = this.#bytes.slice(this.#start + HEADER_BYTES, this.#start + HEADER_BYTES + this.#length);
    this.#check('payload', payload, this.#uint32(HEADER_BYTES + this.#length));
    this.#start += size;
    this.#offset += size;
    this.#length = undefined;
    return payload;
  }

  /** Says that no more bytes come. @throws DataLossError (`truncated`) when the last record is cut off. */
  finish(): void {
    if (this.pendingBytes === 0) return;
    const expected = this.#length === undefined ? 'its header' : `${this.#length + HEADER_BYTES + FOOTER_BYTES} bytes`;
    throw new DataLossError(
      `truncated record at byte ${this.#offset}: the data ends ${this.pendingBytes} bytes into it, before the end of ` +
        `${expected}. The ${this.#offset} bytes before it are sound.`,
      { kind: 'truncated', offset: this.#offset },
    );
  }

  #uint32(at: number): number {
    return this.#view.getUint32(this.#start + at, true);
  }

  #readLength(): number {
    const lengthBytes = this.#bytes.subarray(this.#start, this.#start + 8);
    this.#check('length', lengthBytes, this.#uint32(8));
    const length = this.#uint32(4) * 2 ** 32 + this.#uint32(0);
    if (length <= this.#maxRecordBytes) return length;
    throw new DataLossError(
      `record at byte ${this.#offset} is ${length} bytes long; at most ${this.#maxRecordBytes} are accepted ` +
        '(maxRecordBytes)',
      { kind: 'too large', offset: this.#offset },
    );
  }

  #check(what: string, bytes: Uint8Array, stored: number): void {
    const computed = maskedCrc32c(bytes);
    if (stored === computed) return;
    throw new DataLossError(
      `corrupt record at byte ${this.#offset}: the stored checksum of its ${what} is ${hex(stored)}, the data gives ` +
        `${hex(computed)}. Is it a TFRecord file, with the right compression?`,
      { kind: 'corrupt', offset: this.#offset },
    );
  }
}

/** All records of a whole file in memory. @throws DataLossError after the last sound record, if the rest is not. */
export function* decodeRecords(bytes: Uint8Array, options?: RecordParserOptions): Generator<Uint8Array, void> {
  const parser = new RecordParser(options);
  // In pieces, so that the parser's own copy stays small.
  for (let at = 0; at < bytes.length; at += 1 << 20) {
    parser.push(bytes.subarray(at, at + (1 << 20)));
    for (let record = parser.next(); record !== undefined; record = parser.next()) yield record;
  }
  parser.finish();
}
