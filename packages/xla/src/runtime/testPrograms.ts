/** @file Small hand-written programs for tests of the runtime. */
import { arrayShape } from '../hlo/shape.ts';
import type { Buffer, Expr, Kernel } from '../kernels/ir.ts';
import { KernelBuilder } from '../kernels/kernelBuilder.ts';
import type { BufferRef, Program, Step } from '../program.ts';

const cost = { flops: 0, bytes: 0 };

/** out[i] = f(x[i], i) over `n` s32, shared between the threads or on one. */
export function mapKernel(n: number, parallel: boolean, f: (k: KernelBuilder, x: Expr, i: Expr) => Expr): Kernel {
  const k = new KernelBuilder('map');
  const x = k.buffer('x', 's32', 'read');
  const out = k.buffer('out', 's32', 'write');
  const body = (i: Expr): void => k.store(out, i, f(k, k.load(x, i), i));
  if (parallel) {
    const { lo, hi } = k.share(n);
    k.for(lo, hi, body);
  } else {
    k.for(0, n, body);
  }
  return k.finish({ parallel, cost });
}

/** A kernel written by `body` on `memories`. */
export function kernelOf(
  parallel: boolean,
  buffers: readonly { readonly name: string; readonly memory: Buffer['memory'] }[],
  body: (k: KernelBuilder, ...bs: Buffer[]) => void,
): Kernel {
  const k = new KernelBuilder('written');
  body(k, ...buffers.map((b) => k.buffer(b.name, b.memory, 'readwrite')));
  return k.finish({ parallel, cost });
}

export function step(kernel: Kernel, args: readonly BufferRef[], barrier = true): Step {
  return { kind: 'kernel', kernel, args, barrier, opName: 'test' };
}

export const parameter = (index: number): BufferRef => ({ space: 'parameter', index });
export const result = (index: number): BufferRef => ({ space: 'result', index });
export const arena = (offset: number, bytes: number): BufferRef => ({ space: 'arena', offset, bytes });

/** s32[n] parameters and results. `large` makes it run on the pool. */
export function programOf(
  n: number,
  steps: readonly Step[],
  options: { readonly large?: boolean; readonly parameters?: number; readonly arenaBytes?: number } = {},
): Program {
  const shape = arrayShape('s32', [n]);
  return {
    name: 'test',
    parameters: new Array(options.parameters ?? 1).fill(shape),
    results: [shape],
    aliases: new Map(),
    steps,
    arenaBytes: options.arenaBytes ?? 0,
    constants: new Uint8Array(0),
    cost: { flops: options.large ? 1e9 : 0, bytes: 0 },
  };
}
