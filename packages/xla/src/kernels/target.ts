/** @file What schedules may know of the machine they write for: vector width, fused multiply-add, tiles. Emitters own the values. */

export interface GemmTile {
  /** Rows of the register block. */
  readonly mr: number;
  /** Columns of the register block, a multiple of the f32 lanes. */
  readonly nr: number;
  /** Unrolling of the k loop. */
  readonly ku: number;
}

export interface Target {
  readonly name: string;
  /** Bytes of a vector register: 16 for WASM, 32 or 64 for C. */
  readonly vectorBytes: number;
  readonly vectorRegisters: number;
  /** Fused multiply-add is one instruction. */
  readonly fma: boolean;
  readonly gemm: GemmTile;
  readonly l1Bytes: number;
  readonly l2Bytes: number;
  /** Upper bound of threads a program runs with; scratch per thread is planned for it. */
  readonly maxThreads: number;
}
