import { expect, test } from 'vitest';
import { histogramOf } from './histogram.ts';

test("gives TensorFlow's buckets", () => {
  const h = histogramOf([-2, 0, 0, 0.5, 1, 3]);
  expect(h.bucket).toEqual([0, 1, 0, 2, 0, 1, 0, 1, 0, 1, 0]);
  expect(h.bucketLimit.slice(1, -1)).toEqual([
    -1.9661990955585713, 0, 1e-12, 0.47069243095356195, 0.51776167404891815, 0.917246389039776, 1.0089710279437536,
    2.8787120958073054, 3.1665833053880363,
  ]);
  expect(h.bucketLimit.at(-1)).toBe(Number.MAX_VALUE);
  expect([h.min, h.max, h.num, h.sum, h.sumSquares]).toEqual([-2, 3, 6, 2.5, 14.25]);
});

test('counts extremes in the outer buckets', () => {
  const h = histogramOf([-Number.MAX_VALUE, Number.MAX_VALUE, 1e-300, -1e-300]);
  expect(h.num).toBe(4);
  expect(h.bucket.reduce((a, b) => a + b)).toBe(4);
});

test('finds the bucket of every limit, of its neighbours and of random values', () => {
  let limit = 1e-12;
  const values: number[] = [];
  for (; limit < 1e20; limit *= 1.1) values.push(limit, limit * (1 - 2 ** -52), -limit, limit * 1.05);
  for (const x of values) {
    const { bucketLimit, bucket } = histogramOf([x]);
    const i = bucket.indexOf(1);
    expect(bucketLimit[i], `${x}`).toBeGreaterThan(x);
    if (i > 0) expect(bucketLimit[i - 1], `${x}`).toBeLessThanOrEqual(x);
  }
});

test('folds to one empty bucket without values', () => {
  expect(histogramOf([])).toEqual({
    min: 0,
    max: 0,
    num: 0,
    sum: 0,
    sumSquares: 0,
    bucketLimit: [Number.MAX_VALUE],
    bucket: [0],
  });
});
