/** @file Activations. */

import { real } from '../dtype.ts';
import type { Tensor, TensorLike } from '../graph/tensor.ts';
import { type } from '../op/attr.ts';
import { call } from '../op/call.ts';
import { defineOp } from '../op/defineOp.ts';
import { fullLike } from '../op/hlo.ts';
import { uniform } from '../op/sample.ts';
import { sameShapes } from '../op/shapeFunctions.ts';
import { zerosLike } from './array.ts';

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

/** max(x, 0) */
export function relu(features: TensorLike, name?: string): Tensor {
  return call(Relu, { features }, { name }).activations;
}

/** Gradient of relu: `gradients` where `features` > 0. */
export function reluGrad(gradients: TensorLike, features: TensorLike): Tensor {
  return call(ReluGrad, { gradients, features }).backprops;
}
