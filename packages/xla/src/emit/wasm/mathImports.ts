/** @file The scalar functions that kernels import: f64 → f64 from JavaScript's Math. */
import type { MathFunction } from '../../kernels/ir.ts';

/** Import object of the module name `math`. */
export const mathFunctions: { readonly [F in MathFunction]: (x: number, y: number) => number } = {
  exp: Math.exp,
  expm1: Math.expm1,
  log: Math.log,
  log1p: Math.log1p,
  sin: Math.sin,
  cos: Math.cos,
  tan: Math.tan,
  tanh: Math.tanh,
  atan2: Math.atan2,
  pow,
  cbrt: Math.cbrt,
  fmod: (x, y) => x % y,
};

/** C's pow: pow(1, y) and pow(−1, ±∞) are 1, which `**` makes NaN. */
function pow(x: number, y: number): number {
  if (x === 1 || (x === -1 && Math.abs(y) === Number.POSITIVE_INFINITY)) return 1;
  return x ** y;
}

/** Number of arguments. */
export function mathArity(fn: MathFunction): 1 | 2 {
  return fn === 'atan2' || fn === 'pow' || fn === 'fmod' ? 2 : 1;
}
