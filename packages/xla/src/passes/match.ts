/** @file Questions that rules ask about values: constants, repeated scalars, permutations. */

import { dimsOf } from '../hlo/graph.ts';
import { elementAt } from '../hlo/literals.ts';
import type { Computation, Instruction } from '../hlo/module.ts';
import type { BinaryOpcode } from '../hlo/opcodes.ts';
import { elementCount } from '../hlo/shape.ts';
import { isBinary } from '../hlo/traits.ts';

/** The one value of all elements of a constant or broadcast constant. */
export function splatOf(x: Instruction): number | bigint | undefined {
  if (x.opcode === 'broadcast') return splatOf(x.operands[0] as Instruction);
  if (x.opcode === 'reshape') return splatOf(x.operands[0] as Instruction);
  if (x.opcode !== 'constant') return undefined;
  const { literal } = x.attrs;
  const first = literal.data[0];
  if (first === undefined) return undefined;
  if (literal.data.length > 1 && !literal.data.every((v: number | bigint) => Object.is(v, first))) return undefined;
  return elementAt(literal, 0);
}

/** All elements are `value` (0 also matches −0). */
export function isAll(x: Instruction | undefined, value: number): boolean {
  const v = x && splatOf(x);
  return v !== undefined && Number(v) === value;
}

/** `x` broadcasts a scalar: that scalar. */
export function broadcastScalar(x: Instruction | undefined): Instruction | undefined {
  if (x?.opcode !== 'broadcast') return undefined;
  const operand = x.operands[0] as Instruction;
  return dimsOf(operand).length === 0 ? operand : undefined;
}

export function isIdentityPermutation(permutation: readonly number[]): boolean {
  return permutation.every((p, i) => p === i);
}

/** The binary opcode a scalar computation is, with its two parameters as operands in either order. */
export function binaryOf({ root, parameters }: Computation): BinaryOpcode | undefined {
  if (parameters.length !== 2 || !isBinary(root.opcode)) return undefined;
  const [a, b] = root.operands;
  const both = new Set([a, b]);
  return both.size === 2 && parameters.every((p) => both.has(p)) ? root.opcode : undefined;
}

export function sizeOf(x: Instruction): number {
  return elementCount(dimsOf(x));
}

/** Dims other than 1, with their places. */
export function largeDims(dims: readonly number[]): number[] {
  return dims.flatMap((d, i) => (d === 1 ? [] : [i]));
}
