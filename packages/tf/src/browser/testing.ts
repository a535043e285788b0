/** @file The page of the browser test: trains a small convolutional network and answers what the test compares with Node. */
import * as tf from '../index.ts';

export interface PageResult {
  readonly losses: readonly number[];
  /** Bytes of an image summary: CompressionStream deflates its PNG. */
  readonly summaryBytes: number;
  /** Animation frames, or timer ticks, that passed while steps were computed. */
  readonly ticks: number;
  /** Code of the error that FileWriter answers. */
  readonly writerError: string;
}

/** Runs in a browser and in Node alike. */
export async function trainSmallNet(steps = 12): Promise<PageResult> {
  tf.resetDefaultGraph();
  tf.setRandomSeed(1);
  const x = tf.placeholder('float32', { shape: [null, 28, 28, 1], name: 'x' });
  const y = tf.placeholder('float32', { shape: [null, 4], name: 'y' });
  const w = tf.variable(tf.truncatedNormal([5, 5, 1, 16], { stddev: 0.1 }), { name: 'W' });
  const conv = tf.nn.relu(tf.nn.conv2d(x, w, { strides: [1, 1, 1, 1], padding: 'SAME' }));
  const pooled = tf.nn.maxPool(conv, { ksize: [1, 2, 2, 1], strides: [1, 2, 2, 1], padding: 'SAME' });
  const v = tf.variable(tf.truncatedNormal([3136, 4], { stddev: 0.1 }), { name: 'V' });
  const logits = tf.matMul(tf.reshape(pooled, [-1, 3136]), v);
  const loss = tf.reduceMean(tf.nn.softmaxCrossEntropyWithLogits({ labels: y, logits }));
  const trainStep = new tf.train.AdamOptimizer(0.001).minimize(loss);
  const summary = tf.summary.image('input', x);

  const sess = new tf.Session({ threads: 2 });
  await sess.run(tf.globalVariablesInitializer());
  const images = Float32Array.from({ length: 64 * 784 }, (_, i) => Math.sin(i * 0.37));
  const labels = Float32Array.from({ length: 64 * 4 }, (_, i) => ((i >> 2) % 4 === i % 4 ? 1 : 0));
  const feeds: tf.Feeds = [
    [x, images],
    [y, labels],
  ];
  let ticks = 0;
  const timer = setInterval(() => ticks++, 1);
  const losses: number[] = [];
  for (let i = 0; i < steps; i++) losses.push((await sess.run({ loss, trainStep }, feeds)).loss.item());
  clearInterval(timer);
  const summaryBytes = (await sess.run(summary, feeds)).item<Uint8Array>().length;
  await sess.close();
  return { losses, summaryBytes, ticks, writerError: writerError() };
}

function writerError(): string {
  if (typeof process !== 'undefined') return 'FAILED_PRECONDITION'; // Node has files
  try {
    new tf.summary.FileWriter('logs');
    return 'none';
  } catch (error) {
    return (error as { code: string }).code;
  }
}

(globalThis as { trainSmallNet?: typeof trainSmallNet }).trainSmallNet = trainSmallNet;
