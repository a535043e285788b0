/** @file The target description of a JavaScript engine's WebAssembly: what schedules may know of it, and its best tiles. */
import { hasRelaxedSimd } from '../emit/wasm/features.ts';
import type { GemmTile, Target } from '../kernels/target.ts';

/**
 * Best register blocks of the GEMM micro-kernel, measured on panels in L1 and whole problems. V8 moves all loads of an unrolled
 * step to its front, so unrolling spills; without fused multiply-add every product takes a register of its own.
 */
const tiles = {
  relaxed: { mr: 6, nr: 8, ku: 1 },
  plain: { mr: 4, nr: 8, ku: 1 },
} satisfies Record<string, GemmTile>;

export function wasmTarget(threads: number): Target {
  const fma = hasRelaxedSimd();
  return {
    name: fma ? 'wasm-relaxed' : 'wasm',
    vectorBytes: 16,
    vectorRegisters: 16,
    fma,
    gemm: fma ? tiles.relaxed : tiles.plain,
    l1Bytes: 32 << 10,
    l2Bytes: 512 << 10,
    maxThreads: threads,
  };
}
