/** @file Odd cases of the array families: computed starts, open shapes, data-dependent sizes, composites, messages. */
import { describe, expect, test } from 'vitest';
import { gradients, toDense } from '../gradients.ts';
import { Graph } from '../graph/graph.ts';
import { IndexedSlices } from '../graph/indexedSlices.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { NdArrayLike, NestedArray } from '../ndarray.ts';
import { Session, type SessionOptions } from '../session/session.ts';
import { constant, placeholder, reshape, shape } from './array.ts';
import { meshgrid, repeat, sequenceMask } from './arrayCompose.ts';
import { bincount, searchsorted } from './arrayCount.ts';
import { matrixDiagPart } from './arrayDiag.ts';
import { gather, gatherNd } from './arrayIndex.ts';
import { concat, split, tile } from './arrayJoin.ts';
import { fill, oneHot, zeros } from './arrayMake.ts';
import { pad } from './arrayPad.ts';
import { booleanMask, where } from './arraySelect.ts';
import { dynamicPartition } from './arraySet.ts';
import { ensureShape, squeeze, transpose } from './arrayShape.ts';
import { getItem, slice } from './arraySlice.ts';
import './operators.ts';
import { multiply, square } from './math.ts';
import { reduceSum } from './reduce.ts';

const target = (process.env['TSFLOW_BACKEND'] ?? 'interpret') as NonNullable<SessionOptions['target']>;

/** Builds in a graph of its own, runs what the body answers, and gives nested lists. */
async function values(
  body: () => { fetch: Tensor | readonly Tensor[]; feeds?: readonly (readonly [Tensor, NdArrayLike])[] },
): Promise<NestedArray[]> {
  const graph = new Graph();
  const { fetch, feeds = [] } = graph.asDefault(body);
  const session = new Session({ graph, target, threads: 1 });
  try {
    const result = await session.run([fetch].flat() as Tensor[], feeds);
    return result.map((x) => x.toArray());
  } finally {
    await session.close();
  }
}

const grid = [
  [1, 2, 3],
  [4, 5, 6],
];

describe('slices', () => {
  test('start where the run says', async () => {
    const got = await values(() => {
      const i = placeholder('int32', { shape: [] });
      const x = constant(grid);
      return { fetch: [getItem(x, i), getItem(x, ':', i), slice(x, [0, i] as never, [2, 1])], feeds: [[i, -1]] };
    });
    expect(got.slice(0, 2)).toEqual([
      [4, 5, 6],
      [3, 6],
    ]);
  });

  test('give gradients at computed starts', async () => {
    const got = await values(() => {
      const i = placeholder('int32', { shape: [] });
      const x = placeholder('float32', { shape: [2, 3] });
      const y = reduceSum(square(getItem(x, i)));
      return {
        fetch: gradients([y], [x]).map((g) => toDense(g as Tensor)),
        feeds: [
          [i, 1],
          [x, grid],
        ],
      };
    });
    expect(got).toEqual([
      [
        [0, 0, 0],
        [8, 10, 12],
      ],
    ]);
  });

  test('keep what is known of open shapes', () => {
    new Graph().asDefault(() => {
      const x = placeholder('float32', { shape: [null, 4, 5] });
      expect(getItem(x, 0).shape).toEqual([4, 5]);
      expect(getItem(x, '...', [1, -1]).shape).toEqual([null, 4, 3]);
      expect(getItem(x, ':', 'newaxis', 0).shape).toEqual([null, 1, 5]);
      const batch = getItem(shape(x), 0);
      expect(reshape(x, [batch, 20]).shape).toEqual([null, 20]);
      expect(reshape(x, concat([getItem(shape(x), [0, 1]), [20]] as never, 0)).shape).toEqual([null, 20]);
      expect(tile(x, [2, 1, 3]).shape).toEqual([null, 4, 15]);
      expect(fill([batch, 7] as never, 1).shape).toEqual([null, 7]);
      expect(split(x, [1, 3], { axis: 1 }).map((t) => t.shape)).toEqual([
        [null, 1, 5],
        [null, 3, 5],
      ]);
      expect(oneHot(placeholder('int64', { shape: [null] }), 3).shape).toEqual([null, 3]);
      expect(transpose(x).shape).toEqual([5, 4, null]);
    });
  });
});

describe('sizes that depend on data', () => {
  test('masks choose rows, and gradients return to them', async () => {
    const got = await values(() => {
      const x = placeholder('float32', { shape: [3, 2] });
      const mask = placeholder('bool', { shape: [3] });
      const chosen = booleanMask(x, mask);
      const [g] = gradients([reduceSum(square(chosen))], [x]);
      return {
        fetch: [chosen, toDense(g as Tensor), where(mask)],
        feeds: [
          [
            x,
            [
              [1, 2],
              [3, 4],
              [5, 6],
            ],
          ],
          [mask, [true, false, true]],
        ],
      };
    });
    expect(got[0]).toEqual([
      [1, 2],
      [5, 6],
    ]);
    expect(got[1]).toEqual([
      [2, 4],
      [0, 0],
      [10, 12],
    ]);
    expect(got[2]).toEqual([[0n], [2n]]);
  });

  test('partitions pass gradients back to their rows', async () => {
    const got = await values(() => {
      const x = placeholder('float32', { shape: [4] });
      const [a, b] = dynamicPartition(x, [0, 1, 1, 0], 2) as [Tensor, Tensor];
      const [g] = gradients([reduceSum(multiply(a, 2)), reduceSum(square(b))], [x]);
      return { fetch: [a, b, g as Tensor], feeds: [[x, [1, 2, 3, 4]]] };
    });
    expect(got).toEqual([
      [1, 4],
      [2, 3],
      [2, 4, 6, 2],
    ]);
  });

  test('counts as many bins as the greatest number needs', async () => {
    const [got] = await values(() => ({ fetch: bincount([1, 3, 3]) }));
    expect(got).toEqual([0, 1, 0, 2]);
  });
});

describe('gather', () => {
  test('has a sparse gradient along axis 0', () => {
    new Graph().asDefault(() => {
      const table = placeholder('float32', { shape: [10, 4] });
      const ids = placeholder('int32', { shape: [null] });
      const [g] = gradients([reduceSum(gather(table, ids))], [table]);
      expect(g).toBeInstanceOf(IndexedSlices);
      expect((g as IndexedSlices).values.shape).toEqual([null, 4]);
    });
  });

  test('names a constant index that is out of range', () => {
    new Graph().asDefault(() => {
      const x = placeholder('float32', { shape: [3, 2] });
      expect(() => gather(x, [0, 3])).toThrowErrorMatchingInlineSnapshot(
        `[InvalidArgumentError: GatherV2 "GatherV2": index 3 is outside [0, 3), the dimension it indexes.]`,
      );
      expect(() => gatherNd(x, [[0, 0, 0]])).toThrowErrorMatchingInlineSnapshot(
        `[InvalidArgumentError: GatherNd "GatherNd": index vectors have 3 entries, but params is [3, 2] of rank 2.]`,
      );
      expect(() => getItem(x, 3)).toThrowErrorMatchingInlineSnapshot(
        `[InvalidArgumentError: StridedSlice "strided_slice": index 3 is outside dimension 0 of size 3.]`,
      );
    });
  });
});

describe('composites', () => {
  test('build masks, grids and repeats', async () => {
    const got = await values(() => {
      const [x, y] = meshgrid([constant([1, 2, 3]), constant([4, 5])]) as [Tensor, Tensor];
      return {
        fetch: [
          sequenceMask([1, 3, 0], { dtype: 'int32' }),
          x,
          y,
          repeat(
            [
              [1, 2],
              [3, 4],
            ],
            2,
            { axis: 1 },
          ),
          searchsorted([1, 3, 5], [0, 3, 9], { side: 'right' }),
          matrixDiagPart(constant(grid), { k: 1 }),
        ],
      };
    });
    expect(got).toEqual([
      [
        [1, 0, 0],
        [1, 1, 1],
        [0, 0, 0],
      ],
      [
        [1, 2, 3],
        [1, 2, 3],
      ],
      [
        [4, 4, 4],
        [5, 5, 5],
      ],
      [
        [1, 1, 2, 2],
        [3, 3, 4, 4],
      ],
      [0, 2, 3],
      [2, 6],
    ]);
  });
});

describe('messages', () => {
  test('state shapes and the repair', () => {
    new Graph().asDefault(() => {
      const x = placeholder('float32', { shape: [2, 3] });
      expect(() => concat([x, zeros([3, 2])], 0)).toThrowErrorMatchingInlineSnapshot(
        `[InvalidArgumentError: ConcatV2 "concat": value 1 is [3, 2], the values before it [?, 3]. All dimensions but axis 0 must agree.]`,
      );
      expect(() => split(x, 2, { axis: 1 })).toThrowErrorMatchingInlineSnapshot(
        `[InvalidArgumentError: Split "split": dimension 1 of [2, 3] does not split into 2 equal parts. Give the sizes of the parts.]`,
      );
      expect(() => squeeze(x, { axis: 0 })).toThrowErrorMatchingInlineSnapshot(
        `[InvalidArgumentError: Squeeze "Squeeze": dimension 0 of [2, 3] is 2; only dimensions of 1 can be squeezed.]`,
      );
      expect(() => transpose(x, { perm: [0, 0] })).toThrowErrorMatchingInlineSnapshot(
        `[InvalidArgumentError: Transpose "transpose": perm [0, 0] is no permutation of [0, 2). Name every axis once.]`,
      );
      expect(() => pad(x, [[1, 1]])).toThrowErrorMatchingInlineSnapshot(
        `[InvalidArgumentError: Pad "Pad": paddings has 1 rows, but the input is [2, 3] of rank 2.]`,
      );
      expect(() =>
        pad(
          x,
          [
            [2, 0],
            [0, 0],
          ],
          { mode: 'reflect' },
        ),
      ).toThrowErrorMatchingInlineSnapshot(
        `[InvalidArgumentError: MirrorPad "MirrorPad": paddings[0] is (2, 0), but dimension 0 of [2, 3] has only 1 elements to mirror in mode REFLECT.]`,
      );
      expect(() => ensureShape(x, [null, 4])).toThrowErrorMatchingInlineSnapshot(
        `[InvalidArgumentError: EnsureShape "EnsureShape": the input has shape [2, 3], but [?, 4] is required.]`,
      );
      expect(() => booleanMask(x, constant([true, false, true]))).toThrowErrorMatchingInlineSnapshot(
        `[InvalidArgumentError: booleanMask "Const": the mask is [3], but covers dimensions [2] of the tensor [2, 3].]`,
      );
    });
  });
});
