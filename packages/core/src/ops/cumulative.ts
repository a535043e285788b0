/**
 * @file Running sums and products along an axis. n elements take log₂ n doubling steps: after step s each element holds the
 * combination of the last 2ˢ ones, so everything stays element-wise work on shifted arrays.
 */
import { type Builder, dimsOf, dtypeOf, type Scalar, type Value } from '@tsflow/xla';
import { real } from '../dtype.ts';
import type { Tensor, TensorLike } from '../graph/tensor.ts';
import { bool, floatType, indexType, type } from '../op/attr.ts';
import { call } from '../op/call.ts';
import { defineOp } from '../op/defineOp.ts';
import { fullLike } from '../op/hlo.ts';
import type { LowerContext, ShapeContext } from '../op/record.ts';
import { uniform, values } from '../op/sample.ts';
import { checkAxis } from '../op/shapeFunctions.ts';
import { normalizeAxis, type PartialShape } from '../shape.ts';
import { zerosLike } from './array.ts';
import { greater, less } from './compare.ts';
import { add, exp, log, multiply, negative, subtract } from './math.ts';
import { divNoNan } from './mathBinary.ts';
import { where } from './select.ts';

interface Scan {
  readonly combine: (b: Builder, earlier: Value, later: Value) => Value;
  readonly identity: Scalar;
}

interface Direction {
  readonly exclusive: boolean;
  readonly reverse: boolean;
}

const directionAttrs = { exclusive: bool(false), reverse: bool(false) };

/** `x` moved by `by` along `axis`, towards the end or (reverse) the start; `fill` comes in. */
function shifted(
  b: Builder,
  x: Value,
  { axis, by, fill, reverse }: { axis: number; by: number; fill: Scalar; reverse: boolean },
): Value {
  const n = dimsOf(x)[axis] as number;
  const step = Math.min(by, n);
  const padding = dimsOf(x).map((_, i) => {
    if (i !== axis) return { low: 0, high: 0, interior: 0 };
    return reverse ? { low: -step, high: step, interior: 0 } : { low: step, high: -step, interior: 0 };
  });
  return b.pad(x, b.scalar(fill, dtypeOf(x)), padding);
}

function scan(b: Builder, x: Value, axis: number, { combine, identity, exclusive, reverse }: Scan & Direction): Value {
  const n = dimsOf(x)[axis] as number;
  let y = exclusive ? shifted(b, x, { axis, by: 1, fill: identity, reverse }) : x;
  for (let by = 1; by < n; by *= 2) y = combine(b, shifted(b, y, { axis, by, fill: identity, reverse }), y);
  return y;
}

function scanShape(x: PartialShape, ctx: Pick<ShapeContext, 'fail' | 'constantNumbers'>): { out: PartialShape } {
  const axis = ctx.constantNumbers('axis')?.[0];
  if (x !== null && axis !== undefined) checkAxis(axis, x.length, ctx);
  return { out: x };
}

function axisOf(x: Value, axis: Value, ctx: Pick<LowerContext, 'numbers'>): number {
  return normalizeAxis(ctx.numbers(axis)[0] as number, dimsOf(x).length) as number;
}

const addScan: Scan = { combine: (b, p, q) => b.add(p, q), identity: 0 };
const multiplyScan: Scan = { combine: (b, p, q) => b.multiply(p, q), identity: 1 };

/** log(eᵖ + e^q) by the greater of the two, so nothing overflows; −∞ is its identity. */
const logAddScan: Scan = {
  combine: (b, p, q) => {
    const [hi, lo] = [b.maximum(p, q), b.minimum(p, q)];
    const infinite = b.compare('EQ', lo, fullLike(b, lo, Number.NEGATIVE_INFINITY));
    return b.select(infinite, hi, b.add(hi, b.log1p(b.exp(b.subtract(lo, hi)))));
  },
  identity: Number.NEGATIVE_INFINITY,
};

export const Cumsum = defineOp('Cumsum', {
  inputs: ['x: T', 'axis: Tidx'],
  outputs: ['out: T'],
  attrs: { ...directionAttrs, T: type(real), Tidx: indexType },
  shape: ({ x }, ctx) => scanShape(x, ctx),
  // a running sum's gradient runs the other way
  grad: ({ axis }, dy, { attrs }) => ({
    x: cumsum(dy.out, { axis, exclusive: attrs.exclusive, reverse: !attrs.reverse }),
    axis: null,
  }),
  lower: (b, { x, axis }, ctx) => ({ out: scan(b, x, axisOf(x, axis, ctx), { ...addScan, ...ctx.attrs }) }),
  sample: [
    { inputs: { x: uniform([2, 5]), axis: values(1, 'int32') } },
    { inputs: { x: uniform([3, 2]), axis: values(0, 'int32') }, attrs: { exclusive: true } },
    { inputs: { x: uniform([3, 2]), axis: values(-2, 'int32') }, attrs: { reverse: true } },
    { inputs: { x: uniform([3]), axis: values(0, 'int32') }, attrs: { exclusive: true, reverse: true } },
  ],
});

export const Cumprod = defineOp('Cumprod', {
  inputs: ['x: T', 'axis: Tidx'],
  outputs: ['out: T'],
  attrs: { ...directionAttrs, T: type(real), Tidx: indexType },
  shape: ({ x }, ctx) => scanShape(x, ctx),
  // dx = (running sum of out·dy, the other way) / x; 0 where x is 0, as in TensorFlow
  grad: ({ x, axis, out }, dy, { attrs }) => {
    const sums = cumsum(multiply(out, dy.out), { axis, exclusive: attrs.exclusive, reverse: !attrs.reverse });
    return { x: divNoNan(sums, x), axis: null };
  },
  lower: (b, { x, axis }, ctx) => ({ out: scan(b, x, axisOf(x, axis, ctx), { ...multiplyScan, ...ctx.attrs }) }),
  sample: [
    { inputs: { x: uniform([2, 5], 0.5, 1.5), axis: values(1, 'int32') } },
    { inputs: { x: uniform([3, 2], 0.5, 1.5), axis: values(0, 'int32') }, attrs: { exclusive: true } },
    { inputs: { x: uniform([3], 0.5, 1.5), axis: values(0, 'int32') }, attrs: { reverse: true } },
  ],
});

export const CumulativeLogsumexp = defineOp('CumulativeLogsumexp', {
  inputs: ['x: T', 'axis: Tidx'],
  outputs: ['out: T'],
  attrs: { ...directionAttrs, T: floatType, Tidx: indexType },
  shape: ({ x }, ctx) => scanShape(x, ctx),
  // dx = eˣ · (running sum of dy·e^−out, the other way), in logarithms for the positive and negative part of dy
  grad: ({ x, axis, out }, dy, { attrs }) => {
    const direction = { axis, exclusive: attrs.exclusive, reverse: !attrs.reverse };
    const zero = zerosLike(dy.out);
    const least = add(zero, Number.NEGATIVE_INFINITY);
    const part = (positive: boolean): Tensor => {
      const mine = positive ? greater(dy.out, zero) : less(dy.out, zero);
      const logs = where(mine, log(where(mine, positive ? dy.out : negative(dy.out), add(zero, 1))), least);
      return exp(add(cumulativeLogsumexp(subtract(logs, out), direction), x));
    };
    return { x: subtract(part(true), part(false)), axis: null };
  },
  lower: (b, { x, axis }, ctx) => ({ out: scan(b, x, axisOf(x, axis, ctx), { ...logAddScan, ...ctx.attrs }) }),
  sample: { inputs: { x: uniform([2, 5]), axis: values(1, 'int32') } },
});

export interface CumulativeOptions {
  /** Default 0. */
  readonly axis?: TensorLike;
  /** Leave the element itself out: the first result is 0 (1 for products). Default false. */
  readonly exclusive?: boolean;
  /** From the end to the start. Default false. */
  readonly reverse?: boolean;
  readonly name?: string;
}

function args(x: TensorLike, options: CumulativeOptions) {
  return {
    inputs: { x, axis: options.axis ?? 0 },
    options: {
      attrs: { exclusive: options.exclusive ?? false, reverse: options.reverse ?? false },
      name: options.name,
    },
  };
}

/** Running sum along an axis: cumsum([a, b, c]) = [a, a + b, a + b + c]. */
export function cumsum(x: TensorLike, options: CumulativeOptions = {}): Tensor {
  const made = args(x, options);
  return call(Cumsum, made.inputs, made.options).out;
}

/** Running product along an axis. */
export function cumprod(x: TensorLike, options: CumulativeOptions = {}): Tensor {
  const made = args(x, options);
  return call(Cumprod, made.inputs, made.options).out;
}

/** Running log Σ eˣ along an axis. TF `math.cumulative_logsumexp`. */
export function cumulativeLogsumexp(x: TensorLike, options: CumulativeOptions = {}): Tensor {
  const made = args(x, options);
  return call(CumulativeLogsumexp, made.inputs, made.options).out;
}
