/** @file Random values. Every node has its own Philox stream, keyed by its seeds; each run goes on where the last one ended. */
import { type DType, floating } from '../dtype.ts';
import { getSeed } from '../graph/seed.ts';
import type { Tensor, TensorLike } from '../graph/tensor.ts';
import { indexTypes, int, type } from '../op/attr.ts';
import { call } from '../op/call.ts';
import { defineOp } from '../op/defineOp.ts';
import { uniformFloats } from '../op/random.ts';
import { shapeFromVector } from '../op/shapeFunctions.ts';
import { add, multiply, subtract } from './math.ts';

const seeds = { seed: int(0), seed2: int(0) };

export const RandomUniform = defineOp('RandomUniform', {
  inputs: ['shape: T'],
  outputs: ['output: dtype'],
  attrs: { ...seeds, dtype: type(floating), T: type(indexTypes) },
  shape: ({ shape }, ctx) => ({ output: shapeFromVector(ctx.constantShape('shape'), shape) }),
  grad: null,
  stateful: true,
  lower: (b, _, ctx) => ({ output: uniformFloats(b, ctx, ctx.attrs.dtype, ctx.dims('output')) }),
});

export interface RandomOptions {
  /** Default float32. */
  readonly dtype?: DType;
  /** Op seed; with the graph seed it fixes the sequence (setRandomSeed). */
  readonly seed?: number | null;
  readonly name?: string;
}

/** Uniform values in [minval, maxval), by default [0, 1). */
export function randomUniform(
  shape: TensorLike,
  options: RandomOptions & { minval?: TensorLike; maxval?: TensorLike } = {},
): Tensor {
  const [seed, seed2] = getSeed(options.seed);
  const attrs = { seed, seed2, dtype: options.dtype ?? 'float32' };
  const name = options.name ?? 'random_uniform';
  const u = call(RandomUniform, { shape }, { attrs, name: `${name}/RandomUniform` }).output;
  if (options.minval === undefined && options.maxval === undefined) return u;
  const low = options.minval ?? 0;
  const span = subtract(options.maxval ?? 1, low, `${name}/sub`);
  return add(multiply(u, span, `${name}/mul`), low, name);
}
