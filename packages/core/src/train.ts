/** @file `tf.train`: optimizers, learning rates, the global step, moving averages. */
export * from './train/decays.ts';
export * from './train/globalStep.ts';
export * from './train/movingAverages.ts';
export {
  type ApplyOptions,
  type ComputeOptions,
  type Gradient,
  type GradientAndVariable,
  type HyperParameter,
  Optimizer,
  type OptimizerOptions,
} from './train/optimizer.ts';
export * from './train/optimizers.ts';
