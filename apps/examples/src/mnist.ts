/**
 * @file The MNIST tutorial of the 2017 TensorBoard talk: a convolutional network on real digits, with everything TensorBoard
 * wants to see — scalars, input images, histograms of every layer and a graph drawn by name scopes.
 */
import * as tf from '@tsflow/tf';
import { type MnistSplit, readMnist } from './mnistData.ts';
import { type MnistOptions, parseMnistOptions } from './mnistOptions.ts';
import { TrainingProgress } from './trainingProgress.ts';

function convLayer(input: tf.Tensor, channelsIn: number, channelsOut: number, name = 'conv'): tf.Tensor {
  return tf.nameScope(name, () => {
    const w = tf.variable(tf.truncatedNormal([5, 5, channelsIn, channelsOut], { stddev: 0.1 }), { name: 'W' });
    const b = tf.variable(tf.constant(0.1, { shape: [channelsOut] }), { name: 'B' });
    const conv = tf.nn.conv2d(input, w, { strides: [1, 1, 1, 1], padding: 'SAME' });
    const act = tf.nn.relu(conv.add(b));
    tf.summary.histogram('weights', w);
    tf.summary.histogram('biases', b);
    tf.summary.histogram('activations', act);
    return tf.nn.maxPool(act, { ksize: [1, 2, 2, 1], strides: [1, 2, 2, 1], padding: 'SAME' });
  });
}

function fcLayer(input: tf.Tensor, channelsIn: number, channelsOut: number, name = 'fc'): tf.Tensor {
  return tf.nameScope(name, () => {
    const w = tf.variable(tf.truncatedNormal([channelsIn, channelsOut], { stddev: 0.1 }), { name: 'W' });
    const b = tf.variable(tf.constant(0.1, { shape: [channelsOut] }), { name: 'B' });
    const act = tf.matMul(input, w).add(b);
    tf.summary.histogram('weights', w);
    tf.summary.histogram('biases', b);
    tf.summary.histogram('activations', act);
    return act;
  });
}

/** Builds the whole graph: placeholders, network, loss, training step, accuracy and summaries. */
function mnistModel(learningRate: number) {
  const x = tf.placeholder('float32', { shape: [null, 784], name: 'x' });
  const y = tf.placeholder('float32', { shape: [null, 10], name: 'labels' });
  const image = tf.reshape(x, [-1, 28, 28, 1]);
  tf.summary.image('input', image, { maxOutputs: 3 });

  const conv1 = convLayer(image, 1, 32, 'conv1');
  const conv2 = convLayer(conv1, 32, 64, 'conv2');
  const flattened = tf.reshape(conv2, [-1, 7 * 7 * 64]);
  const fc1 = tf.nn.relu(fcLayer(flattened, 7 * 7 * 64, 1024, 'fc1'));
  const logits = fcLayer(fc1, 1024, 10, 'fc2');

  const xent = tf.nameScope('loss', () =>
    tf.reduceMean(tf.nn.softmaxCrossEntropyWithLogits({ labels: y, logits }), { name: 'xent' }),
  );
  tf.summary.scalar('xent', xent);

  const trainStep = tf.nameScope('train', () => new tf.train.AdamOptimizer(learningRate).minimize(xent));

  const accuracy = tf.nameScope('evaluation', () => {
    const correct = tf.equal(tf.argMax(logits, { axis: 1 }), tf.argMax(y, { axis: 1 }));
    return tf.reduceMean(tf.cast(correct, 'float32'));
  });
  tf.summary.scalar('accuracy', accuracy);

  return { x, y, trainStep, accuracy, summary: tf.summary.mergeAll() };
}

async function testAccuracy(sess: tf.Session, model: ReturnType<typeof mnistModel>, test: MnistSplit): Promise<number> {
  let correct = 0;
  for (let start = 0; start < test.count; start += 1000) {
    const batch = test.slice(start, 1000);
    const accuracy = await sess.run(model.accuracy, [
      [model.x, batch.images],
      [model.y, batch.labels],
    ]);
    correct += (accuracy.item() * batch.labels.length) / 10;
  }
  return correct / test.count;
}

async function main(options: MnistOptions): Promise<void> {
  const { train, test } = readMnist(options.seed);
  tf.setRandomSeed(options.seed);
  const model = mnistModel(options.learningRate);
  const sess = new tf.Session({ target: options.backend, threads: options.threads });
  await sess.run(tf.globalVariablesInitializer());
  const writer = new tf.summary.FileWriter(options.logdir, sess.graph);

  const progress = new TrainingProgress(options.steps);
  for (let step = 0; step < options.steps; step++) {
    const batch = train.nextBatch(options.batchSize);
    const feeds: tf.Feeds = [
      [model.x, batch.images],
      [model.y, batch.labels],
    ];
    if (step % 5 === 0) {
      const { accuracy, summary } = await sess.run({ accuracy: model.accuracy, summary: model.summary }, feeds);
      writer.addSummary(summary, step);
      progress.update(step, accuracy.item());
      if (step % 100 === 0) progress.print(`step ${step}, training accuracy ${accuracy.item().toFixed(4)}`);
    }
    await sess.run(model.trainStep, feeds);
  }
  progress.stop();
  await writer.close();
  console.log(`test accuracy ${(await testAccuracy(sess, model, test)).toFixed(4)}`);
  await sess.close();
}

await main(parseMnistOptions(process.argv));
