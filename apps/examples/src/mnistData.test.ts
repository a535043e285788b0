import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { MnistSplit, readMnist } from './mnistData.ts';

test('holds the original 60,000 and 10,000 digits', () => {
  const { train, test: held } = readMnist(0);
  expect([train.count, held.count]).toEqual([60000, 10000]);
  const first = (labels: Float32Array) =>
    Array.from({ length: labels.length / 10 }, (_, i) => labels.subarray(10 * i, 10 * i + 10).indexOf(1));
  expect(first(train.slice(0, 5).labels)).toEqual([5, 0, 4, 1, 9]);
  expect(first(held.slice(0, 5).labels)).toEqual([7, 2, 1, 0, 4]);
  const bytes = Uint8Array.from(held.slice(0, 10000).images, (v) => Math.round(v * 255));
  // md5 of the pixels of t10k-images-idx3-ubyte without its 16-byte header
  expect(createHash('md5').update(bytes).digest('hex')).toBe('240610fa99e73bfa49df8e7fc24d3206');
});

test('shows every example once an epoch, in an order fixed by the seed', () => {
  const pixels = new Uint8Array(7 * 784);
  for (let i = 0; i < 7; i++) pixels[i * 784] = i;
  const make = (seed: number) => new MnistSplit(pixels, new Uint8Array(7), seed);
  const epoch = (s: MnistSplit) =>
    [s.nextBatch(3), s.nextBatch(4)].flatMap((b) =>
      Array.from({ length: b.images.length / 784 }, (_, i) => Math.round((b.images[784 * i] as number) * 255)),
    );
  const a = make(1);
  const first = epoch(a);
  expect([...first].sort()).toEqual([0, 1, 2, 3, 4, 5, 6]);
  expect([...epoch(a)].sort()).toEqual([0, 1, 2, 3, 4, 5, 6]);
  expect(epoch(make(1))).toEqual(first);
  expect(epoch(make(2))).not.toEqual(first);
});
