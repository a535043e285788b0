/**
 * @file The meaning of StridedSlice's masks: which input dimension each entry of begin/end/strides speaks of, what it selects, and the
 * shapes that follow. Rules are those of TensorFlow's ValidateStridedSliceOp; unknown parts stay unknown.
 */
import type { Dimension, Dims, PartialShape } from '../shape.ts';

export interface SliceMasks {
  readonly begin_mask: number;
  readonly end_mask: number;
  readonly ellipsis_mask: number;
  readonly new_axis_mask: number;
  readonly shrink_axis_mask: number;
}

/** One dimension of the result or of the input, in order; `k` is the position in begin/end/strides. */
export type Entry =
  | { readonly kind: 'new' }
  | { readonly kind: 'all'; readonly axis: number }
  | { readonly kind: 'index'; readonly axis: number; readonly k: number }
  | { readonly kind: 'range'; readonly axis: number; readonly k: number };

type Fail = (text: string) => never;

/** Entries for an input of `rank` dimensions and vectors of `n` entries. */
export function planSlice(rank: number, n: number, masks: SliceMasks, fail: Fail): Entry[] {
  const has = (mask: number, k: number): boolean => (mask & (1 << k)) !== 0;
  const ellipsis = masks.ellipsis_mask;
  if ((ellipsis & (ellipsis - 1)) !== 0) fail('more than one ellipsis was given. At most one is allowed.');
  const isEllipsis = (k: number): boolean => has(ellipsis, k);
  const isNew = (k: number): boolean => !isEllipsis(k) && has(masks.new_axis_mask, k);
  const used = Array.from({ length: n }, (_, k) => k).filter((k) => !isEllipsis(k) && !isNew(k)).length;
  if (used > rank) fail(`${used} dimensions are indexed, but the input has rank ${rank}.`);
  const entries: Entry[] = [];
  let axis = 0;
  const fill = (count: number): void => {
    for (let i = 0; i < count; i++) entries.push({ kind: 'all', axis: axis++ });
  };
  for (let k = 0; k < n; k++) {
    if (isEllipsis(k)) fill(rank - used);
    else if (isNew(k)) entries.push({ kind: 'new' });
    else entries.push({ kind: has(masks.shrink_axis_mask, k) ? 'index' : 'range', axis: axis++, k });
  }
  fill(rank - axis);
  return entries;
}

export interface SliceVectors {
  readonly begin: readonly number[] | undefined;
  readonly end: readonly number[] | undefined;
  readonly strides: readonly number[] | undefined;
}

/** What is taken of one input dimension: `count` elements from `start` by `stride` (which may be negative). */
export interface StaticEntry {
  readonly start: number;
  readonly count: number;
  readonly stride: number;
}

/** Elements that a range or index selects from a dimension of size `d`; undefined where values are missing. */
function selected(
  entry: Entry,
  d: number,
  vectors: SliceVectors,
  masks: SliceMasks,
  fail: Fail,
): StaticEntry | undefined {
  if (entry.kind === 'new' || entry.kind === 'all') return { start: 0, count: d, stride: 1 };
  const { k } = entry;
  const stride = vectors.strides?.[k];
  if (stride === 0) fail(`strides[${k}] is 0. Use a stride other than 0.`);
  const wrap = (x: number): number => (x < 0 ? x + d : x);
  if (entry.kind === 'index') {
    const i = vectors.begin?.[k];
    if (stride !== undefined && stride < 0)
      fail(`strides[${k}] is ${stride}, but an index takes one element. Use stride 1.`);
    if (i === undefined) return undefined;
    const start = wrap(i);
    if (start < 0 || start >= d) fail(`index ${i} is outside dimension ${entry.axis} of size ${d}.`);
    return { start, count: 1, stride: 1 };
  }
  if (stride === undefined) return undefined;
  const [least, most] = stride > 0 ? [0, d] : [-1, d - 1];
  const bound = (x: number | undefined, open: boolean, whenOpen: number): number | undefined =>
    open ? whenOpen : x === undefined ? undefined : Math.max(least, Math.min(wrap(x), most));
  const start = bound(vectors.begin?.[k], (masks.begin_mask & (1 << k)) !== 0, stride > 0 ? least : most);
  const end = bound(vectors.end?.[k], (masks.end_mask & (1 << k)) !== 0, stride > 0 ? most : least);
  if (start === undefined || end === undefined) return undefined;
  return { start, count: Math.max(0, Math.ceil((end - start) / stride)), stride };
}

export interface SliceRequest {
  readonly vectors: SliceVectors;
  readonly masks: SliceMasks;
  readonly fail: Fail;
}

/** Shape of the result, as far as it is known. */
export function slicedShape(input: PartialShape, n: number, { vectors, masks, fail }: SliceRequest): PartialShape {
  if (input === null) return null;
  const out: Dimension[] = [];
  for (const entry of planSlice(input.length, n, masks, fail)) {
    if (entry.kind === 'new') out.push(1);
    else if (entry.kind === 'all') out.push(input[entry.axis] ?? null);
    else {
      const d = input[entry.axis] ?? null;
      const found = d === null ? undefined : selected(entry, d, vectors, masks, fail);
      if (entry.kind === 'range') out.push(found?.count ?? null);
    }
  }
  return out;
}

/** What is taken of every input dimension; undefined when a needed value is missing. */
export function staticEntries(
  dims: Dims,
  n: number,
  { vectors, masks, fail }: SliceRequest,
): StaticEntry[] | undefined {
  const taken: StaticEntry[] = [];
  for (const entry of planSlice(dims.length, n, masks, fail)) {
    if (entry.kind === 'new') continue;
    const found = selected(entry, dims[entry.axis] as number, vectors, masks, fail);
    if (found === undefined) return undefined;
    taken.push(found);
  }
  return taken;
}

/** A strided slice of a vector whose entries are known in part: shape arithmetic. Null when the positions are not known. */
export function slicedList(list: PartialShape, n: number, request: SliceRequest): PartialShape {
  if (list === null) return null;
  const taken = staticEntries([list.length], n, request)?.[0];
  if (taken === undefined) return null;
  return Array.from({ length: taken.count }, (_, i) => list[taken.start + i * taken.stride] ?? null);
}
