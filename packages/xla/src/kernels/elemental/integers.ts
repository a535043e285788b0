/**
 * @file Integer arithmetic as HLO defines it: x / 0 = −1 (all bits set), x mod 0 = x, INT_MIN / −1 wraps, shifts by the width or more
 * push every bit out. Types narrower than 32 bits arrive widened; the caller wraps the result.
 */
import { type ElementType, elementBytes, isSigned } from '../../hlo/shape.ts';
import type { Expr, IrScalar } from '../ir.ts';
import type { KernelBuilder } from '../kernelBuilder.ts';
import { perLane } from './lanes.ts';
import { wrapNarrow } from './narrow.ts';

const minimumOf = (scalar: IrScalar): number | bigint => (scalar === 's64' ? -(1n << 63n) : -2147483648);

/** Quotient or remainder by a divisor that may be 0 or −1. */
function guarded(k: KernelBuilder, op: 'divide' | 'remainder', x: Expr, y: Expr): Expr {
  return perLane(k, [x, y], (a0, b0) => {
    const { scalar } = a0.type;
    const c = (v: number | bigint): Expr => k.const(scalar, v);
    if (b0.kind === 'const' && Number(b0.value) > 0) return k.binary(op, a0, b0);
    const a = k.let(a0, 'a');
    const b = k.let(b0, 'b');
    const zero = k.let(k.compare('EQ', b, c(0)), 'zero');
    const signed = scalar === 's32' || scalar === 's64';
    const overflow = (): Expr => k.binary('and', k.compare('EQ', a, c(minimumOf(scalar))), k.compare('EQ', b, c(-1)));
    const unsafe = signed ? k.binary('or', zero, overflow()) : zero;
    // By 1 instead: a / 1 = a is the wrapped quotient of INT_MIN / −1, and a mod 1 = 0 its remainder.
    const result = k.binary(op, a, k.select(unsafe, c(1), b));
    const allOnes = signed ? c(-1) : c(scalar === 'u64' ? (1n << 64n) - 1n : 4294967295);
    return k.select(zero, op === 'divide' ? allOnes : a, result);
  });
}

export function divideIntegers(k: KernelBuilder, x: Expr, y: Expr): Expr {
  return guarded(k, 'divide', x, y);
}

export function remainderIntegers(k: KernelBuilder, x: Expr, y: Expr): Expr {
  return guarded(k, 'remainder', x, y);
}

/** x to a power by squaring. A negative exponent truncates 1/x^n: 0, but ±1 when |x| = 1. */
export function powerIntegers(k: KernelBuilder, dtype: ElementType, x: Expr, y: Expr): Expr {
  return perLane(k, [x, y], (a, b) => {
    const { scalar } = a.type;
    const c = (v: number): Expr => k.const(scalar, v);
    const base = k.variable(a, 'base');
    const exponent = k.variable(b, 'exponent');
    const result = k.variable(c(1), 'power');
    const zero = c(0);
    k.while(k.compare('GT', k.read(exponent), zero), () => {
      const odd = k.compare('NE', k.binary('and', k.read(exponent), c(1)), zero);
      k.set(result, k.select(odd, k.binary('multiply', k.read(result), k.read(base)), k.read(result)));
      k.set(base, k.binary('multiply', k.read(base), k.read(base)));
      k.set(exponent, k.binary('shift-right', k.read(exponent), c(1)));
    });
    if (!isSigned(dtype)) return k.read(result);
    const first = k.let(a, 'a');
    const negative = k.let(b, 'b');
    const isOdd = k.compare('NE', k.binary('and', negative, c(1)), zero);
    const unit = k.select(isOdd, first, c(1));
    const isUnit = k.binary('or', k.compare('EQ', first, c(1)), k.compare('EQ', first, c(-1)));
    const reciprocal = k.select(isUnit, unit, zero);
    return k.select(k.compare('LT', negative, zero), reciprocal, k.read(result));
  });
}

type Shift = 'shift-left' | 'shift-right-arithmetic' | 'shift-right-logical';

/** A shift whose amount is read as unsigned. */
export function shiftIntegers(k: KernelBuilder, op: Shift, dtype: ElementType, operands: readonly [Expr, Expr]): Expr {
  const width = 8 * elementBytes[dtype];
  const [x, n] = operands;
  const wide = width === 64;
  const unsigned: IrScalar = wide ? 'u64' : 'u32';
  const signed: IrScalar = wide ? 's64' : 's32';
  const back = (v: Expr): Expr => k.bitcast(x.type.scalar, v);
  const shifted = (value: Expr, amount: Expr): Expr => {
    if (amount.kind === 'const') return shiftBy(k, op, value, amount);
    return perLane(k, [value, amount], (v, a) => shiftBy(k, op, v, a));
  };
  // The bits as the shift must see them: zero-extended for logical, sign-extended for arithmetic.
  const seen =
    op === 'shift-right-arithmetic'
      ? k.bitcast(signed, signExtend(k, dtype, x))
      : zeroExtend(k, dtype, k.bitcast(unsigned, x));
  const amount = k.let(zeroExtend(k, dtype, k.bitcast(unsigned, n)), 'n');
  const limit = k.const(unsigned, width, x.type.lanes);
  const inRange = k.compare('LT', amount, limit);
  const most = k.const(unsigned, width - 1, x.type.lanes);
  const safe = amount.kind === 'const' ? clampConst(k, amount, width - 1) : k.let(k.select(inRange, amount, most), 'n');
  const result = shifted(k.let(seen, 'x'), k.bitcast(seen.type.scalar, safe));
  if (op === 'shift-right-arithmetic') return back(result);
  return back(k.select(inRange, result, k.const(unsigned, 0, x.type.lanes)));
}

function clampConst(k: KernelBuilder, amount: Extract<Expr, { kind: 'const' }>, most: number): Expr {
  const value = Number(amount.value) >>> 0;
  return k.const(amount.type.scalar, value > most ? most : amount.value, amount.type.lanes);
}

function shiftBy(k: KernelBuilder, op: Shift, x: Expr, amount: Expr): Expr {
  const scalarAmount = amount.kind === 'const' ? k.const(amount.type.scalar, amount.value) : amount;
  return k.binary(op === 'shift-left' ? 'shift-left' : 'shift-right', x, scalarAmount);
}

function zeroExtend(k: KernelBuilder, dtype: ElementType, x: Expr): Expr {
  if (elementBytes[dtype] >= 4 || dtype[0] === 'u') return x;
  return k.binary('and', x, k.const('u32', dtype === 's8' ? 255 : 65535, x.type.lanes));
}

function signExtend(k: KernelBuilder, dtype: ElementType, x: Expr): Expr {
  if (elementBytes[dtype] >= 4 || dtype[0] === 's') return x;
  return wrapNarrow(k, dtype === 'u8' ? 's8' : 's16', k.bitcast('s32', x));
}
