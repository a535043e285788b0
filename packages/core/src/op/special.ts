/**
 * @file Special functions as HLO phrases, made of the elementary opcodes. Written for float32 and float64; 16-bit floats are
 * computed in float32. Each states its source and accuracy.
 */
import { type Builder, dtypeOf, type ElementType, type Value } from '@tsflow/xla';
import { fullLike } from './hlo.ts';
import { besselI0Large, besselI0Small, besselI1Large, besselI1Small, erfcLog } from './specialTables.ts';

/** Σ c[i]·x^(n−1−i) by Horner's rule: coefficients from the highest power down. */
export function polynomial(b: Builder, x: Value, coefficients: readonly number[]): Value {
  const [first = 0, ...rest] = coefficients;
  return rest.reduce((p, c) => b.add(b.multiply(p, x), fullLike(b, x, c)), fullLike(b, x, first));
}

/** Applies `f` in float32 to 16-bit floats, in their own type to the others. */
export function inFloat32(b: Builder, x: Value, f: (x: Value) => Value): Value {
  const type: ElementType = dtypeOf(x);
  return type === 'f16' || type === 'bf16' ? b.convert(f(b.convert(x, 'f32')), type) : f(x);
}

/** The same for two operands of one type. */
export function inFloat32Pair(b: Builder, x: Value, y: Value, f: (x: Value, y: Value) => Value): Value {
  const type: ElementType = dtypeOf(x);
  if (type !== 'f16' && type !== 'bf16') return f(x, y);
  return b.convert(f(b.convert(x, 'f32'), b.convert(y, 'f32')), type);
}

// M. Giles, "Approximating the erfinv function" (2010), single precision: polynomials in w = −ln(1 − x²).
const erfInverseCentre = [
  2.81022636e-8, 3.43273939e-7, -3.5233877e-6, -4.39150654e-6, 0.00021858087, -0.00125372503, -0.00417768164,
  0.246640727, 1.50140941,
];
const erfInverseTail = [
  -0.000200214257, 0.000100950558, 0.00134934322, -0.00367342844, 0.00573950773, -0.0076224613, 0.00943887047,
  1.00167406, 2.83297682,
];

/** erf⁻¹(x) for |x| ≤ 1, ±∞ at ±1, NaN outside. float64 refines the single-precision value by two Halley steps. */
export function erfInverse(b: Builder, x: Value): Value {
  return inFloat32(b, x, (v) => {
    const w = b.negate(b.log1p(b.negate(b.multiply(v, v))));
    const centre = polynomial(b, b.subtract(w, fullLike(b, w, 2.5)), erfInverseCentre);
    const tail = polynomial(b, b.subtract(b.sqrt(w), fullLike(b, w, 3)), erfInverseTail);
    const p = b.select(b.compare('LT', w, fullLike(b, w, 5)), centre, tail);
    const one = fullLike(b, v, 1);
    let y = b.multiply(p, v);
    if (dtypeOf(v) === 'f64') for (let i = 0; i < 2; i++) y = halleyStep(b, v, y);
    const infinite = b.multiply(v, fullLike(b, v, Number.POSITIVE_INFINITY));
    return b.select(b.compare('EQ', b.abs(v), one), infinite, y);
  });
}

/** One step towards erf(y) = x: e = (erf(y) − x)/erf′(y), y − e/(1 + y·e). */
function halleyStep(b: Builder, x: Value, y: Value): Value {
  const slope = b.multiply(b.exp(b.negate(b.multiply(y, y))), fullLike(b, y, 2 / Math.sqrt(Math.PI)));
  const e = b.divide(b.subtract(b.erf(y), x), slope);
  return b.subtract(y, b.divide(e, b.add(fullLike(b, y, 1), b.multiply(y, e))));
}

/** c₀/2 + Σ cₖ·Tₖ(y) by Clenshaw's recurrence; terms below the precision of float32 are left out there. */
function chebyshev(b: Builder, y: Value, table: readonly number[]): Value {
  const coefficients = dtypeOf(y) === 'f64' ? table : table.filter((c) => Math.abs(c) > 1e-9);
  const twice = b.add(y, y);
  let next = fullLike(b, y, 0);
  let current = fullLike(b, y, 0);
  for (const c of coefficients.slice(1).reverse()) {
    const following = b.add(b.subtract(b.multiply(twice, current), next), fullLike(b, y, c));
    next = current;
    current = following;
  }
  return b.add(b.subtract(b.multiply(y, current), next), fullLike(b, y, (coefficients[0] ?? 0) / 2));
}

/** 1 − erf(x) without cancellation: t·exp(−z² + P(t)) for z = |x| > ½, with an error of a few units in the last place of z². */
export function erfComplement(b: Builder, x: Value): Value {
  return inFloat32(b, x, (v) => {
    const one = fullLike(b, v, 1);
    const two = fullLike(b, v, 2);
    const z = b.abs(v);
    const t = b.divide(two, b.add(two, z));
    const logs = chebyshev(b, b.subtract(b.multiply(two, t), one), erfcLog);
    const tail = b.multiply(t, b.exp(b.subtract(logs, b.multiply(z, z))));
    const signed = b.select(b.compare('LT', v, fullLike(b, v, 0)), b.subtract(two, tail), tail);
    return b.select(b.compare('LT', z, fullLike(b, v, 0.5)), b.subtract(one, b.erf(v)), signed);
  });
}

// C. Lanczos 1964, g = 7 with 9 terms.
const lanczosG = 7;
const lanczos = [
  676.5203681218851, -1259.1392167224028, 771.3234287776531, -176.6150291621406, 12.507343278686905,
  -0.13857109526572012, 9.984369578019572e-6, 1.5056327351493116e-7,
];

/** ln Γ(x) for x ≥ ½. */
function logGammaRight(b: Builder, x: Value): Value {
  const z = b.subtract(x, fullLike(b, x, 1));
  const series = lanczos.reduce(
    (sum, c, i) => b.add(sum, b.divide(fullLike(b, z, c), b.add(z, fullLike(b, z, i + 1)))),
    fullLike(b, z, 0.9999999999998099),
  );
  const t = b.add(z, fullLike(b, z, lanczosG + 0.5));
  // ln t by log1p keeps the digits that float32 would lose in t
  const logT = b.add(
    b.log1p(b.multiply(z, fullLike(b, z, 1 / (lanczosG + 0.5)))),
    fullLike(b, z, Math.log(lanczosG + 0.5)),
  );
  const half = b.add(z, fullLike(b, z, 0.5));
  const main = b.multiply(b.subtract(half, b.divide(t, logT)), logT);
  return b.add(b.add(main, b.log(series)), fullLike(b, z, Math.log(2 * Math.PI) / 2));
}

/** x less the nearest integer, exact: where functions of period π take π·x. */
function fraction(b: Builder, x: Value): Value {
  return b.subtract(x, b.roundNearestEven(x));
}

/** ln |Γ(x)|; ∞ at 0, −1, −2 …; below ½ by Γ(x)·Γ(1 − x) = π/sin πx. */
export function logGamma(b: Builder, x: Value): Value {
  return inFloat32(b, x, (v) => {
    const one = fullLike(b, v, 1);
    const left = b.compare('LT', v, fullLike(b, v, 0.5));
    const right = logGammaRight(b, b.select(left, b.subtract(one, v), v));
    const sine = b.abs(b.sin(b.multiply(fraction(b, v), fullLike(b, v, Math.PI))));
    const reflected = b.subtract(fullLike(b, v, Math.log(Math.PI)), b.add(b.log(sine), right));
    const infinity = fullLike(b, v, Number.POSITIVE_INFINITY);
    const pole = b.and(b.compare('LE', v, fullLike(b, v, 0)), b.compare('EQ', v, b.floor(v)));
    const infinite = b.or(pole, b.compare('EQ', b.abs(v), infinity));
    return b.select(infinite, infinity, b.select(left, reflected, right));
  });
}

/** B₂ₖ for k = 1 … 8. */
const bernoulli = [1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510];
/** Arguments are moved up by so much before asymptotic series are used. */
const shift = 10;

/** ψ(x) = d ln Γ/dx for x ≥ ½: recurrence up by 10, then ln x − 1/2x − Σ B₂ₖ/(2k·x²ᵏ). */
function digammaRight(b: Builder, x: Value): Value {
  const one = fullLike(b, x, 1);
  let sum = fullLike(b, x, 0);
  for (let i = 0; i < shift; i++) sum = b.add(sum, b.divide(one, b.add(x, fullLike(b, x, i))));
  const z = b.add(x, fullLike(b, x, shift));
  const inverse = b.divide(one, z);
  const squared = b.multiply(inverse, inverse);
  const series = polynomial(b, squared, [...bernoulli.map((c, k) => c / (2 * k + 2)).reverse(), 0]);
  const log = b.subtract(b.log(z), b.multiply(inverse, fullLike(b, z, 0.5)));
  return b.subtract(b.subtract(log, series), sum);
}

/** ψ(x); NaN at 0, −1, −2 …; below ½ by ψ(1 − x) − ψ(x) = π/tan πx. */
export function digamma(b: Builder, x: Value): Value {
  return inFloat32(b, x, (v) => {
    const left = b.compare('LT', v, fullLike(b, v, 0.5));
    const right = digammaRight(b, b.select(left, b.subtract(fullLike(b, v, 1), v), v));
    const pi = fullLike(b, v, Math.PI);
    const reflected = b.subtract(right, b.divide(pi, b.tan(b.multiply(fraction(b, v), pi))));
    const pole = b.and(b.compare('LE', v, fullLike(b, v, 0)), b.compare('EQ', v, b.floor(v)));
    return b.select(pole, fullLike(b, v, Number.NaN), b.select(left, reflected, right));
  });
}

/**
 * Hurwitz ζ(x, q) = Σ (q + k)^−x for x > 1, q > 0 by Euler and Maclaurin: ten terms, the integral of the rest and eight corrections.
 * ∞ at x = 1, NaN below; ∞ where q is 0, −1, −2 …
 */
export function hurwitzZeta(b: Builder, x: Value, q: Value): Value {
  const full = (n: number): Value => fullLike(b, x, n);
  const minus = b.negate(x);
  let sum = full(0);
  for (let k = 0; k < shift; k++) sum = b.add(sum, b.power(b.add(q, full(k)), minus));
  const a = b.add(q, full(shift));
  const power = b.power(a, minus); // a^−x
  sum = b.add(sum, b.divide(b.multiply(power, a), b.subtract(x, full(1))));
  sum = b.add(sum, b.multiply(power, full(0.5)));
  // Σ B₂ₖ/(2k)! · x(x + 1)…(x + 2k − 2) · a^(−x − 2k + 1)
  let term = b.divide(b.multiply(power, x), a);
  let factorial = 2;
  const squared = b.multiply(a, a);
  for (const [i, bernoulliNumber] of bernoulli.entries()) {
    const k = i + 1;
    sum = b.add(sum, b.multiply(term, full(bernoulliNumber / factorial)));
    const rising = b.multiply(b.add(x, full(2 * k - 1)), b.add(x, full(2 * k)));
    term = b.divide(b.multiply(term, rising), squared);
    factorial *= (2 * k + 1) * (2 * k + 2);
  }
  const pole = b.and(b.compare('LE', q, full(0)), b.compare('EQ', q, b.floor(q)));
  const infinite = b.or(pole, b.compare('EQ', x, full(1)));
  const valued = b.select(infinite, full(Number.POSITIVE_INFINITY), sum);
  return b.select(b.compare('LT', x, full(1)), full(Number.NaN), valued);
}

/** e^−|x|·Iₙ(x), n = 0 or 1: the modified Bessel functions of the first kind, scaled. */
export function scaledBessel(b: Builder, x: Value, order: 0 | 1): Value {
  return inFloat32(b, x, (v) => {
    const [small, large] = order === 0 ? [besselI0Small, besselI0Large] : [besselI1Small, besselI1Large];
    const eight = fullLike(b, v, 8);
    const one = fullLike(b, v, 1);
    const z = b.abs(v);
    const low = b.minimum(z, eight);
    const near = chebyshev(b, b.subtract(b.multiply(low, fullLike(b, v, 0.25)), one), small);
    const high = b.maximum(z, eight);
    const far = chebyshev(b, b.subtract(b.divide(fullLike(b, v, 16), high), one), large);
    const scaledFar = b.divide(far, b.sqrt(high));
    const value = b.select(b.compare('LE', z, eight), order === 0 ? near : b.multiply(near, low), scaledFar);
    return order === 0 ? value : b.multiply(value, b.sign(v));
  });
}
