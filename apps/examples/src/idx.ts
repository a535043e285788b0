/**
 * @file The IDX format of the MNIST files: a big-endian header (two zero bytes, element type, rank, one u32 per dimension)
 * and then the elements. Only unsigned bytes (type 8) occur there.
 */

export interface IdxArray {
  readonly dims: readonly number[];
  readonly data: Uint8Array;
}

/** Parses an IDX file of unsigned bytes. A wrong magic, type or length is an error that says what was found. */
export function parseIdx(bytes: Uint8Array, source: string): IdxArray {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 4 || view.getUint16(0) !== 0)
    throw new Error(`${source}: not an IDX file (it starts with ${hex(bytes)})`);
  const type = view.getUint8(2);
  if (type !== 8)
    throw new Error(`${source}: IDX element type 0x${type.toString(16)}; only unsigned bytes (0x8) are read`);
  const rank = view.getUint8(3);
  const header = 4 + 4 * rank;
  if (bytes.length < header)
    throw new Error(`${source}: the IDX header says rank ${rank}, but the file has ${bytes.length} bytes`);
  const dims = Array.from({ length: rank }, (_, i) => view.getUint32(4 + 4 * i));
  const expected = header + dims.reduce((a, b) => a * b, 1);
  if (bytes.length !== expected) {
    throw new Error(
      `${source}: an IDX array of [${dims.join(', ')}] takes ${expected} bytes, the file has ${bytes.length}`,
    );
  }
  return { dims, data: bytes.subarray(header) };
}

function hex(bytes: Uint8Array): string {
  return [...bytes.subarray(0, 4)].map((b) => b.toString(16).padStart(2, '0')).join(' ');
}
