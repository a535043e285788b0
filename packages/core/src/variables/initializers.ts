/** @file Initializers: functions from a shape to an initial tensor, made with their settings. Names and defaults are TensorFlow 1.x's. */
import { type DType, isFloating } from '../dtype.ts';
import { InvalidArgumentError } from '../errors.ts';
import type { Tensor, TensorLike } from '../graph/tensor.ts';
import { cast, constant } from '../ops/array.ts';
import { randomNormal, randomUniform, truncatedNormal } from '../ops/random.ts';
import type { Dims } from '../shape.ts';

/** Builds the initial tensor of a variable of this shape and dtype. */
export type Initializer = (shape: Dims, dtype: DType) => Tensor;

export interface RandomInitializerOptions {
  readonly seed?: number | null;
}

export function zerosInitializer(): Initializer {
  return (shape, dtype) => constant(0, { dtype, shape, name: 'zeros' });
}

export function onesInitializer(): Initializer {
  return (shape, dtype) => constant(1, { dtype, shape, name: 'ones' });
}

/** All elements `value`, or the given list of values in the variable's shape. */
export function constantInitializer(value: TensorLike = 0): Initializer {
  return (shape, dtype) => constant(value, { dtype, shape });
}

export function randomUniformInitializer(
  options: RandomInitializerOptions & { minval?: number; maxval?: number } = {},
): Initializer {
  const { minval = 0, maxval = 1, seed = null } = options;
  return (shape, dtype) => randomUniform(dimsVector(shape), { minval, maxval, dtype, seed });
}

export function randomNormalInitializer(
  options: RandomInitializerOptions & { mean?: number; stddev?: number } = {},
): Initializer {
  const { mean = 0, stddev = 1, seed = null } = options;
  return (shape, dtype) => randomNormal(dimsVector(shape), { mean, stddev, dtype, seed });
}

export function truncatedNormalInitializer(
  options: RandomInitializerOptions & { mean?: number; stddev?: number } = {},
): Initializer {
  const { mean = 0, stddev = 1, seed = null } = options;
  return (shape, dtype) => truncatedNormal(dimsVector(shape), { mean, stddev, dtype, seed });
}

/** A shape as an operand; a scalar's is an empty int32 vector. */
function dimsVector(shape: Dims): Tensor {
  return constant([...shape], { dtype: 'int32', name: 'shape' });
}

export interface VarianceScalingOptions extends RandomInitializerOptions {
  /** Default 1. */
  readonly scale?: number;
  /** Default fanIn. */
  readonly mode?: 'fanIn' | 'fanOut' | 'fanAvg';
  /** Default truncatedNormal. `normal` is TensorFlow's old name of it. */
  readonly distribution?: 'truncatedNormal' | 'normal' | 'untruncatedNormal' | 'uniform';
}

/** Variance scale/n, n the fan (inputs, outputs or their mean) of the weights: layers keep the scale of what passes through. */
export function varianceScalingInitializer(options: VarianceScalingOptions = {}): Initializer {
  const { scale = 1, mode = 'fanIn', distribution = 'truncatedNormal', seed = null } = options;
  if (!(scale > 0))
    throw new InvalidArgumentError(`varianceScalingInitializer: scale is ${scale}. It must be positive.`);
  return (shape, dtype) => {
    if (!isFloating(dtype)) throw new InvalidArgumentError(`varianceScalingInitializer makes floats, not ${dtype}.`);
    const [fanIn, fanOut] = fans(shape);
    const n = { fanIn, fanOut, fanAvg: (fanIn + fanOut) / 2 }[mode];
    const variance = scale / Math.max(1, n);
    const size = dimsVector(shape);
    if (distribution === 'uniform') {
      const limit = Math.sqrt(3 * variance);
      return randomUniform(size, { minval: -limit, maxval: limit, dtype, seed });
    }
    if (distribution === 'untruncatedNormal') return randomNormal(size, { stddev: Math.sqrt(variance), dtype, seed });
    // Cutting at two deviations leaves a deviation of 0.8796: corrected for.
    return truncatedNormal(size, { stddev: Math.sqrt(variance) / 0.87962566103423978, dtype, seed });
  };
}

/** (inputs, outputs) of weights: last two dimensions, times the receptive field in front. */
function fans(shape: Dims): readonly [number, number] {
  const n = shape.length;
  if (n === 0) return [1, 1];
  if (n === 1) return [shape[0] as number, shape[0] as number];
  const field = shape.slice(0, -2).reduce((p, d) => p * d, 1);
  return [field * (shape[n - 2] as number), field * (shape[n - 1] as number)];
}

/** Uniform in ±√(6/(fanIn + fanOut)) (Glorot and Bengio); the default of getVariable. */
export function glorotUniformInitializer(options: RandomInitializerOptions = {}): Initializer {
  return varianceScalingInitializer({ ...options, mode: 'fanAvg', distribution: 'uniform' });
}
/** Truncated normal of variance 2/(fanIn + fanOut). */
export function glorotNormalInitializer(options: RandomInitializerOptions = {}): Initializer {
  return varianceScalingInitializer({ ...options, mode: 'fanAvg', distribution: 'truncatedNormal' });
}
/** Another name of Glorot's uniform initializer. */
export const xavierInitializer = glorotUniformInitializer;
/** Truncated normal of variance 2/fanIn (He et al.), for relu. */
export function heNormalInitializer(options: RandomInitializerOptions = {}): Initializer {
  return varianceScalingInitializer({ ...options, scale: 2 });
}

/** The identity matrix times `gain`. */
export function identityInitializer(options: { gain?: number } = {}): Initializer {
  const { gain = 1 } = options;
  return (shape, dtype) => {
    const [rows, columns] = shape;
    if (shape.length !== 2 || rows === undefined || columns === undefined) {
      throw new InvalidArgumentError(`identityInitializer makes matrices, not shape [${shape.join(', ')}].`);
    }
    const values = Array.from({ length: rows }, (_, i) =>
      Array.from({ length: columns }, (_, j) => (i === j ? gain : 0)),
    );
    return cast(constant(values), dtype);
  };
}
