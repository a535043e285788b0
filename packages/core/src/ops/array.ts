/** @file Array ops: constants and placeholders, identity, shapes, reshaping, casting, stacking. */
import { dimsOf, dtypeOf, elementCount, type Value } from '@tsflow/xla';
import { type DType, elementTypeOf } from '../dtype.ts';
import { getDefaultGraph } from '../graph/graph.ts';
import type { Operation } from '../graph/operation.ts';
import { installOperators } from '../graph/operators.ts';
import type { Tensor, TensorLike } from '../graph/tensor.ts';
import { bool, count, indexType, indexTypes, int, shape as shapeAttr, type } from '../op/attr.ts';
import { call, callOp, convertToTensor } from '../op/call.ts';
import { Const, constantTensor } from '../op/constant.ts';
import { defineOp } from '../op/defineOp.ts';
import { fullLike } from '../op/hlo.ts';
import { unary } from '../op/makers.ts';
import { packRecord as Pack } from '../op/pack.ts';
import { uniform, values } from '../op/sample.ts';
import { checkAxis, shapeFromVector } from '../op/shapeFunctions.ts';
import {
  checkShape,
  type Dims,
  formatShape,
  isFullyDefined,
  mergeShapes,
  type PartialShape,
  sizeOf,
} from '../shape.ts';

export { Const, Pack };

/**
 * A constant. Without `dtype`: numbers are float32, bigint int64, boolean bool, string string; typed arrays keep their type.
 * `shape`: a single element fills it, otherwise the element count must agree.
 */
export function constant(value: TensorLike, options: { dtype?: DType; shape?: Dims; name?: string } = {}): Tensor {
  return constantTensor(value, options.dtype, options.name ?? 'Const', options.shape);
}

export const Placeholder = defineOp('Placeholder', {
  inputs: [],
  outputs: ['output: dtype'],
  attrs: { dtype: 'type', shape: shapeAttr(null) },
  shape: (_, { attrs }) => ({ output: attrs.shape }),
  grad: null,
  fedOnly: true,
  lower: (_b, _x, ctx) => ctx.fail('the placeholder was not fed.'),
});

/** A tensor whose value is given to each run: `session.run(y, [[x, values]])`. `shape` null (default) accepts any. */
export function placeholder(dtype: DType, options: { shape?: PartialShape; name?: string } = {}): Tensor {
  const attrs = { dtype, shape: checkShape(options.shape, 'placeholder') };
  return call(Placeholder, {}, { attrs, name: options.name }).output;
}

export const PlaceholderWithDefault = defineOp('PlaceholderWithDefault', {
  inputs: ['input: dtype'],
  outputs: ['output: dtype'],
  attrs: { dtype: 'type', shape: 'shape' },
  shape: (_, { attrs }) => ({ output: attrs.shape }),
  grad: (_, dy) => ({ input: dy.output }),
  lower: (_, { input }) => ({ output: input }),
  stateful: true, // a feed may replace it: no folding
});

/** A tensor with the value of `input` unless another is fed. `shape` must be compatible with input's; null accepts any feed. */
export function placeholderWithDefault(
  input: TensorLike,
  shape: PartialShape = convertToTensor(input).shape,
  name?: string,
): Tensor {
  return call(PlaceholderWithDefault, { input }, { attrs: { shape }, name }).output;
}

export const Identity = defineOp('Identity', {
  inputs: ['input: T'],
  outputs: ['output: T'],
  attrs: { T: 'type' },
  shape: ({ input }) => ({ output: input }),
  grad: (_, dy) => ({ input: dy.output }),
  sparseGrad: (dy) => ({ input: dy }),
  partialValue: ({ input }) => input.value,
  lower: (_, { input }) => ({ output: input }),
  sample: { inputs: { input: uniform([2, 3]) } },
});

/** The same value under a new node. */
export function identity(input: TensorLike, name?: string): Tensor {
  return call(Identity, { input }, { name }).output;
}

export const NoOp = defineOp('NoOp', {
  inputs: [],
  outputs: [],
  attrs: {},
  shape: () => ({}),
  grad: null,
  lower: () => ({}),
});

/** Does nothing; runs after its control dependencies. */
export function noOp(name?: string): Operation {
  return callOp(NoOp, {}, { name });
}

/** An operation that runs all of `inputs`. */
export function group(inputs: readonly (Operation | Tensor)[], name = 'group_deps'): Operation {
  return getDefaultGraph().controlDependencies(inputs, () => noOp(name));
}

export const Shape = defineOp('Shape', {
  inputs: ['input: T'],
  outputs: ['output: out_type'],
  attrs: { T: 'type', out_type: type(indexTypes, 'int32') },
  shape: ({ input }) => ({ output: [input === null ? null : input.length] }),
  grad: null,
  partialValue: ({ input }) => input.shape,
  lower: (b, { input }, { attrs }) => {
    const dims = dimsOf(input);
    const data = attrs.out_type === 'int32' ? Int32Array.from(dims) : BigInt64Array.from(dims, BigInt);
    return { output: b.array(data, attrs.out_type === 'int32' ? 's32' : 's64', [dims.length]) };
  },
  sample: { inputs: { input: uniform([2, 3]) } },
});

/** Shape of a tensor as a 1-D tensor; folded to a constant when the program is compiled. */
export function shape(input: TensorLike, options: { outType?: 'int32' | 'int64'; name?: string } = {}): Tensor {
  return call(Shape, { input }, { attrs: { out_type: options.outType ?? 'int32' }, name: options.name }).output;
}

export const Rank = defineOp('Rank', {
  inputs: ['input: T'],
  outputs: ['output: int32'],
  attrs: { T: 'type' },
  shape: () => ({ output: [] }),
  grad: null,
  lower: (b, { input }) => ({ output: b.scalar(dimsOf(input).length, 's32') }),
  sample: { inputs: { input: uniform([2, 3]) } },
});

/** Number of dimensions as a scalar int32. */
export function rank(input: TensorLike, name?: string): Tensor {
  return call(Rank, { input }, { name }).output;
}

/** Numbers in [start, limit) by steps of delta; undefined when delta leads away or is 0. */
function rangeCount([start, limit, delta]: readonly number[]): number | undefined {
  const n = Math.ceil(((limit as number) - (start as number)) / (delta as number));
  return delta !== 0 && n >= 0 && Number.isFinite(n) ? n : undefined;
}

export const Range = defineOp('Range', {
  inputs: ['start: Tidx', 'limit: Tidx', 'delta: Tidx'],
  outputs: ['output: Tidx'],
  attrs: {
    Tidx: type(
      ['bfloat16', 'float16', 'float32', 'float64', 'int8', 'int16', 'int32', 'int64', 'uint16', 'uint32'],
      'int32',
    ),
  },
  shape: (_, ctx) => {
    const args = ['start', 'limit', 'delta'].map((name) => ctx.constantNumbers(name)?.[0]);
    if (!args.every((x) => x !== undefined)) return { output: [null] };
    const n = rangeCount(args);
    return n === undefined
      ? ctx.fail(`range(${args.join(', ')}) never reaches its limit. Change the sign of delta.`)
      : { output: [n] };
  },
  grad: null,
  lower: (b, { start, limit, delta }, ctx) => {
    const [n] = [rangeCount([start, limit, delta].map((x) => ctx.numbers(x)[0] as number)) as number];
    const type = dtypeOf(start);
    const step = b.multiply(b.iota(type, [n], 0), b.broadcast(delta, [n], []));
    return { output: b.add(step, b.broadcast(start, [n], [])) };
  },
  sample: { inputs: { start: values(2, 'int32'), limit: values(11, 'int32'), delta: values(3, 'int32') } },
});

/** start, start + delta, … below limit, 1-D. Numbers are int32 when whole, float32 otherwise. */
export function range(
  start: TensorLike,
  limit: TensorLike,
  options: { delta?: TensorLike; name?: string } = {},
): Tensor {
  const args = { start, limit, delta: options.delta ?? 1 };
  const plain = Object.values(args).every((x) => typeof x === 'number');
  const whole = Object.values(args).every((x) => Number.isInteger(x));
  const attrs = plain ? { Tidx: whole ? ('int32' as const) : ('float32' as const) } : {};
  return call(Range, args, { attrs, name: options.name ?? 'range' }).output;
}

/** `shape` with its −1 replaced so that it has the elements of `input`. */
function reshapedShape(
  input: PartialShape,
  wanted: PartialShape,
  raw: number[] | undefined,
  fail: (t: string) => never,
): PartialShape {
  if (wanted === null) return null;
  const holes = raw?.filter((d) => d < 0).length ?? wanted.filter((d) => d === null).length;
  if (raw !== undefined && holes > 1)
    fail(`shape [${raw.join(', ')}] has ${holes} entries of −1, at most one is allowed.`);
  const size = sizeOf(input);
  if (size === null) return wanted;
  if (isFullyDefined(wanted)) {
    if (elementCount(wanted) !== size) {
      fail(
        `input ${formatShape(input)} has ${size} elements, but shape ${formatShape(wanted)} needs ${elementCount(wanted)}.`,
      );
    }
    return wanted;
  }
  if (holes !== 1) return wanted;
  const known = wanted.reduce<number>((n, d) => n * (d ?? 1), 1);
  if (known === 0 || size % known !== 0) {
    fail(
      `input ${formatShape(input)} has ${size} elements, which is not a multiple of ${known} as shape ${formatShape(wanted)} needs.`,
    );
  }
  return wanted.map((d) => d ?? size / known);
}

export const Reshape = defineOp('Reshape', {
  inputs: ['tensor: T', 'shape: Tshape'],
  outputs: ['output: T'],
  attrs: { T: 'type', Tshape: indexType },
  shape: ({ tensor, shape: vector }, ctx) => ({
    output: reshapedShape(
      tensor,
      shapeFromVector(ctx.constantShape('shape'), vector),
      ctx.constantNumbers('shape'),
      ctx.fail,
    ),
  }),
  grad: ({ tensor }, dy) => ({ tensor: reshape(dy.output, shapeLike(tensor)), shape: null }),
  lower: (b, { tensor }, ctx) => ({ output: b.reshape(tensor, ctx.dims('output')) }),
  sample: { inputs: { tensor: uniform([2, 6]), shape: values([3, -1], 'int32') } },
});

/** Same elements in another shape; one entry may be −1. */
export function reshape(tensor: TensorLike, shape_: TensorLike, name?: string): Tensor {
  return call(Reshape, { tensor, shape: shape_ }, { name }).output;
}

/** Shape of a tensor for use as an operand: a constant where it is known, else a Shape node. */
export function shapeLike(x: Tensor): Tensor {
  return isFullyDefined(x.shape) ? constantTensor(x.shape as number[], 'int32', 'Shape') : shape(x);
}

export const Cast = defineOp('Cast', {
  inputs: ['x: SrcT'],
  outputs: ['y: DstT'],
  attrs: { SrcT: 'type', DstT: 'type', Truncate: bool(false) },
  shape: ({ x }) => ({ y: x }),
  grad: ({ x }, dy) => ({ x: x.isFloating ? cast(dy.y, x.dtype) : null }),
  partialValue: ({ x }) => x.value,
  lower: (b, { x }, ctx) => {
    const to = elementTypeOf(ctx.attrs.DstT);
    if (to === undefined) return ctx.fail(`cannot cast to ${ctx.attrs.DstT}. Numeric types and bool are supported.`);
    return { y: b.convert(x, to) };
  },
  sample: { inputs: { x: uniform([2, 3], -5, 5) }, attrs: { DstT: 'int32' } },
});

/** `x` converted to another dtype; floats to integers truncate. Already that dtype: `x` itself. */
export function cast(x: TensorLike, dtype: DType, name?: string): Tensor {
  const t = convertToTensor(x);
  return t.dtype === dtype ? t : call(Cast, { x: t }, { attrs: { DstT: dtype }, name: name ?? 'Cast' }).y;
}

export const Unpack = defineOp('Unpack', {
  inputs: ['value: T'],
  outputs: ['output: num * T'],
  attrs: { num: count(0), T: 'type', axis: int(0) },
  shape: ({ value }, { attrs, fail }) => {
    if (value === null) return { output: new Array<PartialShape>(attrs.num).fill(null) };
    const at = checkAxis(attrs.axis, value.length, { fail });
    if (mergeShapes([value[at] ?? null], [attrs.num]) === undefined) {
      return fail(`num is ${attrs.num}, but dimension ${at} of ${formatShape(value)} is ${value[at]}.`);
    }
    return { output: new Array<PartialShape>(attrs.num).fill(value.filter((_, i) => i !== at)) };
  },
  grad: (_, dy, { attrs }) => ({ value: stack(dy.output, { axis: attrs.axis }) }),
  lower: (b, { value }, { attrs, fail }) => {
    const dims = dimsOf(value);
    const at = checkAxis(attrs.axis, dims.length, { fail });
    const part = (i: number): Value => {
      const starts = dims.map((_, d) => (d === at ? i : 0));
      const limits = dims.map((n, d) => (d === at ? i + 1 : n));
      return b.reshape(
        b.slice(value, starts, limits),
        dims.filter((_, d) => d !== at),
      );
    };
    return { output: Array.from({ length: attrs.num }, (_, i) => part(i)) };
  },
  sample: { inputs: { value: uniform([2, 3]) }, attrs: { num: 3, axis: 1 } },
});

/** Stacks tensors of one shape along a new dimension. */
export function stack(list: readonly TensorLike[], options: { axis?: number; name?: string } = {}): Tensor {
  return call(Pack, { values: list }, { attrs: { axis: options.axis ?? 0 }, name: options.name ?? 'stack' }).output;
}

/** The slices of `value` along `axis`. `num` is needed where the dimension is unknown. */
export function unstack(
  value: TensorLike,
  options: { axis?: number; num?: number; name?: string } = {},
): readonly Tensor[] {
  const t = convertToTensor(value);
  const axis = options.axis ?? 0;
  const num = options.num ?? t.shape?.at(axis) ?? undefined;
  const attrs = num === undefined ? { axis } : { axis, num };
  return call(Unpack, { value: t }, { attrs, name: options.name ?? 'unstack' }).output;
}

export const ZerosLike = unary('ZerosLike', {
  grad: null,
  lower: (b, x) => fullLike(b, x, 0),
});

/** Zeros of the shape and dtype of x. */
export function zerosLike(x: TensorLike, name?: string): Tensor {
  return call(ZerosLike, { x }, { name: name ?? 'zeros_like' }).y;
}

installOperators({ unstack: (x, axis, num) => unstack(x, { axis, num }) });
