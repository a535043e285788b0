/**
 * @file Element types and shapes of HLO values. Arrays are dense and row-major: dimension order is memory order,
 * so a change of layout is an explicit transpose that passes may move or fold into kernels.
 */

/** Element types. `pred` takes one byte (0 or 1); `f16` and `bf16` are storage types that compute as `f32`. */
export type ElementType =
  | 'pred'
  | 's8'
  | 's16'
  | 's32'
  | 's64'
  | 'u8'
  | 'u16'
  | 'u32'
  | 'u64'
  | 'f16'
  | 'bf16'
  | 'f32'
  | 'f64';

/** Bytes of one element in memory. */
export const elementBytes: { readonly [T in ElementType]: number } = {
  pred: 1,
  s8: 1,
  s16: 2,
  s32: 4,
  s64: 8,
  u8: 1,
  u16: 2,
  u32: 4,
  u64: 8,
  f16: 2,
  bf16: 2,
  f32: 4,
  f64: 8,
};

/** A dense row-major array; a scalar has no dims. */
export interface ArrayShape {
  readonly kind: 'array';
  readonly dtype: ElementType;
  readonly dims: readonly number[];
}

/** An ordered group of values; results of `while`, multi-output fusions and the entry computation. */
export interface TupleShape {
  readonly kind: 'tuple';
  readonly elements: readonly Shape[];
}

export type Shape = ArrayShape | TupleShape;

export function arrayShape(dtype: ElementType, dims: readonly number[]): ArrayShape {
  return { kind: 'array', dtype, dims };
}

export function tupleShape(elements: readonly Shape[]): TupleShape {
  return { kind: 'tuple', elements };
}

/** Number of elements of `dims` (1 for a scalar). */
export function elementCount(dims: readonly number[]): number {
  let n = 1;
  for (const d of dims) n *= d;
  return n;
}

/** Bytes of a dense array of this shape. */
export function byteSize(shape: ArrayShape): number {
  return elementCount(shape.dims) * elementBytes[shape.dtype];
}

/** Row-major strides, in elements. */
export function rowMajorStrides(dims: readonly number[]): number[] {
  const strides = new Array<number>(dims.length);
  let s = 1;
  for (let i = dims.length - 1; i >= 0; i--) {
    strides[i] = s;
    s *= dims[i] as number;
  }
  return strides;
}

export function isFloat(dtype: ElementType): boolean {
  return dtype === 'f16' || dtype === 'bf16' || dtype === 'f32' || dtype === 'f64';
}

export function isSigned(dtype: ElementType): boolean {
  return dtype[0] === 's' || isFloat(dtype);
}

export function sameDims(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((d, i) => d === b[i]);
}

export function sameShape(a: Shape, b: Shape): boolean {
  if (a.kind === 'array') return b.kind === 'array' && a.dtype === b.dtype && sameDims(a.dims, b.dims);
  return (
    b.kind === 'tuple' &&
    a.elements.length === b.elements.length &&
    a.elements.every((e, i) => sameShape(e, b.elements[i] as Shape))
  );
}

/** Text form: `f32[2,3]`, `pred[]`, `(f32[2], s32[])`. */
export function shapeText(shape: Shape): string {
  if (shape.kind === 'array') return `${shape.dtype}[${shape.dims.join(',')}]`;
  return `(${shape.elements.map(shapeText).join(', ')})`;
}
