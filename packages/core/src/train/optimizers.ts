/** @file The optimizers of TensorFlow 1.x, with its names, defaults and slots. Rules are in ops/training.ts. */

import { toDense } from '../gradients.ts';
import { controlDependencies } from '../graph/graph.ts';
import type { IndexedSlices } from '../graph/indexedSlices.ts';
import type { Operation } from '../graph/operation.ts';
import type { Tensor } from '../graph/tensor.ts';
import { callOp } from '../op/call.ts';
import { constant } from '../ops/array.ts';
import { ones as onesOf, zeros as zerosOf } from '../ops/arrayMake.ts';
import { multiply } from '../ops/math.ts';
import {
  ApplyAdadelta,
  ApplyAdagrad,
  ApplyAdam,
  ApplyCenteredRMSProp,
  ApplyFtrl,
  ApplyFtrlV2,
  ApplyGradientDescent,
  ApplyMomentum,
  ApplyRMSProp,
} from '../ops/training.ts';
import {
  ScatterSub,
  SparseApplyAdadelta,
  SparseApplyAdagrad,
  SparseApplyCenteredRMSProp,
  SparseApplyFtrl,
  SparseApplyFtrlV2,
  SparseApplyMomentum,
  SparseApplyRMSProp,
} from '../ops/trainingSparse.ts';
import type { Dims } from '../shape.ts';
import { assign } from '../variables/collections.ts';
import type { Variable } from '../variables/variable.ts';
import { checkHyper, checkNotNegative, type HyperParameter, Optimizer, type OptimizerOptions } from './optimizer.ts';

/** Initial values of slots, in the variable's shape. */
function filled(v: Variable, value: number): () => Tensor {
  return () => constant(value, { dtype: v.dtype, shape: v.shape as Dims });
}
function zeros(v: Variable): () => Tensor {
  return () => zerosOf(v.shape as Dims, { dtype: v.dtype });
}
function ones(v: Variable): () => Tensor {
  return () => onesOf(v.shape as Dims, { dtype: v.dtype });
}

/** var ← var − lr·g. TF: tf.train.GradientDescentOptimizer. */
export class GradientDescentOptimizer extends Optimizer {
  readonly #lr: HyperParameter;

  constructor(learningRate: HyperParameter, options: OptimizerOptions = {}) {
    super('GradientDescent', options);
    checkHyper(this.name, { learningRate });
    this.#lr = learningRate;
  }

  protected override applyDense(delta: Tensor, v: Variable): Operation {
    const alpha = this.hyper('learning_rate', this.#lr, v);
    return callOp(ApplyGradientDescent, { var: v, alpha, delta }, { attrs: { use_locking: this.useLocking } });
  }

  protected override applySparse({ values, indices }: IndexedSlices, v: Variable): Operation {
    const updates = multiply(values, this.hyper('learning_rate', this.#lr, v), 'mul');
    return callOp(ScatterSub, { ref: v, indices, updates }, { attrs: { use_locking: this.useLocking } });
  }
}

/** Momentum, or Nesterov's with `useNesterov`. Slot: momentum. TF: tf.train.MomentumOptimizer. */
export class MomentumOptimizer extends Optimizer {
  readonly #lr: HyperParameter;
  readonly #momentum: HyperParameter;
  readonly #attrs: { readonly use_locking: boolean; readonly use_nesterov: boolean };

  constructor(
    learningRate: HyperParameter,
    momentum: HyperParameter,
    options: OptimizerOptions & { readonly useNesterov?: boolean } = {},
  ) {
    super('Momentum', options);
    checkHyper(this.name, { learningRate, momentum });
    this.#lr = learningRate;
    this.#momentum = momentum;
    this.#attrs = { use_locking: this.useLocking, use_nesterov: options.useNesterov ?? false };
  }

  protected override createSlots(variables: readonly Variable[]): void {
    for (const v of variables) this.#accumulator(v);
  }

  #accumulator(v: Variable): Variable {
    return this.slot(v, 'momentum', { initial: zeros(v) });
  }

  #inputs(v: Variable) {
    return {
      var: v,
      accum: this.#accumulator(v),
      lr: this.hyper('learning_rate', this.#lr, v),
      momentum: this.hyper('momentum', this.#momentum, v),
    };
  }

  protected override applyDense(grad: Tensor, v: Variable): Operation {
    return callOp(ApplyMomentum, { ...this.#inputs(v), grad }, { attrs: this.#attrs });
  }

  protected override applySparse({ values, indices }: IndexedSlices, v: Variable): Operation {
    return callOp(SparseApplyMomentum, { ...this.#inputs(v), grad: values, indices }, { attrs: this.#attrs });
  }
}

/** Adagrad. Slot: accumulator. TF: tf.train.AdagradOptimizer. */
export class AdagradOptimizer extends Optimizer {
  readonly #lr: HyperParameter;
  readonly #initial: number;

  constructor(
    learningRate: HyperParameter,
    options: OptimizerOptions & { readonly initialAccumulatorValue?: number } = {},
  ) {
    super('Adagrad', options);
    this.#initial = options.initialAccumulatorValue ?? 0.1;
    checkHyper(this.name, { learningRate, initialAccumulatorValue: this.#initial });
    this.#lr = learningRate;
  }

  protected override createSlots(variables: readonly Variable[]): void {
    for (const v of variables) this.#accumulator(v);
  }

  #accumulator(v: Variable): Variable {
    return this.slot(v, 'accumulator', { initial: filled(v, this.#initial) });
  }

  #inputs(v: Variable) {
    return { var: v, accum: this.#accumulator(v), lr: this.hyper('learning_rate', this.#lr, v) };
  }

  protected override applyDense(grad: Tensor, v: Variable): Operation {
    return callOp(ApplyAdagrad, { ...this.#inputs(v), grad }, { attrs: { use_locking: this.useLocking } });
  }

  protected override applySparse({ values, indices }: IndexedSlices, v: Variable): Operation {
    return callOp(
      SparseApplyAdagrad,
      { ...this.#inputs(v), grad: values, indices },
      { attrs: { use_locking: this.useLocking } },
    );
  }
}

export interface AdadeltaOptions extends OptimizerOptions {
  /** Default 0.001. */
  readonly learningRate?: HyperParameter;
  /** Default 0.95. */
  readonly rho?: HyperParameter;
  /** Default 1e-8. */
  readonly epsilon?: HyperParameter;
}

/** Adadelta. Slots: accum, accum_update. TF: tf.train.AdadeltaOptimizer. */
export class AdadeltaOptimizer extends Optimizer {
  readonly #p: {
    readonly learningRate: HyperParameter;
    readonly rho: HyperParameter;
    readonly epsilon: HyperParameter;
  };

  constructor(options: AdadeltaOptions = {}) {
    super('Adadelta', options);
    this.#p = {
      learningRate: options.learningRate ?? 0.001,
      rho: options.rho ?? 0.95,
      epsilon: options.epsilon ?? 1e-8,
    };
    checkHyper(this.name, this.#p);
  }

  protected override createSlots(variables: readonly Variable[]): void {
    for (const v of variables) this.#inputs(v);
  }

  #inputs(v: Variable) {
    return {
      var: v,
      accum: this.slot(v, 'accum', { initial: zeros(v) }),
      accum_update: this.slot(v, 'accum_update', { initial: zeros(v) }),
    };
  }

  #hypers(v: Variable) {
    return {
      lr: this.hyper('lr', this.#p.learningRate, v),
      rho: this.hyper('rho', this.#p.rho, v),
      epsilon: this.hyper('epsilon', this.#p.epsilon, v),
    };
  }

  protected override applyDense(grad: Tensor, v: Variable): Operation {
    return callOp(
      ApplyAdadelta,
      { ...this.#inputs(v), ...this.#hypers(v), grad },
      { attrs: { use_locking: this.useLocking } },
    );
  }

  protected override applySparse({ values, indices }: IndexedSlices, v: Variable): Operation {
    const inputs = { ...this.#inputs(v), ...this.#hypers(v), grad: values, indices };
    return callOp(SparseApplyAdadelta, inputs, { attrs: { use_locking: this.useLocking } });
  }
}

export interface AdamOptions extends OptimizerOptions {
  /** Decay of the first moment. Default 0.9. */
  readonly beta1?: HyperParameter;
  /** Decay of the second moment. Default 0.999. */
  readonly beta2?: HyperParameter;
  /** Default 1e-8, the ε̂ of the paper's second form. */
  readonly epsilon?: HyperParameter;
}

/** Adam (Kingma, Ba 2014). Slots: m, v. TF: tf.train.AdamOptimizer. */
export class AdamOptimizer extends Optimizer {
  readonly #p: {
    readonly learningRate: HyperParameter;
    readonly beta1: HyperParameter;
    readonly beta2: HyperParameter;
    readonly epsilon: HyperParameter;
  };

  constructor(learningRate: HyperParameter = 0.001, options: AdamOptions = {}) {
    super('Adam', options);
    this.#p = {
      learningRate,
      beta1: options.beta1 ?? 0.9,
      beta2: options.beta2 ?? 0.999,
      epsilon: options.epsilon ?? 1e-8,
    };
    checkHyper(this.name, this.#p);
  }

  protected override createSlots(variables: readonly Variable[]): void {
    this.#powers();
    for (const v of variables) this.#moments(v);
  }

  #powers(): { readonly beta1Power: Variable; readonly beta2Power: Variable } {
    return {
      beta1Power: this.nonSlot('beta1_power', this.#p.beta1),
      beta2Power: this.nonSlot('beta2_power', this.#p.beta2),
    };
  }

  #moments(v: Variable): { readonly m: Variable; readonly v: Variable } {
    return { m: this.slot(v, 'm', { initial: zeros(v) }), v: this.slot(v, 'v', { initial: zeros(v) }) };
  }

  protected override applyDense(grad: Tensor, v: Variable): Operation {
    const { beta1Power, beta2Power } = this.#powers();
    const inputs = {
      var: v,
      ...this.#moments(v),
      beta1_power: this.hyper('beta1_power', beta1Power, v),
      beta2_power: this.hyper('beta2_power', beta2Power, v),
      lr: this.hyper('learning_rate', this.#p.learningRate, v),
      beta1: this.hyper('beta1', this.#p.beta1, v),
      beta2: this.hyper('beta2', this.#p.beta2, v),
      epsilon: this.hyper('epsilon', this.#p.epsilon, v),
      grad,
    };
    return callOp(ApplyAdam, inputs, { attrs: { use_locking: this.useLocking } });
  }

  /** TensorFlow's sparse Adam decays the moments of all rows and moves all rows: the dense rule on the dense gradient. */
  protected override applySparse(gradient: IndexedSlices, v: Variable): Operation {
    return this.applyDense(toDense(gradient), v);
  }

  protected override finish(updates: readonly Operation[]): Operation[] {
    const { beta1Power, beta2Power } = this.#powers();
    return controlDependencies(updates, () => [
      this.#raise(beta1Power, this.hyper('beta1', this.#p.beta1, beta1Power)),
      this.#raise(beta2Power, this.hyper('beta2', this.#p.beta2, beta2Power)),
    ]);
  }

  #raise(power: Variable, beta: Tensor): Operation {
    return assign(power, multiply(power, beta, 'mul'), { name: 'Assign' }).op;
  }
}

export interface RMSPropOptions extends OptimizerOptions {
  /** Decay of the moving mean square. Default 0.9. */
  readonly decay?: HyperParameter;
  /** Default 0. */
  readonly momentum?: HyperParameter;
  /** Default 1e-10. */
  readonly epsilon?: HyperParameter;
  /** Normalize by the variance instead of the mean square. Default false. */
  readonly centered?: boolean;
}

/** RMSProp. Slots: rms, momentum, and mg when centred. TF: tf.train.RMSPropOptimizer. */
export class RMSPropOptimizer extends Optimizer {
  readonly #p: {
    readonly learningRate: HyperParameter;
    readonly decay: HyperParameter;
    readonly momentum: HyperParameter;
    readonly epsilon: HyperParameter;
  };
  readonly #centered: boolean;

  constructor(learningRate: HyperParameter, options: RMSPropOptions = {}) {
    super('RMSProp', options);
    this.#p = {
      learningRate,
      decay: options.decay ?? 0.9,
      momentum: options.momentum ?? 0,
      epsilon: options.epsilon ?? 1e-10,
    };
    checkHyper(this.name, this.#p);
    this.#centered = options.centered ?? false;
  }

  protected override createSlots(variables: readonly Variable[]): void {
    for (const v of variables) this.#inputs(v);
  }

  /** Slots are made in TensorFlow's order, which numbers their names: rms, mg, momentum. */
  #inputs(v: Variable) {
    const ms = this.slot(v, 'rms', { initial: ones(v) });
    if (this.#centered) this.#meanGradient(v);
    return { var: v, ms, mom: this.slot(v, 'momentum', { initial: zeros(v) }) };
  }

  #meanGradient(v: Variable): Variable {
    return this.slot(v, 'mg', { initial: zeros(v) });
  }

  #hypers(v: Variable) {
    return {
      lr: this.hyper('learning_rate', this.#p.learningRate, v),
      rho: this.hyper('decay', this.#p.decay, v),
      momentum: this.hyper('momentum', this.#p.momentum, v),
      epsilon: this.hyper('epsilon', this.#p.epsilon, v),
    };
  }

  protected override applyDense(grad: Tensor, v: Variable): Operation {
    const inputs = { ...this.#inputs(v), ...this.#hypers(v), grad };
    const options = { attrs: { use_locking: this.useLocking } };
    if (this.#centered) return callOp(ApplyCenteredRMSProp, { ...inputs, mg: this.#meanGradient(v) }, options);
    return callOp(ApplyRMSProp, inputs, options);
  }

  protected override applySparse(gradient: IndexedSlices, v: Variable): Operation {
    const inputs = { ...this.#inputs(v), ...this.#hypers(v), grad: gradient.values, indices: gradient.indices };
    const options = { attrs: { use_locking: this.useLocking } };
    if (this.#centered) return callOp(SparseApplyCenteredRMSProp, { ...inputs, mg: this.#meanGradient(v) }, options);
    return callOp(SparseApplyRMSProp, inputs, options);
  }
}

export interface FtrlOptions extends OptimizerOptions {
  /** At most 0. Default −0.5. */
  readonly learningRatePower?: number;
  /** Default 0.1. */
  readonly initialAccumulatorValue?: number;
  readonly l1RegularizationStrength?: number;
  readonly l2RegularizationStrength?: number;
  /** Shrinks the gradient's pull towards 0 without the accumulator noticing. Default 0. */
  readonly l2ShrinkageRegularizationStrength?: number;
}

/** FTRL-Proximal. Slots: accum, linear. TF: tf.train.FtrlOptimizer. */
export class FtrlOptimizer extends Optimizer {
  readonly #lr: HyperParameter;
  readonly #p: {
    readonly power: number;
    readonly initial: number;
    readonly l1: number;
    readonly l2: number;
    readonly shrinkage: number;
  };

  constructor(learningRate: HyperParameter, options: FtrlOptions = {}) {
    super('Ftrl', options);
    this.#lr = learningRate;
    this.#p = {
      power: options.learningRatePower ?? -0.5,
      initial: options.initialAccumulatorValue ?? 0.1,
      l1: options.l1RegularizationStrength ?? 0,
      l2: options.l2RegularizationStrength ?? 0,
      shrinkage: options.l2ShrinkageRegularizationStrength ?? 0,
    };
    checkHyper(this.name, { learningRate, ...this.#p });
    const { power, initial, l1, l2, shrinkage } = this.#p;
    checkNotNegative(this.name, { '-learningRatePower': -power, initialAccumulatorValue: initial, l1, l2, shrinkage });
  }

  protected override createSlots(variables: readonly Variable[]): void {
    for (const v of variables) this.#inputs(v);
  }

  #inputs(v: Variable) {
    return {
      var: v,
      accum: this.slot(v, 'accum', { initial: filled(v, this.#p.initial) }),
      linear: this.slot(v, 'linear', { initial: zeros(v) }),
    };
  }

  #hypers(v: Variable) {
    return {
      lr: this.hyper('learning_rate', this.#lr, v),
      l1: this.hyper('l1_regularization_strength', this.#p.l1, v),
      l2: this.hyper('l2_regularization_strength', this.#p.l2, v),
      lr_power: this.hyper('learning_rate_power', this.#p.power, v),
    };
  }

  #shrinkage(v: Variable): Tensor {
    return this.hyper('l2_shrinkage_regularization_strength', this.#p.shrinkage, v);
  }

  protected override applyDense(grad: Tensor, v: Variable): Operation {
    const inputs = { ...this.#inputs(v), ...this.#hypers(v), grad };
    const options = { attrs: { use_locking: this.useLocking } };
    if (this.#p.shrinkage === 0) return callOp(ApplyFtrl, inputs, options);
    return callOp(ApplyFtrlV2, { ...inputs, l2_shrinkage: this.#shrinkage(v) }, options);
  }

  protected override applySparse(gradient: IndexedSlices, v: Variable): Operation {
    const inputs = { ...this.#inputs(v), ...this.#hypers(v), grad: gradient.values, indices: gradient.indices };
    const options = { attrs: { use_locking: this.useLocking } };
    if (this.#p.shrinkage === 0) return callOp(SparseApplyFtrl, inputs, options);
    return callOp(SparseApplyFtrlV2, { ...inputs, l2_shrinkage: this.#shrinkage(v) }, options);
  }
}
