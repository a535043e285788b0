import { expect, test } from 'vitest';
import { normalizeImage } from './imagePixels.ts';

const red = Uint8Array.of(255, 0, 0, 255);

test('stretches an image without negative values so that its largest is 255', () => {
  expect([...normalizeImage([0, 0.25, 0.5], 1, red)]).toEqual([0, 127, 255]);
});

test('puts zero at 128 when there are negative values', () => {
  expect([...normalizeImage([-1, 0, 0.5], 1, red)]).toEqual([1, 128, 191]);
});

test('paints pixels that are not finite in the bad colour, and scales by the others', () => {
  expect([...normalizeImage([1, 2, 3, 4, Number.NaN, 6], 3, red)]).toEqual([85, 170, 255, 255, 0, 0]);
});

test('leaves an all-zero image black', () => {
  expect([...normalizeImage([0, 1e-7], 1, red)]).toEqual([0, 0]);
});
