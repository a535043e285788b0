/**
 * @file The exponential family in f32. Largest errors over all of f32, measured in math.test.ts: exp 2 ulp, expm1 2, tanh 6,
 * logistic 3, erf 6. Polynomials are minimax fits in the relative error of the function.
 */
import type { Expr } from '../ir.ts';
import type { KernelBuilder } from '../kernelBuilder.ts';
import { roundingMagic, VectorMath } from './vectorMath.ts';

const log2e = Math.LOG2E;
/** ln 2 in two parts; the first has 15 bits, so its product with an exponent is exact. */
export const ln2High = 0.693145751953125;
export const ln2Low = 1.428606765330187e-6;

/** e^r = 1 + r + r²·P(r) for |r| ≤ ln2/2, relative error 2^-28. */
const expTail = [
  0.4999999403953552, 0.16666515171527863, 0.04166845604777336, 0.008369418792426586, 0.0013813143596053123,
];
/** e^r − 1 = r + r²·P(r), relative error 2^-31. */
const expm1Tail = [
  0.5, 0.1666666567325592, 0.04166634753346443, 0.008333391509950161, 0.001394165214151144, 0.0001984595728572458,
];

interface Reduced {
  /** n + the bits of the magic: the low bits hold n. */
  readonly n: Expr;
  readonly r: Expr;
}

/** x = n·ln2 + r with |r| ≤ ln2/2, for |x| < 2^15. */
function reduce(m: VectorMath, x: Expr): Reduced {
  const t = m.let(m.fma(x, m.f(log2e), m.f(roundingMagic)), 'rounded');
  const n = m.let(m.sub(t, m.f(roundingMagic)), 'n');
  const r = m.fma(n, m.f(-ln2Low), m.fma(n, m.f(-ln2High), x));
  return { n: m.bits(t), r: m.let(r, 'r') };
}

/** 2^(n−1), 0 for n = −126, infinity for n = 129. */
function halfScale(m: VectorMath, n: Expr): Expr {
  return m.float(m.add(m.shl(n, 23), m.i(126 << 23)));
}

/** e^x / 2, infinite from x = 89.07 on, 0 below −86.99 (results under 2^-125 are flushed). */
function halfExp(m: VectorMath, x: Expr): Expr {
  const { n, r } = reduce(m, m.clamp(x, -87.3, 89.3));
  return m.mul(m.poly(r, [1, 1, ...expTail]), halfScale(m, n));
}

export function exp(k: KernelBuilder, x: Expr): Expr {
  const m = new VectorMath(k, x);
  return m.mul(halfExp(m, x), m.f(2));
}

/** 1 / (1 + e^−x), exactly 0 and 1 at the ends. */
export function logistic(k: KernelBuilder, x: Expr): Expr {
  const m = new VectorMath(k, x);
  const half = halfExp(m, m.let(k.unary('negate', x)));
  return m.div(m.f(0.5), m.add(half, m.f(0.5)));
}

export function expm1(k: KernelBuilder, x: Expr): Expr {
  const m = new VectorMath(k, x);
  const { n, r } = reduce(m, m.clamp(x, -20, 89));
  const p = m.let(m.fma(m.mul(r, r), m.poly(r, expm1Tail), r), 'p');
  // 2^n·(p + 1) − 1 with half the scale, which stays finite up to the last result.
  const s = m.let(halfScale(m, n), 's');
  const result = m.mul(m.fma(s, p, m.sub(s, m.f(0.5))), m.f(2));
  const near = m.select(m.eq(x, m.f(0)), x, p); // keeps −0
  return m.select(m.lt(m.abs(x), m.f(0.3)), near, result);
}

/** tanh x = x·P(x²)/Q(x²) for |x| ≤ 9.02, beyond which it rounds to ±1; relative error 2^-29. */
const tanhP = [
  1, 0.13679909706115723, 0.00386832095682621, 2.800732181640342e-5, 3.05846938886134e-8, -1.220322714406974e-11,
];
const tanhQ = [1, 0.47013241052627563, 0.027245813980698586, 0.00039386190474033356, 1.287357008550316e-6];

/** erf x = x·P(x²)/Q(x²) for |x| ≤ 3.93; relative error 2^-29. */
const erfP = [
  1.128379225730896, 0.18514788150787354, 0.05425475910305977, 0.003840300953015685, 0.0003771674237214029,
  4.6200484575820155e-6, -1.285792894378801e-8,
];
const erfQ = [
  1, 0.4974164366722107, 0.11388701945543289, 0.015434854663908482, 0.0013024109648540616, 6.250078149605542e-5,
];

function oddRational(
  k: KernelBuilder,
  x: Expr,
  limit: number,
  parts: readonly [readonly number[], readonly number[]],
): Expr {
  const m = new VectorMath(k, x);
  const c = m.clamp(x, -limit, limit);
  const z = m.let(m.mul(c, c), 'z');
  const q = m.let(m.div(m.mul(c, m.poly(z, parts[0])), m.poly(z, parts[1])), 'q');
  return m.clamp(q, -1, 1);
}

export function tanh(k: KernelBuilder, x: Expr): Expr {
  return oddRational(k, x, 9.02, [tanhP, tanhQ]);
}

export function erf(k: KernelBuilder, x: Expr): Expr {
  return oddRational(k, x, 3.93, [erfP, erfQ]);
}
