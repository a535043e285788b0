/**
 * @file Instructions, computations and modules. A computation is a DAG hanging from its root; instructions are immutable and
 * interned by the builder that made them (same opcode, operands, attributes → same object), so structural equality is `===`
 * inside one module and common subexpressions vanish by construction.
 */
import type { OpAttrs, Opcode } from './opcodes.ts';
import type { Shape } from './shape.ts';

/** Where an instruction came from: the TF node, for errors, profiles and dumps. Not part of identity. */
export interface Metadata {
  readonly opName?: string;
  readonly opType?: string;
}

interface InstructionOf<K extends Opcode> {
  /** Unique in its module, growing in creation order: a topological order. */
  readonly id: number;
  readonly opcode: K;
  readonly shape: Shape;
  readonly operands: readonly Instruction[];
  readonly attrs: OpAttrs[K];
  readonly metadata: Metadata;
}

/** An instruction; narrow by `opcode` to get its attributes typed. */
export type Instruction<K extends Opcode = Opcode> = { readonly [T in K]: InstructionOf<T> }[K];

export interface Computation {
  readonly name: string;
  /** In index order; a parameter may be unused. */
  readonly parameters: readonly Instruction<'parameter'>[];
  readonly root: Instruction;
}

/** Entry result `output` (index into the root tuple) may be written over entry parameter `parameter`, whose buffer it then shares. */
export interface InputOutputAlias {
  readonly output: number;
  readonly parameter: number;
}

export interface Module {
  readonly name: string;
  /** Its root is always a tuple; its elements are arrays. */
  readonly entry: Computation;
  readonly aliases: readonly InputOutputAlias[];
}
