/** @file What TensorFlow's recorded results cannot show: dropout's randomness, sparse gradients of embeddings, refused arguments. */
import { afterAll, describe, expect, test } from 'vitest';
import { clipByGlobalNorm } from '../clip.ts';
import { gradients } from '../gradients.ts';
import { Graph } from '../graph/graph.ts';
import { IndexedSlices } from '../graph/indexedSlices.ts';
import type { Tensor } from '../graph/tensor.ts';
import * as nn from '../nn.ts';
import { constant, placeholder } from '../ops/array.ts';
import { ones } from '../ops/arrayMake.ts';
import '../ops/operators.ts';
import { disposeDevices } from '../session/device.ts';
import { Session } from '../session/session.ts';

afterAll(disposeDevices);

function inGraph<R>(body: () => R): readonly [Graph, R] {
  const graph = new Graph();
  return [graph, graph.asDefault(body)];
}

describe('dropout', () => {
  test('keeps the share it is told, scaled up', async () => {
    const [graph, y] = inGraph(() => nn.dropout(ones([4000]), { keepProb: 0.8, seed: 3 }));
    const session = new Session({ graph, target: 'interpret' });
    const x = (await session.run(y)).toNumbers();
    expect(new Set(x)).toEqual(new Set([0, 1.25]));
    expect(Math.abs(x.filter((v) => v > 0).length / 4000 - 0.8)).toBeLessThan(0.03);
    await session.close();
  });

  test('a fed probability of 1 keeps all', async () => {
    const [graph, [y, keep]] = inGraph(() => {
      const p = placeholder('float32', { shape: [] });
      return [nn.dropout(ones([2, 3]), { keepProb: p }), p] as const;
    });
    const session = new Session({ graph, target: 'interpret' });
    expect((await session.run(y, [[keep, 1]])).toNumbers()).toEqual([1, 1, 1, 1, 1, 1]);
    await session.close();
  });

  test('noiseShape drops whole rows', async () => {
    const [graph, y] = inGraph(() => nn.dropout(ones([50, 4]), { rate: 0.5, noiseShape: [50, 1], seed: 5 }));
    const session = new Session({ graph, target: 'interpret' });
    for (const row of (await session.run(y)).toArray() as number[][]) expect(new Set(row).size).toBe(1);
    await session.close();
  });

  test('refuses probabilities that are none', () => {
    expect(() => inGraph(() => nn.dropout(ones([2]), { keepProb: 0 }))).toThrow(
      'dropout: keepProb 0 is outside (0, 1].',
    );
    expect(() => inGraph(() => nn.dropout(ones([2]), {}))).toThrow('dropout needs either keepProb or rate.');
  });
});

describe('embedding gradients', () => {
  test('are slices of the rows looked up', async () => {
    const [graph, g] = inGraph(() => {
      const table = constant([
        [1, 2],
        [3, 4],
        [5, 6],
      ]);
      return gradients(nn.embeddingLookup(table, [2, 0, 2]), table)[0] as IndexedSlices;
    });
    expect(g).toBeInstanceOf(IndexedSlices);
    const session = new Session({ graph, target: 'interpret' });
    expect((await session.run(g.indices)).toNumbers()).toEqual([2, 0, 2]);
    await session.close();
  });

  test.each(['mod', 'div'] as const)(
    'of partitions by computed ids touch those rows only (%s)',
    async (partitionStrategy) => {
      const [graph, { y, grads, ids }] = inGraph(() => {
        const tables = [constant([[1], [2], [3]]), constant([[4], [5]])];
        const fed = placeholder('int32', { shape: [null] });
        const found = nn.embeddingLookup(tables, fed, { partitionStrategy });
        return { y: found, grads: gradients(found, tables) as IndexedSlices[], ids: fed };
      });
      const session = new Session({ graph, target: 'interpret' });
      const feeds = [[ids, [0, 3, 4]]] as const;
      // mod: ids 0 2 4 | 1 3; div: ids 0 1 2 | 3 4
      const want = partitionStrategy === 'mod' ? [1, 5, 3] : [1, 4, 5];
      expect((await session.run(y, feeds)).toNumbers()).toEqual(want);
      const rows = await session.run(
        grads.map((g) => g.indices),
        feeds,
      );
      const inside = rows.map((r, k) => r.toNumbers().filter((i) => i < (k === 0 ? 3 : 2)));
      expect(inside).toEqual(partitionStrategy === 'mod' ? [[0, 2], [1]] : [[0], [0, 1]]);
      await session.close();
    },
  );
});

test('clipByGlobalNorm scales sparse gradients by their values', async () => {
  const [graph, [clipped, norm]] = inGraph(() => {
    const sparse = new IndexedSlices(constant([[3, 0]]), constant([1], { dtype: 'int32' }));
    return clipByGlobalNorm([sparse, null, constant([4])], 1);
  });
  const [slices, none, dense] = clipped as [IndexedSlices, null, Tensor];
  const session = new Session({ graph, target: 'interpret' });
  expect(none).toBeNull();
  expect((await session.run(norm)).item()).toBe(5);
  const [a, b] = await session.run([slices.values, dense]);
  for (const [i, v] of [0.6, 0].entries()) expect(a?.toNumbers()[i]).toBeCloseTo(v, 6);
  expect(b?.item()).toBeCloseTo(0.8, 6);
  await session.close();
});

test('class numbers given as distributions are refused with the repair', () => {
  expect(() => inGraph(() => nn.softmaxCrossEntropyWithLogits({ labels: [1, 0], logits: [[1, 2]] }))).toThrow(
    'class numbers go to sparseSoftmaxCrossEntropyWithLogits',
  );
});

test.each([
  ['sum', [7, 10, 3, 4]],
  ['mean', [7 / 3, 10 / 3, 3, 4]],
  ['sqrtn', [7 / Math.sqrt(5), 10 / Math.sqrt(5), 3, 4]],
] as const)('sparse embeddings combine the rows of ids by %s', async (combiner, want) => {
  const [graph, y] = inGraph(() => {
    const table = constant([
      [1, 2],
      [3, 4],
    ]);
    const indices = [
      [0, 0],
      [0, 1],
      [1, 0],
    ];
    const spWeights = { indices, values: [1, 2, 1] };
    return nn.embeddingLookupSparse(table, { indices, values: [0, 1, 1] }, { combiner, spWeights });
  });
  const session = new Session({ graph, target: 'interpret' });
  const got = (await session.run(y)).toNumbers();
  for (const [i, w] of want.entries()) expect(got[i]).toBeCloseTo(w, 5);
  await session.close();
});
