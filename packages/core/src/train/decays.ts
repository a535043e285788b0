/**
 * @file Learning rates that fall with the global step. Each answers a scalar tensor of the learning rate's dtype, to be given to an
 * optimizer. `p` below is step / decaySteps. Names, defaults and formulas are TensorFlow 1.x's.
 */
import { InvalidArgumentError } from '../errors.ts';
import { nameScope } from '../graph/graph.ts';
import type { Tensor, TensorLike } from '../graph/tensor.ts';
import { convertToTensor } from '../op/call.ts';
import { cast, constant } from '../ops/array.ts';
import { equal, lessEqual } from '../ops/compare.ts';
import { add, divide, exp, log, multiply, negative, sqrt, subtract } from '../ops/math.ts';
import { minimum, pow } from '../ops/mathBinary.ts';
import { ceil, cos, floor } from '../ops/mathUnary.ts';
import { randomNormal } from '../ops/random.ts';
import { where } from '../ops/select.ts';
import { formatShape } from '../shape.ts';

export interface DecayOptions {
  /** Name scope of the nodes. Default: TensorFlow's name of the decay. */
  readonly name?: string | undefined;
}

export interface StaircaseOptions extends DecayOptions {
  /** Decay in steps: p is rounded down. Default false. */
  readonly staircase?: boolean | undefined;
}

interface Quantities {
  readonly rate: Tensor;
  readonly step: Tensor;
  readonly steps: Tensor;
  /** Any other quantity in the rate's dtype. */
  readonly as: (x: TensorLike, name: string) => Tensor;
}

/** Opens the scope and brings step and decaySteps to the rate's dtype. */
function decay(
  name: string,
  [learningRate, globalStep, decaySteps]: readonly [TensorLike, TensorLike, TensorLike],
  body: (q: Quantities) => Tensor,
): Tensor {
  if (globalStep === null || globalStep === undefined) {
    throw new InvalidArgumentError('globalStep is missing. Give getOrCreateGlobalStep() or another scalar.', {
      opType: name,
    });
  }
  if (typeof decaySteps === 'number' && !(decaySteps > 0)) {
    throw new InvalidArgumentError(`decaySteps is ${decaySteps}. Give a positive number.`, { opType: name });
  }
  if (typeof learningRate === 'number' && !Number.isFinite(learningRate)) {
    throw new InvalidArgumentError(`learningRate is ${learningRate}. Give a finite number.`, { opType: name });
  }
  return nameScope(name, () => {
    const rate = convertToTensor(learningRate, { name: 'learning_rate' });
    const as = (x: TensorLike, label: string): Tensor =>
      typeof x === 'number' ? constant(x, { dtype: rate.dtype, name: label }) : cast(x, rate.dtype);
    return body({ rate, step: as(globalStep, 'global_step'), steps: as(decaySteps, 'decay_steps'), as });
  });
}

function progress({ step, steps }: Quantities, staircase: boolean | undefined): Tensor {
  const p = divide(step, steps);
  return staircase === true ? floor(p) : p;
}

/** learningRate · decayRate^p. TF `train.exponential_decay`. */
export function exponentialDecay(
  learningRate: TensorLike,
  globalStep: TensorLike,
  decaySteps: TensorLike,
  decayRate: TensorLike,
  options: StaircaseOptions = {},
): Tensor {
  return decay(options.name ?? 'ExponentialDecay', [learningRate, globalStep, decaySteps], (q) =>
    multiply(q.rate, pow(q.as(decayRate, 'decay_rate'), progress(q, options.staircase))),
  );
}

/** learningRate · e^(−decayRate·p). TF `train.natural_exp_decay`. */
export function naturalExpDecay(
  learningRate: TensorLike,
  globalStep: TensorLike,
  decaySteps: TensorLike,
  decayRate: TensorLike,
  options: StaircaseOptions = {},
): Tensor {
  return decay(options.name ?? 'NaturalExpDecay', [learningRate, globalStep, decaySteps], (q) =>
    multiply(q.rate, exp(multiply(negative(q.as(decayRate, 'decay_rate')), progress(q, options.staircase)))),
  );
}

/** learningRate / (1 + decayRate·p). TF `train.inverse_time_decay`. */
export function inverseTimeDecay(
  learningRate: TensorLike,
  globalStep: TensorLike,
  decaySteps: TensorLike,
  decayRate: TensorLike,
  options: StaircaseOptions = {},
): Tensor {
  return decay(options.name ?? 'InverseTimeDecay', [learningRate, globalStep, decaySteps], (q) =>
    divide(q.rate, add(multiply(q.as(decayRate, 'decay_rate'), progress(q, options.staircase)), 1)),
  );
}

export interface PolynomialDecayOptions extends DecayOptions {
  /** Default 0.0001. */
  readonly endLearningRate?: TensorLike | undefined;
  /** Default 1, a line. */
  readonly power?: TensorLike | undefined;
  /** After the end, begin again over ever longer stretches (multiples of decaySteps). Default false: stay at the end. */
  readonly cycle?: boolean | undefined;
}

/** (learningRate − end)·(1 − p)^power + end. TF `train.polynomial_decay`. */
export function polynomialDecay(
  learningRate: TensorLike,
  globalStep: TensorLike,
  decaySteps: TensorLike,
  options: PolynomialDecayOptions = {},
): Tensor {
  const { endLearningRate = 0.0001, power = 1, cycle = false } = options;
  return decay(options.name ?? 'PolynomialDecay', [learningRate, globalStep, decaySteps], (q) => {
    const end = q.as(endLearningRate, 'end_learning_rate');
    // Step 0 belongs to the first stretch, not to one of length 0.
    const stretches = (): Tensor =>
      where(equal(q.step, 0), constant(1, { dtype: q.rate.dtype }), ceil(divide(q.step, q.steps)));
    const p = cycle ? divide(q.step, multiply(q.steps, stretches())) : divide(minimum(q.step, q.steps), q.steps);
    return add(multiply(subtract(q.rate, end), pow(subtract(1, p), q.as(power, 'power'))), end);
  });
}

/**
 * values[0] while x ≤ boundaries[0], values[1] while x ≤ boundaries[1], … and the last value after the last boundary.
 * TF `train.piecewise_constant`.
 * @throws InvalidArgument unless there is one value more than boundaries and x is a scalar.
 */
export function piecewiseConstant(
  x: TensorLike,
  boundaries: readonly TensorLike[],
  values: readonly TensorLike[],
  options: DecayOptions = {},
): Tensor {
  const name = options.name ?? 'PiecewiseConstant';
  if (values.length !== boundaries.length + 1) {
    throw new InvalidArgumentError(
      `${boundaries.length} boundaries and ${values.length} values were given. Give one value more than boundaries.`,
      { opType: name },
    );
  }
  return nameScope(name, () => {
    const at = convertToTensor(x);
    if (at.shape !== null && at.shape.length !== 0) {
      throw new InvalidArgumentError(`x "${at.name}" has shape ${formatShape(at.shape)}. Give a scalar.`, {
        opType: name,
      });
    }
    const pieces = values.map((v, i) => convertToTensor(v, { name: `values_${i}` }));
    let result = pieces.at(-1) as Tensor;
    for (let i = boundaries.length - 1; i >= 0; i--) {
      result = where(lessEqual(at, boundaries[i] as TensorLike), pieces[i] as Tensor, result);
    }
    return result;
  });
}

/** TensorFlow's second name of piecewiseConstant. */
export const piecewiseConstantDecay = piecewiseConstant;

/** ½(1 + cos πx) */
function halfWave(x: Tensor): Tensor {
  return multiply(add(cos(multiply(x, Math.PI)), 1), 0.5);
}

/** learningRate·((1 − alpha)·½(1 + cos πp) + alpha), p at most 1. TF `train.cosine_decay` (Loshchilov, Hutter 2016). */
export function cosineDecay(
  learningRate: TensorLike,
  globalStep: TensorLike,
  decaySteps: TensorLike,
  options: DecayOptions & { readonly alpha?: TensorLike } = {},
): Tensor {
  return decay(options.name ?? 'CosineDecay', [learningRate, globalStep, decaySteps], (q) => {
    const alpha = q.as(options.alpha ?? 0, 'alpha');
    const wave = halfWave(divide(minimum(q.step, q.steps), q.steps));
    return multiply(q.rate, add(multiply(subtract(1, alpha), wave), alpha));
  });
}

export interface RestartsOptions extends DecayOptions {
  /** Each period is this many times as long as the one before. Default 2. */
  readonly tMul?: number | undefined;
  /** Each restart begins at this multiple of the rate before. Default 1. */
  readonly mMul?: TensorLike | undefined;
  /** The lowest rate as a fraction of learningRate. Default 0. */
  readonly alpha?: TensorLike | undefined;
}

/** Cosine decay that starts again after each period. TF `train.cosine_decay_restarts`. */
export function cosineDecayRestarts(
  learningRate: TensorLike,
  globalStep: TensorLike,
  firstDecaySteps: TensorLike,
  options: RestartsOptions = {},
): Tensor {
  const { tMul = 2, mMul = 1 } = options;
  return decay(options.name ?? 'SGDRDecay', [learningRate, globalStep, firstDecaySteps], (q) => {
    const alpha = q.as(options.alpha ?? 0, 'alpha');
    const { restarts, within } = period(divide(q.step, q.steps), tMul);
    const wave = multiply(pow(q.as(mMul, 'm_mul'), restarts), halfWave(within));
    return multiply(q.rate, add(multiply(subtract(1, alpha), wave), alpha));
  });
}

/** Number of restarts before `p` and the completed fraction of the current period, for periods 1, t, t² … */
function period(p: Tensor, t: number): { readonly restarts: Tensor; readonly within: Tensor } {
  if (t === 1) {
    const restarts = floor(p);
    return { restarts, within: subtract(p, restarts) };
  }
  // 1 + t + … + tⁱ⁻¹ = (1 − tⁱ)/(1 − t) ≤ p gives i = ⌊ln(1 − p(1 − t)) / ln t⌋
  const restarts = floor(divide(log(subtract(1, multiply(p, 1 - t))), Math.log(t)));
  const length = pow(constant(t, { dtype: p.dtype }), restarts);
  const before = divide(subtract(1, length), 1 - t);
  return { restarts, within: divide(subtract(p, before), length) };
}

export interface LinearCosineOptions extends DecayOptions {
  /** Periods of the cosine. Default 0.5. */
  readonly numPeriods?: number | undefined;
  /** Default 0. */
  readonly alpha?: TensorLike | undefined;
  /** Default 0.001. */
  readonly beta?: TensorLike | undefined;
}

/** learningRate·((alpha + line)·½(1 + cos(2π·numPeriods·p)) + beta), line = 1 − p plus `noise`. */
function linearCosine(q: Quantities, options: LinearCosineOptions, noise?: Tensor): Tensor {
  const p = divide(minimum(q.step, q.steps), q.steps);
  const line = divide(subtract(q.steps, minimum(q.step, q.steps)), q.steps);
  const wave = halfWave(multiply(p, 2 * (options.numPeriods ?? 0.5)));
  const height = add(q.as(options.alpha ?? 0, 'alpha'), noise === undefined ? line : add(line, noise));
  return multiply(q.rate, add(multiply(height, wave), q.as(options.beta ?? 0.001, 'beta')));
}

/** A line times a cosine wave, p at most 1. TF `train.linear_cosine_decay` (Bello et al. 2017). */
export function linearCosineDecay(
  learningRate: TensorLike,
  globalStep: TensorLike,
  decaySteps: TensorLike,
  options: LinearCosineOptions = {},
): Tensor {
  return decay(options.name ?? 'LinearCosineDecay', [learningRate, globalStep, decaySteps], (q) =>
    linearCosine(q, options),
  );
}

export interface NoisyLinearCosineOptions extends LinearCosineOptions {
  /** Variance of the noise at step 0. Default 1. */
  readonly initialVariance?: TensorLike | undefined;
  /** The variance falls as (1 + step)^−varianceDecay. Default 0.55. */
  readonly varianceDecay?: TensorLike | undefined;
}

/** linearCosineDecay with normal noise on the line. TF `train.noisy_linear_cosine_decay`. */
export function noisyLinearCosineDecay(
  learningRate: TensorLike,
  globalStep: TensorLike,
  decaySteps: TensorLike,
  options: NoisyLinearCosineOptions = {},
): Tensor {
  return decay(options.name ?? 'NoisyLinearCosineDecay', [learningRate, globalStep, decaySteps], (q) => {
    const fall = pow(add(q.step, 1), q.as(options.varianceDecay ?? 0.55, 'variance_decay'));
    const deviation = sqrt(divide(q.as(options.initialVariance ?? 1, 'initial_variance'), fall));
    const scalar = constant([], { dtype: 'int32', name: 'shape' });
    return linearCosine(q, options, multiply(randomNormal(scalar, { dtype: q.rate.dtype }), deviation));
  });
}
