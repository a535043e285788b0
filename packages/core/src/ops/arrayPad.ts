/** @file Padding with a constant or with mirrored elements, and rolling. */
import { type Builder, dimsOf, dtypeOf, type Value } from '@tsflow/xla';
import type { Tensor, TensorLike } from '../graph/tensor.ts';
import { type AttrDef, indexType, indexTypes, oneOf, type } from '../op/attr.ts';
import { call, convertToTensor } from '../op/call.ts';
import { constantTensor } from '../op/constant.ts';
import { constantValue } from '../op/constantValue.ts';
import { defineOp } from '../op/defineOp.ts';
import type { ShapeContext } from '../op/record.ts';
import { uniform, values } from '../op/sample.ts';
import { type Dims, formatShape, normalizeAxis, type PartialShape } from '../shape.ts';
import { shape } from './array.ts';
import { getItem, slice } from './arraySlice.ts';
import { negative, subtract } from './math.ts';
import { reduceSum } from './reduce.ts';

type Ctx = Pick<ShapeContext, 'fail'>;

/** Rows (before, after) of a flat [n, 2] operand. */
function pairs(flat: readonly number[]): [number, number][] {
  return Array.from({ length: flat.length / 2 }, (_, i) => [flat[2 * i] as number, flat[2 * i + 1] as number]);
}

/** Checks paddings against the input and answers its shape with `sign`·paddings added. */
function paddedShape(
  input: PartialShape,
  paddings: { flat: readonly number[] | undefined; shape: PartialShape; sign?: 1 | -1 },
  ctx: Ctx,
): PartialShape {
  const { flat, sign = 1 } = paddings;
  const rows = paddings.shape?.[0] ?? (flat === undefined ? null : flat.length / 2);
  if (paddings.shape !== null && (paddings.shape.length !== 2 || (paddings.shape[1] ?? 2) !== 2)) {
    ctx.fail(
      `paddings must be [rank, 2], but has shape ${formatShape(paddings.shape)}. Give (before, after) for each dimension.`,
    );
  }
  if (input !== null && rows !== null && rows !== input.length) {
    ctx.fail(`paddings has ${rows} rows, but the input is ${formatShape(input)} of rank ${input.length}.`);
  }
  const rank = input?.length ?? rows;
  if (rank === null) return null;
  if (flat === undefined) return new Array<null>(rank).fill(null);
  return pairs(flat).map(([before, after], i) => {
    if (before < 0 || after < 0) ctx.fail(`paddings[${i}] is (${before}, ${after}). Paddings are ≥ 0; cut with slice.`);
    const d = input?.[i] ?? null;
    return d === null ? null : d + sign * (before + after);
  });
}

function padded(b: Builder, input: Value, flat: readonly number[], fillValue: Value): Value {
  return b.pad(
    input,
    fillValue,
    pairs(flat).map(([low, high]) => ({ low, high, interior: 0 })),
  );
}

/** The part of `dy` that is not padding. */
function padGrad(dy: Tensor, input: Tensor, paddings: Tensor): Tensor {
  const flat = constantValue(paddings)?.toNumbers();
  const index = paddings.dtype === 'int64' ? 'int64' : 'int32';
  const begin =
    flat === undefined
      ? getItem(paddings, ':', 0)
      : constantTensor(
          pairs(flat).map(([before]) => before),
          index,
          'begin',
          [flat.length / 2],
        );
  return slice(dy, begin, shape(input, { outType: index }));
}

export const Pad = defineOp('Pad', {
  inputs: ['input: T', 'paddings: Tpaddings'],
  outputs: ['output: T'],
  attrs: { T: 'type', Tpaddings: indexType },
  shape: ({ input, paddings }, ctx) => ({
    output: paddedShape(input, { flat: ctx.constantNumbers('paddings'), shape: paddings }, ctx),
  }),
  grad: ({ input, paddings }, dy) => ({ input: padGrad(dy.output, input, paddings), paddings: null }),
  lower: (b, { input, paddings }, ctx) => ({
    output: padded(b, input, ctx.numbers(paddings), b.scalar(dtypeOf(input) === 'pred' ? false : 0, dtypeOf(input))),
  }),
  sample: {
    inputs: {
      input: uniform([2, 3]),
      paddings: values(
        [
          [1, 0],
          [2, 1],
        ],
        'int32',
      ),
    },
  },
});

export const PadV2 = defineOp('PadV2', {
  inputs: ['input: T', 'paddings: Tpaddings', 'constant_values: T'],
  outputs: ['output: T'],
  attrs: { T: 'type', Tpaddings: indexType },
  shape: ({ input, paddings }, ctx) => ({
    output: paddedShape(input, { flat: ctx.constantNumbers('paddings'), shape: paddings }, ctx),
  }),
  grad: ({ input, paddings }, dy) => {
    const inner = padGrad(dy.output, input, paddings);
    return { input: inner, paddings: null, constant_values: subtract(reduceSum(dy.output), reduceSum(inner)) };
  },
  lower: (b, { input, paddings, constant_values }, ctx) => ({
    output: padded(b, input, ctx.numbers(paddings), constant_values),
  }),
  sample: {
    inputs: {
      input: uniform([2, 3]),
      paddings: values(
        [
          [1, 0],
          [2, 1],
        ],
        'int32',
      ),
      constant_values: values(3),
    },
  },
});

const mirrorMode: AttrDef<'REFLECT' | 'SYMMETRIC'> = oneOf(['REFLECT', 'SYMMETRIC']);
const mirrorAttrs = { T: 'type', Tpaddings: indexType, mode: mirrorMode } as const;

/** Elements [start, start + n) of `axis`, in reverse order. */
function mirrored(b: Builder, x: Value, axis: number, [start, n]: readonly [number, number]): Value {
  const dims = dimsOf(x);
  return b.reverse(
    b.slice(
      x,
      dims.map((_, i) => (i === axis ? start : 0)),
      dims.with(axis, start + n),
    ),
    [axis],
  );
}

/** 1 where the border element itself is not repeated. */
function borderOffset(mode: 'REFLECT' | 'SYMMETRIC'): 0 | 1 {
  return mode === 'REFLECT' ? 1 : 0;
}

export const MirrorPad = defineOp('MirrorPad', {
  inputs: ['input: T', 'paddings: Tpaddings'],
  outputs: ['output: T'],
  attrs: mirrorAttrs,
  shape: ({ input, paddings }, ctx) => {
    const flat = ctx.constantNumbers('paddings');
    const output = paddedShape(input, { flat, shape: paddings }, ctx);
    const offset = borderOffset(ctx.attrs.mode);
    for (const [i, pair] of pairs(flat ?? []).entries()) {
      const d = input?.[i] ?? null;
      if (d !== null && Math.max(...pair) > d - offset) {
        ctx.fail(
          `paddings[${i}] is (${pair.join(', ')}), but dimension ${i} of ${formatShape(input)} has only ${d - offset} elements to mirror in mode ${ctx.attrs.mode}.`,
        );
      }
    }
    return { output };
  },
  grad: ({ paddings }, dy, { attrs }) => ({ input: unmirror(dy.output, paddings, attrs.mode), paddings: null }),
  lower: (b, { input, paddings }, ctx) => {
    const offset = borderOffset(ctx.attrs.mode);
    let x = input;
    for (const [axis, [before, after]] of pairs(ctx.numbers(paddings)).entries()) {
      const d = dimsOf(x)[axis] as number;
      const pieces = [x];
      if (before > 0) pieces.unshift(mirrored(b, x, axis, [offset, before]));
      if (after > 0) pieces.push(mirrored(b, x, axis, [d - offset - after, after]));
      if (pieces.length > 1) x = b.concatenate(pieces, axis);
    }
    return { output: x };
  },
  sample: [
    {
      inputs: {
        input: uniform([2, 3]),
        paddings: values(
          [
            [1, 1],
            [2, 0],
          ],
          'int32',
        ),
      },
      attrs: { mode: 'REFLECT' },
    },
    {
      inputs: {
        input: uniform([2, 3]),
        paddings: values(
          [
            [1, 2],
            [2, 3],
          ],
          'int32',
        ),
      },
      attrs: { mode: 'SYMMETRIC' },
    },
  ],
});

/** Sums each element's copies back: the adjoint of MirrorPad. */
export const MirrorPadGrad = defineOp('MirrorPadGrad', {
  inputs: ['input: T', 'paddings: Tpaddings'],
  outputs: ['output: T'],
  attrs: mirrorAttrs,
  shape: ({ input, paddings }, ctx) => ({
    output: paddedShape(input, { flat: ctx.constantNumbers('paddings'), shape: paddings, sign: -1 }, ctx),
  }),
  grad: ({ paddings }, dy, { attrs }) => ({ input: mirror(dy.output, paddings, attrs.mode), paddings: null }),
  lower: (b, { input, paddings }, ctx) => {
    const offset = borderOffset(ctx.attrs.mode);
    let x = input;
    for (const [axis, [before, after]] of pairs(ctx.numbers(paddings)).entries()) {
      x = foldBack(b, x, { axis, before, after, offset });
    }
    return { output: x };
  },
  sample: {
    inputs: {
      input: uniform([4, 5]),
      paddings: values(
        [
          [1, 1],
          [2, 0],
        ],
        'int32',
      ),
    },
    attrs: { mode: 'REFLECT' },
  },
});

function foldBack(
  b: Builder,
  x: Value,
  { axis, before, after, offset }: { axis: number; before: number; after: number; offset: number },
): Value {
  const dims = dimsOf(x);
  const n = (dims[axis] as number) - before - after;
  const zero = b.scalar(0, dtypeOf(x));
  const placed = (part: Value, low: number): Value =>
    b.pad(
      part,
      zero,
      dims.map((_, i) =>
        i === axis
          ? { low, high: n - low - (dimsOf(part)[axis] as number), interior: 0 }
          : { low: 0, high: 0, interior: 0 },
      ),
    );
  const starts: Dims = dims.map((_, i) => (i === axis ? before : 0));
  let sum = b.slice(x, starts, dims.with(axis, before + n));
  if (before > 0) sum = b.add(sum, placed(mirrored(b, x, axis, [0, before]), offset));
  if (after > 0) sum = b.add(sum, placed(mirrored(b, x, axis, [before + n, after]), n - offset - after));
  return sum;
}

function mirror(x: Tensor, paddings: Tensor, mode: 'REFLECT' | 'SYMMETRIC'): Tensor {
  return call(MirrorPad, { input: x, paddings }, { attrs: { mode } }).output;
}

function unmirror(dy: Tensor, paddings: Tensor, mode: 'REFLECT' | 'SYMMETRIC'): Tensor {
  return call(MirrorPadGrad, { input: dy, paddings }, { attrs: { mode } }).output;
}

export interface PadOptions {
  /** constant (default): `constantValues`; reflect: mirrored without the border element; symmetric: with it. */
  readonly mode?: 'constant' | 'reflect' | 'symmetric' | 'CONSTANT' | 'REFLECT' | 'SYMMETRIC';
  /** The padding of mode constant. Default 0. */
  readonly constantValues?: TensorLike;
  readonly name?: string;
}

/** `tensor` with `paddings[i]` = (before, after) elements added to each dimension i. TF `pad`. */
export function pad(tensor: TensorLike, paddings: TensorLike, options: PadOptions = {}): Tensor {
  const { name } = options;
  const input = convertToTensor(tensor);
  const mode = (options.mode ?? 'constant').toUpperCase();
  if (mode === 'REFLECT' || mode === 'SYMMETRIC') {
    return call(MirrorPad, { input, paddings }, { attrs: { mode }, name }).output;
  }
  const value = options.constantValues ?? 0;
  if (value === 0) return call(Pad, { input, paddings }, { name }).output;
  return call(PadV2, { input, paddings, constant_values: value }, { name }).output;
}

export const Roll = defineOp('Roll', {
  inputs: ['input: T', 'shift: Tshift', 'axis: Taxis'],
  outputs: ['output: T'],
  attrs: { T: 'type', Tshift: type(indexTypes), Taxis: type(indexTypes) },
  shape: ({ input }) => ({ output: input }),
  grad: ({ shift, axis }, dy) => ({ input: roll(dy.output, negative(shift), axis), shift: null, axis: null }),
  lower: (b, { input, shift, axis }, ctx) => {
    const dims = dimsOf(input);
    const shifts = ctx.numbers(shift);
    const axes = ctx.numbers(axis);
    let x = input;
    for (const [i, a] of axes.entries()) {
      const at = normalizeAxis(a, dims.length);
      if (at === undefined) return ctx.fail(`axis ${a} is outside [-${dims.length}, ${dims.length}).`);
      x = rolled(b, x, at, shifts[i] ?? 0);
    }
    return { output: x };
  },
  sample: { inputs: { input: uniform([3, 4]), shift: values([1, -2], 'int32'), axis: values([0, 1], 'int32') } },
});

function rolled(b: Builder, x: Value, axis: number, shift: number): Value {
  const dims = dimsOf(x);
  const n = dims[axis] as number;
  const by = n === 0 ? 0 : ((shift % n) + n) % n;
  if (by === 0) return x;
  const starts = dims.map((_, i) => (i === axis ? n - by : 0));
  const tail = b.slice(x, starts, dims);
  const head = b.slice(
    x,
    dims.map(() => 0),
    dims.with(axis, n - by),
  );
  return b.concatenate([tail, head], axis);
}

/** Elements moved by `shift` places along `axis` (both numbers, or lists), those pushed out coming in at the other end. TF `roll`. */
export function roll(input: TensorLike, shift: TensorLike, axis: TensorLike): Tensor {
  return call(Roll, { input, shift: integer(shift), axis: integer(axis) }).output;
}

/** Plain numbers become int32. */
function integer(x: TensorLike): Tensor {
  const plain = typeof x === 'number' || Array.isArray(x);
  return plain ? convertToTensor(x, { dtype: 'int32' }) : convertToTensor(x);
}
