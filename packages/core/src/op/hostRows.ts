/** @file Host arrays as lists of rows (slices along the first dimension): what host ops with data-dependent shapes copy and combine. */
import { NdArray, type NdData, zeroData } from '../ndarray.ts';
import type { Dims } from '../shape.ts';

/** Elements in a row: the product of all dimensions but the first `leading`. */
export function rowSize(shape: Dims, leading = 1): number {
  return shape.slice(leading).reduce((n, d) => n * d, 1);
}

/** A copy with the rows at `positions`, as an array of `shape`. */
export function takeRows(
  source: NdArray,
  positions: readonly number[],
  options: { size: number; shape: Dims },
): NdArray {
  const { size, shape } = options;
  const data = zeroData(source.dtype, positions.length * size);
  for (const [i, p] of positions.entries()) copyRow(source.data, p, data, i, size);
  return new NdArray(source.dtype, shape, data);
}

/** Copies row `from` of one storage to row `to` of another of the same dtype. */
export function copyRow(source: NdData, from: number, target: NdData, to: number, size: number): void {
  const out = target as { [i: number]: NdData[number] };
  for (let j = 0; j < size; j++) out[to * size + j] = source[from * size + j] as NdData[number];
}

/** Integers as an int32 or int64 array. */
export function indexArray(
  values: readonly number[],
  dtype: 'int32' | 'int64',
  shape: Dims = [values.length],
): NdArray {
  return dtype === 'int64'
    ? new NdArray('int64', shape, BigInt64Array.from(values, BigInt))
    : new NdArray('int32', shape, Int32Array.from(values));
}
