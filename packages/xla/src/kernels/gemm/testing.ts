/** @file Test tools of contractions: random operands, runs through the kernel interpreter and WebAssembly, comparison with the oracle. */
import { expect } from 'vitest';
import { instantiateKernel } from '../../emit/wasm/runKernel.ts';
import { evaluateInstruction } from '../../hlo/interpret.ts';
import { type Literal, type Storage, storageConstructors } from '../../hlo/literal.ts';
import { literalBytes, literalFrom, toNumbers } from '../../hlo/literals.ts';
import type { Instruction } from '../../hlo/module.ts';
import { type ArrayShape, byteSize, elementBytes, elementCount, isFloat } from '../../hlo/shape.ts';
import { arraysOf, interpretScheduled, literalFromBytes } from '../interpretScheduled.ts';
import type { ArgRef, Scheduled } from '../schedule.ts';
import type { Target } from '../target.ts';

/** A small machine: its blocks are so small that every kind of rest occurs in small shapes. */
export const testTarget: Target = {
  name: 'test',
  vectorBytes: 16,
  vectorRegisters: 16,
  fma: false,
  gemm: { mr: 3, nr: 8, ku: 2 },
  l1Bytes: 1024,
  l2Bytes: 4096,
  maxThreads: 3,
};

/** A repeatable stream of numbers in [0, 1). */
export function random(seed: number): () => number {
  let s = seed >>> 0 || 1;
  return () => {
    s = (Math.imul(s, 1664525) + 1013904223) >>> 0;
    return s / 2 ** 32;
  };
}

/** Small whole numbers: products and sums are exact in every type, so results can be compared for equality. */
export function randomLiteral(shape: ArrayShape, next: () => number): Literal {
  const span = shape.dtype[0] === 'u' ? 4 : 7;
  const low = shape.dtype[0] === 'u' ? 0 : 3;
  const wide = shape.dtype === 's64' || shape.dtype === 'u64';
  const values = Array.from({ length: elementCount(shape.dims) }, () => Math.floor(next() * span) - low);
  return literalFrom(wide ? values.map(BigInt) : values, shape.dtype, shape.dims);
}

/** f32 values in (−1, 1) whose sums round. */
export function randomFloats(shape: ArrayShape, next: () => number): Literal {
  const values = Array.from({ length: elementCount(shape.dims) }, () => next() * 2 - 1);
  return literalFrom(values, shape.dtype, shape.dims);
}

/** Asserts the same bits from 1, 2 and 3 threads. */
export function checkThreads(x: Instruction, scheduled: Scheduled, operands: readonly Literal[]): void {
  const [one, ...others] = [1, 2, 3].map((threads) => interpretScheduled(x, scheduled, operands, { threads }));
  for (const got of others) expect(got).toEqual(one);
}

/** The oracle's results, one literal per array. */
export function expected(x: Instruction, operands: readonly Literal[]): Literal[] {
  const value = evaluateInstruction(x, operands);
  return (Array.isArray(value) ? value : [value]) as Literal[];
}

/** Results through WebAssembly, one thread. */
export function runWasm(x: Instruction, scheduled: Scheduled, operands: readonly Literal[]): Literal[] {
  const bytes = {
    operand: operands.map((o) => literalBytes(o).slice()),
    output: arraysOf(x.shape).map((s) => new Uint8Array(byteSize(s))),
    scratch: scheduled.scratch.map((n) => new Uint8Array(n)),
  };
  const at = (a: ArgRef): Uint8Array => (a.kind === 'constant' ? a.data : (bytes[a.kind][a.index] as Uint8Array));
  for (const { kernel, args } of scheduled.launches) {
    const regions = args.map(at);
    const run = instantiateKernel(
      kernel,
      regions.map((r, i) => typed(r, kernel.buffers[i]!.memory)),
    );
    run.call();
    run.arrays.forEach((a, i) => {
      regions[i]!.set(new Uint8Array(a.buffer, a.byteOffset, a.byteLength));
    });
  }
  return arraysOf(x.shape).map((s, i) => literalFromBytes(bytes.output[i] as Uint8Array, s));
}

function typed(r: Uint8Array, memory: ArrayShape['dtype']): Storage {
  const copy = r.slice();
  return new storageConstructors[memory](copy.buffer, 0, copy.byteLength / elementBytes[memory]);
}

export interface CheckOptions {
  readonly threads?: readonly number[];
  readonly wasm?: boolean;
  /** Largest difference relative to 1 + |expected|; default 0 (exact). */
  readonly tolerance?: number;
}

/** Compares a schedule with the oracle, simulated with 1 and 3 threads and on WebAssembly. */
export function checkSchedule(
  x: Instruction,
  scheduled: Scheduled,
  operands: readonly Literal[],
  options: CheckOptions = {},
): void {
  const { threads = [1, 3], wasm = true, tolerance = 0 } = options;
  const want = expected(x, operands);
  const compare = (got: readonly Literal[], how: string): void =>
    got.forEach((g, i) => {
      expect(differences(g, want[i] as Literal, tolerance), `${how}, output ${i}`).toEqual([]);
    });
  for (const t of threads) compare(interpretScheduled(x, scheduled, operands, { threads: t }), `${t} threads`);
  if (wasm) compare(runWasm(x, scheduled, operands), 'wasm');
}

/** The first few elements that differ. */
function differences(got: Literal, want: Literal, tolerance: number): string[] {
  const [a, b] = [toNumbers(got), toNumbers(want)];
  const out: string[] = [];
  const slack = isFloat(want.shape.dtype) ? tolerance : 0;
  for (let i = 0; i < b.length && out.length < 3; i++) {
    const [g, w] = [a[i] as number, b[i] as number];
    if (!(Math.abs(g - w) <= slack * (1 + Math.abs(w)))) out.push(`[${i}]: ${g}, expected ${w}`);
  }
  return out;
}
