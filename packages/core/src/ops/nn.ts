/** @file Activations. */
import type { Builder, Value } from '@tsflow/xla';
import { type DType, floating, real } from '../dtype.ts';
import type { Tensor, TensorLike } from '../graph/tensor.ts';
import { float, type } from '../op/attr.ts';
import { call } from '../op/call.ts';
import { defineOp } from '../op/defineOp.ts';
import { fullLike } from '../op/hlo.ts';
import { type SampleInput, uniform, values } from '../op/sample.ts';
import { sameShapes } from '../op/shapeFunctions.ts';
import { zerosLike } from './array.ts';
import { onesLike } from './arrayShape.ts';
import { greater } from './compare.ts';
import { multiply, sigmoid } from './math.ts';
import { sigmoidGrad } from './mathUnary.ts';
import { where } from './select.ts';

function isPositive(b: Builder, x: Value): Value {
  return b.compare('GT', x, fullLike(b, x, 0));
}

/** activations = f(features), element-wise. */
function activation(
  type_: string,
  spec: {
    readonly T?: readonly DType[];
    readonly grad: (io: { readonly x: Tensor; readonly y: Tensor }, dy: Tensor) => Tensor;
    readonly lower: (b: Builder, x: Value) => Value;
    readonly sample: SampleInput;
  },
) {
  return defineOp(type_, {
    inputs: ['features: T'],
    outputs: ['activations: T'],
    attrs: { T: type(spec.T ?? floating) },
    shape: ({ features }) => ({ activations: features }),
    grad: ({ features: x, activations: y }, dy) => ({ features: spec.grad({ x, y }, dy.activations) }),
    lower: (b, { features }) => ({ activations: spec.lower(b, features) }),
    sample: { inputs: { features: spec.sample } },
  });
}

/** backprops from the gradients of an activation and its features. */
function activationGrad(
  type_: string,
  spec: {
    readonly T?: readonly DType[];
    readonly grad:
      | ((dy: Tensor, features: Tensor, dz: Tensor) => { readonly gradients: Tensor; readonly features: Tensor })
      | null;
    readonly lower: (b: Builder, dy: Value, x: Value) => Value;
  },
) {
  const { grad } = spec;
  return defineOp(type_, {
    inputs: ['gradients: T', 'features: T'],
    outputs: ['backprops: T'],
    attrs: { T: type(spec.T ?? floating) },
    shape: ({ gradients, features }, ctx) => ({ backprops: sameShapes(gradients, features, ctx) }),
    grad: grad === null ? null : ({ gradients, features }, dy) => grad(gradients, features, dy.backprops),
    lower: (b, { gradients, features }) => ({ backprops: spec.lower(b, gradients, features) }),
    sample: {
      inputs: {
        gradients: uniform([2, 3]),
        features: values([
          [-1, 2, 5],
          [0.5, -2, 1],
        ]),
      },
    },
  });
}

/** backprops from the gradients of an activation and its outputs; `slope` is d backprops / (gradients · d outputs). */
function outputGrad(
  type_: string,
  spec: {
    readonly lower: (b: Builder, dy: Value, y: Value) => Value;
    readonly slope: (y: Tensor) => Tensor;
    readonly again: (dz: Tensor, y: Tensor) => Tensor;
  },
) {
  return defineOp(type_, {
    inputs: ['gradients: T', 'outputs: T'],
    outputs: ['backprops: T'],
    attrs: { T: type(floating) },
    shape: ({ gradients, outputs }, ctx) => ({ backprops: sameShapes(gradients, outputs, ctx) }),
    grad: ({ gradients, outputs }, { backprops: dz }) => ({
      gradients: spec.again(dz, outputs),
      outputs: multiply(multiply(dz, gradients), spec.slope(outputs)),
    }),
    lower: (b, { gradients, outputs }) => ({ backprops: spec.lower(b, gradients, outputs) }),
    sample: {
      inputs: {
        gradients: uniform([2, 3]),
        outputs: values([
          [-0.5, 2, 5],
          [0.5, -0.7, 1],
        ]),
      },
    },
  });
}

export const Relu = defineOp('Relu', {
  inputs: ['features: T'],
  outputs: ['activations: T'],
  attrs: { T: type([...real, 'qint8']) },
  shape: ({ features }) => ({ activations: features }),
  grad: ({ activations }, dy) => ({ features: reluGrad(dy.activations, activations) }),
  lower: (b, { features }) => ({ activations: b.maximum(features, fullLike(b, features, 0)) }),
  sample: { inputs: { features: uniform([2, 3], 0.1, 1) } },
});

export const ReluGrad = defineOp('ReluGrad', {
  inputs: ['gradients: T', 'features: T'],
  outputs: ['backprops: T'],
  attrs: { T: type(real) },
  shape: ({ gradients, features }, ctx) => ({ backprops: sameShapes(gradients, features, ctx) }),
  grad: ({ features }, dy) => ({ gradients: reluGrad(dy.backprops, features), features: zerosLike(features) }),
  lower: (b, { gradients, features }) => {
    const zero = fullLike(b, features, 0);
    return { backprops: b.select(b.compare('GT', features, zero), gradients, zero) };
  },
  sample: { inputs: { gradients: uniform([2, 3]), features: uniform([2, 3], 0.1, 1) } },
});

export const Relu6 = activation('Relu6', {
  T: real,
  grad: ({ x }, dy) => relu6Grad(dy, x),
  lower: (b, x) => b.minimum(b.maximum(x, fullLike(b, x, 0)), fullLike(b, x, 6)),
  sample: values([[-1, 2, 5, 8]]),
});
export const Elu = activation('Elu', {
  grad: ({ y }, dy) => call(EluGrad, { gradients: dy, outputs: y }).backprops,
  lower: (b, x) => b.select(isPositive(b, x), x, b.expm1(x)),
  sample: values([[-1, 2, -0.5, 8]]),
});

// Klambauer et al. 2017: the fixed point of mean 0 and variance 1.
const seluScale = 1.0507009873554805;
const seluAlpha = 1.6732632423543772;

export const Selu = activation('Selu', {
  grad: ({ y }, dy) => call(SeluGrad, { gradients: dy, outputs: y }).backprops,
  lower: (b, x) => {
    const negative = b.multiply(b.expm1(x), fullLike(b, x, seluScale * seluAlpha));
    return b.select(isPositive(b, x), b.multiply(x, fullLike(b, x, seluScale)), negative);
  },
  sample: values([[-1, 2, -0.5, 8]]),
});
/** ln(1 + eˣ) by max(x, 0) + ln(1 + e^−|x|). */
export const Softplus = activation('Softplus', {
  grad: ({ x }, dy) => softplusGrad(dy, x),
  lower: (b, x) => b.add(b.maximum(x, fullLike(b, x, 0)), b.log1p(b.exp(b.negate(b.abs(x))))),
  sample: uniform([2, 3], -4, 4),
});
export const Softsign = activation('Softsign', {
  grad: ({ x }, dy) => softsignGrad(dy, x),
  lower: (b, x) => b.divide(x, b.add(b.abs(x), fullLike(b, x, 1))),
  sample: values([[-1, 2, -0.5, 8]]),
});

export const Relu6Grad = activationGrad('Relu6Grad', {
  T: real,
  grad: (_, features, dz) => ({ gradients: relu6Grad(dz, features), features: zerosLike(features) }),
  lower: (b, dy, x) => {
    const inside = b.and(isPositive(b, x), b.compare('LT', x, fullLike(b, x, 6)));
    return b.select(inside, dy, fullLike(b, dy, 0));
  },
});
/** dy·eˣ/(1 + eˣ) */
export const SoftplusGrad = activationGrad('SoftplusGrad', {
  grad: (dy, features, dz) => {
    const s = sigmoid(features);
    return { gradients: softplusGrad(dz, features), features: multiply(multiply(dz, dy), sigmoidGrad(s, onesLike(s))) };
  },
  lower: (b, dy, x) => b.multiply(dy, b.logistic(x)),
});
/** dy/(1 + |x|)² */
export const SoftsignGrad = activationGrad('SoftsignGrad', {
  grad: null,
  lower: (b, dy, x) => {
    const d = b.add(b.abs(x), fullLike(b, x, 1));
    return b.divide(dy, b.multiply(d, d));
  },
});

/** dy where the output is ≥ 0, else dy·(output + 1) = dy·eˣ. */
export const EluGrad = outputGrad('EluGrad', {
  lower: (b, dy, y) => b.select(isPositive(b, y), dy, b.multiply(dy, b.add(y, fullLike(b, y, 1)))),
  slope: (y) => where(greater(y, 0), zerosLike(y), onesLike(y)),
  again: (dz, y) => call(EluGrad, { gradients: dz, outputs: y }).backprops,
});
export const SeluGrad = outputGrad('SeluGrad', {
  lower: (b, dy, y) =>
    b.select(
      isPositive(b, y),
      b.multiply(dy, fullLike(b, y, seluScale)),
      b.multiply(dy, b.add(y, fullLike(b, y, seluScale * seluAlpha))),
    ),
  slope: (y) => where(greater(y, 0), zerosLike(y), onesLike(y)),
  again: (dz, y) => call(SeluGrad, { gradients: dz, outputs: y }).backprops,
});

const leakyAttrs = { alpha: float(0.2), T: type(floating, 'float32') };

export const LeakyRelu = defineOp('LeakyRelu', {
  inputs: ['features: T'],
  outputs: ['activations: T'],
  attrs: leakyAttrs,
  shape: ({ features }) => ({ activations: features }),
  grad: ({ features }, dy, { attrs }) => ({ features: leakyReluGrad(dy.activations, features, attrs.alpha) }),
  lower: (b, { features: x }, { attrs }) => ({
    activations: b.select(isPositive(b, x), x, b.multiply(x, fullLike(b, x, attrs.alpha))),
  }),
  sample: { inputs: { features: values([[-1, 2, -0.5, 8]]) }, attrs: { alpha: 0.3 } },
});
export const LeakyReluGrad = defineOp('LeakyReluGrad', {
  inputs: ['gradients: T', 'features: T'],
  outputs: ['backprops: T'],
  attrs: leakyAttrs,
  shape: ({ gradients, features }, ctx) => ({ backprops: sameShapes(gradients, features, ctx) }),
  grad: ({ features }, dy, { attrs }) => ({
    gradients: leakyReluGrad(dy.backprops, features, attrs.alpha),
    features: zerosLike(features),
  }),
  lower: (b, { gradients: dy, features: x }, { attrs }) => ({
    backprops: b.select(isPositive(b, x), dy, b.multiply(dy, fullLike(b, dy, attrs.alpha))),
  }),
  sample: {
    inputs: {
      gradients: uniform([2, 2]),
      features: values([
        [-1, 2],
        [-0.5, 8],
      ]),
    },
  },
});

/** max(x, 0) */
export function relu(features: TensorLike, name?: string): Tensor {
  return call(Relu, { features }, { name }).activations;
}

/** Gradient of relu: `gradients` where `features` > 0. */
export function reluGrad(gradients: TensorLike, features: TensorLike): Tensor {
  return call(ReluGrad, { gradients, features }).backprops;
}

/** min(max(x, 0), 6). TF `nn.relu6`. */
export function relu6(features: TensorLike, name?: string): Tensor {
  return call(Relu6, { features }, { name }).activations;
}
function relu6Grad(gradients: Tensor, features: Tensor): Tensor {
  return call(Relu6Grad, { gradients, features }).backprops;
}
/** x where x > 0, else eˣ − 1. Clevert et al. 2015. TF `nn.elu`. */
export function elu(features: TensorLike, name?: string): Tensor {
  return call(Elu, { features }, { name }).activations;
}
/** Scaled elu whose fixed point is mean 0, variance 1. TF `nn.selu`. */
export function selu(features: TensorLike, name?: string): Tensor {
  return call(Selu, { features }, { name }).activations;
}
/** ln(1 + eˣ). TF `nn.softplus`. */
export function softplus(features: TensorLike, name?: string): Tensor {
  return call(Softplus, { features }, { name }).activations;
}
function softplusGrad(gradients: Tensor, features: Tensor): Tensor {
  return call(SoftplusGrad, { gradients, features }).backprops;
}
/** x / (1 + |x|). TF `nn.softsign`. */
export function softsign(features: TensorLike, name?: string): Tensor {
  return call(Softsign, { features }, { name }).activations;
}
function softsignGrad(gradients: Tensor, features: Tensor): Tensor {
  return call(SoftsignGrad, { gradients, features }).backprops;
}
/** x where x > 0, else alpha·x; alpha 0.2 by default. TF `nn.leaky_relu`. */
export function leakyRelu(features: TensorLike, options: { alpha?: number; name?: string } = {}): Tensor {
  const attrs = { alpha: options.alpha ?? 0.2 };
  return call(LeakyRelu, { features }, { attrs, name: options.name }).activations;
}
function leakyReluGrad(gradients: Tensor, features: Tensor, alpha: number): Tensor {
  return call(LeakyReluGrad, { gradients, features }, { attrs: { alpha } }).backprops;
}
