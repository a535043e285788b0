/** @file What the parts of the interpreter share: host values, the evaluator they call back, and the shape of a rule. */
import { internal } from './errors.ts';
import type { Literal } from './literal.ts';
import type { Computation, Instruction } from './module.ts';
import type { Opcode } from './opcodes.ts';

/** A value of any shape: an array, or a tuple of values. */
export type HostValue = Literal | readonly HostValue[];

/** A host function behind a custom-call target: operands and the call's config in, a value of its declared shape out. */
export type HostFunction = (operands: readonly HostValue[], config: string) => HostValue;

export type CustomCalls = ReadonlyMap<string, HostFunction>;

export interface Evaluator {
  readonly customCalls: CustomCalls;
  call(computation: Computation, args: readonly HostValue[]): HostValue;
}

/** Computes an instruction whose operands are arrays. */
export type ArrayRule<K extends Opcode> = (
  x: Instruction<K>,
  operands: readonly Literal[],
  evaluator: Evaluator,
) => HostValue;
export type ArrayRules<K extends Opcode> = { readonly [T in K]: ArrayRule<T> };

/** Computes an instruction whose operands may be tuples. */
export type ValueRule<K extends Opcode> = (
  x: Instruction<K>,
  operands: readonly HostValue[],
  evaluator: Evaluator,
) => HostValue;
export type ValueRules<K extends Opcode> = { readonly [T in K]: ValueRule<T> };

export function isLiteral(value: HostValue): value is Literal {
  return !Array.isArray(value);
}

export function asLiteral(value: HostValue | undefined): Literal {
  if (value !== undefined && isLiteral(value)) return value;
  throw internal('the interpreter met a tuple where an array belongs.');
}

/** Operand i; the verifier has counted them. */
export function operandAt(operands: readonly Literal[], i: number): Literal {
  const operand = operands[i];
  if (operand === undefined) throw internal(`the interpreter misses operand ${i}.`);
  return operand;
}
