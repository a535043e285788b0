/** @file Moving elements between arrays by strides: the one loop behind broadcast, transpose, slice, pad, concatenate and others. */
import type { Storage } from './literal.ts';
import { elementCount, rowMajorStrides } from './shape.ts';

/** A region of an array: where its element [0, 0, …] lies and how far apart neighbours are, in elements. */
export interface View {
  readonly data: Storage;
  readonly offset: number;
  readonly strides: readonly number[];
}

/** The whole of a dense array. */
export function denseView(data: Storage, dims: readonly number[]): View {
  return { data, offset: 0, strides: rowMajorStrides(dims) };
}

/** to[i] = from[i] for every index of `dims`, in row-major order. */
export function copyStrided(dims: readonly number[], from: View, to: View): void {
  if (elementCount(dims) === 0) return;
  const rank = dims.length;
  const [source, target] = [from.data, to.data];
  if (rank === 0) {
    target[to.offset] = source[from.offset] as number | bigint;
    return;
  }
  const inner = dims[rank - 1] as number;
  const [fromStep, toStep] = [from.strides[rank - 1] as number, to.strides[rank - 1] as number];
  forEachIndex(dims.slice(0, -1), (index) => {
    let f = from.offset + dotProduct(index, from.strides);
    let t = to.offset + dotProduct(index, to.strides);
    for (let i = 0; i < inner; i++) {
      target[t] = source[f] as number | bigint;
      f += fromStep;
      t += toStep;
    }
  });
}

/** Σ index[i] · strides[i] over the entries of `index`. */
export function dotProduct(index: readonly number[], strides: readonly number[]): number {
  let sum = 0;
  for (let i = 0; i < index.length; i++) sum += (index[i] as number) * (strides[i] as number);
  return sum;
}

/** Visits all indices of `dims` in row-major order; `index` is reused, `linear` counts up. */
export function forEachIndex(dims: readonly number[], visit: (index: readonly number[], linear: number) => void): void {
  const count = elementCount(dims);
  const index = new Array<number>(dims.length).fill(0);
  for (let linear = 0; linear < count; linear++) {
    visit(index, linear);
    for (let d = dims.length - 1; d >= 0; d--) {
      const next = (index[d] as number) + 1;
      index[d] = next === dims[d] ? 0 : next;
      if (next !== dims[d]) break;
    }
  }
}
