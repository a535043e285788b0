/**
 * @file Runs one kernel on given arrays: for tests and for tuning micro-kernels. One thread by default; no program around it.
 */

import { type Storage, storageConstructors } from '../../hlo/literal.ts';
import type { Kernel, MathFunction } from '../../kernels/ir.ts';
import { type FunctionBody, type FunctionType, ModuleBuilder, type ValueType } from './encoder.ts';
import { hasRelaxedSimd } from './features.ts';
import { FunctionWriter } from './functionWriter.ts';
import { emitKernel, kernelParams } from './kernel.ts';
import { mathArity, mathFunctions } from './mathImports.ts';

export interface KernelRun {
  /** Calls the kernel. tid, threads default to 0, 1. */
  call(tid?: number, threads?: number): void;
  /** The live arrays in the kernel's memory, in the order of kernel.buffers. */
  readonly arrays: readonly Storage[];
  readonly codeBytes: number;
}

/**
 * Instantiates `kernel` on a fresh memory that holds copies of `arrays` (64-byte aligned; each moved by `misalign` elements).
 * A barrier inside does nothing: run one thread.
 */
export function instantiateKernel(
  kernel: Kernel,
  arrays: readonly Storage[],
  options: { readonly relaxed?: boolean; readonly misalign?: number } = {},
): KernelRun {
  const relaxed = options.relaxed ?? hasRelaxedSimd();
  const bytes = kernelModule(kernel, relaxed);
  let end = 65536;
  const offsets = arrays.map((a) => {
    const at = end + (options.misalign ?? 0) * a.BYTES_PER_ELEMENT;
    end = Math.ceil((at + a.byteLength) / 64) * 64;
    return at;
  });
  const memory = new WebAssembly.Memory({ initial: Math.ceil(end / 65536) + 1, maximum: 65535 });
  const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory }, math: mathFunctions });
  const run = instance.exports.kernel as (...args: number[]) => void;
  const live = arrays.map((a, i) => {
    const buffer = kernel.buffers[i];
    if (!buffer)
      throw new Error(`kernel ${kernel.name} takes ${kernel.buffers.length} buffers, received ${arrays.length}`);
    const view = new storageConstructors[buffer.memory](memory.buffer, offsets[i] as number, a.length);
    new Uint8Array(memory.buffer, offsets[i], a.byteLength).set(new Uint8Array(a.buffer, a.byteOffset, a.byteLength));
    return view;
  });
  return {
    call: (tid = 0, threads = 1) => run(...offsets, tid, threads),
    arrays: live,
    codeBytes: bytes.length,
  };
}

/** A module that exports this kernel alone, as `kernel`. */
export function kernelModule(kernel: Kernel, relaxed: boolean): Uint8Array<ArrayBuffer> {
  const module = new ModuleBuilder({
    module: 'env',
    name: 'memory',
    shared: false,
    initialPages: 1,
    maximumPages: 65535,
  });
  const imports = new Map<MathFunction, number>();
  for (const fn of Object.keys(mathFunctions) as MathFunction[]) {
    const params = new Array<ValueType>(mathArity(fn)).fill('f64');
    imports.set(fn, module.importFunction('math', fn, { params, results: ['f64'] }));
  }
  const barrier = module.declare('barrier', { params: [], results: [] });
  module.define(barrier, new FunctionWriter(0).finish());
  const index = module.declare(kernel.name, { params: kernelParams(kernel), results: [] });
  const outline = (name: string, type: FunctionType, body: FunctionBody): number => {
    const inner = module.declare(name, type);
    module.define(inner, body);
    return inner;
  };
  const math = (fn: MathFunction): number => imports.get(fn) as number;
  module.define(index, emitKernel(kernel, { relaxed, math, barrier: () => barrier, outline }));
  module.export('kernel', index);
  return module.finish();
}
