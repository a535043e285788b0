/**
 * @file Softmax, its logarithm and the cross entropies fused with it. All work on the last dimension and subtract its maximum first,
 * so nothing overflows.
 */
import { type Builder, dimsOf, dtypeOf, type Value } from '@tsflow/xla';
import type { Tensor, TensorLike } from '../graph/tensor.ts';
import { floatType, indexTypes, type } from '../op/attr.ts';
import { call } from '../op/call.ts';
import { defineOp } from '../op/defineOp.ts';
import { broadcastPair, broadcastTo, fullLike, lowest, reduceAxes } from '../op/hlo.ts';
import type { ShapeContext } from '../op/record.ts';
import { uniform, values } from '../op/sample.ts';
import { broadcastShape } from '../op/shapeFunctions.ts';
import { formatShape, mergeDimension, type PartialShape } from '../shape.ts';
import { expandDims } from './arrayShape.ts';
import { exp, multiply, negative, subtract } from './math.ts';
import { reduceSum } from './reduce.ts';

function lastAxis(x: Value): number {
  return dimsOf(x).length - 1;
}

/** x − max(x) over the last axis. */
function centred(b: Builder, x: Value): Value {
  const init = lowest(dtypeOf(x));
  const max = reduceAxes(b, x, { opcode: 'maximum', init, axes: [lastAxis(x)], keepDims: true });
  return b.subtract(x, broadcastTo(b, max, dimsOf(x)));
}

function sumLast(b: Builder, x: Value, keepDims: boolean): Value {
  return reduceAxes(b, x, { opcode: 'add', init: 0, axes: [lastAxis(x)], keepDims });
}

/** e^z / Σ e^z of centred z. */
function normalizedExp(b: Builder, z: Value): Value {
  const e = b.exp(z);
  return b.divide(e, broadcastTo(b, sumLast(b, e, true), dimsOf(z)));
}

/** log Σ e^z over the last axis, kept as a dimension of 1. */
function logSumExp(b: Builder, z: Value): Value {
  return b.log(sumLast(b, b.exp(z), true));
}

function atLeastRank1(shape: PartialShape, ctx: Pick<ShapeContext, 'fail'>): PartialShape {
  if (shape?.length === 0) ctx.fail('logits are a scalar. Softmax runs over the last dimension; give at least one.');
  return shape;
}

export const Softmax = defineOp('Softmax', {
  inputs: ['logits: T'],
  outputs: ['softmax: T'],
  attrs: { T: floatType },
  shape: ({ logits }, ctx) => ({ softmax: atLeastRank1(logits, ctx) }),
  // dx = (dy − Σ dy·y)·y
  grad: ({ softmax: y }, { softmax: dy }) => ({
    logits: multiply(subtract(dy, reduceSum(multiply(dy, y), { axis: [-1], keepDims: true })), y),
  }),
  lower: (b, { logits }) => ({ softmax: normalizedExp(b, centred(b, logits)) }),
  sample: [{ inputs: { logits: uniform([2, 4]) } }, { inputs: { logits: uniform([2, 2, 3]) } }],
});

export const LogSoftmax = defineOp('LogSoftmax', {
  inputs: ['logits: T'],
  outputs: ['logsoftmax: T'],
  attrs: { T: floatType },
  shape: ({ logits }, ctx) => ({ logsoftmax: atLeastRank1(logits, ctx) }),
  // dx = dy − softmax·Σ dy
  grad: ({ logsoftmax: y }, { logsoftmax: dy }) => ({
    logits: subtract(dy, multiply(exp(y), reduceSum(dy, { axis: [-1], keepDims: true }))),
  }),
  lower: (b, { logits }) => {
    const z = centred(b, logits);
    return { logsoftmax: b.subtract(z, broadcastTo(b, logSumExp(b, z), dimsOf(z))) };
  },
  sample: { inputs: { logits: uniform([2, 4]) } },
});

/** [batch, classes], checked. */
function logitsMatrix(shape: PartialShape, what: string, ctx: Pick<ShapeContext, 'fail'>): PartialShape {
  if (shape !== null && shape.length !== 2) {
    ctx.fail(`${what} must be [batch, classes], got ${formatShape(shape)}. Reshape to 2 dimensions.`);
  }
  return shape;
}

/** loss_b = −Σ_c labels·log softmax(features); backprop = softmax(features) − labels, for labels that sum to 1. */
export const SoftmaxCrossEntropyWithLogits = defineOp('SoftmaxCrossEntropyWithLogits', {
  inputs: ['features: T', 'labels: T'],
  outputs: ['loss: T', 'backprop: T'],
  attrs: { T: floatType },
  shape: ({ features, labels }, ctx) => {
    logitsMatrix(features, 'features (logits)', ctx);
    logitsMatrix(labels, 'labels', ctx);
    const backprop = broadcastShape(features, labels, ctx);
    return { loss: backprop === null ? [null] : [backprop[0] ?? null], backprop };
  },
  grad: ({ features, backprop }, dy) => {
    const perRow = expandDims(dy.loss, -1);
    // second order, through backprop = softmax − labels: the gradient of softmax at features
    const y = softmax(features);
    const through = multiply(
      subtract(dy.backprop, reduceSum(multiply(dy.backprop, y), { axis: [-1], keepDims: true })),
      y,
    );
    return {
      features: multiply(perRow, backprop).add(through),
      labels: subtract(negative(multiply(perRow, logSoftmax(features))), dy.backprop),
    };
  },
  lower: (b, x) => {
    const [features, labels] = broadcastPair(b, x.features, x.labels);
    const z = centred(b, features);
    const logs = b.subtract(z, broadcastTo(b, logSumExp(b, z), dimsOf(z)));
    return {
      loss: b.negate(sumLast(b, b.multiply(labels, logs), false)),
      backprop: b.subtract(normalizedExp(b, z), labels),
    };
  },
  sample: {
    inputs: {
      features: uniform([2, 4]),
      labels: values(
        [
          [0.1, 0.2, 0.3, 0.4],
          [0, 1, 0, 0],
        ],
        'float32',
      ),
    },
  },
});

/** The same with class numbers as labels. A label outside [0, classes) gives NaN, as on TensorFlow's GPU kernels. */
export const SparseSoftmaxCrossEntropyWithLogits = defineOp('SparseSoftmaxCrossEntropyWithLogits', {
  inputs: ['features: T', 'labels: Tlabels'],
  outputs: ['loss: T', 'backprop: T'],
  attrs: { T: floatType, Tlabels: type(indexTypes, 'int64') },
  shape: ({ features, labels }, ctx) => {
    logitsMatrix(features, 'features (logits)', ctx);
    if (labels !== null && labels.length !== 1) ctx.fail(`labels must be [batch], got ${formatShape(labels)}.`);
    const batch = mergeDimension(features?.[0] ?? null, labels?.[0] ?? null);
    if (batch === undefined) {
      return ctx.fail(
        `features ${formatShape(features)} and labels ${formatShape(labels)} have different batch sizes. Give one class number a row.`,
      );
    }
    return { loss: [batch], backprop: [batch, features?.[1] ?? null] };
  },
  grad: ({ features, backprop }, dy) => {
    const y = softmax(features);
    const through = multiply(
      subtract(dy.backprop, reduceSum(multiply(dy.backprop, y), { axis: [-1], keepDims: true })),
      y,
    );
    return { features: multiply(expandDims(dy.loss, -1), backprop).add(through), labels: null };
  },
  lower: (b, { features, labels }) => {
    const z = centred(b, features);
    const dims = dimsOf(z);
    const classes = b.iota('s32', dims, 1);
    const wide = b.broadcast(b.convert(labels, 's32'), dims, [0]);
    const hit = b.compare('EQ', classes, wide);
    const classCount = b.full(dims[1] as number, 's32', dims);
    const valid = b.and(b.compare('GE', wide, b.full(0, 's32', dims)), b.compare('LT', wide, classCount));
    const nan = fullLike(b, z, Number.NaN);
    const zero = fullLike(b, z, 0);
    const oneHot = b.select(valid, b.select(hit, fullLike(b, z, 1), zero), nan);
    const logs = b.subtract(z, broadcastTo(b, logSumExp(b, z), dims));
    const picked = b.select(valid, b.select(hit, logs, zero), nan);
    return { loss: b.negate(sumLast(b, picked, false)), backprop: b.subtract(normalizedExp(b, z), oneHot) };
  },
  sample: { inputs: { features: uniform([3, 4]), labels: values([1, 3, 0], 'int32') } },
});

/** Softmax over the last dimension of logits of any rank ≥ 1. */
export function softmax(logits: TensorLike, name?: string): Tensor {
  return call(Softmax, { logits }, { name }).softmax;
}

/** log softmax over the last dimension. */
export function logSoftmax(logits: TensorLike, name?: string): Tensor {
  return call(LogSoftmax, { logits }, { name }).logsoftmax;
}
