/**
 * @file Element-wise opcodes as loop IR, one table entry each. Operands arrive bound (a local or a constant), widened to their compute
 * type, all with the same lanes; the tables answer for every opcode by construction.
 */
import type { Instruction } from '../../hlo/module.ts';
import type { BinaryOpcode, UnaryOpcode } from '../../hlo/opcodes.ts';
import { type ArrayShape, type ElementType, elementBytes, isFloat, isSigned } from '../../hlo/shape.ts';
import type { ElementwiseOpcode } from '../../hlo/traits.ts';
import { computeType, type Expr } from '../ir.ts';
import type { KernelBuilder } from '../kernelBuilder.ts';
import { divideIntegers, powerIntegers, remainderIntegers, shiftIntegers } from './integers.ts';
import { perLane } from './lanes.ts';
import { mathAtan2, mathPower, mathRemainder, mathUnary } from './math.ts';
import { brainBits, fromBrainBits, fromHalfBits, halfBits, roundNarrow, wrapNarrow } from './narrow.ts';

type UnaryRule = (k: KernelBuilder, x: Expr, dtype: ElementType) => Expr;
type BinaryRule = (k: KernelBuilder, a: Expr, b: Expr, dtype: ElementType) => Expr;

const isFloatExpr = (x: Expr): boolean => x.type.scalar === 'f32' || x.type.scalar === 'f64';

/** A constant like x. */
function like(k: KernelBuilder, x: Expr, value: number): Expr {
  return k.const(x.type.scalar, value, x.type.lanes);
}

function integerAbs(k: KernelBuilder, x: Expr, dtype: ElementType): Expr {
  if (!isSigned(dtype)) return x;
  return k.select(k.compare('LT', x, like(k, x, 0)), k.binary('subtract', like(k, x, 0), x), x);
}

function sign(k: KernelBuilder, x: Expr, dtype: ElementType): Expr {
  const zero = like(k, x, 0);
  const positive = k.compare('GT', x, zero);
  if (!isSigned(dtype)) return k.select(positive, like(k, x, 1), zero);
  // Zeros and NaN answer themselves.
  const other = k.select(k.compare('LT', x, zero), like(k, x, -1), x);
  return k.select(positive, like(k, x, 1), other);
}

function popcnt(k: KernelBuilder, x: Expr, dtype: ElementType): Expr {
  const bits = elementBytes[dtype] < 4 ? k.binary('and', x, like(k, x, elementBytes[dtype] === 1 ? 255 : 65535)) : x;
  return perLane(k, [bits], (v) => k.unary('popcnt', v));
}

export const unaryRules: { readonly [K in UnaryOpcode]: UnaryRule } = {
  abs: (k, x, t) => (isFloatExpr(x) ? k.unary('abs', x) : integerAbs(k, x, t)),
  negate: (k, x) => (isFloatExpr(x) ? k.unary('negate', x) : k.binary('subtract', like(k, x, 0), x)),
  sign,
  exp: (k, x) => mathUnary.exp(k, x),
  expm1: (k, x) => mathUnary.expm1(k, x),
  log: (k, x) => mathUnary.log(k, x),
  log1p: (k, x) => mathUnary.log1p(k, x),
  sqrt: (k, x) => k.unary('sqrt', x),
  rsqrt: (k, x) => k.binary('divide', like(k, x, 1), k.unary('sqrt', x)),
  cbrt: (k, x) => mathUnary.cbrt(k, x),
  sin: (k, x) => mathUnary.sin(k, x),
  cos: (k, x) => mathUnary.cos(k, x),
  tan: (k, x) => mathUnary.tan(k, x),
  tanh: (k, x) => mathUnary.tanh(k, x),
  logistic: (k, x) => mathUnary.logistic(k, x),
  erf: (k, x) => mathUnary.erf(k, x),
  floor: (k, x) => k.unary('floor', x),
  ceil: (k, x) => k.unary('ceil', x),
  'round-nearest-even': (k, x) => k.unary('nearest', x),
  not: (k, x) => k.unary('not', x),
  'is-finite': (k, x) => k.compare('LT', k.unary('abs', x), like(k, x, Infinity)),
  popcnt,
};

/**
 * Minimum or maximum. Floats answer NaN if either is NaN; beside a constant that is one comparison, written as
 * select(b < a, b, a) = pmin(a, b) and select(a < b, b, a) = pmax(a, b), which SIMD targets have as single instructions.
 */
function extremum(op: 'minimum' | 'maximum'): BinaryRule {
  return (k, x, y, dtype) => {
    if (dtype === 'pred') return k.binary(op === 'minimum' ? 'and' : 'or', x, y);
    const wide = x.type.scalar === 's64' || x.type.scalar === 'u64';
    const isNumber = (e: Expr): boolean => e.kind === 'const' && !Number.isNaN(Number(e.value));
    if (!wide && !(isFloatExpr(x) && (isNumber(x) || isNumber(y)))) return k.binary(op, x, y);
    const [a, b] = isNumber(x) ? [y, x] : [x, y];
    return k.select(op === 'minimum' ? k.compare('LT', b, a) : k.compare('LT', a, b), b, a);
  };
}

export const binaryRules: { readonly [K in BinaryOpcode]: BinaryRule } = {
  add: (k, a, b, t) => k.binary(t === 'pred' ? 'or' : 'add', a, b),
  subtract: (k, a, b, t) => k.binary(t === 'pred' ? 'xor' : 'subtract', a, b),
  multiply: (k, a, b, t) => k.binary(t === 'pred' ? 'and' : 'multiply', a, b),
  divide: (k, a, b) => (isFloatExpr(a) ? k.binary('divide', a, b) : divideIntegers(k, a, b)),
  remainder: (k, a, b) => (isFloatExpr(a) ? mathRemainder(k, a, b) : remainderIntegers(k, a, b)),
  power: (k, a, b, t) => (isFloatExpr(a) ? mathPower(k, a, b) : powerIntegers(k, t, a, b)),
  maximum: extremum('maximum'),
  minimum: extremum('minimum'),
  atan2: (k, a, b) => mathAtan2(k, a, b),
  and: (k, a, b) => k.binary('and', a, b),
  or: (k, a, b) => k.binary('or', a, b),
  xor: (k, a, b) => k.binary('xor', a, b),
  'shift-left': (k, a, b, t) => shiftIntegers(k, 'shift-left', t, [a, b]),
  'shift-right-arithmetic': (k, a, b, t) => shiftIntegers(k, 'shift-right-arithmetic', t, [a, b]),
  'shift-right-logical': (k, a, b, t) => shiftIntegers(k, 'shift-right-logical', t, [a, b]),
};

/** Numeric conversion from one element type to another. */
export function convertElement(k: KernelBuilder, x: Expr, from: ElementType, to: ElementType): Expr {
  if (from === to) return x;
  const target = computeType[to];
  if (to === 'pred') return k.compare('NE', x, like(k, x, 0));
  if (from === 'pred') return k.convert(target, x);
  if (isFloat(to)) return roundNarrow(k, to, k.convert(target, x));
  if (!isFloat(from)) return wrapNarrow(k, to, widthConvert(k, x, target));
  const bytes = elementBytes[to];
  if (bytes >= 4) return k.convert(target, x);
  // Float → small integer saturates to the small range.
  const bits = 8 * bytes;
  const [low, high] = to[0] === 's' ? [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1] : [0, 2 ** bits - 1];
  const whole = k.convert(target, x);
  const least = target === 'u32' ? whole : k.binary('maximum', whole, like(k, whole, low));
  return k.binary('minimum', least, like(k, whole, high));
}

function widthConvert(k: KernelBuilder, x: Expr, target: Expr['type']['scalar']): Expr {
  const wide = (t: string): boolean => t === 's64' || t === 'u64';
  return wide(x.type.scalar) === wide(target) ? k.bitcast(target, x) : k.convert(target, x);
}

/** The same bits as another element type of the same size. */
function bitcastElement(k: KernelBuilder, x: Expr, from: ElementType, to: ElementType): Expr {
  if (from === to) return x;
  const bytes = elementBytes[from];
  if (bytes >= 4) return k.bitcast(computeType[to], x);
  const patterns = bitPattern(k, x, from);
  if (to === 'f16') return fromHalfBits(k, patterns);
  if (to === 'bf16') return fromBrainBits(k, patterns);
  if (to === 'pred') return k.compare('NE', patterns, like(k, patterns, 0));
  return wrapNarrow(k, to, k.bitcast(computeType[to], patterns));
}

/** The low bits of a narrow value, zero-extended, as s32. */
function bitPattern(k: KernelBuilder, x: Expr, from: ElementType): Expr {
  if (from === 'f16') return halfBits(k, x);
  if (from === 'bf16') return brainBits(k, x);
  if (from === 'pred') return k.convert('s32', x);
  const bits = k.bitcast('s32', x);
  return k.let(k.binary('and', bits, like(k, bits, elementBytes[from] === 1 ? 255 : 65535)), 'bits');
}

function select(k: KernelBuilder, pred: Expr, a: Expr, b: Expr): Expr {
  if (a.type.scalar !== 'pred') return k.select(pred, a, b);
  return k.binary('or', k.binary('and', pred, a), k.binary('and', k.unary('not', pred), b));
}

function compare(k: KernelBuilder, x: Instruction<'compare'>, a: Expr, b: Expr): Expr {
  if (a.type.scalar !== 'pred') return k.compare(x.attrs.direction, a, b);
  // A mask's bits are no number: compare 0 and 1.
  return k.compare(x.attrs.direction, k.convert('s32', a), k.convert('s32', b));
}

const dtypeOf = (x: Instruction): ElementType => (x.shape as ArrayShape).dtype;

/** Value of an element-wise instruction from its operands' values. */
export function emitElementwise(k: KernelBuilder, x: Instruction<ElementwiseOpcode>, args: readonly Expr[]): Expr {
  const [a, b, c] = args as [Expr, Expr, Expr];
  const dtype = dtypeOf(x);
  const from = dtypeOf(x.operands[0] as Instruction);
  switch (x.opcode) {
    case 'copy':
      return a;
    case 'compare':
      return compare(k, x, a, b);
    case 'select':
      return select(k, a, b, c);
    case 'clamp':
      // min(max(low, x), high)
      return binaryRules.minimum(k, k.let(binaryRules.maximum(k, b, a, dtype), 't'), c, dtype);
    case 'convert':
      return convertElement(k, a, from, dtype);
    case 'bitcast-convert':
      return bitcastElement(k, a, from, dtype);
    default: {
      if (args.length === 1) return wrapNarrow(k, dtype, unaryRules[x.opcode as UnaryOpcode](k, a, from));
      return wrapNarrow(k, dtype, binaryRules[x.opcode as BinaryOpcode](k, a, b, dtype));
    }
  }
}
