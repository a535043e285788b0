/** @file The gradient of fused batch normalisation by finite differences, and its empty statistics. */
import { afterAll, expect, test } from 'vitest';
import { gradients } from '../gradients.ts';
import { Graph } from '../graph/graph.ts';
import type { Tensor } from '../graph/tensor.ts';
import { disposeDevices } from '../session/device.ts';
import { Session } from '../session/session.ts';
import { constant, placeholder } from './array.ts';
import { fusedBatchNorm } from './batchNorm.ts';
import { multiply } from './math.ts';
import './operators.ts';
import { reduceSum } from './reduce.ts';

afterAll(disposeDevices);

const dims = [2, 3, 1, 2];
const count = 12;
const x0 = Array.from({ length: count }, (_, i) => Math.sin(3 * i) + 0.1 * i);
const weights = Array.from({ length: count }, (_, i) => Math.cos(5 * i));

test.each([true, false])('x, scale and offset have the gradients of differences, isTraining %s', async (isTraining) => {
  const graph = new Graph();
  const { loss, feeds, grads } = graph.asDefault(() => {
    const x = placeholder('float32', { shape: dims });
    const scale = placeholder('float32', { shape: [2] });
    const offset = placeholder('float32', { shape: [2] });
    const options = { scale, offset, isTraining, mean: constant([0.2, -0.1]), variance: constant([0.5, 1.5]) };
    const [y] = fusedBatchNorm(x, options);
    const sum: Tensor = reduceSum(multiply(y, constant(weights, { shape: dims })));
    return { loss: sum, feeds: [x, scale, offset], grads: gradients(sum, [x, scale, offset]) as Tensor[] };
  });
  const values = [x0, [0.7, 1.3], [0.1, -0.4]];
  const session = new Session({ graph, target: 'interpret' });
  const at = (v: readonly number[][]) =>
    feeds
      .map((t, i) => [t, new Float32Array(v[i] as number[])] as const)
      .map(([t, v], i) => [t, i === 0 ? nested(v) : v] as const);
  const symbolic = await session.run(grads, at(values));
  for (const [k, own] of values.entries()) {
    const got = symbolic[k]?.toNumbers() as number[];
    for (const i of own.keys()) {
      const moved = (d: number) => values.map((v, j) => (j === k ? v.map((e, n) => (n === i ? e + d : e)) : v));
      const up = Number((await session.run(loss, at(moved(3e-3)))).item());
      const down = Number((await session.run(loss, at(moved(-3e-3)))).item());
      expect(Math.abs((up - down) / 6e-3 - (got[i] as number))).toBeLessThan(4e-3);
    }
  }
  await session.close();
});

/** Row-major values as nested lists of [2, 3, 1, 2]. */
function nested(v: Float32Array): number[][][][] {
  return [0, 1].map((a) => [0, 1, 2].map((b) => [[0, 1].map((d) => v[(a * 3 + b) * 2 + d] as number)]));
}

test('training needs no statistics', async () => {
  const graph = new Graph();
  const out = graph.asDefault(() =>
    fusedBatchNorm(constant([[[[1, 10]], [[3, 30]]]]), {
      scale: constant([1, 1]),
      offset: constant([0, 0]),
      epsilon: 0.001,
    }),
  );
  const session = new Session({ graph, target: 'interpret' });
  const [, mean, variance] = await session.run([...out]);
  expect(mean?.toArray()).toEqual([2, 20]);
  expect(variance?.toArray()).toEqual([2, 200]); // unbiased
  await session.close();
});
