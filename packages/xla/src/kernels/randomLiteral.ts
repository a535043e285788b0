/** @file Reproducible array contents for tests: ordinary values with the awkward ones mixed in. */
import type { Literal } from '../hlo/literal.ts';
import { literalFrom } from '../hlo/literals.ts';
import { arrayShape, type ElementType, elementCount, isFloat } from '../hlo/shape.ts';
import { integerLimits } from '../hlo/traits.ts';

/** Uniform numbers in [0, 1), the same for the same seed (mulberry32). */
export function randomSource(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

export interface RandomOptions {
  readonly seed?: number;
  /** Mix in zeros of both signs, infinities, NaN, extremes; default false. */
  readonly special?: boolean;
  /** Floats lie in ±scale (default 4), integers in ±scale when given. */
  readonly scale?: number;
}

const specials = [0, -0, Infinity, -Infinity, Number.NaN, 1, -1, 1e-40, 3.4e38, 0.5];

/** A literal of random elements. */
export function randomLiteral(dtype: ElementType, dims: readonly number[], options: RandomOptions = {}): Literal {
  const { seed = 1, special = false, scale } = options;
  const random = randomSource(seed);
  const values = Array.from({ length: elementCount(dims) }, (): number | bigint => {
    const odd = special && random() < 0.15;
    if (isFloat(dtype)) {
      if (odd) return specials[Math.floor(random() * specials.length)] as number;
      return (random() * 2 - 1) * (scale ?? 4);
    }
    const [least, most] = integerLimits(dtype) as readonly [bigint, bigint];
    if (odd) return [least, most, 0n, 1n, least + 1n][Math.floor(random() * 5)] as bigint;
    if (scale === undefined) return least + BigInt(Math.floor(random() * Number(most - least)));
    const x = BigInt(Math.round((random() * 2 - 1) * scale));
    return x < least ? least : x > most ? most : x;
  });
  return literalFrom(values, dtype, arrayShape(dtype, dims).dims);
}
