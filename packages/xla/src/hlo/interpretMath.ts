/** @file Functions of doubles that JavaScript lacks or defines otherwise than C. */

/** C's pow: 1^y = 1 even for NaN, (−1)^±∞ = 1; elsewhere as Math.pow. */
export function powerC(a: number, b: number): number {
  if (a === 1 || (a === -1 && !Number.isFinite(b) && !Number.isNaN(b))) return 1;
  return a ** b;
}

/** To the nearest whole number, halves to the even one; keeps −0. */
export function roundNearestEven(a: number): number {
  const floor = Math.floor(a);
  const diff = a - floor;
  if (diff < 0.5) return floor === 0 && (a < 0 || Object.is(a, -0)) ? -0 : floor;
  if (diff > 0.5 || floor % 2 !== 0) {
    const up = floor + 1;
    return up === 0 ? -0 : up;
  }
  return diff === 0.5 ? floor : a; // infinities and NaN come back unchanged
}

/** The error function 2/√π ∫₀ˣ e^(−t²) dt, to about 1e-16 relative. */
export function erf(x: number): number {
  if (Number.isNaN(x)) return x;
  const a = Math.abs(x);
  if (a > 6) return Math.sign(x);
  return a < 2.5 ? erfSeries(x) : Math.sign(x) * (1 - erfcFraction(a));
}

/** erf x = 2/√π · e^(−x²) · Σ 2ⁿ x^(2n+1) / (2n+1)!! — all terms have one sign, so nothing cancels (DLMF 7.6.2). */
function erfSeries(x: number): number {
  let term = x;
  let sum = x;
  for (let n = 1; Math.abs(term) > Math.abs(sum) * 1e-17; n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}

/** erfc x = e^(−x²)/√π · 1/(x + (1/2)/(x + (2/2)/(x + (3/2)/(x + …)))) (DLMF 7.9.1), evaluated from far inside. */
function erfcFraction(x: number): number {
  let tail = x;
  for (let n = 80; n >= 1; n--) tail = x + n / 2 / tail;
  return Math.exp(-x * x) / Math.sqrt(Math.PI) / tail;
}
