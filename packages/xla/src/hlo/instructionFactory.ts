/**
 * @file Where instructions come from: one factory per computation under construction, all of a module sharing the id counter, the
 * metadata in force and the interned computations. A factory can take up an existing module, so a pass that changes nothing gets
 * back the very same objects.
 */
import { internal, invalidArgument } from './errors.ts';
import { computationsInOrder, postOrder } from './graph.ts';
import { inferShape } from './infer.ts';
import { computationKey, instructionKey } from './internKey.ts';
import type { Computation, Instruction, Metadata, Module } from './module.ts';
import type { OpAttrs, Opcode } from './opcodes.ts';
import { type Shape, sameShape, shapeText } from './shape.ts';

/** What the builders of one module share. */
export class ModuleState {
  nextId = 0;
  metadata: Metadata = {};
  readonly #computations = new Map<string, Computation>();
  readonly #names = new Set<string>();

  /** Starts after everything in `module`, whose computations are known already. */
  adopt(module: Module): void {
    for (const computation of computationsInOrder(module)) {
      for (const x of [...computation.parameters, ...postOrder(computation)])
        this.nextId = Math.max(this.nextId, x.id + 1);
      if (computation !== module.entry) this.intern(computation);
    }
  }

  /** The first computation made with this body. */
  intern(computation: Computation): Computation {
    const key = computationKey(computation);
    const known = this.#computations.get(key);
    if (known !== undefined) return known;
    this.#computations.set(key, computation);
    this.#names.add(computation.name);
    return computation;
  }

  /** `name`, or `base.2`, `base.3` … when taken; the base is the name without such a number. */
  uniqueName(name: string): string {
    if (!this.#names.has(name)) return name;
    const base = name.replace(/\.\d+$/, '');
    if (!this.#names.has(base)) return base;
    let n = 2;
    while (this.#names.has(`${base}.${n}`)) n++;
    return `${base}.${n}`;
  }
}

export interface NewInstruction<K extends Opcode> {
  readonly opcode: K;
  readonly operands: readonly Instruction[];
  readonly attrs: OpAttrs[K];
  /** Of `parameter` and `iota`. */
  readonly declared?: Shape;
  /** Default: what is in force. */
  readonly metadata?: Metadata;
}

/** Makes and interns the instructions of one computation. */
export class InstructionFactory {
  readonly state: ModuleState;
  readonly #interned = new Map<string, Instruction>();
  readonly #owned = new Set<Instruction>();
  readonly #parameters: Instruction<'parameter'>[] = [];

  constructor(state: ModuleState) {
    this.state = state;
  }

  /** Takes up the instructions of an existing computation. */
  adopt(computation: Computation): void {
    for (const p of computation.parameters) this.#keep(p, instructionKey(p));
    for (const x of postOrder(computation)) this.#keep(x, instructionKey(x));
  }

  owns(x: Instruction): boolean {
    return this.#owned.has(x);
  }

  make<K extends Opcode>(parts: NewInstruction<K>): Instruction {
    const { opcode, operands, attrs, declared, metadata = this.state.metadata } = parts;
    for (const [i, operand] of operands.entries()) this.#checkOwned(operand, `operand ${i} of ${opcode}`);
    const shape = inferShape({ opcode, operands: operands.map((x) => x.shape), attrs, declared, metadata });
    const x = { id: this.state.nextId, opcode, shape, operands, attrs, metadata } as Instruction;
    const key = instructionKey(x);
    const known = this.#interned.get(key);
    if (known !== undefined) return known;
    if (x.opcode === 'parameter') this.#checkParameter(x);
    this.state.nextId++;
    this.#keep(x, key);
    return x;
  }

  /** Ends the computation at `root`; parameters must be numbered without holes. */
  finish(name: string, root: Instruction): Computation {
    this.#checkOwned(root, `the root of computation "${name}"`);
    const count = this.#parameters.length;
    const parameters = Array.from({ length: count }, (_, i) => this.#parameters[i] ?? this.#missing(name, i));
    return { name, parameters, root };
  }

  #missing(name: string, index: number): never {
    throw invalidArgument(
      `computation "${name}" has a parameter ${this.#parameters.length - 1}, but none with index ${index}. Number them without holes.`,
    );
  }

  #keep(x: Instruction, key: string): void {
    this.#interned.set(key, x);
    this.#owned.add(x);
    if (x.opcode === 'parameter') this.#parameters[x.attrs.index] = x;
  }

  #checkOwned(x: Instruction, role: string): void {
    if (this.#owned.has(x)) return;
    throw invalidArgument(
      `${role} is ${x.opcode} ${shapeText(x.shape)} of another computation. Computations see nothing outside: pass it in as a parameter.`,
    );
  }

  #checkParameter(x: Instruction<'parameter'>): void {
    const before = this.#parameters[x.attrs.index];
    if (before === undefined) return;
    const same = sameShape(before.shape, x.shape)
      ? `names "${before.attrs.name}" and "${x.attrs.name}"`
      : `shapes ${shapeText(before.shape)} and ${shapeText(x.shape)}`;
    throw invalidArgument(`parameter ${x.attrs.index} was made twice, with ${same}.`);
  }
}

/** The result of a rewriting that must keep its shape. */
export function checkSameShape(before: Instruction, after: Instruction): Instruction {
  if (sameShape(before.shape, after.shape)) return after;
  throw internal(
    `${before.opcode} ${shapeText(before.shape)} was rewritten to ${after.opcode} ${shapeText(after.shape)}, of another shape.`,
  );
}
