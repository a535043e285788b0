/**
 * @file What surrounds a dot or convolution in its fusion: where its operands come from, and the element-wise work on its result,
 * computed while the sums are still in registers.
 */
import { internal } from '../../hlo/errors.ts';
import type { Instruction } from '../../hlo/module.ts';
import { type ArrayShape, sameDims } from '../../hlo/shape.ts';
import { ElementalEmitter, type Leaf, vectorLanes } from '../elemental/elemental.ts';
import { wrapNarrow } from '../elemental/narrow.ts';
import { type Buffer, computeType, type Expr } from '../ir.ts';
import type { KernelBuilder } from '../kernelBuilder.ts';
import { type ArgRef, constantArg, operandArg, outputArg } from '../schedule.ts';
import type { Target } from '../target.ts';
import { type StridedOperand, stridedOperand } from './operand.ts';
import { split } from './problem.ts';
import type { Point, StoreResult } from './tile.ts';

/** A dot or convolution with its surroundings. */
export interface Site<K extends 'dot' | 'convolution'> {
  readonly center: Instruction<K>;
  readonly lhs: StridedOperand;
  readonly rhs: StridedOperand;
  /** Results, one per output array; [center] when nothing follows. */
  readonly roots: readonly Instruction[];
  /** Operand number of a source instruction. */
  readonly operandOf: (source: Instruction) => number;
}

/** Takes `instruction` (the plain opcode, or a fusion around it) apart. */
export function findSite<K extends 'dot' | 'convolution'>(instruction: Instruction, opcode: K): Site<K> {
  if (instruction.opcode === opcode) {
    const center = instruction as Instruction<K>;
    const isOperand = (x: Instruction): boolean => center.operands.includes(x);
    const at = (i: number): StridedOperand =>
      stridedOperand(center.operands[i] as Instruction, isOperand) as StridedOperand;
    return { center, lhs: at(0), rhs: at(1), roots: [instruction], operandOf: (x) => center.operands.indexOf(x) };
  }
  if (instruction.opcode !== 'fusion') throw internal(`${instruction.opcode} has no ${opcode} in it`);
  const { computation } = instruction.attrs;
  const { root } = computation;
  const center = findCenter(root, opcode);
  const isParameter = (x: Instruction): boolean => x.opcode === 'parameter';
  const side = (i: number): StridedOperand => {
    const found = stridedOperand(center.operands[i] as Instruction, isParameter);
    if (!found)
      throw internal(`operand ${i} of the fused ${opcode} is not a strided view of a parameter; do not fuse it`);
    return found;
  };
  return {
    center,
    lhs: side(0),
    rhs: side(1),
    roots: root.opcode === 'tuple' ? root.operands : [root],
    operandOf: (x) => (x as Instruction<'parameter'>).attrs.index,
  };
}

function findCenter<K extends 'dot' | 'convolution'>(root: Instruction, opcode: K): Instruction<K> {
  const seen = new Set<Instruction>();
  const visit = (x: Instruction): Instruction | undefined => {
    if (seen.has(x)) return undefined;
    seen.add(x);
    if (x.opcode === opcode) return x;
    for (const o of x.operands) {
      const found = visit(o);
      if (found) return found;
    }
    return undefined;
  };
  const found = visit(root);
  if (!found) throw internal(`fusion of kind ${opcode} contains no ${opcode}`);
  return found as Instruction<K>;
}

export function isPlain(site: Site<'dot' | 'convolution'>): boolean {
  return site.roots.length === 1 && site.roots[0] === site.center;
}

/** Leaves of the element-wise part: parameters and constants it reads, in order of first use. */
function epilogueLeaves(site: Site<'dot' | 'convolution'>): Instruction[] {
  const leaves = new Set<Instruction>();
  const seen = new Set<Instruction>([site.center]);
  const visit = (x: Instruction): void => {
    if (seen.has(x)) return;
    seen.add(x);
    if (x.opcode === 'parameter' || (x.opcode === 'constant' && !isSplat(x))) leaves.add(x);
    else x.operands.forEach(visit);
  };
  site.roots.forEach(visit);
  return [...leaves];
}

/** Opcodes that take one or two instructions; others expand into dozens. */
const light: ReadonlySet<string> = new Set([
  ...['add', 'subtract', 'multiply', 'divide', 'maximum', 'minimum', 'negate', 'abs', 'sqrt', 'and', 'or', 'not'],
  ...['select', 'compare', 'copy'],
]);
const free: ReadonlySet<string> = new Set(['parameter', 'constant', 'broadcast', 'reshape']);

function epilogueWeight(site: Site<'dot' | 'convolution'>): number {
  const seen = new Set<Instruction>([site.center]);
  const visit = (x: Instruction): number => {
    if (seen.has(x)) return 0;
    seen.add(x);
    const own = free.has(x.opcode) ? 0 : light.has(x.opcode) ? 1 : 20;
    return x.operands.reduce((sum, o) => sum + visit(o), own);
  };
  return site.roots.reduce((sum, r) => sum + visit(r), 0);
}

function isSplat(x: Instruction<'constant'>): boolean {
  const { data } = x.attrs.literal;
  const first = data[0];
  return data.length === 1 || (first !== undefined && data.every((v: number | bigint) => Object.is(v, first)));
}

/** Declares the buffers of outputs and epilogue operands and answers how results are finished. */
export class Epilogue {
  readonly args: ArgRef[] = [];
  readonly outputs: readonly Buffer[];
  /** About how many instructions finishing one vector takes. */
  readonly weight: number;
  private readonly k: KernelBuilder;
  private readonly site: Site<'dot' | 'convolution'>;
  private readonly buffers = new Map<Instruction, Buffer>();
  /** Most lanes that results can be finished with. */
  readonly lanes: number;

  constructor(k: KernelBuilder, site: Site<'dot' | 'convolution'>, target: Target) {
    this.k = k;
    this.site = site;
    this.lanes = isPlain(site) ? Number.POSITIVE_INFINITY : Math.min(...site.roots.map((r) => vectorLanes(r, target)));
    this.weight = epilogueWeight(site);
    for (const x of epilogueLeaves(site)) {
      this.buffers.set(x, k.buffer(x.opcode === 'parameter' ? x.attrs.name || 'operand' : 'table', dtypeOf(x), 'read'));
      this.args.push(x.opcode === 'constant' ? constantArg(bytesOf(x)) : operandArg(site.operandOf(x)));
    }
    this.outputs = site.roots.map((r, i) => {
      this.args.push(outputArg(i));
      return k.buffer(`out${i}`, dtypeOf(r), 'readwrite');
    });
  }

  /** `indexOf` gives the index in each dimension of the result. */
  storer(indexOf: (at: Point) => readonly Expr[]): StoreResult {
    return (at, value) => {
      if (isPlain(this.site)) {
        this.k.store(this.outputs[0] as Buffer, at.offset, value);
        return;
      }
      if (at.lanes > this.lanes) {
        for (let l = 0; l < at.lanes; l++) {
          const move = (x: Expr): Expr => this.k.add(x, l);
          this.results(
            { ...at, col: move(at.col), offset: move(at.offset), lanes: 1 },
            this.k.extract(value, l),
            indexOf,
          );
        }
        return;
      }
      this.results(at, value, indexOf);
    };
  }

  private results(at: Point, value: Expr, indexOf: (at: Point) => readonly Expr[]): void {
    const { k, site } = this;
    const { dims, dtype } = site.center.shape as ArrayShape;
    const sum = k.let(wrapNarrow(k, dtype, k.convert(computeType[dtype], value)), 'result');
    const leaf = (x: Instruction): Leaf | undefined => {
      if (x === site.center) return { kind: 'value', at: () => sum };
      const buffer = this.buffers.get(x);
      if (!buffer) return undefined;
      if (sameDims((x.shape as ArrayShape).dims, dims)) {
        return { kind: 'value', at: (_, lanes) => k.load(buffer, at.offset, lanes) };
      }
      return { kind: 'buffer', buffer };
    };
    const emitter = new ElementalEmitter({ k, leaf });
    const index = indexOf(at);
    const values = site.roots.map((r) => {
      const own = (r.shape as ArrayShape).dims;
      return emitter.emit(r, sameDims(own, dims) ? index : split(k, at.offset, own), at.lanes);
    });
    values.forEach((v, i) => {
      k.store(this.outputs[i] as Buffer, at.offset, v);
    });
  }
}

function dtypeOf(x: Instruction): ArrayShape['dtype'] {
  return (x.shape as ArrayShape).dtype;
}

function bytesOf(x: Instruction<'constant'>): Uint8Array {
  const { data } = x.attrs.literal;
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}
