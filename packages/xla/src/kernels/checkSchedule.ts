/**
 * @file The test of every schedule: what it answers for an instruction, run by the kernel interpreter (with several simulated threads, in
 * place where allowed) and as WebAssembly, must equal what the interpreter of HLO says.
 */
import { instantiateKernel } from '../emit/wasm/runKernel.ts';
import { evaluateInstruction, type HostValue } from '../hlo/interpret.ts';
import { isLiteral } from '../hlo/interpretTypes.ts';
import { type Literal, type Storage, storageConstructors } from '../hlo/literal.ts';
import { elementAt, literalBytes, sameLiteral } from '../hlo/literals.ts';
import type { Instruction } from '../hlo/module.ts';
import { byteSize, elementBytes, isFloat, shapeText } from '../hlo/shape.ts';
import { arraysOf, interpretScheduled, literalFromBytes } from './interpretScheduled.ts';
import type { Stmt } from './ir.ts';
import type { ArgRef, Schedule, Scheduled } from './schedule.ts';
import type { Target } from './target.ts';

/** A 128-bit target with more threads than rows. */
export const testTarget: Target = {
  name: 'test',
  vectorBytes: 16,
  vectorRegisters: 16,
  fma: false,
  gemm: { mr: 3, nr: 12, ku: 4 },
  l1Bytes: 32 << 10,
  l2Bytes: 512 << 10,
  maxThreads: 4,
};

export interface Tolerance {
  /** |a − b| ≤ absolute + relative·|b| */
  readonly relative: number;
  readonly absolute: number;
}

export interface CheckOptions {
  readonly tolerance?: Tolerance;
  readonly target?: Target;
  readonly threads?: number;
  /** Run the WebAssembly of the kernels too; default true. */
  readonly wasm?: boolean;
}

const hasBarrier = (body: readonly Stmt[]): boolean =>
  body.some(
    (s) =>
      s.kind === 'barrier' ||
      ((s.kind === 'for' || s.kind === 'while') && hasBarrier(s.body)) ||
      (s.kind === 'if' && (hasBarrier(s.then) || hasBarrier(s.otherwise))),
  );

/** Results of the launches as WebAssembly, thread after thread (one thread where the kernel itself waits for others). */
export function runOnWasm(
  x: Instruction,
  scheduled: Scheduled,
  operands: readonly Literal[],
  threads: number,
): Literal[] {
  const inputs = operands.map((o) => literalBytes(o).slice());
  const shapes = arraysOf(x.shape);
  const outputs = shapes.map((s) => new Uint8Array(byteSize(s)).fill(0xa5));
  for (const { operand, output } of scheduled.copied ?? []) outputs[output]?.set(inputs[operand] as Uint8Array);
  const scratch = scheduled.scratch.map((n) => new Uint8Array(n).fill(0xa5));
  const region = (arg: ArgRef): Uint8Array =>
    arg.kind === 'constant'
      ? arg.data.slice()
      : ({ operand: inputs, output: outputs, scratch }[arg.kind][arg.index] as Uint8Array);
  for (const { kernel, args } of scheduled.launches) {
    const regions = args.map(region);
    const typed = regions.map((r, i) => {
      const memory = kernel.buffers[i]?.memory ?? 'u8';
      return new storageConstructors[memory](r.slice().buffer, 0, r.length / elementBytes[memory]);
    });
    const run = instantiateKernel(kernel, typed);
    const count = kernel.parallel && !hasBarrier(kernel.body) ? threads : 1;
    for (let tid = count - 1; tid >= 0; tid--) run.call(tid, count);
    run.arrays.forEach((a, i) => {
      (regions[i] as Uint8Array).set(bytesOf(a, (regions[i] as Uint8Array).length));
    });
  }
  return shapes.map((shape, i) => literalFromBytes(outputs[i] as Uint8Array, shape));
}

function bytesOf(a: Storage, length: number): Uint8Array {
  return new Uint8Array(a.buffer, a.byteOffset, length);
}

function flatten(value: HostValue): Literal[] {
  return isLiteral(value) ? [value] : value.flatMap(flatten);
}

function close(a: number, b: number, { relative, absolute }: Tolerance): boolean {
  if (Object.is(a, b) || a === b) return true;
  if (Number.isNaN(a) && Number.isNaN(b)) return true;
  return Math.abs(a - b) <= absolute + relative * Math.abs(b);
}

/** Throws where two lists of arrays differ: integers exactly, floats within the tolerance. */
export function expectClose(
  got: readonly Literal[],
  want: readonly Literal[],
  what: string,
  tolerance: Tolerance,
): void {
  if (got.length !== want.length) throw new Error(`${what}: ${got.length} results, expected ${want.length}`);
  for (const [r, w] of want.entries()) {
    const g = got[r] as Literal;
    if (shapeText(g.shape) !== shapeText(w.shape))
      throw new Error(`${what}: ${shapeText(g.shape)} for ${shapeText(w.shape)}`);
    const exact = !isFloat(w.shape.dtype);
    for (let i = 0; i < w.data.length; i++) {
      const a = elementAt(g, i);
      const b = elementAt(w, i);
      if (exact ? a === b : close(Number(a), Number(b), tolerance)) continue;
      throw new Error(`${what}: result ${r} ${shapeText(w.shape)} element ${i} is ${a}, the interpreter says ${b}`);
    }
  }
}

function expectSame(got: readonly Literal[], want: readonly Literal[], what: string): void {
  for (const [r, w] of want.entries()) {
    if (!sameLiteral(got[r] as Literal, w)) throw new Error(`${what}: result ${r} differs in its bits`);
  }
}

const tight: Tolerance = { relative: 2e-6, absolute: 1e-30 };

/** Runs `schedule` on `x` in every way there is and compares with the interpreter. */
export function checkSchedule(
  schedule: Schedule,
  x: Instruction,
  operands: readonly Literal[],
  options: CheckOptions = {},
): Scheduled {
  const { tolerance = tight, target = testTarget, threads = 3, wasm = true } = options;
  const want = flatten(evaluateInstruction(x, operands));
  const scheduled = schedule(x, target);
  const name = `${x.opcode} ${shapeText(x.shape)}`;
  const alone = interpretScheduled(x, scheduled, operands);
  expectClose(alone, want, `${name}, one thread`, tolerance);
  // The same bits for any number of threads, at run time and in the plan.
  const planned = interpretScheduled(x, schedule(x, { ...target, maxThreads: 1 }), operands);
  expectSame(planned, alone, `${name}, planned for one thread`);
  expectSame(interpretScheduled(x, scheduled, operands, { threads: 2 }), alone, `${name}, 2 threads`);
  expectClose(interpretScheduled(x, scheduled, operands, { threads }), want, `${name}, ${threads} threads`, tolerance);
  if (scheduled.inPlace.length > 0) {
    const shared = interpretScheduled(x, scheduled, operands, { threads, inPlace: true });
    expectClose(shared, want, `${name}, in place`, tolerance);
  }
  if (wasm) expectClose(runOnWasm(x, scheduled, operands, threads), want, `${name}, WebAssembly`, tolerance);
  return scheduled;
}
