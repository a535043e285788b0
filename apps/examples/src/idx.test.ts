import { expect, test } from 'vitest';
import { parseIdx } from './idx.ts';

const file = (dims: number[], data: number[], type = 8): Uint8Array =>
  Uint8Array.from([0, 0, type, dims.length, ...dims.flatMap((d) => [0, 0, d >> 8, d & 255]), ...data]);

test('reads dims and elements', () => {
  const { dims, data } = parseIdx(file([2, 3], [1, 2, 3, 4, 5, 255]), 'x');
  expect(dims).toEqual([2, 3]);
  expect([...data]).toEqual([1, 2, 3, 4, 5, 255]);
});

test('names the file, the expected and the found length of a truncated array', () => {
  expect(() => parseIdx(file([2, 3], [1, 2]), 'train-images')).toThrow(
    'train-images: an IDX array of [2, 3] takes 18 bytes, the file has 14',
  );
});

test('refuses other element types and other files', () => {
  expect(() => parseIdx(file([1], [0], 13), 'x')).toThrow('element type 0xd');
  expect(() => parseIdx(Uint8Array.from([31, 139, 8, 0]), 'x.gz')).toThrow(
    'x.gz: not an IDX file (it starts with 1f 8b 08 00)',
  );
});
