/** @file Small constants as plain numbers, for shape functions. */
import type { NdArray } from '../ndarray.ts';
import type { PartialShape } from '../shape.ts';

export function numbersOf(value: NdArray | undefined): number[] | undefined {
  return value?.toNumbers();
}

/** A shape vector: negative entries are unknown dimensions. */
export function partialNumbers(value: NdArray | undefined): PartialShape {
  return value === undefined ? null : value.toNumbers().map((d) => (d < 0 ? null : d));
}
