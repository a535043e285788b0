/**
 * @file The one-dimensional transforms of Winograd's F(m, r) with m + r = 7, on the six points 0, ±1, ±2, ∞:
 * m results of an r-tap correlation y = Aᵀ[(G g) ⊙ (Bᵀ d)] from six inputs and six products (Lavin and Gray 2016; Toom and Cook).
 */
import type { Expr } from '../ir.ts';
import type { KernelBuilder } from '../kernelBuilder.ts';

/** Inputs (and products) of one transform. */
export const points = 6;

/** Products of a two-dimensional tile. */
export const products = points * points;

/**
 * Elements from one of the 36 products to the next, at least `elements`: an odd number of cache lines, so that the 36 places that a
 * transform writes together fall into different sets of the cache.
 */
export function productStep(elements: number): number {
  return 16 * (Math.ceil(elements / 16) | 1);
}

/** Results per tile side for an r-tap filter. */
export function outputsFor(taps: number): number {
  return points + 1 - taps;
}

function times(k: KernelBuilder, factor: number, x: Expr, plus?: Expr): Expr {
  const f = k.const('f32', factor, x.type.lanes);
  return plus ? k.fma(x, f, plus) : k.mul(x, f);
}

/** Bᵀ d: six inputs → six. */
export function transformInput(k: KernelBuilder, d: readonly Expr[]): Expr[] {
  const [d0, d1, d2, d3, d4, d5] = d as [Expr, Expr, Expr, Expr, Expr, Expr];
  const even = k.let(times(k, -4, d2, d4)); // d4 − 4·d2
  const odd = k.let(times(k, -4, d1, d3)); // d3 − 4·d1
  const far = k.let(k.sub(d4, d2));
  const twice = k.let(k.sub(d3, d1));
  return [
    times(k, 4, k.sub(d0, d2), far), // 4·d0 − 5·d2 + d4
    k.add(even, odd),
    k.sub(even, odd),
    times(k, 2, twice, far),
    times(k, -2, twice, far),
    times(k, -4, twice, k.sub(d5, d3)), // 4·d1 − 5·d3 + d5
  ];
}

/** G g: r taps → six. */
export function transformFilter(k: KernelBuilder, g: readonly Expr[]): Expr[] {
  const sum = (parity: number, base: number): Expr | undefined => {
    let total: Expr | undefined;
    g.forEach((x, i) => {
      if (i % 2 !== parity) return;
      const factor = base ** i;
      total = factor === 1 ? (total ? k.add(total, x) : x) : times(k, factor, x, total);
    });
    return total;
  };
  const pair = (base: number, scale: number): [Expr, Expr] => {
    const even = k.let(times(k, scale, sum(0, base) as Expr));
    const odd = sum(1, base);
    if (!odd) return [even, even];
    const scaled = k.let(times(k, scale, odd));
    return [k.add(even, scaled), k.sub(even, scaled)];
  };
  return [times(k, 1 / 4, g[0] as Expr), ...pair(1, -1 / 6), ...pair(2, 1 / 24), g.at(-1) as Expr];
}

/** Aᵀ m: six products → `outputs` results. */
export function transformOutput(k: KernelBuilder, m: readonly Expr[], outputs: number): Expr[] {
  const [m0, m1, m2, m3, m4, m5] = m as [Expr, Expr, Expr, Expr, Expr, Expr];
  const pairs = [
    [k.let(k.add(m1, m2)), k.let(k.add(m3, m4))],
    [k.let(k.sub(m1, m2)), k.let(k.sub(m3, m4))],
  ] as const;
  return Array.from({ length: outputs }, (_, i) => {
    const [near, far] = pairs[i % 2] as readonly [Expr, Expr];
    let y = i === 0 ? k.add(near, far) : times(k, 2 ** i, far, near);
    if (i === 0) y = k.add(y, m0);
    if (i === outputs - 1) y = k.add(y, m5);
    return y;
  });
}
