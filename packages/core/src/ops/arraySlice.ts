/** @file Parts of arrays: Slice, and StridedSlice, the form that Python's indexing takes. Starts may be computed in the run; sizes not. */
import { type Builder, dimsOf, dtypeOf, type Value } from '@tsflow/xla';
import { Tensor, type TensorLike } from '../graph/tensor.ts';
import { indexTypes, int, type } from '../op/attr.ts';
import { call, convertToTensor } from '../op/call.ts';
import { constantTensor } from '../op/constant.ts';
import { constantValue } from '../op/constantValue.ts';
import { defineOp } from '../op/defineOp.ts';
import type { LowerContext, ShapeContext } from '../op/record.ts';
import { uniform, values } from '../op/sample.ts';
import { shapeFromVector } from '../op/shapeFunctions.ts';
import {
  type Entry,
  planSlice,
  type SliceMasks,
  type SliceRequest,
  type StaticEntry,
  slicedList,
  slicedShape,
  staticEntries,
} from '../op/slicePlan.ts';
import { type Dimension, type Dims, formatShape, isFullyDefined, type PartialShape } from '../shape.ts';
import { shape } from './array.ts';
import { onesLike } from './arrayShape.ts';
import { add } from './math.ts';

export const Slice = defineOp('Slice', {
  inputs: ['input: T', 'begin: Index', 'size: Index'],
  outputs: ['output: T'],
  attrs: { T: 'type', Index: type(indexTypes) },
  shape: ({ input, size }, ctx) => {
    const begin = ctx.constantNumbers('begin');
    const sizes = ctx.constantNumbers('size');
    if (sizes === undefined) return { output: shapeFromVector(ctx.constantShape('size'), size) };
    if (input !== null && sizes.length !== input.length) {
      ctx.fail(`size has ${sizes.length} entries, but the input is ${formatShape(input)} of rank ${input.length}.`);
    }
    const dim = (s: number, i: number): Dimension => {
      const [d, start] = [input?.[i] ?? null, begin?.[i]];
      const found = s >= 0 ? s : d === null || start === undefined ? null : d - start;
      if (d !== null && found !== null && (found < 0 || (start ?? 0) < 0 || (start ?? 0) + found > d)) {
        ctx.fail(
          `begin ${start}, size ${s} leave dimension ${i} of ${formatShape(input)}. 0 ≤ begin and begin + size ≤ ${d} are needed.`,
        );
      }
      return found;
    };
    return { output: sizes.map(dim) };
  },
  grad: ({ input, begin }, dy) => ({ input: sliceGrad(dy.output, input, begin), begin: null, size: null }),
  partialValue: ({ input }, ctx) => {
    const [start, n] = [ctx.constantNumbers('begin')?.[0], ctx.constantNumbers('size')?.[0]];
    if (input.value === null || start === undefined || n === undefined) return null;
    return input.value.slice(start, n < 0 ? undefined : start + n);
  },
  lower: (b, { input, begin }, ctx) => {
    const dims = ctx.dims('output');
    const starts = ctx.tryConstant(begin)?.toNumbers();
    if (starts !== undefined)
      return {
        output: b.slice(
          input,
          starts,
          dims.map((d, i) => d + (starts[i] as number)),
        ),
      };
    return { output: b.dynamicSlice(input, elementsOf(b, begin, dims.length), dims) };
  },
  sample: [
    { inputs: { input: uniform([3, 4]), begin: values([1, 0], 'int32'), size: values([2, -1], 'int32') } },
    { inputs: { input: uniform([3, 4]), begin: values([0, 2], 'int32'), size: values([3, 2], 'int32') } },
  ],
});

/** The elements of a vector as scalars. */
function elementsOf(b: Builder, vector: Value, n: number): Value[] {
  return Array.from({ length: n }, (_, i) => b.reshape(b.slice(vector, [i], [i + 1]), []));
}

function sliceGrad(dy: Tensor, input: Tensor, begin: Tensor): Tensor {
  const starts = constantValue(begin)?.toNumbers();
  const index = begin.dtype === 'int64' ? 'int64' : 'int32';
  const { shape: own } = dy;
  const n = own?.length ?? input.shape?.length;
  const end =
    starts !== undefined && isFullyDefined(own)
      ? constantTensor(
          own.map((d, i) => d + (starts[i] as number)),
          index,
          'end',
          [own.length],
        )
      : add(begin, shape(dy, { outType: index }));
  const strides = n === undefined ? onesLike(begin) : constantTensor(1, index, 'strides', [n]);
  return spread({ shape: shapeOperand(input, index), begin, end, strides, dy }, {});
}

function shapeOperand(x: Tensor, dtype: 'int32' | 'int64'): Tensor {
  return isFullyDefined(x.shape)
    ? constantTensor([...x.shape], dtype, 'Shape', [x.shape.length])
    : shape(x, { outType: dtype });
}

/** `size[i]` elements from `begin[i]` on along each dimension i; size −1 takes all that remain. TF `slice`. */
export function slice(input: TensorLike, begin: TensorLike, size: TensorLike, name?: string): Tensor {
  return call(Slice, { input, begin, size }, { name: name ?? 'Slice' }).output;
}

/** Bit masks over the entries of begin, end and strides. */
const maskAttrs = {
  begin_mask: int(0),
  end_mask: int(0),
  ellipsis_mask: int(0),
  new_axis_mask: int(0),
  shrink_axis_mask: int(0),
};

type MaskAttrs = typeof maskAttrs;
const vectorNames = ['begin', 'end', 'strides'] as const;

/** Entries in the slice vectors, and what is known of them, while shapes are inferred. */
function request(ctx: ShapeContext<MaskAttrs>): SliceRequest {
  const [begin, end, strides] = vectorNames.map((name) => ctx.constantNumbers(name));
  return { vectors: { begin, end, strides }, masks: ctx.attrs, fail: (text) => ctx.fail(text) };
}

/** Length of the vectors begin, end and strides. */
function entryCount(shapes: readonly PartialShape[], { vectors }: SliceRequest): number | undefined {
  const known = [vectors.begin, vectors.end, vectors.strides].find((v) => v !== undefined)?.length;
  return known ?? shapes.map((s) => s?.[0]).find((d) => typeof d === 'number') ?? undefined;
}

export const StridedSlice = defineOp('StridedSlice', {
  inputs: ['input: T', 'begin: Index', 'end: Index', 'strides: Index'],
  outputs: ['output: T'],
  attrs: { T: 'type', Index: type(['int16', 'int32', 'int64']), ...maskAttrs },
  shape: ({ input, begin, end, strides }, ctx) => {
    const r = request(ctx);
    const n = entryCount([begin, end, strides], r);
    return { output: n === undefined ? null : slicedShape(input, n, r) };
  },
  grad: ({ input, begin, end, strides }, dy, { attrs }) => {
    const index = begin.dtype === 'int64' ? 'int64' : 'int32';
    const args = { shape: shapeOperand(input, index), begin, end, strides, dy: dy.output };
    const grad = spread(args, masksOf(attrs));
    return { input: grad, begin: null, end: null, strides: null };
  },
  partialValue: ({ input, begin }, ctx) => {
    const r = request(ctx);
    const n = entryCount([begin.shape], r);
    return n === undefined || input.shape?.length !== 1 ? null : slicedList(input.value, n, r);
  },
  lower: (b, { input, begin, end, strides }, ctx) => {
    const dims = dimsOf(input);
    const r = runRequest({ begin, end, strides }, ctx);
    const n = dimsOf(begin)[0] as number;
    const taken = staticEntries(dims, n, r);
    const out = ctx.dims('output');
    if (taken !== undefined) return { output: b.reshape(takeStatic(b, input, taken), out) };
    const entries = planSlice(dims.length, n, ctx.attrs, r.fail);
    const { starts, sizes } = dynamicEntries(b, begin, { dims, entries, request: r });
    return { output: b.reshape(b.dynamicSlice(input, starts, sizes), out) };
  },
  sample: [
    {
      inputs: {
        input: uniform([4, 5]),
        begin: values([1, -1], 'int32'),
        end: values([3, -5], 'int32'),
        strides: values([1, -2], 'int32'),
      },
    },
    {
      inputs: {
        input: uniform([3, 4, 2]),
        begin: values([0, 0, 1, 0], 'int32'),
        end: values([0, 0, 2, 0], 'int32'),
        strides: values([1, 1, 1, 1], 'int32'),
      },
      attrs: { new_axis_mask: 1, ellipsis_mask: 2, shrink_axis_mask: 4, begin_mask: 8, end_mask: 8 },
      grad: false,
    },
    {
      inputs: {
        input: uniform([4, 5]),
        begin: values([2], 'int32'),
        end: values([3], 'int32'),
        strides: values([1], 'int32'),
      },
      attrs: { shrink_axis_mask: 1 },
    },
  ],
});

function taken(x: Record<'input' | 'begin' | 'end' | 'strides', Tensor>, masks: SliceMasks): Tensor {
  return call(StridedSlice, x, { attrs: masks }).output;
}

function spread(x: Record<'shape' | 'begin' | 'end' | 'strides' | 'dy', Tensor>, masks: Partial<SliceMasks>): Tensor {
  return call(StridedSliceGrad, x, { attrs: masks }).output;
}

function masksOf(attrs: SliceMasks): SliceMasks {
  const { begin_mask, end_mask, ellipsis_mask, new_axis_mask, shrink_axis_mask } = attrs;
  return { begin_mask, end_mask, ellipsis_mask, new_axis_mask, shrink_axis_mask };
}

interface VectorValues {
  readonly begin: Value;
  readonly end: Value;
  readonly strides: Value;
}

function runRequest(vectors: VectorValues, ctx: LowerContext<MaskAttrs>): SliceRequest {
  const [begin, end, strides] = vectorNames.map((name) => ctx.tryConstant(vectors[name])?.toNumbers());
  return { vectors: { begin, end, strides }, masks: ctx.attrs, fail: (text) => ctx.fail(text) };
}

/** Elements taken of every dimension; a dimension read backwards is sliced forwards, then reversed. */
function takeStatic(b: Builder, x: Value, taken: readonly StaticEntry[]): Value {
  const lows = taken.map(lowest);
  const limits = taken.map(({ count, stride }, i) =>
    count === 0 ? (lows[i] as number) : (lows[i] as number) + (count - 1) * Math.abs(stride) + 1,
  );
  const part = b.slice(
    x,
    lows,
    limits,
    taken.map(({ stride }) => Math.abs(stride)),
  );
  const backwards = taken.flatMap(({ stride }, i) => (stride < 0 ? [i] : []));
  return backwards.length === 0 ? part : b.reverse(part, backwards);
}

/** The smallest position that is taken. */
function lowest({ start, count, stride }: StaticEntry): number {
  if (count === 0) return 0;
  return stride > 0 ? start : start + (count - 1) * stride;
}

interface DynamicRequest {
  readonly dims: Dims;
  readonly entries: readonly Entry[];
  readonly request: SliceRequest;
}

/** Starts and sizes when begin is computed in the run: dimensions may then be indexed or taken whole. */
function dynamicEntries(
  b: Builder,
  begin: Value,
  { dims, entries, request: r }: DynamicRequest,
): { starts: Value[]; sizes: number[] } {
  const type_ = dtypeOf(begin);
  const index = type_ === 's64' ? 's64' : 's32';
  const elements = elementsOf(b, type_ === index ? begin : b.convert(begin, index), dimsOf(begin)[0] as number);
  const starts: Value[] = [];
  const sizes: number[] = [];
  for (const entry of entries) {
    if (entry.kind === 'new') continue;
    const d = dims[entry.axis] as number;
    if (entry.kind === 'index') {
      const x = elements[entry.k] as Value;
      const negative = b.compare('LT', x, b.scalar(0, index));
      starts.push(b.select(negative, b.add(x, b.scalar(d, index)), x));
      sizes.push(1);
    } else {
      const open = entry.kind === 'all' ? true : isWhole(entry.k, r);
      if (!open) {
        r.fail(
          `dimension ${entry.axis} of ${formatShape(dims)} is cut by a range that is computed in the run, so its size is not known. Index it, take it whole, or use slice with a constant size.`,
        );
      }
      starts.push(b.scalar(0, index));
      sizes.push(d);
    }
  }
  return { starts, sizes };
}

function isWhole(k: number, { vectors, masks }: SliceRequest): boolean {
  const bit = 1 << k;
  return (masks.begin_mask & bit) !== 0 && (masks.end_mask & bit) !== 0 && vectors.strides?.[k] === 1;
}

export const StridedSliceGrad = defineOp('StridedSliceGrad', {
  inputs: ['shape: Index', 'begin: Index', 'end: Index', 'strides: Index', 'dy: T'],
  outputs: ['output: T'],
  attrs: { T: 'type', Index: type(indexTypes), ...maskAttrs },
  shape: ({ shape }, ctx) => ({ output: shapeFromVector(ctx.constantShape('shape'), shape) }),
  grad: ({ begin, end, strides }, d, { attrs }) => ({
    shape: null,
    begin: null,
    end: null,
    strides: null,
    dy: taken({ input: d.output, begin, end, strides }, masksOf(attrs)),
  }),
  lower: (b, { begin, end, strides, dy }, ctx) => {
    const dims = ctx.dims('output');
    const r = runRequest({ begin, end, strides }, ctx);
    const n = dimsOf(begin)[0] as number;
    const taken = staticEntries(dims, n, r);
    if (taken !== undefined) return { output: putStatic(b, dy, dims, taken) };
    const zeros = b.full(0, dtypeOf(dy), dims);
    const entries = planSlice(dims.length, n, ctx.attrs, r.fail);
    if (isUnitSlice(r, ctx.attrs)) {
      return { output: b.dynamicUpdateSlice(zeros, dy, elementsOf(b, begin, n)) };
    }
    const { starts, sizes } = dynamicEntries(b, begin, { dims, entries, request: r });
    return { output: b.dynamicUpdateSlice(zeros, b.reshape(dy, sizes), starts) };
  },
  sample: {
    inputs: {
      shape: values([4, 5], 'int32'),
      begin: values([1, 4], 'int32'),
      end: values([4, 0], 'int32'),
      strides: values([2, -2], 'int32'),
      dy: uniform([2, 2]),
    },
  },
});

/** No masks and stride 1: `dy` itself tells the size of the region, so the start may be computed. */
function isUnitSlice({ vectors }: SliceRequest, masks: SliceMasks): boolean {
  return Object.values(masksOf(masks)).every((m) => m === 0) && (vectors.strides?.every((s) => s === 1) ?? false);
}

/** `dy` spread to where its elements were taken from, zero elsewhere. */
function putStatic(b: Builder, dy: Value, dims: Dims, taken: readonly StaticEntry[]): Value {
  const dtype = dtypeOf(dy);
  if (taken.some(({ count }) => count === 0)) return b.full(0, dtype, dims);
  const part = b.reshape(
    dy,
    taken.map(({ count }) => count),
  );
  const backwards = taken.flatMap(({ stride }, i) => (stride < 0 ? [i] : []));
  const forwards = backwards.length === 0 ? part : b.reverse(part, backwards);
  const padding = taken.map((t, i) => {
    const low = lowest(t);
    const step = Math.abs(t.stride);
    return { low, high: (dims[i] as number) - low - (t.count - 1) * step - 1, interior: step - 1 };
  });
  return b.pad(forwards, b.scalar(0, dtype), padding);
}

export interface StridedSliceOptions {
  /** Default: all 1. */
  readonly strides?: TensorLike;
  /** Bit k: begin[k] is open. */
  readonly beginMask?: number;
  /** Bit k: end[k] is open. */
  readonly endMask?: number;
  /** The bit set stands for as many whole dimensions as are left. */
  readonly ellipsisMask?: number;
  /** Bit k: a new dimension of 1. */
  readonly newAxisMask?: number;
  /** Bit k: begin[k] is an index and the dimension goes. */
  readonly shrinkAxisMask?: number;
  readonly name?: string;
}

/** Elements from begin to end by strides, dimension by dimension; masks as in TensorFlow's `strided_slice`. See also `getItem`. */
export function stridedSlice(
  input: TensorLike,
  begin: TensorLike,
  end: TensorLike,
  options: StridedSliceOptions = {},
): Tensor {
  const start =
    begin instanceof Tensor ? begin : convertToTensor(begin, isList(begin) ? { dtype: 'int32', name: 'begin' } : {});
  const attrs = {
    begin_mask: options.beginMask ?? 0,
    end_mask: options.endMask ?? 0,
    ellipsis_mask: options.ellipsisMask ?? 0,
    new_axis_mask: options.newAxisMask ?? 0,
    shrink_axis_mask: options.shrinkAxisMask ?? 0,
  };
  const n = start.shape?.[0];
  const strides =
    options.strides ?? (typeof n === 'number' ? constantTensor(1, start.dtype, 'strides', [n]) : onesLike(start));
  return call(StridedSlice, { input, begin: start, end, strides }, { attrs, name: options.name ?? 'StridedSlice' })
    .output;
}

function isList(x: TensorLike): boolean {
  return Array.isArray(x) && x.every((y) => typeof y === 'number');
}

/** One place in an index expression: an index, `[start, end, step?]` with null where open, `':'`, `'...'` or `'newaxis'`. */
export type SliceItem =
  | number
  | Tensor
  | readonly [start: number | Tensor | null, end: number | Tensor | null, step?: number]
  | ':'
  | '...'
  | 'newaxis';

/**
 * Python's indexing: `getItem(x, 0, [1, null], '...', 'newaxis')` is `x[0, 1:, ..., tf.newaxis]`. Numbers may be negative.
 * Makes one StridedSlice node.
 */
export function getItem(x: TensorLike, ...items: readonly SliceItem[]): Tensor {
  const [begin, end, strides]: [TensorLike[], TensorLike[], number[]] = [[], [], []];
  const masks = { beginMask: 0, endMask: 0, ellipsisMask: 0, newAxisMask: 0, shrinkAxisMask: 0 };
  for (const [k, item] of items.entries()) {
    const bit = 1 << k;
    const range = Array.isArray(item) ? (item as Extract<SliceItem, readonly unknown[]>) : undefined;
    const isIndex = typeof item === 'number' || item instanceof Tensor;
    begin.push(isIndex ? item : (range?.[0] ?? 0));
    end.push(isIndex ? indexEnd(item) : (range?.[1] ?? 0));
    strides.push(range?.[2] ?? 1);
    if (isIndex) masks.shrinkAxisMask |= bit;
    else if (item === '...') masks.ellipsisMask |= bit;
    else if (item === 'newaxis') masks.newAxisMask |= bit;
    else {
      if ((range?.[0] ?? null) === null) masks.beginMask |= bit;
      if ((range?.[1] ?? null) === null) masks.endMask |= bit;
    }
  }
  return stridedSlice(x, begin, end, { strides, ...masks, name: 'strided_slice' });
}

/** The end that TensorFlow writes for an index: one past it. */
function indexEnd(i: number | Tensor): TensorLike {
  return typeof i === 'number' ? i + 1 : add(i, 1);
}
