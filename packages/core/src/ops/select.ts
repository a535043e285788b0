/** @file Choosing elements of two tensors by a condition. */
import type { Tensor, TensorLike } from '../graph/tensor.ts';
import { call } from '../op/call.ts';
import { defineOp } from '../op/defineOp.ts';
import { broadcastTo } from '../op/hlo.ts';
import { uniform, values } from '../op/sample.ts';
import { broadcastShape } from '../op/shapeFunctions.ts';
import { zerosLike } from './array.ts';
import { sumToShape } from './broadcast.ts';

export const SelectV2 = defineOp('SelectV2', {
  inputs: ['condition: bool', 't: T', 'e: T'],
  outputs: ['output: T'],
  attrs: { T: 'type' },
  shape: ({ condition, t, e }, ctx) => ({ output: broadcastShape(condition, broadcastShape(t, e, ctx), ctx) }),
  grad: ({ condition, t, e }, dy) => {
    const zero = zerosLike(dy.output);
    return {
      condition: null,
      t: sumToShape(where(condition, dy.output, zero), t),
      e: sumToShape(where(condition, zero, dy.output), e),
    };
  },
  lower: (b, { condition, t, e }, ctx) => {
    const dims = ctx.dims('output');
    return { output: b.select(broadcastTo(b, condition, dims), broadcastTo(b, t, dims), broadcastTo(b, e, dims)) };
  },
  sample: { inputs: { condition: values([true, false, true]), t: uniform([2, 3]), e: uniform([]) } },
});

/** `x` where `condition` holds, else `y`; all three broadcast. TF `where_v2`. */
export function where(condition: TensorLike, x: TensorLike, y: TensorLike): Tensor {
  return call(SelectV2, { condition, t: x, e: y }).output;
}
