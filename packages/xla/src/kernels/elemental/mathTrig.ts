/**
 * @file Trigonometry in f32. Arguments up to 8192 reduce by π/2 in four exact parts; larger ones (any lane) go one by one through the
 * f64 library, which reduces exactly. Largest errors, measured in math.test.ts: sin 2 ulp, cos 2, tan 4, atan2 4.
 */
import type { Expr, MathFunction } from '../ir.ts';
import type { KernelBuilder } from '../kernelBuilder.ts';
import { anyLane, perLane } from './lanes.ts';
import { roundingMagic, VectorMath } from './vectorMath.ts';

/** Sum: π/2. The first three have 11 bits, so their products with n < 2^13 are exact. */
const halfPi = [1.5703125, 0.0004837512969970703, 7.549533620476723e-8, 2.563344151594519e-12];

const sinTail = [-0.16666653752326965, 0.008332112804055214, -0.00019508741388563067];
const cosTail = [0.04166664555668831, -0.0013887251261621714, 2.4425680749118328e-5];

interface Quadrant {
  readonly sin: Expr;
  readonly cos: Expr;
  /** Number of quarter turns, modulo 4 in the low bits. */
  readonly n: Expr;
}

/** sin and cos of the rest after removing n quarter turns. */
function quadrant(m: VectorMath, x: Expr): Quadrant {
  const t = m.let(m.fma(x, m.f(2 / Math.PI), m.f(roundingMagic)), 'rounded');
  const n = m.let(m.sub(t, m.f(roundingMagic)), 'n');
  const r = m.let(
    halfPi.reduce((rest, part) => m.fma(n, m.f(-part), rest), x),
    'r',
  );
  const z = m.let(m.mul(r, r), 'z');
  const sin = m.let(m.fma(m.mul(z, r), m.poly(z, sinTail), r), 'sin');
  const cos = m.let(m.fma(m.mul(z, z), m.poly(z, cosTail), m.fma(z, m.f(-0.5), m.f(1))), 'cos');
  return { sin, cos, n: m.let(m.bits(t), 'turns') };
}

/** `small` for all lanes, or the f64 library for each when one of them is large. */
function guardLarge(k: KernelBuilder, fn: MathFunction, x: Expr, small: (m: VectorMath) => Expr): Expr {
  const m = new VectorMath(k, x);
  const result = k.variable(m.f(0), fn);
  k.if(
    anyLane(k, k.compare('GT', m.abs(x), m.f(8192))),
    () =>
      k.set(
        result,
        perLane(k, [x], (v) => k.convert('f32', k.math(fn, k.convert('f64', v)))),
      ),
    () => k.set(result, small(m)),
  );
  return k.read(result);
}

/** Flips the sign of v where bit 1 of n is set. */
function flip(m: VectorMath, v: Expr, n: Expr): Expr {
  return m.float(m.k.binary('xor', m.bits(v), m.shl(m.and(n, m.i(2)), 30)));
}

const odd = (m: VectorMath, n: Expr): Expr => m.eq(m.and(n, m.i(1)), m.i(1));

export function sin(k: KernelBuilder, x: Expr): Expr {
  return guardLarge(k, 'sin', x, (m) => {
    const q = quadrant(m, x);
    const result = flip(m, m.select(odd(m, q.n), q.cos, q.sin), q.n);
    return m.select(m.eq(x, m.f(0)), x, result); // keeps −0
  });
}

export function cos(k: KernelBuilder, x: Expr): Expr {
  return guardLarge(k, 'cos', x, (m) => {
    const q = quadrant(m, x);
    return flip(m, m.select(odd(m, q.n), q.sin, q.cos), m.add(q.n, m.and(q.n, m.i(1))));
  });
}

export function tan(k: KernelBuilder, x: Expr): Expr {
  return guardLarge(k, 'tan', x, (m) => {
    const q = quadrant(m, x);
    const isOdd = m.let(odd(m, q.n), 'odd');
    const top = m.select(isOdd, k.unary('negate', q.cos), q.sin);
    const result = m.div(top, m.select(isOdd, q.sin, q.cos));
    return m.select(m.eq(x, m.f(0)), x, result);
  });
}

/** atan t = t + t³·P(t²) for 0 ≤ t ≤ 1; relative error 2^-31. */
const atanTail = [
  -0.333333283662796, 0.1999967098236084, -0.14279833436012268, 0.11058223992586136, -0.08811091631650925,
  0.06741597503423691, -0.04468994587659836, 0.02253987081348896, -0.007317958399653435, 0.0011137891560792923,
];

export function atan2(k: KernelBuilder, y: Expr, x: Expr): Expr {
  const m = new VectorMath(k, x);
  const ax = m.let(m.abs(x), 'ax');
  const ay = m.let(m.abs(y), 'ay');
  const steep = m.let(m.lt(ax, ay), 'steep');
  const low = m.let(m.select(steep, ax, ay), 'low');
  const high = m.let(m.select(steep, ay, ax), 'high');
  // 0/0 is 0 here (the signs decide), ∞/∞ is 1.
  const same = m.and(m.eq(low, high), m.lt(m.f(0), high));
  const quotient = m.select(m.eq(low, m.f(0)), m.f(0), m.div(low, high));
  const t = m.let(m.select(same, m.f(1), quotient), 't');
  const z = m.let(m.mul(t, t), 'z');
  const first = m.let(m.fma(m.mul(z, t), m.poly(z, atanTail), t), 'a');
  const second = m.let(m.select(steep, m.sub(m.f(Math.PI / 2), first), first), 'a');
  const backward = m.lt(m.bits(x), m.i(0)); // also −0
  const angle = m.let(m.select(backward, m.sub(m.f(Math.PI), second), second), 'a');
  const sum = m.let(m.add(x, y), 'sum');
  const unordered = m.or(k.compare('NE', x, x), k.compare('NE', y, y));
  return m.select(unordered, sum, m.withSignOf(angle, y));
}
