/** @file Arrays made from a shape and numbers: fill, zeros, ones, linspace, one-hot rows. */
import { dimsOf, dtypeOf } from '@tsflow/xla';
import type { DType } from '../dtype.ts';
import type { Tensor, TensorLike } from '../graph/tensor.ts';
import { floatType, indexType, int, type } from '../op/attr.ts';
import { call, convertToTensor } from '../op/call.ts';
import { constantTensor } from '../op/constant.ts';
import { constantValue } from '../op/constantValue.ts';
import { defineOp } from '../op/defineOp.ts';
import { values } from '../op/sample.ts';
import { shapeFromVector } from '../op/shapeFunctions.ts';
import { formatShape, normalizeAxis } from '../shape.ts';
import { reduceSum } from './reduce.ts';

export const Fill = defineOp('Fill', {
  inputs: ['dims: index_type', 'value: T'],
  outputs: ['output: T'],
  attrs: { T: 'type', index_type: indexType },
  shape: ({ dims, value }, ctx) => {
    if (value !== null && value.length !== 0) ctx.fail(`value must be a scalar, but has shape ${formatShape(value)}.`);
    return { output: shapeFromVector(ctx.constantShape('dims'), dims) };
  },
  grad: (_, dy) => ({ dims: null, value: reduceSum(dy.output) }),
  lower: (b, { value }, ctx) => ({ output: b.broadcast(value, ctx.dims('output'), []) }),
  sample: { inputs: { dims: values([2, 3], 'int32'), value: values(1.5) } },
});

/** A tensor of shape `dims` (which may be computed in the graph) with every element `value`, a scalar. TF `fill`. */
export function fill(dims: TensorLike, value: TensorLike, name?: string): Tensor {
  return call(Fill, { dims: shapeOperand(dims), value }, { name }).output;
}

/** An empty list is a shape too: the scalar's. */
function shapeOperand(dims: TensorLike): TensorLike {
  return Array.isArray(dims) && dims.length === 0 ? constantTensor([], 'int32', 'dims', [0]) : dims;
}

export interface FillOptions {
  /** Default float32. */
  readonly dtype?: DType;
  readonly name?: string;
}

const largestConstant = 1000;

/** A constant for small known shapes, else a Fill node, as TensorFlow decides. */
function filled(shape: TensorLike, element: 0 | 1, options: FillOptions & { name: string }): Tensor {
  const dtype = options.dtype ?? 'float32';
  const value = dtype === 'bool' ? element === 1 : dtype === 'string' ? '' : element;
  const known = isTensorLike(shape) ? constantValue(convertToTensor(shape))?.toNumbers() : listOfNumbers(shape);
  if (known?.every((d) => d >= 0) === true && known.reduce((n, d) => n * d, 1) < largestConstant) {
    return constantTensor(value, dtype, options.name, known);
  }
  const asTensor = { dtype: 'int32', name: `${options.name}/shape_as_tensor` } as const;
  const dims = isTensorLike(shape) ? shape : convertToTensor(shapeOperand(shape), asTensor);
  return fill(dims, constantTensor(value, dtype, `${options.name}/Const`), options.name);
}

/** A plain list of numbers is known without a node. */
function listOfNumbers(shape: TensorLike): readonly number[] | undefined {
  const list: readonly unknown[] = Array.isArray(shape) ? shape : [shape];
  return list.every((d) => typeof d === 'number') ? list : undefined;
}

function isTensorLike(x: TensorLike): boolean {
  return typeof x === 'object' && !Array.isArray(x);
}

/** Zeros of a shape: `zeros([2, 3])`, `zeros([4], { dtype: 'int32' })`. TF `zeros`. */
export function zeros(shape: TensorLike, options: FillOptions = {}): Tensor {
  return filled(shape, 0, { name: 'zeros', ...options });
}

/** Ones of a shape: `ones([2, 3])`, `ones([4], { dtype: 'int32' })`. TF `ones`. */
export function ones(shape: TensorLike, options: FillOptions = {}): Tensor {
  return filled(shape, 1, { name: 'ones', ...options });
}

export const LinSpace = defineOp('LinSpace', {
  inputs: ['start: T', 'stop: T', 'num: Tidx'],
  outputs: ['output: T'],
  attrs: { T: floatType, Tidx: indexType },
  shape: (_, ctx) => {
    const n = ctx.constantNumbers('num')?.[0];
    if (n === undefined) return { output: [null] };
    return n > 0 ? { output: [n] } : ctx.fail(`num is ${n}. Ask for at least one number.`);
  },
  grad: null,
  lower: (b, { start, stop, num }, ctx) => {
    const n = ctx.numbers(num)[0] as number;
    const dtype = dtypeOf(start);
    const all = (x: typeof start): typeof start => b.broadcast(x, [n], []);
    const step = n === 1 ? b.scalar(0, dtype) : b.divide(b.subtract(stop, start), b.scalar(n - 1, dtype));
    const i = b.iota('s32', [n], 0);
    const line = b.add(all(start), b.multiply(b.convert(i, dtype), all(step)));
    if (n === 1) return { output: line };
    // the last number is exactly stop
    return { output: b.select(b.compare('EQ', i, b.full(n - 1, 's32', [n])), all(stop), line) };
  },
  sample: { inputs: { start: values(1), stop: values(4), num: values(7, 'int32') } },
});

/** `num` numbers from `start` to `stop` (both included) at equal distances, 1-D. TF `linspace` / `lin_space`. */
export function linspace(start: TensorLike, stop: TensorLike, options: { num: TensorLike; name?: string }): Tensor {
  return call(LinSpace, { start, stop, num: options.num }, { name: options.name }).output;
}

export const OneHot = defineOp('OneHot', {
  inputs: ['indices: TI', 'depth: int32', 'on_value: T', 'off_value: T'],
  outputs: ['output: T'],
  attrs: { axis: int(-1), T: 'type', TI: type(['uint8', 'int8', 'int32', 'int64'], 'int64') },
  shape: ({ indices }, ctx) => {
    const depth = ctx.constantNumbers('depth')?.[0] ?? null;
    if (depth !== null && depth < 0) ctx.fail(`depth is ${depth}. Give the number of classes, ≥ 0.`);
    if (indices === null) return { output: null };
    const at = normalizeAxis(ctx.attrs.axis, indices.length + 1);
    if (at !== undefined) return { output: indices.toSpliced(at, 0, depth) };
    return ctx.fail(`axis ${ctx.attrs.axis} is outside [-1, ${indices.length}] for indices ${formatShape(indices)}.`);
  },
  grad: null,
  lower: (b, x, ctx) => {
    const dims = ctx.dims('output');
    const at = normalizeAxis(ctx.attrs.axis, dims.length) as number;
    const type_ = dtypeOf(x.indices);
    // uint8 classes may outnumber the type's values: count in s32
    const count = type_ === 's64' ? 's64' : 's32';
    const wanted = type_ === count ? x.indices : b.convert(x.indices, count);
    const from = dimsOf(wanted).map((_, i) => (i < at ? i : i + 1));
    const hit = b.compare('EQ', b.iota(count, dims, at), b.broadcast(wanted, dims, from));
    return { output: b.select(hit, b.broadcast(x.on_value, dims, []), b.broadcast(x.off_value, dims, [])) };
  },
  sample: [
    {
      inputs: {
        indices: values([0, 2, -1, 1], 'int32'),
        depth: values(3, 'int32'),
        on_value: values(2),
        off_value: values(-1),
      },
    },
    {
      inputs: {
        indices: values(
          [
            [0, 2],
            [1, 5],
          ],
          'int64',
        ),
        depth: values(3, 'int32'),
        on_value: values(1),
        off_value: values(0),
      },
      attrs: { axis: 1 },
    },
  ],
});

/**
 * Rows with `onValue` (default 1) at the index and `offValue` (default 0) elsewhere; indices outside [0, depth) give rows of
 * `offValue`. The new dimension stands at `axis` (default −1: last). TF `one_hot`.
 */
export function oneHot(
  indices: TensorLike,
  depth: TensorLike,
  options: { onValue?: TensorLike; offValue?: TensorLike; axis?: number; dtype?: DType; name?: string } = {},
): Tensor {
  const given = convertToTensor(indices, isTensorLike(indices) ? {} : { dtype: 'int32' });
  const inputs = { indices: given, depth, on_value: options.onValue ?? 1, off_value: options.offValue ?? 0 };
  const typed = options.onValue === undefined && options.offValue === undefined;
  const dtype = options.dtype ?? (typed ? 'float32' : undefined);
  const attrs = { axis: options.axis ?? -1, ...(dtype === undefined ? {} : { T: dtype }) };
  return call(OneHot, inputs, { attrs, name: options.name ?? 'one_hot' }).output;
}
