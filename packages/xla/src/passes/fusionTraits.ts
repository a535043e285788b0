/** @file What the fusion pass asks about instructions: which kinds of kernel they make, what it costs to compute them twice. */
import { dimsOf } from '../hlo/graph.ts';
import type { Instruction } from '../hlo/module.ts';
import type { FusionKind, Opcode } from '../hlo/opcodes.ts';
import { isElementwise } from '../hlo/traits.ts';
import { sizeOf, splatOf } from './match.ts';

/** Part an instruction can play in a fusion. */
export type Role =
  /** Computed at an index of the result: may be inside any kernel. */
  | 'loop'
  /** Made anew in every kernel that reads it, as it costs nothing: constants, iota, broadcasts. */
  | 'inline'
  /** The centre of a fusion of this kind. */
  | Exclude<FusionKind, 'loop' | 'scatter'>
  /** A kernel of its own, or none. */
  | 'alone';

const movesIndex: ReadonlySet<Opcode> = new Set<Opcode>([
  'reshape',
  'slice',
  'pad',
  'concatenate',
  'reverse',
  'dynamic-slice',
]);

/** Opcodes of many machine instructions. */
const expensive: ReadonlySet<Opcode> = new Set<Opcode>([
  'exp',
  'expm1',
  'log',
  'log1p',
  'cbrt',
  'sin',
  'cos',
  'tan',
  'tanh',
  'logistic',
  'erf',
  'power',
  'atan2',
  'remainder',
]);

export function isExpensive(x: Instruction): boolean {
  return expensive.has(x.opcode);
}

export function roleOf(x: Instruction): Role {
  if (x.shape.kind === 'tuple') return 'alone';
  switch (x.opcode) {
    case 'constant':
      return splatOf(x) === undefined ? 'alone' : 'inline';
    case 'iota':
    case 'broadcast':
      return 'inline';
    case 'dot':
    case 'convolution':
    case 'reduce':
      return x.opcode;
    case 'reduce-window':
    case 'select-and-scatter':
      return 'window';
    case 'transpose': {
      // A transposition that leaves rows whole is an index; others have a schedule of their own, by tiles.
      const { permutation } = x.attrs;
      return permutation[permutation.length - 1] === permutation.length - 1 ? 'loop' : 'alone';
    }
    default:
      return movesIndex.has(x.opcode) || isElementwise(x.opcode) ? 'loop' : 'alone';
  }
}

/** The operand of a reshape is its memory: no kernel unless it is in the middle of one. */
export function isFree(x: Instruction): boolean {
  return x.opcode === 'reshape' || x.opcode === 'copy' || x.opcode === 'bitcast-convert';
}

/** One cheap operation on one array: as well made twice as stored and read twice. */
export function isCheapUnary(x: Instruction): boolean {
  if (!isElementwise(x.opcode) || isExpensive(x)) return false;
  const arrays = new Set(x.operands.filter((o) => roleOf(o) !== 'inline' || broadcastsArray(o)));
  return arrays.size <= 1;
}

function broadcastsArray(x: Instruction): boolean {
  return x.opcode === 'broadcast' && sizeOf(x.operands[0] as Instruction) > 1;
}

/**
 * How often an element of `x` is computed when it is fused into its reader `user`: 1 but for broadcasts (which repeat) and windows.
 * A broadcast that repeats whole rows (its operand dims come first) computes once per row.
 */
export function repetitions(x: Instruction, user: Instruction): number {
  if (user.opcode !== 'broadcast') return 1;
  const size = sizeOf(x);
  if (size <= 1) return 1;
  const { dimensions } = user.attrs;
  const perRow = dimensions.every((d, i) => d === i) && dimsOf(user).length > dimensions.length;
  return perRow ? 1 : sizeOf(user) / size;
}
