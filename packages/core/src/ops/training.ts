/** @file Update rules of optimizers as ops on variables. */

import { dimsOf } from '@tsflow/xla';
import { real } from '../dtype.ts';
import { bool, type } from '../op/attr.ts';
import { defineOp } from '../op/defineOp.ts';
import { broadcastTo } from '../op/hlo.ts';
import { uniform, values } from '../op/sample.ts';
import { sameShapes } from '../op/shapeFunctions.ts';

export const ApplyGradientDescent = defineOp('ApplyGradientDescent', {
  inputs: ['var: Ref(T)', 'alpha: T', 'delta: T'],
  outputs: ['out: Ref(T)'],
  attrs: { T: type(real), use_locking: bool(false) },
  shape: ({ var: v, delta }, ctx) => ({ out: sameShapes(v, delta, ctx) }),
  grad: null,
  // var ← var − alpha·delta
  lower: (b, { var: ref, alpha, delta }, ctx) => {
    const step = b.multiply(broadcastTo(b, alpha, dimsOf(delta)), delta);
    ctx.writeState(ref, b.subtract(ctx.readState(ref), step));
    return { out: ref };
  },
  sample: { inputs: { var: uniform([2, 3]), alpha: values(0.1), delta: uniform([2, 3]) } },
});
