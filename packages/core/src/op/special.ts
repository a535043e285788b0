/**
 * @file Special functions as HLO phrases, made of the elementary opcodes. Written for float32 and float64; 16-bit floats are
 * computed in float32. Each states its source and accuracy.
 */
import { type Builder, dtypeOf, type ElementType, type Value } from '@tsflow/xla';
import { fullLike } from './hlo.ts';

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
