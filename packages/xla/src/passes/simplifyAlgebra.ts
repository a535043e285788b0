/**
 * @file Algebra on values: neutral elements, double operations, work on repeated scalars moved to the scalar. Float rules keep every bit
 * but the sign of zero (x + 0 → x); nothing here reassociates floats. Needs nothing before; promises nothing grows.
 */
import type { HloBuilder } from '../hlo/builder.ts';
import type { Value } from '../hlo/builderApi.ts';
import { dimsOf, dtypeOf } from '../hlo/graph.ts';
import type { Instruction } from '../hlo/module.ts';
import type { BinaryOpcode, UnaryOpcode } from '../hlo/opcodes.ts';
import { elementBytes, isFloat, isSigned } from '../hlo/shape.ts';
import { integerLimits } from '../hlo/traits.ts';
import { broadcastScalar, isAll, splatOf } from './match.ts';
import { type Rule, type RuleTable, rulesPass } from './rules.ts';
import type { Pass } from './runner.ts';

type Binary = Instruction<BinaryOpcode>;
type BinaryRule = (a: Instruction, b: Instruction, builder: HloBuilder, x: Binary) => Value | undefined;

const isInteger = (x: Instruction): boolean => dtypeOf(x) !== 'pred' && !isFloat(dtypeOf(x));

/** The constant `value` in the shape of `x`. */
function like(b: HloBuilder, x: Instruction, value: number | bigint | boolean): Value {
  return b.full(value, dtypeOf(x), dimsOf(x));
}

/** 1/c when it is exact: c is a power of two whose reciprocal is normal. */
function exactReciprocal(c: Instruction): number | undefined {
  const v = splatOf(c);
  if (typeof v !== 'number' || v === 0 || !Number.isFinite(v)) return undefined;
  const exponent = Math.log2(Math.abs(v));
  const reach = dtypeOf(c) === 'f16' ? 13 : 125;
  return Number.isInteger(exponent) && Math.abs(exponent) <= reach ? 1 / v : undefined;
}

/** Rules that look at the two operands. */
function onPair(...rules: readonly BinaryRule[]): Rule<BinaryOpcode>[] {
  return rules.map((rule) => (x, b) => rule(x.operands[0] as Instruction, x.operands[1] as Instruction, b, x));
}

const binaryTable: RuleTable = {
  add: onPair(
    (a, b) => (isAll(b, 0) ? a : undefined), // x + 0 → x
    (a, b) => (isAll(a, 0) ? b : undefined), // 0 + x → x
    (a, b, k) => (b.opcode === 'negate' ? k.subtract(a, b.operands[0] as Value) : undefined), // x + (−y) → x − y
    (a, b, k) => (a.opcode === 'negate' ? k.subtract(b, a.operands[0] as Value) : undefined), // (−x) + y → y − x
  ),
  subtract: onPair(
    (a, b) => (isAll(b, 0) ? a : undefined), // x − 0 → x
    (a, b, k) => (b.opcode === 'negate' ? k.add(a, b.operands[0] as Value) : undefined), // x − (−y) → x + y
    (a, b, k) => (a === b && isInteger(a) ? like(k, a, 0) : undefined), // n − n → 0
    (a, b, k) => (isAll(a, 0) && isInteger(a) ? k.negate(b) : undefined), // 0 − n → −n
  ),
  multiply: onPair(
    (a, b) => (isAll(b, 1) ? a : undefined), // x · 1 → x
    (a, b) => (isAll(a, 1) ? b : undefined), // 1 · x → x
    (a, b, k) => (isInteger(a) && (isAll(a, 0) || isAll(b, 0)) ? like(k, a, 0) : undefined), // n · 0 → 0
    (a, b, k) => (isAll(b, -1) && isSigned(dtypeOf(a)) ? k.negate(a) : undefined), // x · −1 → −x
    (a, b, k) => (isAll(a, -1) && isSigned(dtypeOf(a)) ? k.negate(b) : undefined), // −1 · x → −x
  ),
  divide: onPair(
    (a, b) => (isAll(b, 1) ? a : undefined), // x / 1 → x
    (a, b, k) => {
      const reciprocal = isFloat(dtypeOf(a)) ? exactReciprocal(b) : undefined;
      return reciprocal === undefined ? undefined : k.multiply(a, like(k, a, reciprocal)); // x / 2ⁿ → x · 2⁻ⁿ
    },
  ),
  power: onPair(
    (a, b, k) => (isAll(b, 0) ? like(k, a, 1) : undefined), // x⁰ → 1
    (a, b) => (isAll(b, 1) ? a : undefined), // x¹ → x
    (a, b, k) => (isAll(b, 2) ? k.multiply(a, a) : undefined), // x² → x · x
    (a, b, k) => (isAll(b, 3) ? k.multiply(k.multiply(a, a), a) : undefined), // x³ → x · x · x
    (a, b, k) => (isAll(b, -1) && isFloat(dtypeOf(a)) ? k.divide(like(k, a, 1), a) : undefined), // x⁻¹ → 1 / x
  ),
  maximum: onPair((a, b) => (a === b ? a : undefined)),
  minimum: onPair((a, b) => (a === b ? a : undefined)),
  and: onPair(
    (a, b) => (a === b ? a : undefined), // p ∧ p → p
    (a, b) => onBits(b, { ones: a, zeros: b }), // p ∧ 1 → p, p ∧ 0 → 0
    (a, b) => onBits(a, { ones: b, zeros: a }),
  ),
  or: onPair(
    (a, b) => (a === b ? a : undefined), // p ∨ p → p
    (a, b) => onBits(b, { ones: b, zeros: a }), // p ∨ 1 → 1, p ∨ 0 → p
    (a, b) => onBits(a, { ones: a, zeros: b }),
  ),
  xor: onPair(
    (a, b) => onBits(b, { zeros: a }), // p ⊻ 0 → p
    (a, b) => onBits(a, { zeros: b }),
    (a, b, k) => (a === b ? like(k, a, 0) : undefined), // p ⊻ p → 0
  ),
  'shift-left': onPair((a, b) => (isAll(b, 0) ? a : undefined)), // x << 0 → x
  'shift-right-arithmetic': onPair((a, b) => (isAll(b, 0) ? a : undefined)),
  'shift-right-logical': onPair((a, b) => (isAll(b, 0) ? a : undefined)),
};

/** Picks by a constant of all ones or all zeros. */
function onBits(c: Instruction, answer: { readonly ones?: Value; readonly zeros?: Value }): Value | undefined {
  const v = splatOf(c);
  if (v === undefined) return undefined;
  if (Number(v) === 0) return answer.zeros;
  const limits = integerLimits(dtypeOf(c));
  const ones = limits && (limits[0] === 0n ? BigInt(v) === limits[1] : BigInt(v) === -1n);
  return ones ? answer.ones : undefined;
}

/** f(broadcast a, broadcast b) → broadcast f(a, b) for scalars a, b. */
function binaryOnScalars(x: Binary, b: HloBuilder): Value | undefined {
  const [p, q] = x.operands.map((o) => broadcastScalar(o));
  return p && q ? b.broadcast(b.rebuild(x, [p, q]), dimsOf(x), []) : undefined;
}

/** f(broadcast a) → broadcast f(a) for a scalar a. */
function unaryOnScalar(x: Instruction<UnaryOpcode | 'convert'>, b: HloBuilder): Value | undefined {
  const p = broadcastScalar(x.operands[0]);
  return p && b.broadcast(b.rebuild(x, [p]), dimsOf(x), []);
}

const twice: Rule<'negate' | 'not'> = (x) => {
  const inner = x.operands[0] as Instruction;
  return inner.opcode === x.opcode ? inner.operands[0] : undefined;
};

const unaryTable: RuleTable = {
  negate: [
    twice, // −(−x) → x
    (x, b) => {
      const inner = x.operands[0] as Instruction;
      const [p, q] = inner.operands;
      return inner.opcode === 'subtract' && isInteger(inner) && p && q ? b.subtract(q, p) : undefined; // −(a − b) → b − a
    },
  ],
  not: [twice], // ¬¬x → x
};

/** Every value of `from` is a value of `to`. */
function widens(from: Instruction, to: Instruction): boolean {
  const [s, t] = [dtypeOf(from), dtypeOf(to)];
  if (s === 'pred') return true;
  if (isFloat(s)) return isFloat(t) && elementBytes[t] > elementBytes[s];
  const mantissa: Record<string, number> = { f16: 11, bf16: 8, f32: 24, f64: 53 };
  const bits = elementBytes[s] * 8 - (isSigned(s) ? 1 : 0);
  if (isFloat(t)) return bits <= (mantissa[t] as number);
  const room = elementBytes[t] * 8 - (isSigned(t) ? 1 : 0);
  return t !== 'pred' && room >= bits && (isSigned(t) || !isSigned(s));
}

const otherTable: RuleTable = {
  convert: [
    (x) => (dtypeOf(x.operands[0] as Value) === x.attrs.to ? x.operands[0] : undefined), // x as its own type → x
    (x, b) => {
      const inner = x.operands[0] as Instruction;
      const source = inner.opcode === 'convert' ? (inner.operands[0] as Value) : undefined;
      return source && widens(source, inner) ? b.convert(source, x.attrs.to) : undefined; // (x as wider) as t → x as t
    },
    unaryOnScalar,
  ],
  'bitcast-convert': [(x) => (dtypeOf(x.operands[0] as Value) === x.attrs.to ? x.operands[0] : undefined)],
  copy: [(x) => x.operands[0]], // values are immutable; the lowering copies where memory needs it
  select: [
    (x) => {
      const [p, a, c] = x.operands as readonly [Value, Value, Value];
      const v = splatOf(p);
      if (v !== undefined) return v ? a : c; // true ? a : b → a
      return a === c ? a : undefined; // p ? a : a → a
    },
    (x, b) => {
      const [p, a, c] = x.operands as readonly [Value, Value, Value];
      return p.opcode === 'not' ? b.select(p.operands[0] as Value, c, a) : undefined; // ¬p ? a : b → p ? b : a
    },
    (x, b) => {
      const [p, a, c] = x.operands as readonly [Value, Value, Value];
      const scalar = broadcastScalar(p);
      return scalar ? b.select(scalar, a, c) : undefined; // broadcast p ? a : b → p ? a : b
    },
  ],
  clamp: [
    (x, b) => {
      const [low, value, high] = x.operands as readonly [Value, Value, Value];
      const [p, q] = [broadcastScalar(low) ?? low, broadcastScalar(high) ?? high];
      return p === low && q === high ? undefined : b.clamp(p, value, q); // bounds as scalars
    },
  ],
  compare: [
    (x, b) => {
      const [p, q] = x.operands as readonly [Value, Value];
      if (p !== q || isFloat(dtypeOf(p))) return undefined;
      return like(b, x, ['EQ', 'LE', 'GE'].includes(x.attrs.direction)); // n = n → true
    },
    (x, b) => {
      const [p, q] = x.operands.map((o) => broadcastScalar(o));
      return p && q ? b.broadcast(b.compare(x.attrs.direction, p, q), dimsOf(x), []) : undefined;
    },
  ],
  'get-tuple-element': [
    (x) => {
      const tuple = x.operands[0] as Instruction;
      return tuple.opcode === 'tuple' ? tuple.operands[x.attrs.index] : undefined; // (a, b)[0] → a
    },
  ],
  tuple: [
    (x) => {
      const from = x.operands[0]?.operands[0];
      if (from?.shape.kind !== 'tuple' || from.shape.elements.length !== x.operands.length) return undefined;
      const whole = x.operands.every(
        (o, i) => o.opcode === 'get-tuple-element' && o.operands[0] === from && o.attrs.index === i,
      );
      return whole ? from : undefined; // (t[0], t[1]) → t
    },
  ],
};

export const simplifyAlgebra: Pass = rulesPass(
  'simplify-algebra',
  { ...binaryTable, ...unaryTable, ...otherTable },
  { unary: [unaryOnScalar], binary: [binaryOnScalars] },
);
