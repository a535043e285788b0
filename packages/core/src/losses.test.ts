/** @file Losses against TensorFlow's results, which tools/oracle/train_golden.py records. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { Graph } from './graph/graph.ts';
import type { Tensor } from './graph/tensor.ts';
import * as losses from './losses.ts';
import type { NestedArray } from './ndarray.ts';
import { constant } from './ops/array.ts';
import { multiply } from './ops/math.ts';
import './ops/operators.ts';
import { reduceSum } from './ops/reduce.ts';
import { Session, type SessionOptions } from './session/session.ts';
import { getVariable } from './variables/variableScope.ts';

interface Case {
  readonly loss: string;
  readonly weights: NestedArray;
  readonly reduction: losses.Reduction | null;
  readonly value: NestedArray;
}

const golden = (
  JSON.parse(readFileSync(new URL('./train/generated/trainGolden.json', import.meta.url), 'utf8')) as {
    readonly losses: readonly Case[];
  }
).losses;
const target = (process.env['TSFLOW_BACKEND'] ?? 'interpret') as NonNullable<SessionOptions['target']>;

const labels = [
  [1, 0, 0.5],
  [0, 1, 1],
];
const predictions = [
  [0.9, 0.2, -0.5],
  [3, 0.4, 0.7],
];
const positive = [
  [0.9, 0.2, 0.5],
  [0.3, 0.4, 0.7],
];
const onehot = [
  [1, 0, 0],
  [0, 0, 1],
];

const make: Readonly<Record<string, (options: losses.LossOptions) => Tensor>> = {
  absoluteDifference: (o) => losses.absoluteDifference(labels, predictions, o),
  meanSquaredError: (o) => losses.meanSquaredError(labels, predictions, o),
  huberLoss: (o) => losses.huberLoss(labels, predictions, { ...o, delta: 0.8 }),
  hingeLoss: (o) => losses.hingeLoss(labels, predictions, o),
  logLoss: (o) => losses.logLoss(labels, positive, o),
  sigmoidCrossEntropy: (o) => losses.sigmoidCrossEntropy(labels, predictions, o),
  sigmoidCrossEntropySmooth: (o) => losses.sigmoidCrossEntropy(labels, predictions, { ...o, labelSmoothing: 0.2 }),
  cosineDistance: (o) => losses.cosineDistance(labels, predictions, { ...o, axis: 1 }),
  meanPairwiseSquaredError: (o) => losses.meanPairwiseSquaredError(labels, predictions, o),
  softmaxCrossEntropy: (o) => losses.softmaxCrossEntropy(onehot, predictions, o),
  softmaxCrossEntropySmooth: (o) => losses.softmaxCrossEntropy(onehot, predictions, { ...o, labelSmoothing: 0.1 }),
  sparseSoftmaxCrossEntropy: (o) => losses.sparseSoftmaxCrossEntropy([0, 2], predictions, o),
};

test('losses answer what TensorFlow answers', async () => {
  const graph = new Graph();
  const made = graph.asDefault(() =>
    golden.map(({ loss, weights, reduction }) => {
      const options = { weights, ...(reduction === null ? {} : { reduction }) };
      return (make[loss] as (options: losses.LossOptions) => Tensor)(options);
    }),
  );
  expect(new Set(golden.map((c) => c.loss))).toEqual(new Set(Object.keys(make)));
  const session = new Session({ graph, target, threads: 1 });
  try {
    const values = await session.run(made);
    for (const [i, c] of golden.entries()) {
      const got = values[i]?.toNumbers() ?? [];
      const want = [c.value].flat(8).map(Number);
      expect(got).toHaveLength(want.length);
      const label = `${c.loss} ${JSON.stringify(c.weights)} ${c.reduction}`;
      for (const [j, x] of got.entries()) expect(x, label).toBeCloseTo(want[j] as number, 5);
      expect(made[i]?.shape).toEqual(values[i]?.shape);
    }
  } finally {
    await session.close();
  }
});

test('the total loss sums losses and regularization', async () => {
  const graph = new Graph();
  const { total, plain, regularization } = graph.asDefault(() => {
    losses.meanSquaredError([1, 2], [2, 4]); // (1 + 4)/2
    losses.absoluteDifference([1], [4], { scope: 'mine' }); // 3
    losses.absoluteDifference([1], [9], { lossCollection: null });
    losses.addLoss(constant(10));
    getVariable('W', { initializer: [3, 4], regularizer: (v) => multiply(reduceSum(v), 0.5) });
    expect(losses.getLosses().map((t) => t.name)).toEqual(['mean_squared_error/value:0', 'mine/value:0', 'Const:0']);
    expect(losses.getLosses('mine')).toHaveLength(1);
    return {
      total: losses.getTotalLoss(),
      plain: losses.getTotalLoss({ addRegularizationLosses: false, name: 'plain' }),
      regularization: losses.getRegularizationLosses(),
    };
  });
  expect([total.name, plain.name, regularization.length]).toEqual(['total_loss:0', 'plain:0', 1]);
  const session = new Session({ graph, target, threads: 1 });
  await session.run('W/Assign');
  expect((await session.run([total, plain])).map((v) => v.item())).toEqual([19, 15.5]);
  await session.close();
});

test('wrong shapes, weights and reductions are refused', () => {
  new Graph().asDefault(() => {
    expect(() => losses.meanSquaredError([[1], [2]], [1, 2])).toThrowErrorMatchingInlineSnapshot(
      `[InvalidArgumentError: meanSquaredError: labels have shape [2, 1], predictions [2]. Give both in one shape.]`,
    );
    expect(() => losses.huberLoss([[1, 2]], [[1, 2]], { weights: [1, 2] })).toThrowErrorMatchingInlineSnapshot(
      `[InvalidArgumentError: computeWeightedLoss: weights have shape [2], the losses [1, 2]. Give a scalar, or weights of the same rank with dimensions equal or 1.]`,
    );
    expect(() => losses.computeWeightedLoss([1], { reduction: 'mean' as never })).toThrowErrorMatchingInlineSnapshot(
      `[InvalidArgumentError: computeWeightedLoss: "mean" is no reduction. Take one of none, weighted_sum, weighted_sum_over_batch_size, weighted_mean, weighted_sum_by_nonzero_weights.]`,
    );
    expect(() => losses.sparseSoftmaxCrossEntropy([1, 2], [[1, 2, 3]])).toThrowErrorMatchingInlineSnapshot(
      `[InvalidArgumentError: labels [2] must have the shape of logits [1, 3] without the last dimension. Give one class number a row; distributions go to softmaxCrossEntropyWithLogits.]`,
    );
    expect(() => losses.getTotalLoss({ scope: 'nothing' })).toThrowErrorMatchingInlineSnapshot(
      `[InvalidArgumentError: getTotalLoss: the graph has no losses. Make one of tf.losses, or call addLoss(…).]`,
    );
  });
});
