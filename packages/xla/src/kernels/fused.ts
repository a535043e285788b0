/**
 * @file What a schedule sees of an instruction: a fusion's computation with its operands, or a plain instruction as if it were a fusion
 * of itself. Kernel arguments are declared when something first touches them.
 */
import { internal } from '../hlo/errors.ts';
import { literalBytes } from '../hlo/literals.ts';
import type { Instruction } from '../hlo/module.ts';
import { type ArrayShape, type ElementType, elementBytes, elementCount } from '../hlo/shape.ts';
import type { ElementalContext, Leaf } from './elemental/elemental.ts';
import { reachable } from './elemental/lanes.ts';
import type { Buffer, Cost } from './ir.ts';
import type { KernelBuilder } from './kernelBuilder.ts';
import { type ArgRef, constantArg, operandArg, outputArg, scratchArg } from './schedule.ts';
import type { Target } from './target.ts';

/** An instruction opened for scheduling. */
export interface Fused {
  readonly instruction: Instruction;
  /** One per array of the result. */
  readonly roots: readonly Instruction[];
  /** Operand number of an instruction whose value is given, if it is. */
  readonly operandOf: (x: Instruction) => number | undefined;
  /** Everything computed here and every leaf, operands first. */
  readonly body: readonly Instruction[];
}

const isScalarConstant = (x: Instruction): boolean =>
  x.opcode === 'constant' && elementCount((x.shape as ArrayShape).dims) === 1;

/** Opens a fusion, or a plain instruction, whose scalar constant operands count as part of it. */
export function openFusion(instruction: Instruction): Fused {
  if (instruction.opcode === 'fusion') {
    const { root } = instruction.attrs.computation;
    const roots = root.opcode === 'tuple' ? root.operands : [root];
    const operandOf = (x: Instruction): number | undefined => (x.opcode === 'parameter' ? x.attrs.index : undefined);
    return { instruction, roots, operandOf, body: reachable(root).filter((x) => x.opcode !== 'tuple') };
  }
  const operandOf = (x: Instruction): number | undefined => {
    if (x === instruction || isScalarConstant(x)) return undefined;
    const i = instruction.operands.indexOf(x);
    return i < 0 ? undefined : i;
  };
  const body = reachable(instruction, (x) => x !== instruction);
  return { instruction, roots: [instruction], operandOf, body };
}

/** What is computed here: the body without what is given. An operand may well be of the opcode that the kernel is about. */
export function computedIn(fused: Fused): Instruction[] {
  return fused.body.filter((x) => fused.operandOf(x) === undefined);
}

/** Every element of the constant has the same bits. */
export function isSplat(x: Instruction<'constant'>): boolean {
  const { data } = x.attrs.literal;
  const first = data[0];
  return data.every((v: number | bigint) => Object.is(v, first));
}

/** The arguments of a kernel under construction. */
export class KernelArguments {
  readonly args: ArgRef[] = [];
  private readonly k: KernelBuilder;
  private readonly fused: Fused;
  private readonly byKey = new Map<string | Instruction, Buffer>();

  constructor(k: KernelBuilder, fused: Fused) {
    this.k = k;
    this.fused = fused;
  }

  private declareBuffer(key: string | Instruction, arg: ArgRef, make: () => Buffer): Buffer {
    let buffer = this.byKey.get(key);
    if (!buffer) {
      buffer = make();
      this.byKey.set(key, buffer);
      this.args.push(arg);
    }
    return buffer;
  }

  operand(index: number): Buffer {
    const x = this.fused.instruction.operands[index] as Instruction;
    if (x.shape.kind !== 'array') throw internal(`operand ${index} of ${this.fused.instruction.opcode} is a tuple`);
    const { dtype } = x.shape;
    return this.declareBuffer(`p${index}`, operandArg(index), () => this.k.buffer(`p${index}`, dtype, 'read'));
  }

  output(index: number, access: Buffer['access'] = 'write'): Buffer {
    const { dtype } = (this.fused.roots[index] as Instruction).shape as ArrayShape;
    return this.outputArray(index, dtype, access);
  }

  /** Array `index` of a result that is a tuple made by one instruction. */
  outputArray(index: number, dtype: ElementType, access: Buffer['access'] = 'write'): Buffer {
    return this.declareBuffer(`o${index}`, outputArg(index), () => this.k.buffer(`o${index}`, dtype, access));
  }

  scratch(index: number, dtype: ElementType, access: Buffer['access'] = 'readwrite'): Buffer {
    return this.declareBuffer(`s${index}`, scratchArg(index), () => this.k.buffer(`s${index}`, dtype, access));
  }

  constant(x: Instruction<'constant'>): Buffer {
    const { literal } = x.attrs;
    const data = constantArg(literalBytes(literal));
    return this.declareBuffer(x, data, () => this.k.buffer('table', literal.shape.dtype, 'read'));
  }

  /** Operands and tables as leaves of an elemental emitter. */
  readonly leaf: ElementalContext['leaf'] = (x): Leaf | undefined => {
    const operand = this.fused.operandOf(x);
    if (operand !== undefined) return { kind: 'buffer', buffer: this.operand(operand) };
    if (x.opcode === 'constant' && !isSplat(x)) return { kind: 'buffer', buffer: this.constant(x) };
    return undefined;
  };
}

/** Vector operations' worth of an opcode that is dearer than an addition. */
const weights: { readonly [opcode: string]: number } = {
  exp: 18,
  expm1: 22,
  log: 26,
  log1p: 30,
  tanh: 20,
  logistic: 20,
  erf: 24,
  sin: 30,
  cos: 30,
  tan: 34,
  atan2: 40,
  power: 100,
  cbrt: 30,
  divide: 4,
  sqrt: 4,
  rsqrt: 6,
  remainder: 20,
  parameter: 0,
  constant: 0,
  broadcast: 0,
  reshape: 0,
  transpose: 0,
  slice: 0,
  iota: 1,
  copy: 0,
  tuple: 0,
};

/** Long chains of dependent arithmetic, which gain from two vectors in flight. */
export function isHeavy(fused: Fused): boolean {
  return fused.body.some((x) => (weights[x.opcode] ?? 1) >= 15);
}

/** Operations and bytes of computing everything in a fusion once per element of its own shape. */
export function costOf(fused: Fused): Cost {
  let flops = 0;
  let bytes = 0;
  const size = (x: Instruction): number => (x.shape.kind === 'array' ? elementCount(x.shape.dims) : 0);
  const width = (x: Instruction): number => (x.shape.kind === 'array' ? elementBytes[x.shape.dtype] : 0);
  for (const x of fused.body) {
    flops += size(x) * (weights[x.opcode] ?? 1);
    if (fused.operandOf(x) !== undefined) bytes += size(x) * width(x);
  }
  for (const root of fused.roots) bytes += size(root) * width(root);
  return { flops, bytes };
}

/** Whether a kernel is worth a meeting of all threads (about 15 µs of one thread's work). */
export function isParallel(cost: Cost, target: Target): boolean {
  return target.maxThreads > 1 && isWorthThreads(cost);
}

/** The same, whatever the number of threads: plans that change results must not depend on it. */
export function isWorthThreads(cost: Cost): boolean {
  return cost.flops / 8 + cost.bytes / 8 > 15000;
}

/** A short name for kernels: the opcodes of the roots. */
export function kernelName(kind: string, fused: Fused): string {
  return `${kind}_${fused.roots
    .slice(0, 2)
    .map((r) => r.opcode.replaceAll('-', '_'))
    .join('_')}`;
}
