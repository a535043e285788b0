/** @file The graphs of the cases without weights: matrix product, single convolutions, the element-wise family. */
import * as tf from '@tsflow/tf';
import type { ElementwiseOp, Spec } from '../cases.ts';
import { computing, held, type Step } from './step.ts';

type SpecOf<K extends Spec['kind']> = Extract<Spec, { kind: K }>;

export function gemm({ n }: SpecOf<'gemm'>): Step {
  return computing(tf.matMul(held([n, n]), held([n, n])));
}

export function conv({ batch, size, input, output, kernel, groups }: SpecOf<'conv'>): Step {
  const x = held([batch, size, size, input]);
  const options = { strides: [1, 1, 1, 1], padding: 'SAME' } as const;
  if (groups === 1) return computing(tf.nn.conv2d(x, held([kernel, kernel, input, output]), options));
  return computing(tf.nn.depthwiseConv2dNative(x, held([kernel, kernel, input, output / input]), options));
}

type Elementwise = (x: tf.Tensor, others: readonly tf.Tensor[]) => readonly tf.Tensor[];

const graphs: Readonly<Record<ElementwiseOp, Elementwise>> = {
  // tanh(1.5 x + 0.5) · sigmoid(x) + exp(-x²)
  chain: (x) => [
    tf
      .tanh(x.mul(1.5).add(0.5))
      .mul(tf.sigmoid(x))
      .add(tf.exp(tf.negative(tf.square(x)))),
  ],
  softmax: (x) => [tf.nn.softmax(x)],
  'sum-axis0': (x) => [tf.reduceSum(x, { axis: 0 })],
  'sum-axis1': (x) => [tf.reduceSum(x, { axis: 1 })],
  transpose: (x) => [tf.transpose(x)],
  topk8: (x) => {
    const { values, indices } = tf.nn.topK(x, { k: 8 });
    return [values, indices];
  },
  layernorm: (x, [scale, shift]) => {
    if (!scale || !shift) throw new Error('internal: layernorm needs scale and shift');
    const { mean, variance } = tf.nn.moments(x, [1], { keepDims: true });
    return [tf.nn.batchNormalization(x, { mean, variance, offset: shift, scale, varianceEpsilon: 1e-5 })];
  },
};

export function elementwise({ op, shapes }: SpecOf<'elementwise'>): Step {
  const [x, ...others] = shapes.map((shape) => held(shape));
  if (!x) throw new Error(`internal: ${op} has no input`);
  return computing(...graphs[op](x, others));
}
