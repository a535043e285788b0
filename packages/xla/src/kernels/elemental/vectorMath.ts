/** @file Shorthands in which the f32 expansions are written: constants like an operand, Horner's rule, comparisons that select. */
import type { Expr } from '../ir.ts';
import type { KernelBuilder } from '../kernelBuilder.ts';

/** A writer of expressions over f32 and s32 values with the lanes of one operand. */
export class VectorMath {
  readonly k: KernelBuilder;
  readonly lanes: number;

  constructor(k: KernelBuilder, like: Expr) {
    this.k = k;
    this.lanes = like.type.lanes;
  }

  f(value: number): Expr {
    return this.k.const('f32', value, this.lanes);
  }
  i(value: number): Expr {
    return this.k.const('s32', value, this.lanes);
  }
  let(x: Expr, name = 't'): Expr {
    return this.k.let(x, name);
  }
  add(a: Expr, b: Expr): Expr {
    return this.k.binary('add', a, b);
  }
  sub(a: Expr, b: Expr): Expr {
    return this.k.binary('subtract', a, b);
  }
  mul(a: Expr, b: Expr): Expr {
    return this.k.binary('multiply', a, b);
  }
  div(a: Expr, b: Expr): Expr {
    return this.k.binary('divide', a, b);
  }
  fma(a: Expr, b: Expr, c: Expr): Expr {
    return this.k.fma(a, b, c);
  }
  and(a: Expr, b: Expr): Expr {
    return this.k.binary('and', a, b);
  }
  or(a: Expr, b: Expr): Expr {
    return this.k.binary('or', a, b);
  }
  shl(x: Expr, bits: number): Expr {
    return this.k.binary('shift-left', x, this.k.index(bits));
  }
  /** Arithmetic right shift. */
  sar(x: Expr, bits: number): Expr {
    return this.k.binary('shift-right', x, this.k.index(bits));
  }
  bits(x: Expr): Expr {
    return this.k.bitcast('s32', x);
  }
  float(bits: Expr): Expr {
    return this.k.bitcast('f32', bits);
  }
  lt(a: Expr, b: Expr): Expr {
    return this.k.compare('LT', a, b);
  }
  eq(a: Expr, b: Expr): Expr {
    return this.k.compare('EQ', a, b);
  }
  select(p: Expr, a: Expr, b: Expr): Expr {
    return this.k.select(p, a, b);
  }
  abs(x: Expr): Expr {
    return this.k.unary('abs', x);
  }

  /** min(x, high) with NaN kept: pmin of SIMD targets. x must be bound. */
  atMost(x: Expr, high: number): Expr {
    return this.select(this.lt(this.f(high), x), this.f(high), x);
  }
  /** max(x, low) with NaN kept. x must be bound. */
  atLeast(x: Expr, low: number): Expr {
    return this.select(this.lt(x, this.f(low)), this.f(low), x);
  }
  clamp(x: Expr, low: number, high: number): Expr {
    return this.let(this.atLeast(this.let(this.atMost(x, high)), low));
  }

  /** c0 + c1·x + c2·x² + … by Horner's rule. x must be bound. */
  poly(x: Expr, coefficients: readonly number[]): Expr {
    return coefficients
      .slice(0, -1)
      .reduceRight<Expr>((p, c) => this.fma(p, x, this.f(c)), this.f(coefficients[coefficients.length - 1] as number));
  }

  /** x with the sign of s (both bound); x ≥ 0. */
  withSignOf(x: Expr, s: Expr): Expr {
    return this.float(this.or(this.bits(x), this.and(this.bits(s), this.i(-2147483648))));
  }
}

/** 1.5 · 2²³: adding it to |x| < 2²² leaves the nearest integer in the low bits. */
export const roundingMagic = 12582912;
