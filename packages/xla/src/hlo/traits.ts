/** @file Facts about opcodes that passes ask for, as tables: no pass names an opcode to learn what it may do with it. */
import type { Instruction } from './module.ts';
import type { BinaryOpcode, Opcode, UnaryOpcode } from './opcodes.ts';
import { type ElementType, isFloat } from './shape.ts';

export type ElementwiseOpcode =
  | UnaryOpcode
  | BinaryOpcode
  | 'compare'
  | 'select'
  | 'clamp'
  | 'convert'
  | 'bitcast-convert'
  | 'copy';

/** The kinds of element a unary opcode takes. */
export type ElementClass = 'number' | 'float' | 'bits' | 'integer' | 'ordered';

export interface UnaryTraits {
  readonly takes: ElementClass;
  /** Result type when it is not the operand's. */
  readonly result?: ElementType;
}

export const unaryTraits: { readonly [K in UnaryOpcode]: UnaryTraits } = {
  abs: { takes: 'number' },
  negate: { takes: 'number' },
  sign: { takes: 'number' },
  exp: { takes: 'float' },
  expm1: { takes: 'float' },
  log: { takes: 'float' },
  log1p: { takes: 'float' },
  sqrt: { takes: 'float' },
  rsqrt: { takes: 'float' },
  cbrt: { takes: 'float' },
  sin: { takes: 'float' },
  cos: { takes: 'float' },
  tan: { takes: 'float' },
  tanh: { takes: 'float' },
  logistic: { takes: 'float' },
  erf: { takes: 'float' },
  floor: { takes: 'float' },
  ceil: { takes: 'float' },
  'round-nearest-even': { takes: 'float' },
  not: { takes: 'bits' },
  'is-finite': { takes: 'float', result: 'pred' },
  popcnt: { takes: 'integer' },
};

export interface BinaryTraits {
  readonly takes: ElementClass;
  readonly commutative: boolean;
  /** Exactly for integers and pred; for floats only up to rounding (add, multiply). */
  readonly associative: boolean;
}

const plain = { commutative: false, associative: false } as const;
const monoid = { commutative: true, associative: true } as const;

export const binaryTraits: { readonly [K in BinaryOpcode]: BinaryTraits } = {
  add: { takes: 'number', ...monoid },
  subtract: { takes: 'number', ...plain },
  multiply: { takes: 'number', ...monoid },
  divide: { takes: 'number', ...plain },
  remainder: { takes: 'number', ...plain },
  power: { takes: 'number', ...plain },
  maximum: { takes: 'ordered', ...monoid },
  minimum: { takes: 'ordered', ...monoid },
  atan2: { takes: 'float', ...plain },
  and: { takes: 'bits', ...monoid },
  or: { takes: 'bits', ...monoid },
  xor: { takes: 'bits', ...monoid },
  'shift-left': { takes: 'integer', ...plain },
  'shift-right-arithmetic': { takes: 'integer', ...plain },
  'shift-right-logical': { takes: 'integer', ...plain },
};

/** Whether elements of `dtype` belong to a class: number = integer or float, bits = integer or pred, ordered = anything. */
export function isOfClass(dtype: ElementType, elements: ElementClass): boolean {
  switch (elements) {
    case 'ordered':
      return true;
    case 'number':
      return dtype !== 'pred';
    case 'float':
      return isFloat(dtype);
    case 'integer':
      return dtype !== 'pred' && !isFloat(dtype);
    case 'bits':
      return !isFloat(dtype);
    default:
      return elements satisfies never;
  }
}

export function isUnary(opcode: Opcode): opcode is UnaryOpcode {
  return Object.hasOwn(unaryTraits, opcode);
}

export function isBinary(opcode: Opcode): opcode is BinaryOpcode {
  return Object.hasOwn(binaryTraits, opcode);
}

const otherElementwise: ReadonlySet<string> = new Set([
  'compare',
  'select',
  'clamp',
  'convert',
  'bitcast-convert',
  'copy',
]);

/** Result element i depends only on elements i of the operands (or on scalar operands of select and clamp). */
export function isElementwise(opcode: Opcode): opcode is ElementwiseOpcode {
  return isUnary(opcode) || isBinary(opcode) || otherElementwise.has(opcode);
}

export function isCommutative(opcode: Opcode): boolean {
  return isBinary(opcode) && binaryTraits[opcode].commutative;
}

export function isAssociative(opcode: Opcode): boolean {
  return isBinary(opcode) && binaryTraits[opcode].associative;
}

/** Must neither vanish, nor merge with an equal one, nor move between loops. */
export function hasSideEffect(x: Instruction): boolean {
  return x.opcode === 'all-reduce' || (x.opcode === 'custom-call' && x.attrs.hasSideEffect);
}

const integerRange: { readonly [T in ElementType]?: readonly [bigint, bigint] } = {
  pred: [0n, 1n],
  s8: [-128n, 127n],
  s16: [-32768n, 32767n],
  s32: [-2147483648n, 2147483647n],
  s64: [-(1n << 63n), (1n << 63n) - 1n],
  u8: [0n, 255n],
  u16: [0n, 65535n],
  u32: [0n, 4294967295n],
  u64: [0n, (1n << 64n) - 1n],
};

/** Smallest and largest value of an integer type (pred: 0 and 1); nothing for floats. */
export function integerLimits(dtype: ElementType): readonly [bigint, bigint] | undefined {
  return integerRange[dtype];
}

/** The e with op(e, x) = x for every x of `dtype`, or nothing. Floats: −Infinity for maximum, −0 for add. */
export function identityOf(opcode: BinaryOpcode, dtype: ElementType): number | bigint | undefined {
  const range = integerRange[dtype];
  switch (opcode) {
    case 'add':
      return range ? 0n : -0;
    case 'or':
    case 'xor':
      return range ? 0n : undefined;
    case 'multiply':
      return range ? 1n : 1;
    case 'and':
      return range ? (dtype === 'pred' || dtype[0] === 'u' ? range[1] : -1n) : undefined;
    case 'maximum':
      return range ? range[0] : -Infinity;
    case 'minimum':
      return range ? range[1] : Infinity;
    default:
      return undefined;
  }
}

/** A table with one rule for each key of a trait table. */
export function rulesFor<K extends string, T, R>(
  table: { readonly [P in K]: T },
  rule: (traits: T) => R,
): { readonly [P in K]: R } {
  const entries = Object.entries<T>(table).map(([opcode, traits]) => [opcode, rule(traits)]);
  return Object.fromEntries(entries);
}
