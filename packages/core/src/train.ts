/** @file `tf.train`: optimizers and what trains with them. */
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
