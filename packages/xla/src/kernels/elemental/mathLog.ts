/** @file Logarithms and roots in f32. Largest errors, measured in math.test.ts: log 2 ulp, log1p 2, cbrt 2. */
import type { Expr } from '../ir.ts';
import type { KernelBuilder } from '../kernelBuilder.ts';
import { ln2High, ln2Low } from './mathExp.ts';
import { VectorMath } from './vectorMath.ts';

/** log(1 + f) = f − f²/2 + f³·P(f) for √½ − 1 ≤ f ≤ √2 − 1; relative error 2^-30. */
const logTail = [
  0.3333331346511841, -0.25000008940696716, 0.2000211924314499, -0.1666799634695053, 0.14219552278518677,
  -0.1240558922290802, 0.11888165026903152, -0.11675649136304855, 0.06746631860733032,
];

/** Bits of √½. */
const sqrtHalf = 0x3f3504f3;

interface Split {
  /** x = 2^e · (1 + f), √½ ≤ 1 + f < √2. */
  readonly e: Expr;
  readonly f: Expr;
}

function split(m: VectorMath, x: Expr): Split {
  const offset = m.let(m.sub(m.bits(x), m.i(sqrtHalf)), 'offset');
  const mantissa = m.float(m.add(m.and(offset, m.i(0x7fffff)), m.i(sqrtHalf)));
  return { e: m.let(m.sar(offset, 23), 'e'), f: m.let(m.sub(mantissa, m.f(1)), 'f') };
}

/** log(2^e·(1 + f)) */
function logOf(m: VectorMath, e: Expr, f: Expr): Expr {
  const n = m.let(m.k.convert('f32', e), 'n');
  const f2 = m.let(m.mul(f, f), 'f2');
  const tail = m.fma(m.mul(f2, f), m.poly(f, logTail), m.mul(n, m.f(ln2Low)));
  return m.fma(n, m.f(ln2High), m.add(f, m.fma(f2, m.f(-0.5), tail)));
}

/** The value at 0, infinity, NaN and below 0, else `result`. */
function withLimits(m: VectorMath, x: Expr, zero: number, result: Expr): Expr {
  const outside = m.select(m.eq(x, m.f(zero)), m.f(-Infinity), m.select(m.lt(x, m.f(zero)), m.f(Number.NaN), x));
  const inside = m.and(m.lt(m.f(zero), x), m.lt(x, m.f(Infinity)));
  return m.select(inside, result, outside);
}

export function log(k: KernelBuilder, x: Expr): Expr {
  const m = new VectorMath(k, x);
  const subnormal = m.let(m.lt(x, m.f(1.1754943508222875e-38)), 'subnormal');
  const normal = m.let(m.select(subnormal, m.mul(x, m.f(8388608)), x), 'x');
  const { e, f } = split(m, normal);
  const exponent = m.let(m.sub(e, m.select(subnormal, m.i(23), m.i(0))), 'e');
  return withLimits(m, x, 0, logOf(m, exponent, f));
}

export function log1p(k: KernelBuilder, x: Expr): Expr {
  const m = new VectorMath(k, x);
  const u = m.let(m.add(x, m.f(1)), 'u');
  // What the rounding of 1 + x lost.
  const lost = m.select(m.lt(x, m.f(1)), m.sub(x, m.sub(u, m.f(1))), m.sub(m.f(1), m.sub(u, x)));
  const { e, f } = split(m, u);
  const scale = m.float(m.shl(k.binary('maximum', m.sub(m.i(127), e), m.i(0)), 23)); // 2^-e; nothing is lost of the largest
  const result = logOf(m, e, m.let(m.fma(lost, scale, f), 'f'));
  return m.select(m.eq(x, m.f(0)), x, withLimits(m, x, -1, result));
}

/** Cube root: a third of the exponent as first guess, two steps of Halley's iteration. */
export function cbrt(k: KernelBuilder, x: Expr): Expr {
  const m = new VectorMath(k, x);
  const a = m.let(m.abs(x), 'a');
  const tiny = m.let(m.lt(a, m.f(1e-30)), 'tiny');
  const scaled = m.let(m.select(tiny, m.mul(a, m.f(16777216)), a), 'scaled');
  const third = k.convert('s32', m.mul(k.convert('f32', m.bits(scaled)), m.f(1 / 3)));
  let t = m.let(m.float(m.add(third, m.i(709958130))), 'guess');
  // Everything by a quarter, so that nothing overflows.
  const quarter = m.let(m.mul(scaled, m.f(0.25)), 'quarter');
  for (let step = 0; step < 2; step++) {
    // t·(t³ + 2a)/(2t³ + a) = t + t·(a − t³)/(2t³ + a)
    const cube = m.let(m.mul(m.mul(t, t), m.mul(t, m.f(0.25))), 'cube');
    const ratio = m.div(m.sub(quarter, cube), m.add(m.add(cube, cube), quarter));
    t = m.let(m.fma(t, ratio, t), 'root');
  }
  const root = m.let(m.select(tiny, m.mul(t, m.f(1 / 256)), t), 'root');
  const regular = m.and(m.lt(m.f(0), a), m.lt(a, m.f(Infinity)));
  return m.select(regular, m.withSignOf(root, x), x);
}
