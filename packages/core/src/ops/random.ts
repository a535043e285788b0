/** @file Random values. Every node has its own Philox stream, keyed by its seeds; each run goes on where the last one ended. */
import { type Builder, dimsOf, type Value } from '@tsflow/xla';
import { type DType, floating, isInteger, real } from '../dtype.ts';
import { InvalidArgumentError } from '../errors.ts';
import { nameScope } from '../graph/graph.ts';
import { getSeed } from '../graph/seed.ts';
import type { Tensor, TensorLike } from '../graph/tensor.ts';
import { indexTypes, int, type } from '../op/attr.ts';
import { call, convertToTensor } from '../op/call.ts';
import { defineOp } from '../op/defineOp.ts';
import { broadcastTo } from '../op/hlo.ts';
import { normalFloats, openUniformFloats, truncatedNormalFloats, uniformFloats } from '../op/random.ts';
import { shapeFromVector, withRank } from '../op/shapeFunctions.ts';
import { add, multiply, subtract } from './math.ts';
import { rowsAt } from './sparseRows.ts';

const seeds = { seed: int(0), seed2: int(0) };
const shapedAttrs = { ...seeds, dtype: type(floating), T: type(indexTypes) };

export const RandomUniform = defineOp('RandomUniform', {
  inputs: ['shape: T'],
  outputs: ['output: dtype'],
  attrs: shapedAttrs,
  shape: ({ shape }, ctx) => ({ output: shapeFromVector(ctx.constantShape('shape'), shape) }),
  grad: null,
  stateful: true,
  lower: (b, _, ctx) => ({ output: uniformFloats(b, ctx, ctx.attrs.dtype, ctx.dims('output')) }),
});

export const RandomStandardNormal = defineOp('RandomStandardNormal', {
  inputs: ['shape: T'],
  outputs: ['output: dtype'],
  attrs: shapedAttrs,
  shape: ({ shape }, ctx) => ({ output: shapeFromVector(ctx.constantShape('shape'), shape) }),
  grad: null,
  stateful: true,
  lower: (b, _, ctx) => ({ output: normalFloats(b, ctx, ctx.attrs.dtype, ctx.dims('output')) }),
});

/** Standard normal values within two standard deviations. */
export const TruncatedNormal = defineOp('TruncatedNormal', {
  inputs: ['shape: T'],
  outputs: ['output: dtype'],
  attrs: shapedAttrs,
  shape: ({ shape }, ctx) => ({ output: shapeFromVector(ctx.constantShape('shape'), shape) }),
  grad: null,
  stateful: true,
  lower: (b, _, ctx) => ({ output: truncatedNormalFloats(b, ctx, ctx.attrs.dtype, ctx.dims('output')) }),
});

/** Whole numbers in [minval, maxval): random bits modulo the span (the bias is below span/2³², span/2⁶⁴ for int64). */
export const RandomUniformInt = defineOp('RandomUniformInt', {
  inputs: ['shape: T', 'minval: Tout', 'maxval: Tout'],
  outputs: ['output: Tout'],
  attrs: { ...seeds, Tout: type(indexTypes), T: type(indexTypes) },
  shape: ({ shape }, ctx) => {
    const [low, high] = [ctx.constantNumbers('minval')?.[0], ctx.constantNumbers('maxval')?.[0]];
    if (low !== undefined && high !== undefined && low >= high) {
      ctx.fail(`minval ${low} must be less than maxval ${high}. The range is [minval, maxval).`);
    }
    return { output: shapeFromVector(ctx.constantShape('shape'), shape) };
  },
  grad: null,
  stateful: true,
  lower: (b, { minval, maxval }, ctx) => {
    const dims = ctx.dims('output');
    const [signed, unsigned] = ctx.attrs.Tout === 'int64' ? (['s64', 'u64'] as const) : (['s32', 'u32'] as const);
    const span = b.bitcastConvert(b.subtract(maxval, minval), unsigned);
    const offset = b.remainder(ctx.randomBits(unsigned, dims), broadcastTo(b, span, dims));
    return { output: b.add(b.bitcastConvert(offset, signed), broadcastTo(b, minval, dims)) };
  },
});

/** Rows of `value` in random order: sorted by random keys. */
export const RandomShuffle = defineOp('RandomShuffle', {
  inputs: ['value: T'],
  outputs: ['output: T'],
  attrs: { ...seeds, T: 'type' },
  shape: ({ value }) => ({ output: value }),
  grad: null,
  stateful: true,
  lower: (b, { value }, ctx) => {
    const [n = 0] = dimsOf(value);
    if (n < 2) return { output: value };
    return { output: rowsAt(b, value, randomOrder(b, ctx.randomBits('u32', [n]), n)) };
  },
});

function randomOrder(b: Builder, keys: Value, n: number): Value {
  const scalar = (dtype: 'u32' | 's32') => ({ kind: 'array', dtype, dims: [] }) as const;
  const parameters = [scalar('u32'), scalar('u32'), scalar('s32'), scalar('s32')];
  const comparator = b.computation('ascending', parameters, (c, p, q) => c.compare('LT', p as Value, q as Value));
  const sorted = b.sort([keys, b.iota('s32', [n], 0)], { dimension: 0, comparator, stable: true });
  return b.getTupleElement(sorted, 1);
}

/** Class numbers drawn by unnormalised log-probabilities: the greatest of logits + Gumbel noise. */
export const Multinomial = defineOp('Multinomial', {
  inputs: ['logits: T', 'num_samples: int32'],
  outputs: ['output: output_dtype'],
  attrs: { ...seeds, T: type(real), output_dtype: type(indexTypes, 'int64') },
  shape: ({ logits }, ctx) => {
    const rows = withRank(logits, 2, 'logits', ctx)?.[0] ?? null;
    return { output: [rows, ctx.constantNumbers('num_samples')?.[0] ?? null] };
  },
  grad: null,
  stateful: true,
  lower: (b, { logits, num_samples }, ctx) => {
    const [batch = 0, classes = 0] = dimsOf(logits);
    const samples = ctx.numbers(num_samples)[0] as number;
    if (classes === 0) return ctx.fail(`logits [${batch}, 0] have no classes to draw from. Give at least one.`);
    const dims = [batch, samples, classes];
    const wide = b.broadcast(b.convert(logits, 'f32'), dims, [0, 2]);
    const gumbel = b.negate(b.log(b.negate(b.log(openUniformFloats(b, ctx, 'f32', dims)))));
    const best = b.getTupleElement(b.topK(b.add(wide, gumbel), 1), 1); // [batch, samples, 1]
    return { output: b.convert(b.reshape(best, [batch, samples]), ctx.attrs.output_dtype === 'int64' ? 's64' : 's32') };
  },
});

export interface RandomOptions {
  /** Default float32. */
  readonly dtype?: DType | undefined;
  /** Op seed; with the graph seed it fixes the sequence (setRandomSeed). */
  readonly seed?: number | null | undefined;
  readonly name?: string | undefined;
}

export interface NormalOptions extends RandomOptions {
  /** Default 0. */
  readonly mean?: TensorLike;
  /** Default 1. */
  readonly stddev?: TensorLike;
}

/**
 * Uniform values in [minval, maxval), by default [0, 1). With an integer dtype (int32, int64) `maxval` is required.
 * TF `random_uniform`.
 */
export function randomUniform(
  shape: TensorLike,
  options: RandomOptions & { minval?: TensorLike; maxval?: TensorLike } = {},
): Tensor {
  const dtype = options.dtype ?? 'float32';
  return nameScope(options.name ?? 'random_uniform', (scope) => {
    const [seed, seed2] = getSeed(options.seed);
    if (isInteger(dtype)) {
      if (options.maxval === undefined) {
        throw new InvalidArgumentError(`randomUniform of ${dtype} needs maxval. Give { minval, maxval }.`);
      }
      const inputs = { shape, minval: options.minval ?? 0, maxval: options.maxval };
      return call(RandomUniformInt, inputs, { attrs: { seed, seed2, Tout: dtype }, name: scope }).output;
    }
    const u = call(RandomUniform, { shape }, { attrs: { seed, seed2, dtype } }).output;
    const low = convertToTensor(options.minval ?? 0, { dtype, name: 'min' });
    const high = convertToTensor(options.maxval ?? 1, { dtype, name: 'max' });
    return add(multiply(u, subtract(high, low, 'sub'), 'mul'), low, scope);
  });
}

function normal(
  record: typeof RandomStandardNormal | typeof TruncatedNormal,
  shape: TensorLike,
  options: NormalOptions & { readonly name: string },
): Tensor {
  const dtype = options.dtype ?? 'float32';
  return nameScope(options.name, (scope) => {
    const [seed, seed2] = getSeed(options.seed);
    const mean = convertToTensor(options.mean ?? 0, { dtype, name: 'mean' });
    const stddev = convertToTensor(options.stddev ?? 1, { dtype, name: 'stddev' });
    const { output } = call(record, { shape }, { attrs: { seed, seed2, dtype } });
    return add(multiply(output, stddev, 'mul'), mean, scope);
  });
}

/** Normal values. TF `random_normal`. */
export function randomNormal(shape: TensorLike, options: NormalOptions = {}): Tensor {
  return normal(RandomStandardNormal, shape, { ...options, name: options.name ?? 'random_normal' });
}

/** Normal values redrawn when further than two standard deviations from the mean. TF `truncated_normal`. */
export function truncatedNormal(shape: TensorLike, options: NormalOptions = {}): Tensor {
  return normal(TruncatedNormal, shape, { ...options, name: options.name ?? 'truncated_normal' });
}

/** `value` with its rows (entries along dimension 0) in random order. TF `random_shuffle`. */
export function randomShuffle(value: TensorLike, options: { seed?: number | null; name?: string } = {}): Tensor {
  const [seed, seed2] = getSeed(options.seed);
  return call(RandomShuffle, { value }, { attrs: { seed, seed2 }, name: options.name }).output;
}

/**
 * `numSamples` class numbers for each row of `logits` [batch, classes], drawn by softmax(logits): [batch, numSamples], int64 by
 * default. TF `multinomial`.
 */
export function multinomial(
  logits: TensorLike,
  numSamples: TensorLike,
  options: { seed?: number | null; outputDtype?: 'int32' | 'int64'; name?: string } = {},
): Tensor {
  const [seed, seed2] = getSeed(options.seed);
  const attrs = { seed, seed2, output_dtype: options.outputDtype ?? 'int64' } as const;
  const name = options.name ?? 'multinomial/Multinomial';
  return call(Multinomial, { logits, num_samples: numSamples }, { attrs, name }).output;
}
