/**
 * @file Update rules of optimizers as ops on variables, for dense gradients. Each replaces the variable and its slots in one fused
 * loop. Formulas are those of TF's kernels (core/kernels/training_ops); sources are named at each rule.
 */
import { type Builder, dimsOf, dtypeOf, type Value } from '@tsflow/xla';
import { real } from '../dtype.ts';
import { type AttrSpecs, bool, type } from '../op/attr.ts';
import { defineOp } from '../op/defineOp.ts';
import { broadcastTo, fullLike } from '../op/hlo.ts';
import { uniform, values } from '../op/sample.ts';
import { sameShapes } from '../op/shapeFunctions.ts';
import type { PartialShape } from '../shape.ts';

const attrs = { T: type(real), use_locking: bool(false) } as const satisfies AttrSpecs;
const nesterov = { ...attrs, use_nesterov: bool(false) } as const satisfies AttrSpecs;

type Fail = { fail(text: string): never };

/** Variable, slots and gradient have one shape. */
function updateShape(ctx: Fail, first: PartialShape, ...rest: PartialShape[]): PartialShape {
  return rest.reduce((shape, other) => sameShapes(shape, other, ctx), first);
}

/** Hyper-parameters are scalars; this spreads them over the variable. */
export function spread(b: Builder, like: Value): (scalar: Value) => Value {
  return (scalar) => broadcastTo(b, scalar, dimsOf(like));
}

function oneMinus(b: Builder, x: Value): Value {
  return b.subtract(fullLike(b, x, 1), x);
}

/** old + (target − old)·(1 − decay): the moving average that Adam, RMSProp and others keep. */
export function decayTowards(b: Builder, old: Value, target: Value, decay: Value): Value {
  return b.add(old, b.multiply(b.subtract(target, old), spread(b, old)(oneMinus(b, decay))));
}

/** var ← var − alpha·delta */
export const ApplyGradientDescent = defineOp('ApplyGradientDescent', {
  inputs: ['var: Ref(T)', 'alpha: T', 'delta: T'],
  outputs: ['out: Ref(T)'],
  attrs,
  shape: ({ var: v, delta }, ctx) => ({ out: updateShape(ctx, v, delta) }),
  grad: null,
  lower: (b, { var: ref, alpha, delta }, ctx) => {
    ctx.writeState(ref, b.subtract(ctx.readState(ref), b.multiply(spread(b, delta)(alpha), delta)));
    return { out: ref };
  },
  sample: { inputs: { var: uniform([2, 3]), alpha: values(0.1), delta: uniform([2, 3]) } },
});

/** New rows of variable and slots from old rows and gradient; shared by dense and sparse ops. */
export interface Momentum {
  readonly lr: Value;
  readonly momentum: Value;
  readonly nesterov: boolean;
}

/** accum ← momentum·accum + g; var ← var − lr·accum, Nesterov: var − lr·(g + momentum·accum). */
export function momentumRule(b: Builder, [v, accum]: readonly [Value, Value], g: Value, p: Momentum): [Value, Value] {
  const s = spread(b, v);
  const next = b.add(b.multiply(accum, s(p.momentum)), g);
  const step = p.nesterov ? b.add(g, b.multiply(next, s(p.momentum))) : next;
  return [b.subtract(v, b.multiply(step, s(p.lr))), next];
}

/** Momentum (Polyak 1964) and Nesterov's accelerated gradient (Sutskever et al. 2013). */
export const ApplyMomentum = defineOp('ApplyMomentum', {
  inputs: ['var: Ref(T)', 'accum: Ref(T)', 'lr: T', 'grad: T', 'momentum: T'],
  outputs: ['out: Ref(T)'],
  attrs: nesterov,
  shape: ({ var: v, accum, grad }, ctx) => ({ out: updateShape(ctx, v, accum, grad) }),
  grad: null,
  lower: (b, { var: ref, accum, lr, grad, momentum }, ctx) => {
    const old = [ctx.readState(ref), ctx.readState(accum)] as const;
    const [v, a] = momentumRule(b, old, grad, { lr, momentum, nesterov: ctx.attrs.use_nesterov });
    ctx.writeState(ref, v);
    ctx.writeState(accum, a);
    return { out: ref };
  },
  sample: [false, true].map((use_nesterov) => ({
    inputs: {
      var: uniform([2, 3]),
      accum: uniform([2, 3]),
      lr: values(0.1),
      grad: uniform([2, 3]),
      momentum: values(0.9),
    },
    attrs: { use_nesterov },
  })),
});

/** accum ← accum + g²; var ← var − lr·g/√accum */
export function adagradRule(
  b: Builder,
  [v, accum]: readonly [Value, Value],
  g: Value,
  p: { readonly lr: Value; readonly updateSlots: boolean },
): [Value, Value] {
  const next = p.updateSlots ? b.add(accum, b.multiply(g, g)) : accum;
  return [b.subtract(v, b.multiply(b.multiply(g, spread(b, v)(p.lr)), b.rsqrt(next))), next];
}

/** Adagrad (Duchi, Hazan, Singer 2011). */
export const ApplyAdagrad = defineOp('ApplyAdagrad', {
  inputs: ['var: Ref(T)', 'accum: Ref(T)', 'lr: T', 'grad: T'],
  outputs: ['out: Ref(T)'],
  attrs: { ...attrs, update_slots: bool(true) },
  shape: ({ var: v, accum, grad }, ctx) => ({ out: updateShape(ctx, v, accum, grad) }),
  grad: null,
  lower: (b, { var: ref, accum, lr, grad }, ctx) => {
    const old = [ctx.readState(ref), ctx.readState(accum)] as const;
    const [v, a] = adagradRule(b, old, grad, { lr, updateSlots: ctx.attrs.update_slots });
    ctx.writeState(ref, v);
    if (ctx.attrs.update_slots) ctx.writeState(accum, a);
    return { out: ref };
  },
  sample: { inputs: { var: uniform([2, 3]), accum: uniform([2, 3], 0.1, 1), lr: values(0.1), grad: uniform([2, 3]) } },
});

export interface Adadelta {
  readonly lr: Value;
  readonly rho: Value;
  readonly epsilon: Value;
}

/** accum ← ρ·accum + (1−ρ)g²; u = √(acc_u + ε)/√(accum + ε)·g; var ← var − lr·u; acc_u ← ρ·acc_u + (1−ρ)u² */
export function adadeltaRule(
  b: Builder,
  [v, accum, accumUpdate]: readonly [Value, Value, Value],
  g: Value,
  p: Adadelta,
): [Value, Value, Value] {
  const s = spread(b, v);
  const mix = (old: Value, x: Value): Value =>
    b.add(b.multiply(old, s(p.rho)), b.multiply(b.multiply(x, x), s(oneMinus(b, p.rho))));
  const next = mix(accum, g);
  const eps = s(p.epsilon);
  const step = b.multiply(b.multiply(b.sqrt(b.add(accumUpdate, eps)), b.rsqrt(b.add(next, eps))), g);
  return [b.subtract(v, b.multiply(step, s(p.lr))), next, mix(accumUpdate, step)];
}

/** Adadelta (Zeiler 2012). */
export const ApplyAdadelta = defineOp('ApplyAdadelta', {
  inputs: ['var: Ref(T)', 'accum: Ref(T)', 'accum_update: Ref(T)', 'lr: T', 'rho: T', 'epsilon: T', 'grad: T'],
  outputs: ['out: Ref(T)'],
  attrs,
  shape: ({ var: v, accum, accum_update, grad }, ctx) => ({ out: updateShape(ctx, v, accum, accum_update, grad) }),
  grad: null,
  lower: (b, { var: ref, accum, accum_update, lr, rho, epsilon, grad }, ctx) => {
    const old = [ctx.readState(ref), ctx.readState(accum), ctx.readState(accum_update)] as const;
    const [v, a, u] = adadeltaRule(b, old, grad, { lr, rho, epsilon });
    ctx.writeState(ref, v);
    ctx.writeState(accum, a);
    ctx.writeState(accum_update, u);
    return { out: ref };
  },
  sample: {
    inputs: {
      var: uniform([2, 3]),
      accum: uniform([2, 3], 0.1, 1),
      accum_update: uniform([2, 3], 0.1, 1),
      lr: values(0.1),
      rho: values(0.95),
      epsilon: values(1e-6),
      grad: uniform([2, 3]),
    },
  },
});

/**
 * Adam (Kingma, Ba 2014), in the paper's second form: α = lr·√(1−β₂ᵗ)/(1−β₁ᵗ); m and v are moving averages of g and g²;
 * var ← var − α·m/(√v + ε). Nesterov (Dozat 2016): m is replaced by β₁m + (1−β₁)g.
 */
export const ApplyAdam = defineOp('ApplyAdam', {
  inputs: [
    'var: Ref(T)',
    'm: Ref(T)',
    'v: Ref(T)',
    'beta1_power: T',
    'beta2_power: T',
    'lr: T',
    'beta1: T',
    'beta2: T',
    'epsilon: T',
    'grad: T',
  ],
  outputs: ['out: Ref(T)'],
  attrs: nesterov,
  shape: ({ var: variable, m, v, grad }, ctx) => ({ out: updateShape(ctx, variable, m, v, grad) }),
  grad: null,
  lower: (b, x, ctx) => {
    const s = spread(b, x.grad);
    const rate = b.divide(b.multiply(x.lr, b.sqrt(oneMinus(b, x.beta2_power))), oneMinus(b, x.beta1_power));
    const m = decayTowards(b, ctx.readState(x.m), x.grad, x.beta1);
    const v = decayTowards(b, ctx.readState(x.v), b.multiply(x.grad, x.grad), x.beta2);
    const step = ctx.attrs.use_nesterov
      ? b.add(b.multiply(m, s(x.beta1)), b.multiply(x.grad, s(oneMinus(b, x.beta1))))
      : m;
    const change = b.divide(b.multiply(step, s(rate)), b.add(b.sqrt(v), s(x.epsilon)));
    ctx.writeState(x.var, b.subtract(ctx.readState(x.var), change));
    ctx.writeState(x.m, m);
    ctx.writeState(x.v, v);
    return { out: x.var };
  },
  sample: [false, true].map((use_nesterov) => ({
    inputs: {
      var: uniform([2, 3]),
      m: uniform([2, 3]),
      v: uniform([2, 3], 0.1, 1),
      beta1_power: values(0.9),
      beta2_power: values(0.999),
      lr: values(0.01),
      beta1: values(0.9),
      beta2: values(0.999),
      epsilon: values(1e-8),
      grad: uniform([2, 3]),
    },
    attrs: { use_nesterov },
  })),
});

export interface RmsProp {
  readonly lr: Value;
  readonly rho: Value;
  readonly momentum: Value;
  readonly epsilon: Value;
}

/** ms ← ρ·ms + (1−ρ)g²; mom ← momentum·mom + lr·g/√(ms + ε); var ← var − mom */
export function rmsPropRule(
  b: Builder,
  [v, ms, mom]: readonly [Value, Value, Value],
  g: Value,
  p: RmsProp,
): [Value, Value, Value] {
  const nextMs = decayTowards(b, ms, b.multiply(g, g), p.rho);
  const nextMom = rmsStep(b, mom, { g, meanSquare: nextMs, p });
  return [b.subtract(v, nextMom), nextMs, nextMom];
}

function rmsStep(b: Builder, mom: Value, { g, meanSquare, p }: { g: Value; meanSquare: Value; p: RmsProp }): Value {
  const s = spread(b, mom);
  const scaled = b.divide(b.multiply(g, s(p.lr)), b.sqrt(b.add(meanSquare, s(p.epsilon))));
  return b.add(b.multiply(mom, s(p.momentum)), scaled);
}

/** RMSProp (Tieleman, Hinton 2012, lecture 6e). */
export const ApplyRMSProp = defineOp('ApplyRMSProp', {
  inputs: ['var: Ref(T)', 'ms: Ref(T)', 'mom: Ref(T)', 'lr: T', 'rho: T', 'momentum: T', 'epsilon: T', 'grad: T'],
  outputs: ['out: Ref(T)'],
  attrs,
  shape: ({ var: v, ms, mom, grad }, ctx) => ({ out: updateShape(ctx, v, ms, mom, grad) }),
  grad: null,
  lower: (b, { var: ref, ms, mom, lr, rho, momentum, epsilon, grad }, ctx) => {
    const old = [ctx.readState(ref), ctx.readState(ms), ctx.readState(mom)] as const;
    const [v, nextMs, nextMom] = rmsPropRule(b, old, grad, { lr, rho, momentum, epsilon });
    ctx.writeState(ref, v);
    ctx.writeState(ms, nextMs);
    ctx.writeState(mom, nextMom);
    return { out: ref };
  },
  sample: {
    inputs: {
      var: uniform([2, 3]),
      ms: uniform([2, 3], 0.1, 1),
      mom: uniform([2, 3]),
      lr: values(0.1),
      rho: values(0.9),
      momentum: values(0.5),
      epsilon: values(1e-10),
      grad: uniform([2, 3]),
    },
  },
});

/** mg ← ρ·mg + (1−ρ)g; ms as in RMSProp; mom ← momentum·mom + lr·g/√(ms − mg² + ε); var ← var − mom */
export function centeredRmsPropRule(
  b: Builder,
  [v, mg, ms, mom]: readonly [Value, Value, Value, Value],
  g: Value,
  p: RmsProp,
): [Value, Value, Value, Value] {
  const nextMs = decayTowards(b, ms, b.multiply(g, g), p.rho);
  const nextMg = decayTowards(b, mg, g, p.rho);
  const variance = b.subtract(nextMs, b.multiply(nextMg, nextMg));
  const nextMom = rmsStep(b, mom, { g, meanSquare: variance, p });
  return [b.subtract(v, nextMom), nextMg, nextMs, nextMom];
}

/** RMSProp with the variance instead of the mean square: mg is the moving mean of g (Graves 2013, eq. 38–45). */
export const ApplyCenteredRMSProp = defineOp('ApplyCenteredRMSProp', {
  inputs: [
    'var: Ref(T)',
    'mg: Ref(T)',
    'ms: Ref(T)',
    'mom: Ref(T)',
    'lr: T',
    'rho: T',
    'momentum: T',
    'epsilon: T',
    'grad: T',
  ],
  outputs: ['out: Ref(T)'],
  attrs,
  shape: ({ var: v, mg, ms, mom, grad }, ctx) => ({ out: updateShape(ctx, v, mg, ms, mom, grad) }),
  grad: null,
  lower: (b, x, ctx) => {
    const old = [ctx.readState(x.var), ctx.readState(x.mg), ctx.readState(x.ms), ctx.readState(x.mom)] as const;
    const [v, mg, ms, mom] = centeredRmsPropRule(b, old, x.grad, x);
    ctx.writeState(x.var, v);
    ctx.writeState(x.mg, mg);
    ctx.writeState(x.ms, ms);
    ctx.writeState(x.mom, mom);
    return { out: x.var };
  },
  sample: {
    inputs: {
      var: uniform([2, 3]),
      mg: uniform([2, 3], -0.1, 0.1),
      ms: uniform([2, 3], 0.5, 1),
      mom: uniform([2, 3]),
      lr: values(0.1),
      rho: values(0.9),
      momentum: values(0.5),
      epsilon: values(1e-3),
      grad: uniform([2, 3]),
    },
  },
});

export interface Ftrl {
  readonly lr: Value;
  readonly l1: Value;
  readonly l2: Value;
  readonly lrPower: Value;
  /** Adds 2·l2Shrinkage·var to the gradient of the linear term only (FtrlV2). */
  readonly l2Shrinkage?: Value;
  /** linear is kept multiplied by lr. */
  readonly linearByLr: boolean;
}

/**
 * FTRL-Proximal (McMahan et al. 2013): with n' = n + g² and σ = (n'^−p − n^−p)/lr, linear ← linear + g − σ·var;
 * var ← (l1·sign(linear) − linear)/(n'^−p/lr + 2·l2) where |linear| > l1, else 0.
 */
export function ftrlRule(
  b: Builder,
  [v, accum, linear]: readonly [Value, Value, Value],
  g: Value,
  p: Ftrl,
): [Value, Value, Value] {
  const s = spread(b, v);
  const power = b.negate(p.lrPower);
  const raised = (n: Value): Value => b.power(n, s(power));
  const next = b.add(accum, b.multiply(g, g));
  const two = b.scalar(2, dtypeOf(v));
  const pull = p.l2Shrinkage === undefined ? g : b.add(g, b.multiply(s(b.multiply(two, p.l2Shrinkage)), v));
  const change = b.subtract(raised(next), raised(accum));
  const byLr = (x: Value): Value => (p.linearByLr ? x : b.divide(x, s(p.lr)));
  const scaled = (x: Value): Value => (p.linearByLr ? b.multiply(x, p.lr) : x);
  const gradient = p.linearByLr ? b.multiply(pull, s(p.lr)) : pull;
  const nextLinear = b.add(linear, b.subtract(gradient, b.multiply(byLr(change), v)));
  const l1 = s(scaled(p.l1));
  const denominator = b.add(byLr(raised(next)), s(scaled(b.multiply(two, p.l2))));
  const proximal = b.divide(b.subtract(b.multiply(l1, b.sign(nextLinear)), nextLinear), denominator);
  const active = b.compare('GT', b.abs(nextLinear), l1);
  return [b.select(active, proximal, fullLike(b, v, 0)), next, nextLinear];
}

const ftrlAttrs = { ...attrs, multiply_linear_by_lr: bool(false) } as const satisfies AttrSpecs;
const ftrlState = {
  var: uniform([2, 3]),
  accum: uniform([2, 3], 0.1, 1),
  linear: uniform([2, 3]),
  grad: uniform([2, 3]),
  lr: values(0.1),
  l1: values(0.2),
  l2: values(0.3),
  lr_power: values(-0.5),
} as const;

export const ApplyFtrl = defineOp('ApplyFtrl', {
  inputs: ['var: Ref(T)', 'accum: Ref(T)', 'linear: Ref(T)', 'grad: T', 'lr: T', 'l1: T', 'l2: T', 'lr_power: T'],
  outputs: ['out: Ref(T)'],
  attrs: ftrlAttrs,
  shape: ({ var: v, accum, linear, grad }, ctx) => ({ out: updateShape(ctx, v, accum, linear, grad) }),
  grad: null,
  lower: (b, { var: ref, accum, linear, grad, lr, l1, l2, lr_power }, ctx) => {
    const old = [ctx.readState(ref), ctx.readState(accum), ctx.readState(linear)] as const;
    const linearByLr = ctx.attrs.multiply_linear_by_lr;
    const [v, n, z] = ftrlRule(b, old, grad, { lr, l1, l2, lrPower: lr_power, linearByLr });
    ctx.writeState(ref, v);
    ctx.writeState(accum, n);
    ctx.writeState(linear, z);
    return { out: ref };
  },
  sample: [{ inputs: ftrlState }, { inputs: ftrlState, attrs: { multiply_linear_by_lr: true } }],
});

export const ApplyFtrlV2 = defineOp('ApplyFtrlV2', {
  inputs: [
    'var: Ref(T)',
    'accum: Ref(T)',
    'linear: Ref(T)',
    'grad: T',
    'lr: T',
    'l1: T',
    'l2: T',
    'l2_shrinkage: T',
    'lr_power: T',
  ],
  outputs: ['out: Ref(T)'],
  attrs: ftrlAttrs,
  shape: ({ var: v, accum, linear, grad }, ctx) => ({ out: updateShape(ctx, v, accum, linear, grad) }),
  grad: null,
  lower: (b, { var: ref, accum, linear, grad, lr, l1, l2, l2_shrinkage, lr_power }, ctx) => {
    const old = [ctx.readState(ref), ctx.readState(accum), ctx.readState(linear)] as const;
    const linearByLr = ctx.attrs.multiply_linear_by_lr;
    const [v, n, z] = ftrlRule(b, old, grad, { lr, l1, l2, lrPower: lr_power, l2Shrinkage: l2_shrinkage, linearByLr });
    ctx.writeState(ref, v);
    ctx.writeState(accum, n);
    ctx.writeState(linear, z);
    return { out: ref };
  },
  sample: { inputs: { ...ftrlState, l2_shrinkage: values(0.1) } },
});
