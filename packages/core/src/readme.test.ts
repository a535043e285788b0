import { expect, test } from 'vitest';
import * as tf from './index.ts';

test('the example of the README', () =>
  new tf.Graph().asDefault(async () => {
    const x = tf.placeholder('float32', { shape: [null, 2], name: 'x' });
    const y = tf.placeholder('float32', { shape: [null, 1], name: 'y' });
    const w = tf.variable(tf.zeros([2, 1]), { name: 'W' });
    const loss = tf.reduceMean(tf.square(tf.matMul(x, w).sub(y)));
    const trainStep = new tf.train.AdamOptimizer(0.1).minimize(loss);

    const sess = new tf.Session({ graph: loss.graph });
    const init = loss.graph.asDefault(() => tf.globalVariablesInitializer());
    await sess.run(init);
    for (let i = 0; i < 300; i++) {
      await sess.run(trainStep, [
        [
          x,
          [
            [1, 2],
            [3, 4],
            [-1, 2],
          ],
        ],
        [y, [[0], [2], [-4]]],
      ]);
    }
    const [[w0], [w1]] = (await sess.run(w)).toArray() as [[number], [number]];
    expect(w0).toBeCloseTo(2, 2);
    expect(w1).toBeCloseTo(-1, 2);
    await sess.close();
  }));

test("the example of the project's README: softmax regression", async () => {
  tf.resetDefaultGraph();
  const x = tf.placeholder('float32', { shape: [null, 784], name: 'x' });
  const labels = tf.placeholder('float32', { shape: [null, 10], name: 'labels' });

  const w = tf.variable(tf.truncatedNormal([784, 10], { stddev: 0.1 }), { name: 'W' });
  const b = tf.variable(tf.zeros([10]), { name: 'B' });
  const logits = tf.matMul(x, w).add(b);
  const loss = tf.reduceMean(tf.nn.softmaxCrossEntropyWithLogits({ labels, logits }));
  const trainStep = new tf.train.GradientDescentOptimizer(0.5).minimize(loss);

  const sess = new tf.Session();
  await sess.run(tf.globalVariablesInitializer());
  // Ten classes that light up one pixel each.
  const images = new Float32Array(10 * 784);
  const oneHot = new Float32Array(10 * 10);
  for (let i = 0; i < 10; i++) images[i * 784 + 7 * i] = oneHot[i * 10 + i] = 1;
  const losses: number[] = [];
  for (let step = 0; step < 50; step++) {
    const feeds: tf.Feeds = [
      [x, tf.toNdArray(images, { shape: [10, 784] })],
      [labels, tf.toNdArray(oneHot, { shape: [10, 10] })],
    ];
    const { loss: value } = await sess.run({ loss, trainStep }, feeds);
    losses.push(value.item());
  }
  expect(losses[0]).toBeGreaterThan(2);
  expect(losses.at(-1)).toBeLessThan(0.75 * (losses[0] as number));
  await sess.close();
});
