/**
 * @file The writing half of protobuf's wire format, as much of it as ONNX models need.
 */

const utf8 = new TextEncoder();
const wire = { varint: 0, bytes: 2, float: 5 } as const;

/** Bytes of a message, grown field by field. Fields are written in the order of the calls. */
export class MessageWriter {
  readonly #parts: Uint8Array[] = [];

  /** A signed or unsigned integer field (int32, int64, enum). */
  integer(field: number, value: number | bigint): this {
    return this.#append(varint((field << 3) | wire.varint), varint(value));
  }

  /** A `float` field. */
  float(field: number, value: number): this {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setFloat32(0, value, true);
    return this.#append(varint((field << 3) | wire.float), bytes);
  }

  bytes(field: number, value: Uint8Array): this {
    return this.#append(varint((field << 3) | wire.bytes), varint(value.length), value);
  }

  string(field: number, value: string): this {
    return this.bytes(field, utf8.encode(value));
  }

  /** A nested message. */
  message(field: number, value: MessageWriter): this {
    return this.bytes(field, value.finish());
  }

  /** The message so far as one array. */
  finish(): Uint8Array {
    const result = new Uint8Array(this.#parts.reduce((length, part) => length + part.length, 0));
    let at = 0;
    for (const part of this.#parts) {
      result.set(part, at);
      at += part.length;
    }
    return result;
  }

  #append(...parts: readonly Uint8Array[]): this {
    this.#parts.push(...parts);
    return this;
  }
}

/** Base-128 varint; negative numbers take ten bytes, as two's complement of 64 bits. */
function varint(value: number | bigint): Uint8Array {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  do {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    bytes.push(rest === 0n ? low : low | 0x80);
  } while (rest !== 0n);
  return Uint8Array.from(bytes);
}
