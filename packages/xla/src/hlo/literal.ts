/** @file Constant values of HLO: a dense row-major typed array with its shape. 64-bit integers are BigInt arrays, so they stay exact. */
import type { ArrayShape, ElementType } from './shape.ts';

/** The typed array that stores each element type. `f16`/`bf16` are kept as their 16-bit patterns. */
export interface StorageOf {
  pred: Uint8Array;
  s8: Int8Array;
  s16: Int16Array;
  s32: Int32Array;
  s64: BigInt64Array;
  u8: Uint8Array;
  u16: Uint16Array;
  u32: Uint32Array;
  u64: BigUint64Array;
  f16: Uint16Array;
  bf16: Uint16Array;
  f32: Float32Array;
  f64: Float64Array;
}

export type Storage = StorageOf[ElementType];

export const storageConstructors: {
  readonly [T in ElementType]: {
    new (n: number): StorageOf[T];
    new (buffer: ArrayBufferLike, byteOffset: number, length: number): StorageOf[T];
  };
} = {
  pred: Uint8Array,
  s8: Int8Array,
  s16: Int16Array,
  s32: Int32Array,
  s64: BigInt64Array,
  u8: Uint8Array,
  u16: Uint16Array,
  u32: Uint32Array,
  u64: BigUint64Array,
  f16: Uint16Array,
  bf16: Uint16Array,
  f32: Float32Array,
  f64: Float64Array,
};

export interface Literal {
  readonly shape: ArrayShape;
  readonly data: Storage;
}
