/** @file The graphs of the cases with learned weights: the MNIST network, the small perceptron, logistic regression. */
import * as tf from '@tsflow/tf';
import type { Spec } from '../cases.ts';
import { oneHot, sizeOf, uniform } from '../random.ts';
import { computing, held, type Step, training, weight } from './step.ts';

type SpecOf<K extends Spec['kind']> = Extract<Spec, { kind: K }>;

function convPool(x: tf.Tensor, channels: number, filters: number): tf.Tensor {
  const conv = tf.nn.conv2d(x, weight([5, 5, channels, filters]), { strides: [1, 1, 1, 1], padding: 'SAME' });
  const act = tf.nn.relu(conv.add(weight([filters])));
  return tf.nn.maxPool(act, { ksize: [1, 2, 2, 1], strides: [1, 2, 2, 1], padding: 'SAME' });
}

const dense = (x: tf.Tensor, i: number, o: number) => tf.matMul(x, weight([i, o])).add(weight([o]));

function mnistLogits(image: tf.Tensor): tf.Tensor {
  const features = convPool(convPool(tf.reshape(image, [-1, 28, 28, 1]), 1, 32), 32, 64);
  return dense(tf.nn.relu(dense(tf.reshape(features, [-1, 3136]), 3136, 1024)), 1024, 10);
}

const softmaxLoss = (labels: tf.Tensor, logits: tf.Tensor) => {
  return tf.reduceMean(tf.nn.softmaxCrossEntropyWithLogits({ labels, logits }));
};

export function mnistInfer({ batch }: SpecOf<'mnist-infer'>): Step {
  return computing(mnistLogits(held([batch, 784])));
}

export function mnistTrain({ batch, learningRate }: SpecOf<'mnist-train'>): Step {
  const labels = held([batch, 10], oneHot(batch, 10));
  const loss = softmaxLoss(labels, mnistLogits(held([batch, 784])));
  return training(new tf.train.AdamOptimizer(learningRate), loss);
}

/** A batch: variables, or placeholders with their values where the case feeds `Session.run`. */
class Batch {
  readonly #feedDict: boolean;
  readonly #feeds: (readonly [tf.Tensor, tf.NdArray])[] = [];

  constructor(feedDict: boolean) {
    this.#feedDict = feedDict;
  }

  tensor(shape: readonly number[], values: Float32Array): tf.Tensor {
    if (!this.#feedDict) return held(shape, values);
    const placeholder = tf.placeholder('float32', { shape });
    this.#feeds.push([placeholder, new tf.NdArray('float32', shape, values)]);
    return placeholder;
  }

  train(learningRate: number, loss: tf.Tensor): Step {
    const optimizer = new tf.train.GradientDescentOptimizer(learningRate);
    return training(optimizer, loss, this.#feedDict ? this.#feeds : undefined);
  }
}

export function mlpTrain({ batch, layers, learningRate, feedDict }: SpecOf<'mlp-train'>): Step {
  const [inputs, hidden, classes] = layers;
  const data = new Batch(feedDict);
  const x = data.tensor([batch, inputs], uniform(sizeOf([batch, inputs])));
  const labels = data.tensor([batch, classes], oneHot(batch, classes));
  const logits = dense(tf.nn.relu(dense(x, inputs, hidden)), hidden, classes);
  return data.train(learningRate, softmaxLoss(labels, logits));
}

export function logisticTrain({ batch, features, learningRate, feedDict }: SpecOf<'logistic-train'>): Step {
  const data = new Batch(feedDict);
  const x = data.tensor([batch, features], uniform(sizeOf([batch, features])));
  const targets = uniform(batch, 1, 3).map((value) => (value < 0 ? 0 : 1));
  const labels = data.tensor([batch, 1], targets);
  const loss = tf.reduceMean(tf.nn.sigmoidCrossEntropyWithLogits({ labels, logits: dense(x, features, 1) }));
  return data.train(learningRate, loss);
}
