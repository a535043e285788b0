/**
 * @file The file and wire formats of TensorFlow: protobuf messages, exact 64-bit integers, TFRecord framing, checksums.
 *
 * Every message is a class with `create`, `encode(message).finish()` and `decode(bytes)`; the plain object that
 * `encode` takes has the type `I<Name>`. Fields are camelCase, 64-bit integers decode as `Long` (see `int64.ts`),
 * fields that a message does not know survive a decode and encode.
 */
export * from '../generated/messages.js';
export { type ByteSource, type Compression, compress, decompress } from './compression.ts';
export { crc32c, maskCrc, maskedCrc32c, unmaskCrc } from './crc32c.ts';
export { type DataLossDetails, DataLossError } from './errors.ts';
export { fromBigInt, type Int64Like, toBigInt, toNumberChecked } from './int64.ts';
export { type ReadRecordsOptions, readRecords, writeRecords } from './recordStream.ts';
export { decodeRecords, encodeRecord, RecordParser, type RecordParserOptions } from './tfrecord.ts';
