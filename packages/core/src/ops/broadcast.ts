/** @file Explicit broadcasting, and undoing it in gradients: sums over the repeated dimensions, at graph time where shapes are known. */
import { dimsOf, type Value } from '@tsflow/xla';
import { installOperators } from '../graph/operators.ts';
import type { Tensor, TensorLike } from '../graph/tensor.ts';
import { indexType } from '../op/attr.ts';
import { call } from '../op/call.ts';
import { defineOp } from '../op/defineOp.ts';
import { broadcastTo } from '../op/hlo.ts';
import { uniform, values } from '../op/sample.ts';
import { shapeFromVector } from '../op/shapeFunctions.ts';
import {
  broadcastDimensions,
  broadcastShapes,
  type Dims,
  formatShape,
  isFullyDefined,
  type PartialShape,
  sameShape,
} from '../shape.ts';
import { reshape, shape, shapeLike } from './array.ts';
import { reduceSum } from './reduce.ts';

export const BroadcastGradientArgs = defineOp('BroadcastGradientArgs', {
  inputs: ['s0: T', 's1: T'],
  outputs: ['r0: T', 'r1: T'],
  attrs: { T: indexType },
  shape: () => ({ r0: [null], r1: [null] }),
  grad: null,
  lower: (b, { s0, s1 }, ctx) => {
    const [p, q] = [ctx.numbers(s0), ctx.numbers(s1)];
    const full = broadcastShapes(p, q);
    if (full === undefined) return ctx.fail(`shapes [${p.join(', ')}] and [${q.join(', ')}] do not broadcast.`);
    const axes = (from: Dims): Value => {
      const found = broadcastDimensions(from, full as Dims);
      return ctx.attrs.T === 'int64'
        ? b.array(BigInt64Array.from(found, BigInt), 's64', [found.length])
        : b.array(Int32Array.from(found), 's32', [found.length]);
    };
    return { r0: axes(p), r1: axes(q) };
  },
  sample: { inputs: { s0: values([2, 3], 'int32'), s1: values([3], 'int32') } },
});

export const BroadcastTo = defineOp('BroadcastTo', {
  inputs: ['input: T', 'shape: Tidx'],
  outputs: ['output: T'],
  attrs: { T: 'type', Tidx: indexType },
  shape: ({ shape }, ctx) => ({ output: shapeFromVector(ctx.constantShape('shape'), shape) }),
  grad: ({ input }, dy) => ({ input: sumToShape(dy.output, input), shape: null }),
  lower: (b, { input, shape }, ctx) => {
    const dims = ctx.numbers(shape);
    const full = broadcastShapes(dimsOf(input), dims);
    if (full === undefined || !sameShape(full, dims)) {
      return ctx.fail(`input ${formatShape(dimsOf(input))} does not broadcast to ${formatShape(dims)}.`);
    }
    return { output: broadcastTo(b, input, dims) };
  },
  sample: { inputs: { input: uniform([3, 1]), shape: values([2, 3, 2], 'int32') } },
});

/** `input` repeated to `shape` by the rules of broadcasting. */
export function broadcastToShape(input: TensorLike, shape: TensorLike, name?: string): Tensor {
  return call(BroadcastTo, { input, shape }, { name }).output;
}

/** `dy` (of a broadcast result) summed over the dimensions along which `x` was repeated: has x's shape. */
export function sumToShape(dy: Tensor, x: Tensor): Tensor {
  if (sameShape(dy.shape, x.shape) && isFullyDefined(x.shape)) return dy;
  const axes = staticAxes(dy.shape, x.shape);
  if (axes === undefined) {
    const { r0 } = call(BroadcastGradientArgs, { s0: shape(x), s1: shape(dy) });
    return reshape(reduceSum(dy, { axis: r0 }), shape(x));
  }
  if (axes.length === 0 && sameRank(dy.shape, x.shape)) return dy;
  const sum = reduceSum(dy, { axis: axes });
  return sameShape(sum.shape, x.shape) ? sum : reshape(sum, shapeLike(x));
}

function sameRank(a: PartialShape, b: PartialShape): boolean {
  return a !== null && b !== null && a.length === b.length;
}

/** Axes to sum where the static shapes decide every dimension. */
function staticAxes(full: PartialShape, own: PartialShape): number[] | undefined {
  if (full === null || own === null) return undefined;
  const offset = full.length - own.length;
  const axes: number[] = [];
  for (const [i, d] of full.entries()) {
    const mine = i < offset ? 1 : own[i - offset];
    if (i < offset) axes.push(i);
    else if (mine === null) return undefined;
    else if (mine === 1 && d === null) return undefined;
    else if (mine === 1 && d !== 1) axes.push(i);
  }
  return axes;
}

installOperators({ sumToShape });
