/** @file What this JavaScript engine can do: found by validating tiny modules, remembered for the process. */
import { ModuleBuilder } from './encoder.ts';
import { FunctionWriter } from './functionWriter.ts';

let simd: boolean | undefined;
let relaxed: boolean | undefined;

/** 128-bit SIMD, which everything here needs: engines since 2021. */
export function hasSimd(): boolean {
  simd ??= validates((w) => {
    w.v128(new Uint8Array(16)).op('drop');
  });
  return simd;
}

/** Relaxed SIMD (fused multiply-add): V8 11.4 and newer by default; not in Node 20. */
export function hasRelaxedSimd(): boolean {
  relaxed ??= validates((w) => {
    const zero = new Uint8Array(16);
    w.v128(zero).v128(zero).v128(zero).op('f32x4RelaxedMadd').op('drop');
  });
  return relaxed;
}

/** Shared WebAssembly memory: always in Node, in browsers only on cross-origin isolated pages. */
export function hasSharedMemory(): boolean {
  return typeof SharedArrayBuffer !== 'undefined' && typeof Atomics !== 'undefined';
}

function validates(body: (w: FunctionWriter) => void): boolean {
  const module = new ModuleBuilder({ module: 'env', name: 'memory', shared: false, initialPages: 1, maximumPages: 1 });
  const w = new FunctionWriter(0);
  body(w);
  module.define(module.declare('probe', { params: [], results: [] }), w.finish());
  return WebAssembly.validate(module.finish());
}
