/** @file Clipping against TensorFlow's results, which tools/oracle/train_golden.py records. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { clipByAverageNorm, clipByGlobalNorm, clipByNorm, clipByValue, globalNorm } from './clip.ts';
import { gradients } from './gradients.ts';
import { Graph } from './graph/graph.ts';
import { IndexedSlices } from './graph/indexedSlices.ts';
import type { Tensor } from './graph/tensor.ts';
import type { NestedArray } from './ndarray.ts';
import { constant } from './ops/array.ts';
import { multiply } from './ops/math.ts';
import './ops/operators.ts';
import { Session, type SessionOptions } from './session/session.ts';

const golden = (
  JSON.parse(readFileSync(new URL('./train/generated/trainGolden.json', import.meta.url), 'utf8')) as {
    readonly clipping: Readonly<Record<string, NestedArray>>;
  }
).clipping;
const target = (process.env['TSFLOW_BACKEND'] ?? 'interpret') as NonNullable<SessionOptions['target']>;

function values(list: readonly (Tensor | IndexedSlices | null)[]): Tensor[] {
  return list.filter((t) => t !== null).map((t) => (t instanceof IndexedSlices ? t.values : t));
}

function build(): Record<string, Tensor | Tensor[]> {
  const x = constant([
    [3, -4],
    [0.5, 12],
  ]);
  const y = constant([1, 2]);
  const rows = constant([
    [1, 2],
    [3, 4],
    [1, 1],
  ]);
  const s = new IndexedSlices(rows, constant([0, 2, 0], { dtype: 'int32' }), constant([3, 2], { dtype: 'int32' }));
  const [clipped, norm] = clipByGlobalNorm([x, s, y], 2);
  const [used, usedNorm] = clipByGlobalNorm([x, s, y], 2, { useNorm: constant(4) });
  return {
    value: clipByValue(x, -1, 5),
    norm: clipByNorm(x, 5),
    normRows: clipByNorm(x, 5, { axes: [1] }),
    normUnchanged: clipByNorm(y, 5),
    normSlices: clipByNorm(s, 2).values,
    averageNorm: clipByAverageNorm(x, 0.5),
    globalNorm: globalNorm([x, s, null, y]),
    global: [...values(clipped), norm],
    globalUsed: [...values(used), usedNorm],
    globalSmall: values(clipByGlobalNorm([y], 100)[0])[0] as Tensor,
    gradient: gradients(multiply(clipByValue(x, -1, 5), x), x)[0] as Tensor,
  };
}

test('clips as TensorFlow does', async () => {
  const graph = new Graph();
  const made = graph.asDefault(build);
  const session = new Session({ graph, target, threads: 1 });
  try {
    expect(Object.keys(made).sort()).toEqual(Object.keys(golden).sort());
    for (const [name, tensors] of Object.entries(made)) {
      const got = (await session.run([tensors].flat())).flatMap((v) => v.toNumbers());
      const want = [golden[name] as NestedArray].flat(8).map(Number);
      expect(got).toHaveLength(want.length);
      for (const [i, x] of got.entries()) expect(x, `${name}[${i}]`).toBeCloseTo(want[i] as number, 5);
    }
  } finally {
    await session.close();
  }
});

test('an infinite norm makes everything NaN; zeros and nulls stay', async () => {
  const graph = new Graph();
  const { bad, zero, slope, nothing } = graph.asDefault(() => {
    const [list] = clipByGlobalNorm([constant([1, Number.POSITIVE_INFINITY]), null], 1);
    const origin = constant([0, 0]);
    const zero = clipByNorm(origin, 1);
    return { bad: list[0] as Tensor, nothing: list[1], zero, slope: gradients(zero, origin)[0] as Tensor };
  });
  expect(nothing).toBe(null);
  const session = new Session({ graph, target, threads: 1 });
  const got = await session.run([bad, zero, slope]);
  expect(got.map((v) => v.toArray())).toEqual([
    [Number.NaN, Number.NaN],
    [0, 0],
    [1, 1],
  ]);
  await session.close();
});

test('refuses limits that are too large and lists without a tensor', () => {
  new Graph().asDefault(() => {
    expect(() => clipByValue([1, 2], 0, [[1], [2]])).toThrowErrorMatchingInlineSnapshot(
      `[InvalidArgumentError: clipByValue: the limits broadcast [2] to [2, 2]. Give scalars, or limits that broadcast to the tensor.]`,
    );
    expect(() => globalNorm([null])).toThrowErrorMatchingInlineSnapshot(
      `[InvalidArgumentError: globalNorm needs at least one tensor that is not null. Are any variables trained?]`,
    );
  });
});
