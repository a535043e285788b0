/** @file The segment of constants of a program: equal bytes are kept once, each at a multiple of 64. */

const alignment = 64;

export class ConstantImage {
  private readonly places = new Map<string, number>();
  private readonly chunks: { readonly offset: number; readonly data: Uint8Array }[] = [];
  private end = 0;

  /** Offset of these bytes in the segment. */
  add(data: Uint8Array): number {
    const key = contentKey(data);
    const candidates = this.places.get(key);
    if (candidates !== undefined) return candidates;
    const offset = this.end;
    this.places.set(key, offset);
    this.chunks.push({ offset, data });
    this.end = Math.ceil((offset + Math.max(data.length, 1)) / alignment) * alignment;
    return offset;
  }

  finish(): Uint8Array {
    const image = new Uint8Array(this.end);
    for (const { offset, data } of this.chunks) image.set(data, offset);
    return image;
  }
}

/** Content as a string, one character a byte: equal keys mean equal bytes. */
function contentKey(data: Uint8Array): string {
  const parts = [`${data.length}:`];
  for (let i = 0; i < data.length; i += 8192) {
    const part = data.subarray(i, i + 8192);
    parts.push(String.fromCharCode(...part));
  }
  return parts.join('');
}
