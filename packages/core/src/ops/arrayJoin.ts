/** @file Joining, splitting and repeating arrays: Concat, Split, Tile. */
import { type Builder, dimsOf, type Value } from '@tsflow/xla';
import { InvalidArgumentError } from '../errors.ts';
import type { Tensor, TensorLike } from '../graph/tensor.ts';
import { count, indexType, type } from '../op/attr.ts';
import { call, convertToTensor } from '../op/call.ts';
import { constantTensor } from '../op/constant.ts';
import { constantValue } from '../op/constantValue.ts';
import { defineOp } from '../op/defineOp.ts';
import type { PartialInput, ShapeContext } from '../op/record.ts';
import { uniform, values as valuesOf } from '../op/sample.ts';
import { checkAxis } from '../op/shapeFunctions.ts';
import {
  type Dimension,
  formatShape,
  isFullyDefined,
  mergeShapes,
  normalizeAxis,
  type PartialShape,
} from '../shape.ts';
import { identity, range, reshape, shape, shapeLike, stack } from './array.ts';
import { shapeN, size, transpose } from './arrayShape.ts';
import { slice } from './arraySlice.ts';
import { reduceSum } from './reduce.ts';

function concatShape(list: readonly PartialShape[], axis: number | undefined, ctx: ShapeContext): PartialShape {
  const rank = list.find((s) => s !== null)?.length;
  if (rank === undefined) return null;
  for (const [i, s] of list.entries()) {
    if (s !== null && s.length !== rank) {
      ctx.fail(
        `value ${i} is ${formatShape(s)}, but value 0 is ${formatShape(list[0] ?? null)}. All must have one rank.`,
      );
    }
  }
  if (axis === undefined) return new Array<null>(rank).fill(null);
  if (rank === 0) ctx.fail('scalars cannot be concatenated. Use stack.');
  const at = checkAxis(axis, rank, ctx);
  let merged: PartialShape = null;
  let total: Dimension = 0;
  for (const [i, s] of list.entries()) {
    const next: PartialShape | undefined = mergeShapes(merged, s?.with(at, null) ?? null);
    if (next === undefined) {
      return ctx.fail(
        `value ${i} is ${formatShape(s)}, the values before it ${formatShape(merged)}. All dimensions but axis ${at} must agree.`,
      );
    }
    merged = next;
    const d: Dimension = s?.[at] ?? null;
    total = total === null || d === null ? null : total + d;
  }
  return (merged as readonly Dimension[]).with(at, total);
}

function concatValue(list: readonly PartialInput[]): PartialShape {
  const parts: Dimension[] = [];
  for (const { value, shape: own } of list) {
    const n = value?.length ?? own?.[0] ?? null;
    if (n === null) return null;
    parts.push(...(value ?? new Array<null>(n).fill(null)));
  }
  return parts;
}

function joined(b: Builder, list: readonly Value[], axis: number): Value {
  const first = list[0] as Value;
  return list.length === 1 ? first : b.concatenate(list, normalizeAxis(axis, dimsOf(first).length) as number);
}

/** The part of `dy` that belongs to each of the concatenated tensors. */
function concatGrad(dy: Tensor, list: readonly Tensor[], axis: Tensor): readonly Tensor[] {
  const at = constantValue(axis)?.toNumbers()[0];
  const sizes = list.map((t) => (at === undefined ? null : (t.shape?.at(at) ?? null)));
  if (isFullyDefined(sizes)) return split(dy, sizes, { axis: at as number });
  const shapes = shapeN(list);
  const offsets = call(ConcatOffset, { concat_dim: axis, shape: shapes }).offset;
  return list.map((_, i) => slice(dy, offsets[i] as Tensor, shapes[i] as Tensor));
}

export const ConcatV2 = defineOp('ConcatV2', {
  inputs: ['values: N * T', 'axis: Tidx'],
  outputs: ['output: T'],
  attrs: { N: count(2), T: 'type', Tidx: indexType },
  shape: ({ values }, ctx) => ({ output: concatShape(values, ctx.constantNumbers('axis')?.[0], ctx) }),
  grad: ({ values, axis }, dy) => ({ values: concatGrad(dy.output, values, axis), axis: null }),
  partialValue: ({ values }) => concatValue(values),
  lower: (b, { values, axis }, ctx) => ({ output: joined(b, values, ctx.numbers(axis)[0] as number) }),
  sample: [
    { inputs: { values: [uniform([2, 3]), uniform([2, 1])], axis: valuesOf(1, 'int32') } },
    { inputs: { values: [uniform([2, 3]), uniform([1, 3]), uniform([0, 3])], axis: valuesOf(-2, 'int32') } },
  ],
});

/** The older form with the axis first, as old GraphDefs have it. */
export const Concat = defineOp('Concat', {
  inputs: ['concat_dim: int32', 'values: N * T'],
  outputs: ['output: T'],
  attrs: { N: count(2), T: 'type' },
  shape: ({ values }, ctx) => ({ output: concatShape(values, ctx.constantNumbers('concat_dim')?.[0], ctx) }),
  grad: ({ values, concat_dim }, dy) => ({ values: concatGrad(dy.output, values, concat_dim), concat_dim: null }),
  partialValue: ({ values }) => concatValue(values),
  lower: (b, { values, concat_dim }, ctx) => ({ output: joined(b, values, ctx.numbers(concat_dim)[0] as number) }),
  sample: { inputs: { concat_dim: valuesOf(0, 'int32'), values: [uniform([2, 3]), uniform([1, 3])] } },
});

/** Joins tensors along an existing dimension. TF `concat`. */
export function concat(values: readonly TensorLike[], axis: number | Tensor, name = 'concat'): Tensor {
  if (values.length === 0) throw new InvalidArgumentError('concat was given no tensors. Give at least one.');
  if (values.length === 1) return identity(values[0] as TensorLike, name);
  return call(ConcatV2, { values, axis }, { name }).output;
}

export const ConcatOffset = defineOp('ConcatOffset', {
  inputs: ['concat_dim: int32', 'shape: N * shape_type'],
  outputs: ['offset: N * shape_type'],
  attrs: { N: count(2), shape_type: indexType },
  shape: ({ shape: shapes }) => ({ offset: shapes }),
  grad: null,
  lower: (b, x, ctx) => {
    const shapes = x.shape.map((s) => ctx.numbers(s));
    const rank = shapes[0]?.length ?? 0;
    const at = normalizeAxis(ctx.numbers(x.concat_dim)[0] as number, rank);
    if (at === undefined) return ctx.fail(`concat_dim is outside [-${rank}, ${rank}).`);
    let start = 0;
    const offset = shapes.map((s) => {
      const own = new Array<number>(rank).fill(0).with(at, start);
      start += s[at] as number;
      return ctx.attrs.shape_type === 'int64'
        ? b.array(BigInt64Array.from(own, BigInt), 's64', [rank])
        : b.array(Int32Array.from(own), 's32', [rank]);
    });
    return { offset };
  },
  sample: {
    inputs: { concat_dim: valuesOf(1, 'int32'), shape: [valuesOf([2, 2, 7], 'int32'), valuesOf([2, 3, 7], 'int32')] },
  },
});

/** The parts of `value` of the given sizes along `axis`, in order. */
function parts(b: Builder, value: Value, axis: number, sizes: readonly number[]): Value[] {
  const dims = dimsOf(value);
  const at = normalizeAxis(axis, dims.length) as number;
  let start = 0;
  return sizes.map((n) => {
    const starts = dims.map((_, i) => (i === at ? start : 0));
    start += n;
    return b.slice(value, starts, dims.with(at, start));
  });
}

export const Split = defineOp('Split', {
  inputs: ['split_dim: int32', 'value: T'],
  outputs: ['output: num_split * T'],
  attrs: { num_split: count(1), T: 'type' },
  shape: ({ value }, ctx) => {
    const n = ctx.attrs.num_split;
    const axis = ctx.constantNumbers('split_dim')?.[0];
    const all = (s: PartialShape): { output: PartialShape[] } => ({ output: new Array<PartialShape>(n).fill(s) });
    if (value === null) return all(null);
    if (axis === undefined) return all(new Array<null>(value.length).fill(null));
    const at = checkAxis(axis, value.length, ctx);
    const d = value[at] ?? null;
    if (d !== null && d % n !== 0) {
      ctx.fail(
        `dimension ${at} of ${formatShape(value)} does not split into ${n} equal parts. Give the sizes of the parts.`,
      );
    }
    return all(value.with(at, d === null ? null : d / n));
  },
  grad: ({ split_dim }, dy) => ({ split_dim: null, value: concat(dy.output, split_dim) }),
  lower: (b, { split_dim, value }, ctx) => {
    const axis = ctx.numbers(split_dim)[0] as number;
    const at = normalizeAxis(axis, dimsOf(value).length) as number;
    const each = (dimsOf(value)[at] as number) / ctx.attrs.num_split;
    return { output: parts(b, value, at, new Array<number>(ctx.attrs.num_split).fill(each)) };
  },
  sample: { inputs: { split_dim: valuesOf(1, 'int32'), value: uniform([2, 6]) }, attrs: { num_split: 3 } },
});

/** Sizes with −1 filled in; fails when they do not add up to `total`. */
function completeSizes(sizes: readonly number[], total: number, ctx: Pick<ShapeContext, 'fail'>): number[] {
  const known = sizes.reduce((n, s) => n + Math.max(s, 0), 0);
  const holes = sizes.filter((s) => s < 0).length;
  if (holes > 1 || known > total || (holes === 0 && known !== total)) {
    ctx.fail(`sizes [${sizes.join(', ')}] do not add up to ${total}. Their sum must be the dimension; one may be −1.`);
  }
  return sizes.map((s) => (s < 0 ? total - known : s));
}

export const SplitV = defineOp('SplitV', {
  inputs: ['value: T', 'size_splits: Tlen', 'split_dim: int32'],
  outputs: ['output: num_split * T'],
  attrs: { num_split: count(1), T: 'type', Tlen: type(['int8', 'int32', 'int64'], 'int64') },
  shape: ({ value }, ctx) => {
    const n = ctx.attrs.num_split;
    const axis = ctx.constantNumbers('split_dim')?.[0];
    const sizes = ctx.constantNumbers('size_splits');
    if (value === null) return { output: new Array<PartialShape>(n).fill(null) };
    if (axis === undefined) return { output: new Array<PartialShape>(n).fill(value.map(() => null)) };
    const at = checkAxis(axis, value.length, ctx);
    const total = value[at] ?? null;
    const own = sizes !== undefined && total !== null ? completeSizes(sizes, total, ctx) : sizes;
    return {
      output: Array.from({ length: n }, (_, i) => {
        const s = own?.[i] ?? null;
        return value.with(at, s === null || s < 0 ? null : s);
      }),
    };
  },
  grad: ({ split_dim }, dy) => ({ value: concat(dy.output, split_dim), size_splits: null, split_dim: null }),
  lower: (b, { value, size_splits, split_dim }, ctx) => {
    const axis = ctx.numbers(split_dim)[0] as number;
    const total = dimsOf(value).at(axis) as number;
    return { output: parts(b, value, axis, completeSizes(ctx.numbers(size_splits), total, ctx)) };
  },
  sample: {
    inputs: { value: uniform([2, 6]), size_splits: valuesOf([1, -1, 2], 'int64'), split_dim: valuesOf(1, 'int32') },
    attrs: { num_split: 3 },
  },
});

/**
 * Splits `value` along `axis` (default 0): a number asks for so many equal parts, a list gives the size of each (one may be −1);
 * sizes computed in the graph need `num`, their count. TF `split`.
 */
export function split(
  value: TensorLike,
  numOrSizes: number | readonly number[] | Tensor,
  options: { axis?: number | Tensor; num?: number; name?: string } = {},
): readonly Tensor[] {
  const name = options.name ?? 'split';
  const split_dim = options.axis ?? 0;
  if (typeof numOrSizes === 'number') {
    return call(Split, { split_dim, value }, { attrs: { num_split: numOrSizes }, name }).output;
  }
  const given = Array.isArray(numOrSizes) ? (numOrSizes as readonly number[]) : undefined;
  const size_splits =
    given === undefined
      ? (numOrSizes as Tensor)
      : constantTensor(given, 'int32', `${name}/size_splits`, [given.length]);
  const num_split = given?.length ?? options.num ?? size_splits.shape?.[0] ?? undefined;
  if (num_split === undefined) {
    throw new InvalidArgumentError(
      'split needs the number of parts, which the shape of the sizes does not tell. Give num.',
    );
  }
  return call(SplitV, { value, size_splits, split_dim }, { attrs: { num_split }, name }).output;
}

export const Tile = defineOp('Tile', {
  inputs: ['input: T', 'multiples: Tmultiples'],
  outputs: ['output: T'],
  attrs: { T: 'type', Tmultiples: indexType },
  shape: ({ input, multiples }, ctx) => {
    const times = ctx.constantShape('multiples');
    const n = times?.length ?? multiples?.[0] ?? null;
    if (input !== null && n !== null && n !== input.length) {
      ctx.fail(`multiples has ${n} entries, but the input is ${formatShape(input)} of rank ${input.length}.`);
    }
    const rank = input?.length ?? n;
    if (rank === null || rank === undefined) return { output: null };
    const dim = (i: number): Dimension => {
      const [d, m] = [input?.[i] ?? null, times?.[i] ?? null];
      return d === null || m === null ? null : d * m;
    };
    return { output: Array.from({ length: rank }, (_, i) => dim(i)) };
  },
  grad: ({ input, multiples }, dy) => ({ input: tileGrad(dy.output, input, multiples), multiples: null }),
  lower: (b, { input, multiples }, ctx) => {
    const dims = dimsOf(input);
    const times = ctx.numbers(multiples);
    const wide = dims.flatMap((d, i) => [times[i] as number, d]);
    const repeated = b.broadcast(
      input,
      wide,
      dims.map((_, i) => 2 * i + 1),
    ); // [m0, d0, m1, d1, …]
    return { output: b.reshape(repeated, ctx.dims('output')) };
  },
  sample: { inputs: { input: uniform([2, 3]), multiples: valuesOf([2, 3], 'int32') } },
});

/** Sums the copies: dy as [m0, d0, m1, d1, …], summed over the m. */
function tileGrad(dy: Tensor, input: Tensor, multiples: Tensor): Tensor {
  const times = constantValue(multiples)?.toNumbers();
  if (times !== undefined && isFullyDefined(input.shape)) {
    const wide = input.shape.flatMap((d, i) => [times[i] as number, d]);
    return reduceSum(reshape(dy, constantTensor(wide, 'int32', 'Shape', [wide.length])), {
      axis: constantTensor(
        input.shape.map((_, i) => 2 * i),
        'int32',
        'Const',
        [input.shape.length],
      ),
    });
  }
  const own = shape(input, { outType: multiples.dtype === 'int64' ? 'int64' : 'int32' });
  const wide = reshape(transpose(stack([multiples, own])), [-1]);
  const sum = reduceSum(reshape(dy, wide), { axis: range(0, size(wide), { delta: 2 }) });
  return reshape(sum, shapeLike(input));
}

/** `input` repeated `multiples[i]` times along each dimension i. TF `tile`. */
export function tile(input: TensorLike, multiples: TensorLike, name?: string): Tensor {
  return call(Tile, { input: convertToTensor(input), multiples }, { name }).output;
}
