/** @file Random values. Every node has its own Philox stream, keyed by its seeds; each run goes on where the last one ended. */
import type { Builder, Value } from '@tsflow/xla';
import { type DType, floating } from '../dtype.ts';
import { getDefaultGraph } from '../graph/graph.ts';
import { getSeed } from '../graph/seed.ts';
import type { Tensor, TensorLike } from '../graph/tensor.ts';
import { indexTypes, int, type } from '../op/attr.ts';
import { call, convertToTensor } from '../op/call.ts';
import { defineOp } from '../op/defineOp.ts';
import { normalFloats, truncatedNormalFloats, uniformFloats } from '../op/random.ts';
import type { LowerContext } from '../op/record.ts';
import { shapeFromVector } from '../op/shapeFunctions.ts';
import type { Dims } from '../shape.ts';
import { add, multiply, subtract } from './math.ts';

const seeds = { seed: int(0), seed2: int(0) };

type Fill = (b: Builder, ctx: Pick<LowerContext, 'randomBits'>, dtype: DType, dims: Dims) => Value;

/** An op that fills a shape with random floats. */
function randomFloats(name: string, fill: Fill) {
  return defineOp(name, {
    inputs: ['shape: T'],
    outputs: ['output: dtype'],
    attrs: { ...seeds, dtype: type(floating), T: type(indexTypes) },
    shape: ({ shape }, ctx) => ({ output: shapeFromVector(ctx.constantShape('shape'), shape) }),
    grad: null,
    stateful: true,
    lower: (b, _, ctx) => ({ output: fill(b, ctx, ctx.attrs.dtype, ctx.dims('output')) }),
  });
}

export const RandomUniform = randomFloats('RandomUniform', uniformFloats);
export const RandomStandardNormal = randomFloats('RandomStandardNormal', normalFloats);
export const TruncatedNormal = randomFloats('TruncatedNormal', truncatedNormalFloats);

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
  return getDefaultGraph().nameScope(options.name ?? 'random_uniform', (scope) => {
    const u = call(RandomUniform, { shape }, { attrs }).output;
    const low = options.minval ?? 0;
    const span = subtract(options.maxval ?? 1, convertToTensor(low, { dtype: attrs.dtype, name: 'min' }), 'sub');
    return add(multiply(u, span, 'mul'), low, scope);
  });
}

export interface NormalOptions extends RandomOptions {
  /** Default 0. */
  readonly mean?: TensorLike;
  /** Default 1. */
  readonly stddev?: TensorLike;
}

/** Nodes `<name>/<op>`, `<name>/mul`, `<name>`: value · stddev + mean. */
function scaledNormal(
  op: typeof RandomStandardNormal,
  shape: TensorLike,
  options: NormalOptions,
  name: string,
): Tensor {
  const [seed, seed2] = getSeed(options.seed);
  const attrs = { seed, seed2, dtype: options.dtype ?? 'float32' };
  return getDefaultGraph().nameScope(name, (scope) => {
    const raw = call(op, { shape }, { attrs }).output;
    return add(multiply(raw, options.stddev ?? 1, 'mul'), options.mean ?? 0, scope);
  });
}

/** Normally distributed values. */
export function randomNormal(shape: TensorLike, options: NormalOptions = {}): Tensor {
  return scaledNormal(RandomStandardNormal, shape, options, options.name ?? 'random_normal');
}

/** Normally distributed values, none further than two standard deviations from the mean. */
export function truncatedNormal(shape: TensorLike, options: NormalOptions = {}): Tensor {
  return scaledNormal(TruncatedNormal, shape, options, options.name ?? 'truncated_normal');
}
