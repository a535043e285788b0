/** @file The error function in f64, by its all-positive series; a loop per element, exact to a few units in the last place. */
import type { Expr } from '../ir.ts';
import type { KernelBuilder } from '../kernelBuilder.ts';

/** Terms after which the series has converged for every |x| < 6. */
const terms = 160;

/** erf x = 2/√π · e^(−x²) · Σ 2^n·x^(2n+1) / (1·3·5···(2n+1)); ±1 from |x| = 6 on. */
export function erfDouble(k: KernelBuilder, value: Expr): Expr {
  const c = (v: number): Expr => k.const('f64', v);
  const x = k.let(value, 'x');
  const result = k.variable(x, 'erf');
  const size = k.let(k.unary('abs', x), 'size');
  k.if(k.compare('GE', size, c(6)), () => k.set(result, k.select(k.compare('LT', x, c(0)), c(-1), c(1))));
  k.if(k.compare('LT', size, c(6)), () => {
    const square = k.let(k.binary('multiply', x, x), 'square');
    const twice = k.let(k.binary('add', square, square), 'twice');
    const term = k.variable(x, 'term');
    const sum = k.variable(x, 'sum');
    k.for(1, terms, (n) => {
      const divisor = k.convert('f64', k.add(k.add(n, n), 1));
      k.set(term, k.binary('divide', k.binary('multiply', k.read(term), twice), divisor));
      k.set(sum, k.binary('add', k.read(sum), k.read(term)));
    });
    const bell = k.binary('multiply', c(2 / Math.sqrt(Math.PI)), k.math('exp', k.unary('negate', square)));
    k.set(result, k.binary('multiply', bell, k.read(sum)));
  });
  return k.read(result);
}
