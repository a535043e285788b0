/** @file Dropout. */
import { InvalidArgumentError } from '../errors.ts';
import type { Tensor, TensorLike } from '../graph/tensor.ts';
import { convertToTensor } from '../op/call.ts';
import { cast, shape } from '../ops/array.ts';
import { greaterEqual } from '../ops/compare.ts';
import { divide, multiply, subtract } from '../ops/math.ts';
import { randomUniform } from '../ops/random.ts';
import { isFullyDefined } from '../shape.ts';
import { scoped } from './softmax.ts';

export interface DropoutOptions {
  /** Probability that an element is kept, in (0, 1]: a number or a scalar tensor (a placeholder switches dropout off in tests). */
  readonly keepProb?: TensorLike;
  /** 1 − keepProb; give one of both. */
  readonly rate?: TensorLike;
  /** Shape of the mask, broadcast to x: [batch, 1, 1, channels] drops whole channels. Default: x's shape. */
  readonly noiseShape?: TensorLike;
  readonly seed?: number | null;
  readonly name?: string;
}

/** The rate as a number when it is one, or as a tensor of x's dtype. */
function rateOf(x: Tensor, options: DropoutOptions): number | Tensor {
  const { keepProb, rate } = options;
  if ((keepProb === undefined) === (rate === undefined)) {
    throw new InvalidArgumentError('dropout needs either keepProb or rate. Give one of both.');
  }
  const given = (rate ?? keepProb) as TensorLike;
  if (typeof given === 'number') {
    const r = rate === undefined ? 1 - given : given;
    if (r >= 0 && r < 1) return r;
    const what = rate === undefined ? `keepProb ${given} is outside (0, 1]` : `rate ${given} is outside [0, 1)`;
    throw new InvalidArgumentError(`dropout: ${what}.`);
  }
  const t = convertToTensor(given);
  if (t.shape !== null && t.shape.length !== 0) {
    throw new InvalidArgumentError(
      `dropout needs a scalar probability, but "${t.name}" has shape [${t.shape.join(', ')}].`,
    );
  }
  const own = cast(t, x.dtype);
  return rate === undefined ? subtract(1, own) : own;
}

/**
 * `x` with elements set to 0 with probability `rate`, the others divided by 1 − rate, so sums are expected to stay. Srivastava et al.
 * 2014. TF `nn.dropout`.
 */
export function dropout(x: TensorLike, options: DropoutOptions): Tensor {
  return scoped(options.name, 'dropout', () => {
    const t = convertToTensor(x, { name: 'x' });
    if (!t.isFloating) {
      throw new InvalidArgumentError(`dropout needs a float tensor, but "${t.name}" is ${t.dtype}. Cast it.`);
    }
    const rate = rateOf(t, options);
    if (rate === 0) return t;
    const dims = options.noiseShape ?? (isFullyDefined(t.shape) ? t.shape : shape(t));
    const noise = randomUniform(dims, { dtype: t.dtype, seed: options.seed });
    const mask = cast(greaterEqual(noise, rate), t.dtype);
    const scaled = typeof rate === 'number' ? multiply(t, 1 / (1 - rate)) : divide(t, subtract(1, rate));
    const result = multiply(scaled, mask);
    result.setShape(t.shape);
    return result;
  });
}
