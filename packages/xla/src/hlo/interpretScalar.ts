/**
 * @file What every elementwise opcode means for one element: the normative definition. Elements are numbers (floats and integers up
 * to 32 bits; 16-bit floats decoded) or bigints (64-bit integers). Floats compute in double and round once to their type.
 */
import { internal } from './errors.ts';
import { fromBf16Bits, fromF16Bits, toBf16Bits, toF16Bits } from './float16.ts';
import { erf, powerC, roundNearestEven } from './interpretMath.ts';
import type { BinaryOpcode, CompareDirection, UnaryOpcode } from './opcodes.ts';
import { type ElementType, elementBytes, isFloat, isSigned } from './shape.ts';

export type Element = number | bigint;
export type UnaryFunction = (a: Element) => Element;
export type BinaryFunction = (a: Element, b: Element) => Element;

const bitWidth = (dtype: ElementType): number => (dtype === 'pred' ? 1 : elementBytes[dtype] * 8);

/** Whether elements of this type are bigints. */
export function isBig(dtype: ElementType): boolean {
  return dtype === 's64' || dtype === 'u64';
}

const floatRounding = {
  f64: (a: number) => a,
  f32: Math.fround,
  f16: (a: number) => fromF16Bits(toF16Bits(a)),
  bf16: (a: number) => fromBf16Bits(toBf16Bits(a)),
};

/** Rounds a double to the nearest value of a float type. */
export function rounding(dtype: ElementType): (a: number) => number {
  if (dtype === 'f64' || dtype === 'f32' || dtype === 'f16' || dtype === 'bf16') return floatRounding[dtype];
  throw internal(`rounding to ${dtype}, which is not a float type.`);
}

/** Reduces any integer to `dtype` modulo 2^width, as an element. */
export function wrapping(dtype: ElementType): (a: bigint) => Element {
  const width = bitWidth(dtype);
  const wrap = isSigned(dtype) ? (a: bigint) => BigInt.asIntN(width, a) : (a: bigint) => BigInt.asUintN(width, a);
  return isBig(dtype) ? wrap : (a) => Number(wrap(a));
}

type BitOpcode = 'and' | 'or' | 'xor' | 'shift-left' | 'shift-right-arithmetic' | 'shift-right-logical';

const floatBinary: { readonly [K in Exclude<BinaryOpcode, BitOpcode>]: (a: number, b: number) => number } = {
  add: (a, b) => a + b,
  subtract: (a, b) => a - b,
  multiply: (a, b) => a * b,
  divide: (a, b) => a / b,
  remainder: (a, b) => a % b, // sign of the dividend, as C's fmod
  power: powerC,
  maximum: Math.max, // NaN wins; −0 < 0
  minimum: Math.min,
  atan2: Math.atan2,
};

type IntegerBinary = (a: bigint, b: bigint, width: number) => bigint;

const integerBinary: { readonly [K in Exclude<BinaryOpcode, 'atan2'>]: IntegerBinary } = {
  add: (a, b) => a + b,
  subtract: (a, b) => a - b,
  multiply: (a, b) => a * b,
  divide: (a, b) => (b === 0n ? -1n : a / b), // x / 0 has all bits set; least / −1 wraps to least
  remainder: (a, b) => (b === 0n ? a : a % b),
  power: integerPower,
  maximum: larger,
  minimum: (a, b) => (larger(a, b) === a ? b : a),
  and: (a, b) => a & b,
  or: (a, b) => a | b,
  xor: (a, b) => a ^ b,
  'shift-left': (a, b, width) => (shiftAmount(b, width) >= width ? 0n : a << BigInt(shiftAmount(b, width))),
  'shift-right-arithmetic': (a, b, width) =>
    BigInt.asIntN(width, a) >> BigInt(Math.min(shiftAmount(b, width), width - 1)),
  'shift-right-logical': (a, b, width) => BigInt.asUintN(width, a) >> BigInt(shiftAmount(b, width)),
};

function larger(a: bigint, b: bigint): bigint {
  if (a > b) return a;
  return b;
}

/** Amounts are read as unsigned: a negative one shifts everything out. */
function shiftAmount(b: bigint, width: number): number {
  const amount = BigInt.asUintN(width, b);
  return amount >= BigInt(width) ? width : Number(amount);
}

/** a^b modulo 2^width; a negative b gives the truncated quotient 1 / a^|b|, and 0 for a = 0. */
function integerPower(a: bigint, b: bigint, width: number): bigint {
  if (b < 0n) {
    if (a === 1n || (a === -1n && b % 2n === 0n)) return 1n;
    return a === -1n ? -1n : 0n;
  }
  let result = 1n;
  let factor = a;
  for (let e = b; e > 0n; e >>= 1n) {
    if (e & 1n) result = BigInt.asIntN(width, result * factor);
    factor = BigInt.asIntN(width, factor * factor);
  }
  return result;
}

/** The same results as `integerBinary` for types up to 32 bits, without the cost of bigints. */
const fastInteger: { readonly [K in BinaryOpcode]?: (a: number, b: number) => number } = {
  add: (a, b) => a + b,
  subtract: (a, b) => a - b,
  multiply: Math.imul,
  maximum: Math.max,
  minimum: Math.min,
  and: (a, b) => a & b,
  or: (a, b) => a | b,
  xor: (a, b) => a ^ b,
};

/** Reduces a whole number below 2^53 to an integer type of at most 32 bits. */
const fastWrap: { readonly [T in ElementType]?: (a: number) => number } = {
  pred: (a) => a & 1,
  s8: (a) => (a << 24) >> 24,
  s16: (a) => (a << 16) >> 16,
  s32: (a) => a | 0,
  u8: (a) => a & 255,
  u16: (a) => a & 65535,
  u32: (a) => a >>> 0,
};

/** What `opcode` computes for elements of `dtype`; the result is a value of `dtype`. */
export function binaryFunction(opcode: BinaryOpcode, dtype: ElementType): BinaryFunction {
  if (isFloat(dtype)) {
    if (!Object.hasOwn(floatBinary, opcode)) throw internal(`${opcode} of ${dtype}.`);
    const f = floatBinary[opcode as keyof typeof floatBinary];
    const round = rounding(dtype);
    return (a, b) => round(f(a as number, b as number));
  }
  const fast = fastInteger[opcode];
  const wrapNumber = fastWrap[dtype];
  if (fast !== undefined && wrapNumber !== undefined) return (a, b) => wrapNumber(fast(a as number, b as number));
  if (opcode === 'atan2') throw internal(`atan2 of ${dtype}.`);
  const f = integerBinary[opcode];
  const [wrap, width] = [wrapping(dtype), bitWidth(dtype)];
  return (a, b) => wrap(f(BigInt(a), BigInt(b), width));
}

type IntegerUnaryOpcode = 'abs' | 'negate' | 'sign' | 'not' | 'popcnt';

const floatUnary: { readonly [K in Exclude<UnaryOpcode, 'not' | 'popcnt' | 'is-finite'>]: (a: number) => number } = {
  abs: Math.abs,
  negate: (a) => -a,
  sign: Math.sign, // keeps NaN and ±0
  exp: Math.exp,
  expm1: Math.expm1,
  log: Math.log,
  log1p: Math.log1p,
  sqrt: Math.sqrt,
  rsqrt: (a) => 1 / Math.sqrt(a),
  cbrt: Math.cbrt,
  sin: Math.sin,
  cos: Math.cos,
  tan: Math.tan,
  tanh: Math.tanh,
  logistic: (a) => 1 / (1 + Math.exp(-a)),
  erf,
  floor: Math.floor,
  ceil: Math.ceil,
  'round-nearest-even': roundNearestEven,
};

const integerUnary: { readonly [K in IntegerUnaryOpcode]: (a: bigint, width: number) => bigint } = {
  abs: (a) => (a < 0n ? -a : a), // |least| wraps to least
  negate: (a) => -a,
  sign: (a) => (a > 0n ? 1n : a < 0n ? -1n : 0n),
  not: (a) => ~a,
  popcnt: (a, width) => {
    let count = 0n;
    for (let bits = BigInt.asUintN(width, a); bits > 0n; bits >>= 1n) count += bits & 1n;
    return count;
  },
};

/** What `opcode` computes for an element of `dtype`. */
export function unaryFunction(opcode: UnaryOpcode, dtype: ElementType): UnaryFunction {
  if (opcode === 'is-finite') return (a) => Number(Number.isFinite(a));
  if (isFloat(dtype)) {
    if (!Object.hasOwn(floatUnary, opcode)) throw internal(`${opcode} of ${dtype}.`);
    const f = floatUnary[opcode as keyof typeof floatUnary];
    const round = rounding(dtype);
    return (a) => round(f(a as number));
  }
  if (!Object.hasOwn(integerUnary, opcode)) throw internal(`${opcode} of ${dtype}.`);
  const f = integerUnary[opcode as IntegerUnaryOpcode];
  const [wrap, width] = [wrapping(dtype), bitWidth(dtype)];
  return (a) => wrap(f(BigInt(a), width));
}

const comparisons: { readonly [K in CompareDirection]: (a: Element, b: Element) => boolean } = {
  EQ: (a, b) => a === b,
  NE: (a, b) => a !== b, // the only one that is true of NaN
  LT: (a, b) => a < b,
  LE: (a, b) => a <= b,
  GT: (a, b) => a > b,
  GE: (a, b) => a >= b,
};

/** 1 when the comparison holds, else 0. */
export function compareFunction(direction: CompareDirection): BinaryFunction {
  const holds = comparisons[direction];
  return (a, b) => (holds(a, b) ? 1 : 0);
}

/**
 * Value conversion. Integers wrap; floats to integers truncate and saturate, NaN gives 0; to pred: whether not equal to 0;
 * to floats: rounded once, to nearest even.
 */
export function convertFunction(from: ElementType, to: ElementType): UnaryFunction {
  if (to === 'pred') return (a) => (Number(a) === 0 ? 0 : 1);
  if (isFloat(to)) {
    const round = rounding(to);
    if (isBig(from)) return (a) => (to === 'f64' ? Number(a) : round(roundToOdd(a as bigint)));
    return (a) => round(a as number);
  }
  if (isFloat(from)) return saturate(to);
  const wrap = wrapping(to);
  return (a) => wrap(BigInt(a));
}

function saturate(to: ElementType): UnaryFunction {
  const width = BigInt(bitWidth(to));
  const [least, most] = isSigned(to) ? [-(1n << (width - 1n)), (1n << (width - 1n)) - 1n] : [0n, (1n << width) - 1n];
  const wrap = wrapping(to);
  return (a) => {
    const x = a as number;
    if (Number.isNaN(x)) return wrap(0n);
    if (x <= Number(least)) return wrap(least);
    if (x >= Number(most)) return wrap(most);
    return wrap(BigInt(Math.trunc(x)));
  };
}

/** A double that rounds to every narrower float just as `a` does: excess bits are folded into the last one. */
function roundToOdd(a: bigint): number {
  const magnitude = a < 0n ? -a : a;
  const excess = magnitude.toString(2).length - 53;
  if (excess <= 0) return Number(a);
  const shift = BigInt(excess);
  const kept = magnitude >> shift;
  const odd = kept << shift === magnitude ? kept : kept | 1n;
  const rounded = Number(odd) * 2 ** excess;
  return a < 0n ? -rounded : rounded;
}
