/**
 * @file Memory of the kernel interpreter: typed loads and stores with bounds checks, and a detector that finds two threads touching one
 * byte between barriers with at least one write. It is the tool that shows a schedule's or the lowering's missing barrier.
 */
import { fromBf16Bits, fromF16Bits, toBf16Bits, toF16Bits } from '../hlo/float16.ts';
import { type ElementType, elementBytes } from '../hlo/shape.ts';
import type { Scalar } from './interpretScalar.ts';

interface Shadow {
  /** `epoch · threads + tid + 1` of the last write and of the last two different readers, per byte. */
  readonly writes: Int32Array;
  readonly reads: Int32Array;
}

/** Remembers who touched which byte since the last barrier. */
export class RaceDetector {
  private readonly shadows = new Map<ArrayBufferLike, Shadow>();
  private epoch = 0;
  readonly threads: number;

  constructor(threads: number) {
    this.threads = threads;
  }

  /** All threads met: earlier touches are ordered before later ones. */
  barrier(): void {
    this.epoch++;
  }

  touch(
    buffer: ArrayBufferLike,
    byte: number,
    count: number,
    access: { tid: number; write: boolean; what: string },
  ): void {
    const { tid, write, what } = access;
    const shadow = this.shadow(buffer);
    const first = this.epoch * this.threads + 1;
    const me = first + tid;
    for (let i = byte; i < byte + count; i++) {
      const w = shadow.writes[i] as number;
      const r = shadow.reads[i] as number;
      const other = w >= first && w !== me ? w : write && r >= first && r !== me ? r : 0;
      if (other) {
        throw new Error(
          `internal: data race in ${what}: thread ${tid} ${write ? 'writes' : 'reads'} a byte that thread ${other - first} ` +
            `${other === w ? 'wrote' : 'read'} since the last barrier. A barrier is missing, or the shares of the threads overlap.`,
        );
      }
      if (write) shadow.writes[i] = me;
      else shadow.reads[i] = me;
    }
  }

  private shadow(buffer: ArrayBufferLike): Shadow {
    let s = this.shadows.get(buffer);
    if (!s) {
      s = { writes: new Int32Array(buffer.byteLength), reads: new Int32Array(buffer.byteLength) };
      this.shadows.set(buffer, s);
    }
    return s;
  }
}

/** A typed pointer into a region of bytes; accesses outside the region throw. */
export interface Pointer {
  readonly region: Uint8Array;
  readonly view: DataView;
  /** Bytes from the start of the region. */
  readonly offset: number;
  readonly memory: ElementType;
}

export function pointerTo(region: Uint8Array, memory: ElementType): Pointer {
  return { region, view: new DataView(region.buffer, region.byteOffset, region.byteLength), offset: 0, memory };
}

/** Byte offset of element `index`, checked to leave room for `count` elements. */
export function locate(p: Pointer, index: number, count: number, what: string): number {
  const size = elementBytes[p.memory];
  const at = p.offset + index * size;
  if (at < 0 || at + count * size > p.region.byteLength) {
    throw new Error(
      `internal: out of bounds in ${what}: ${p.memory}×${count} at element ${index}, which is byte ${at} of a region of ${p.region.byteLength} bytes.`,
    );
  }
  return at;
}

type Load = (view: DataView, at: number) => Scalar;
type Store = (view: DataView, at: number, x: Scalar) => void;

export const loads: { readonly [T in ElementType]: Load } = {
  pred: (v, at) => (v.getUint8(at) === 0 ? 0 : 1),
  s8: (v, at) => v.getInt8(at),
  s16: (v, at) => v.getInt16(at, true),
  s32: (v, at) => v.getInt32(at, true),
  s64: (v, at) => v.getBigInt64(at, true),
  u8: (v, at) => v.getUint8(at),
  u16: (v, at) => v.getUint16(at, true),
  u32: (v, at) => v.getUint32(at, true),
  u64: (v, at) => v.getBigUint64(at, true),
  f16: (v, at) => fromF16Bits(v.getUint16(at, true)),
  bf16: (v, at) => fromBf16Bits(v.getUint16(at, true)),
  f32: (v, at) => v.getFloat32(at, true),
  f64: (v, at) => v.getFloat64(at, true),
};

export const stores: { readonly [T in ElementType]: Store } = {
  pred: (v, at, x) => v.setUint8(at, Number(x) === 0 ? 0 : 1),
  s8: (v, at, x) => v.setInt8(at, Number(x)),
  s16: (v, at, x) => v.setInt16(at, Number(x), true),
  s32: (v, at, x) => v.setInt32(at, Number(x), true),
  s64: (v, at, x) => v.setBigInt64(at, BigInt(x), true),
  u8: (v, at, x) => v.setUint8(at, Number(x)),
  u16: (v, at, x) => v.setUint16(at, Number(x), true),
  u32: (v, at, x) => v.setUint32(at, Number(x), true),
  u64: (v, at, x) => v.setBigUint64(at, BigInt(x), true),
  f16: (v, at, x) => v.setUint16(at, toF16Bits(Number(x)), true),
  bf16: (v, at, x) => v.setUint16(at, toBf16Bits(Number(x)), true),
  f32: (v, at, x) => v.setFloat32(at, Number(x), true),
  f64: (v, at, x) => v.setFloat64(at, Number(x), true),
};
