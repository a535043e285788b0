/**
 * @file Measures a case with TensorFlow.js on its WASM backend: PEER CASE, see `worker.ts`. NHWC, eager; inference uses
 * the fused operations, training those that have gradients.
 */
import type { Case, ElementwiseOp, Spec } from '../cases.ts';
import { oneHot, sizeOf, uniform } from '../random.ts';
import type { Call } from '../timing.ts';
import { type Prepared, runWorker } from '../worker.ts';
import { requirePeers } from './requirePeer.ts';
import { startTfjs, type Tensor, type Tfjs } from './tfjs.ts';

type SpecOf<K extends Spec['kind']> = Extract<Spec, { kind: K }>;

let seed = 1;
const random = (tf: Tfjs, shape: readonly number[], scale = 1) =>
  tf.tensor(uniform(sizeOf(shape), scale, seed++), shape);
const weight = (tf: Tfjs, shape: readonly number[]) => tf.variable(random(tf, shape, 0.1));
const classes = (tf: Tfjs, rows: number, count: number) => tf.tensor(oneHot(rows, count), [rows, count]);

/** A call that computes results and frees them. */
const computing = (tf: Tfjs, f: () => unknown): Call => {
  return () => tf.dispose(tf.tidy(f));
};

type Layer = readonly [w: Tensor, b: Tensor];
type MnistLayers = readonly [Layer, Layer, Layer, Layer];

function mnistLayers(tf: Tfjs): MnistLayers {
  const layer = (...shape: readonly number[]): Layer => [weight(tf, shape), weight(tf, shape.slice(-1))];
  return [layer(5, 5, 1, 32), layer(5, 5, 32, 64), layer(3136, 1024), layer(1024, 10)];
}

function mnistInfer(tf: Tfjs, { batch }: SpecOf<'mnist-infer'>): Call {
  const image = random(tf, [batch, 28, 28, 1]);
  const [conv1, conv2, dense1, dense2] = mnistLayers(tf);
  const conv = (x: Tensor, [filter, bias]: Layer) => {
    return tf.maxPool(tf.fused.conv2d({ x, filter, bias, strides: 1, pad: 'same', activation: 'relu' }), 2, 2, 'same');
  };
  const dense = (a: Tensor, [b, bias]: Layer, activation: 'relu' | 'linear') =>
    tf.fused.matMul({ a, b, bias, activation });
  return computing(tf, () => {
    const features = tf.reshape(conv(conv(image, conv1), conv2), [batch, 3136]);
    return dense(dense(features, dense1, 'relu'), dense2, 'linear');
  });
}

function mnistTrain(tf: Tfjs, { batch, learningRate }: SpecOf<'mnist-train'>): Call {
  const image = random(tf, [batch, 28, 28, 1]);
  const labels = classes(tf, batch, 10);
  const [conv1, conv2, dense1, dense2] = mnistLayers(tf);
  const conv = (x: Tensor, [w, b]: Layer) => tf.maxPool(tf.relu(tf.add(tf.conv2d(x, w, 1, 'same'), b)), 2, 2, 'same');
  const dense = (x: Tensor, [w, b]: Layer) => tf.add(tf.matMul(x, w), b);
  const optimizer = tf.train.adam(learningRate);
  const loss = () => {
    const features = tf.reshape(conv(conv(image, conv1), conv2), [batch, 3136]);
    return tf.losses.softmaxCrossEntropy(labels, dense(tf.relu(dense(features, dense1)), dense2));
  };
  return () => optimizer.minimize(loss);
}

function mlpTrain(tf: Tfjs, spec: SpecOf<'mlp-train'>): Call {
  const [inputs, hidden, outputs] = spec.layers;
  const x = random(tf, [spec.batch, inputs]);
  const labels = classes(tf, spec.batch, outputs);
  const [w1, b1, w2, b2] = [
    weight(tf, [inputs, hidden]),
    weight(tf, [hidden]),
    weight(tf, [hidden, outputs]),
    weight(tf, [outputs]),
  ];
  const optimizer = tf.train.sgd(spec.learningRate);
  const loss = () => {
    const h = tf.relu(tf.add(tf.matMul(x, w1), b1));
    return tf.losses.softmaxCrossEntropy(labels, tf.add(tf.matMul(h, w2), b2));
  };
  return () => optimizer.minimize(loss);
}

function logisticTrain(tf: Tfjs, { batch, features, learningRate }: SpecOf<'logistic-train'>): Call {
  const x = random(tf, [batch, features]);
  const labels = tf.tensor(
    uniform(batch).map((value) => (value < 0 ? 0 : 1)),
    [batch, 1],
  );
  const [w, b] = [weight(tf, [features, 1]), weight(tf, [1])];
  const optimizer = tf.train.sgd(learningRate);
  return () => optimizer.minimize(() => tf.losses.sigmoidCrossEntropy(labels, tf.add(tf.matMul(x, w), b)));
}

type Elementwise = (tf: Tfjs, x: Tensor, others: readonly Tensor[]) => unknown;

const elementwise: Readonly<Record<ElementwiseOp, Elementwise>> = {
  chain: (tf, x) => {
    const gate = tf.mul(tf.tanh(tf.add(tf.mul(x, 1.5), 0.5)), tf.sigmoid(x));
    return tf.add(gate, tf.exp(tf.neg(tf.mul(x, x))));
  },
  softmax: (tf, x) => tf.softmax(x),
  'sum-axis0': (tf, x) => tf.sum(x, 0),
  'sum-axis1': (tf, x) => tf.sum(x, 1),
  transpose: (tf, x) => tf.transpose(x),
  topk8: (tf, x) => tf.topk(x, 8),
  layernorm: (tf, x, [scale = 1, shift = 0]) => {
    const { mean, variance } = tf.moments(x, 1, true);
    return tf.add(tf.mul(tf.mul(tf.sub(x, mean), tf.rsqrt(tf.add(variance, 1e-5))), scale), shift);
  },
};

function conv(tf: Tfjs, { batch, size, input, output, kernel, groups }: SpecOf<'conv'>): Call {
  const x = random(tf, [batch, size, size, input]);
  const depthwise = groups > 1;
  const w = random(tf, [kernel, kernel, input, depthwise ? output / input : output]);
  return computing(tf, () => (depthwise ? tf.depthwiseConv2d(x, w, 1, 'same') : tf.conv2d(x, w, 1, 'same')));
}

function callOf(tf: Tfjs, spec: Spec): Call {
  switch (spec.kind) {
    case 'gemm': {
      const [a, b] = [random(tf, [spec.n, spec.n]), random(tf, [spec.n, spec.n])];
      return computing(tf, () => tf.matMul(a, b));
    }
    case 'mnist-infer':
      return mnistInfer(tf, spec);
    case 'mnist-train':
      return mnistTrain(tf, spec);
    case 'mlp-train':
      return mlpTrain(tf, spec);
    case 'logistic-train':
      return logisticTrain(tf, spec);
    case 'conv':
      return conv(tf, spec);
    case 'elementwise': {
      const [x, ...others] = spec.shapes.map((shape) => random(tf, shape));
      if (!x) throw new Error(`internal: ${spec.op} has no input`);
      return computing(tf, () => elementwise[spec.op](tf, x, others));
    }
    default:
      return spec satisfies never;
  }
}

async function prepare({ spec }: Case, threads: number): Promise<Prepared> {
  return { call: callOf(await startTfjs(requirePeers(), threads), spec) };
}

await runWorker(prepare);
