/** @file The target description of a JavaScript engine's WebAssembly: what schedules may know of it, and its best tiles. */
import { hasRelaxedSimd } from '../emit/wasm/features.ts';
import type { GemmTile, Target } from '../kernels/target.ts';
import { v8Version } from '../platform/platform.ts';

/**
 * Best register blocks of the GEMM micro-kernel, measured on panels in L1. Engines differ in how many of the 16 vector registers
 * their allocator keeps live, and a wrong block costs half of the speed.
 */
const tiles = {
  relaxed: { mr: 6, nr: 8, ku: 4 },
  plain: { mr: 3, nr: 12, ku: 4 },
  /** V8 before 12 (Node 20). */
  oldV8: { mr: 4, nr: 8, ku: 1 },
} satisfies Record<string, GemmTile>;

export function wasmTarget(threads: number): Target {
  const fma = hasRelaxedSimd();
  const v8 = v8Version();
  const old = v8 !== undefined && v8 < 12;
  return {
    name: fma ? 'wasm-relaxed' : 'wasm',
    vectorBytes: 16,
    vectorRegisters: 16,
    fma,
    gemm: fma ? tiles.relaxed : old ? tiles.oldV8 : tiles.plain,
    l1Bytes: 32 << 10,
    l2Bytes: 512 << 10,
    maxThreads: threads,
  };
}
