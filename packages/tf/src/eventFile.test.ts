import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readRunEvents } from '@tsflow/tensorboard';
import { expect, test } from 'vitest';
import * as tf from './index.ts';

test('a training run leaves its graph, scalars and histograms in the event file', async () => {
  const logdir = mkdtempSync(join(tmpdir(), 'tsflow-run-'));
  tf.resetDefaultGraph();
  const x = tf.placeholder('float32', { shape: [null, 2], name: 'x' });
  const w = tf.nameScope('layer', () => tf.variable(tf.constant([[1], [2]], { dtype: 'float32' }), { name: 'W' }));
  const loss = tf.reduceSum(tf.square(tf.matMul(x, w)));
  tf.summary.scalar('loss', loss);
  tf.summary.histogram('weights', w);
  const trainStep = new tf.train.GradientDescentOptimizer(0.01).minimize(loss);
  const merged = tf.summary.mergeAll();
  const sess = new tf.Session();
  try {
    await sess.run(tf.globalVariablesInitializer());
    const writer = new tf.summary.FileWriter(logdir, sess.graph);
    const losses: number[] = [];
    for (let step = 0; step < 3; step++) {
      const feeds: tf.Feeds = [[x, [[1, 1]]]];
      const fetched = await sess.run({ loss, summary: merged }, feeds);
      losses.push(Number(fetched.loss.item()));
      writer.addSummary(fetched.summary, step);
      await sess.run(trainStep, feeds);
    }
    await writer.close();

    // With x = [1, 1] and s = w₀ + w₁: loss = s², and a step of 0.01 takes s to s − 0.01·2·(2s) = 0.96·s.
    expect(losses.map((value) => value.toFixed(4))).toEqual([3, 2.88, 2.7648].map((s) => (s * s).toFixed(4)));
    const events = await readRunEvents(logdir);
    const graph = tf.GraphDef.decode(events.find((event) => event.what === 'graphDef')?.graphDef ?? new Uint8Array(0));
    expect(graph.node.map((node) => node.name)).toEqual(expect.arrayContaining(['x', 'layer/W', 'loss', 'weights']));
    const values = events.flatMap((event) => event.summary?.value ?? []);
    expect(values.filter((value) => value.tag === 'loss').map((value) => value.simpleValue)).toEqual(losses);
    const weights = values.filter((value) => value.tag === 'weights').map((value) => value.histo);
    expect(weights.map((histo) => [histo?.num, histo?.min, histo?.max])[0]).toEqual([2, 1, 2]);
    expect(weights).toHaveLength(3);
  } finally {
    sess.close();
    rmSync(logdir, { recursive: true });
  }
});
