/**
 * @file Powers in f32: 2^(y·log2|x|) with the logarithm and the product in f64 (two vectors of half the lanes), which leaves an error
 * below 1 ulp. Special cases after IEEE 754.
 */
import type { Expr } from '../ir.ts';
import type { KernelBuilder } from '../kernelBuilder.ts';
import { VectorMath } from './vectorMath.ts';

/** log2((1 + s)/(1 − s)) = s·Q(s²) for |s| ≤ 0.1717; relative error 2^-45. */
const log2Odd = [
  2.885390081777849, 0.9617966941143898, 0.5770779420289209, 0.41220928915624866, 0.3199040810657645,
  0.28292474586018057,
];
/** 2^r for |r| ≤ 0.5; relative error 2^-34. */
const exp2Terms = [
  0.9999999999610729, 0.6931471807311644, 0.240226512041563, 0.055504103472390626, 0.00961802644222217,
  0.0013333925512628098, 0.0001546955311242834, 1.5201711408928778e-5,
];

/** Bits of √½. */
const sqrtHalf = 0x3f3504f3;

/** Lanes of f32 and s32 vectors in halves, as f64 needs them; scalars stay whole. */
function halves(k: KernelBuilder, x: Expr): readonly Expr[] {
  const { lanes } = x.type;
  if (lanes < 4) return [x];
  const v = k.let(x, 'v');
  const half = Array.from({ length: lanes / 2 }, (_, i) => i);
  return [
    k.shuffle(v, v, half),
    k.shuffle(
      v,
      v,
      half.map((i) => i + lanes / 2),
    ),
  ];
}

function joined(k: KernelBuilder, parts: readonly Expr[]): Expr {
  const [a, b] = parts as [Expr, Expr];
  if (parts.length === 1) return a;
  return k.shuffle(
    a,
    b,
    Array.from({ length: 2 * a.type.lanes }, (_, i) => i),
  );
}

/** m · 2^e to the y: a mantissa near 1 (f32) and its exponent (s32). */
function powerInDoubles(
  k: KernelBuilder,
  m: Expr,
  e: Expr,
  y: Expr,
): { readonly mantissa: Expr; readonly exponent: Expr } {
  const { lanes } = m.type;
  const c = (v: number): Expr => k.const('f64', v, lanes);
  const poly = (x: Expr, terms: readonly number[]): Expr =>
    terms.slice(0, -1).reduceRight<Expr>((p, v) => k.fma(p, x, c(v)), c(terms[terms.length - 1] as number));
  const wide = k.let(k.convert('f64', m), 'm');
  const s = k.let(k.binary('divide', k.binary('subtract', wide, c(1)), k.binary('add', wide, c(1))), 's');
  const square = k.let(k.binary('multiply', s, s), 'square');
  const log2 = k.fma(s, poly(square, log2Odd), k.convert('f64', e));
  const t = k.let(k.binary('multiply', log2, k.convert('f64', y)), 't');
  const below = k.let(k.select(k.compare('LT', c(200), t), c(200), t), 't');
  const inside = k.let(k.select(k.compare('LT', below, c(-200)), c(-200), below), 't');
  const n = k.let(k.unary('nearest', inside), 'n');
  const r = k.let(k.binary('subtract', inside, n), 'r');
  return { mantissa: k.let(k.convert('f32', poly(r, exp2Terms)), 'p'), exponent: k.let(k.convert('s32', n), 'n') };
}

/** p · 2^n with n beyond the range of one factor. */
function scale(m: VectorMath, p: Expr, n: Expr): Expr {
  const half = m.let(m.sar(n, 1), 'half');
  const factor = (e: Expr): Expr => m.float(m.shl(m.add(e, m.i(127)), 23));
  return m.mul(m.mul(p, factor(half)), factor(m.sub(n, half)));
}

export function power(k: KernelBuilder, x: Expr, y: Expr): Expr {
  const m = new VectorMath(k, x);
  const a = m.let(m.abs(x), 'a');
  const subnormal = m.let(m.lt(a, m.f(1.1754943508222875e-38)), 'subnormal');
  const normal = m.let(m.select(subnormal, m.mul(a, m.f(16777216)), a), 'normal');
  const offset = m.let(m.sub(m.bits(normal), m.i(sqrtHalf)), 'offset');
  const mantissa = m.float(m.add(m.and(offset, m.i(0x7fffff)), m.i(sqrtHalf)));
  const e = m.sub(m.sar(offset, 23), m.select(subnormal, m.i(24), m.i(0)));
  const [ms, es, ys] = [halves(k, mantissa), halves(k, e), halves(k, y)];
  const parts = ms.map((part, i) => powerInDoubles(k, part, es[i] as Expr, ys[i] as Expr));
  const n = m.let(
    joined(
      k,
      parts.map((p) => p.exponent),
    ),
    'n',
  );
  const size = m.let(
    scale(
      m,
      joined(
        k,
        parts.map((p) => p.mantissa),
      ),
      n,
    ),
    'size',
  );
  return withSpecialCases(m, x, y, { a, size });
}

function withSpecialCases(
  m: VectorMath,
  x: Expr,
  y: Expr,
  { a, size }: { readonly a: Expr; readonly size: Expr },
): Expr {
  const { k } = m;
  const zero = m.f(0);
  const infinity = m.f(Infinity);
  // |x| = 0 or ∞: the result is 0 or ∞.
  const isZero = m.let(m.eq(a, zero), 'isZero');
  const extreme = m.or(isZero, m.eq(a, infinity));
  const grows = k.binary('xor', isZero, m.lt(zero, y));
  const ends = m.select(grows, infinity, zero);
  const magnitude = m.let(m.select(m.and(extreme, m.eq(y, y)), ends, size), 'magnitude');
  // The sign: odd whole exponents keep that of x; a negative x has no other powers.
  const whole = m.let(m.eq(k.unary('floor', y), y), 'whole');
  const half = m.let(m.mul(y, m.f(0.5)), 'half');
  const odd = m.and(whole, k.compare('NE', k.unary('floor', half), half));
  const signed = m.select(odd, m.withSignOf(magnitude, x), magnitude);
  const undefinedPower = m.and(m.and(m.lt(x, zero), m.lt(a, infinity)), k.unary('not', whole));
  const nan = m.or(k.compare('NE', x, x), k.compare('NE', y, y));
  const result = m.select(m.or(undefinedPower, nan), m.f(Number.NaN), signed);
  const unit = m.and(m.eq(a, m.f(1)), m.eq(m.abs(y), infinity));
  const isOne = m.or(m.or(m.eq(y, zero), m.eq(x, m.f(1))), unit);
  return m.select(isOne, m.f(1), result);
}
