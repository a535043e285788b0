/** @file Repeatable random inputs: mulberry32, uniform in [-scale, scale). */

export function uniform(length: number, scale = 1, seed = 1): Float32Array {
  const values = new Float32Array(length);
  let state = seed >>> 0;
  for (let i = 0; i < length; i++) {
    state = (state + 0x6d2b79f5) >>> 0;
    let x = Math.imul(state ^ (state >>> 15), state | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    values[i] = (((x ^ (x >>> 14)) >>> 0) / 0x80000000 - 1) * scale;
  }
  return values;
}

/** How many values a shape holds. */
export const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** `rows` one-hot rows of `classes`, the class of each row following from the seed. */
export function oneHot(rows: number, classes: number, seed = 2): Float32Array {
  const result = new Float32Array(rows * classes);
  uniform(rows, 1, seed).forEach((x, row) => {
    result[row * classes + Math.floor(((x + 1) / 2) * classes)] = 1;
  });
  return result;
}
