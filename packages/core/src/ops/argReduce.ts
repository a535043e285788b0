/** @file Positions of extremes along an axis: ArgMax and ArgMin. Ties take the first position; NaNs are never extreme. */
import { type Builder, type Computation, dimsOf, dtypeOf, type ElementType, type Value } from '@tsflow/xla';
import { type DType, elementTypeOf, real } from '../dtype.ts';
import type { Tensor, TensorLike } from '../graph/tensor.ts';
import { type } from '../op/attr.ts';
import { call } from '../op/call.ts';
import { defineOp } from '../op/defineOp.ts';
import { fullLike, highest, lowest } from '../op/hlo.ts';
import type { ShapeContext } from '../op/record.ts';
import { uniform, values } from '../op/sample.ts';
import { checkAxis } from '../op/shapeFunctions.ts';
import { formatShape, normalizeAxis, type PartialShape } from '../shape.ts';

const elements: readonly DType[] = [...real, 'bool'];

function withoutAxis(input: PartialShape, ctx: ShapeContext): PartialShape {
  const axis = ctx.constantNumbers('dimension')?.[0];
  if (input === null) return null;
  if (axis === undefined) return new Array<null>(Math.max(0, input.length - 1)).fill(null);
  const at = checkAxis(axis, input.length, ctx);
  if (input[at] === 0) ctx.fail(`axis ${axis} of ${formatShape(input)} is empty, so it has no extreme element.`);
  return input.toSpliced(at, 1);
}

/** (value, position) pairs: the better value wins, then the earlier position. */
function betterPair(b: Builder, dtype: ElementType, direction: 'GT' | 'LT'): Computation {
  const value = { kind: 'array', dtype, dims: [] } as const;
  const position = { kind: 'array', dtype: 's32', dims: [] } as const;
  return b.computation('better', [value, position, value, position], (c, v0, p0, v1, p1) => {
    const [v, p, w, q] = [v0, p0, v1, p1] as [Value, Value, Value, Value];
    const tie = c.and(c.compare('EQ', v, w), c.compare('LT', p, q));
    const first = c.or(c.compare(direction, v, w), tie);
    return c.tuple([c.select(first, v, w), c.select(first, p, q)]);
  });
}

function extremePositions(b: Builder, x: Value, axis: number, direction: 'GT' | 'LT'): Value {
  const input = dtypeOf(x) === 'pred' ? b.convert(x, 's32') : x;
  const dtype = dtypeOf(input);
  const worst = direction === 'GT' ? lowest(dtype) : highest(dtype);
  const isNumber = b.compare('EQ', input, input);
  const clean = ['f16', 'bf16', 'f32', 'f64'].includes(dtype)
    ? b.select(isNumber, input, fullLike(b, input, worst))
    : input;
  const positions = b.iota('s32', dimsOf(x), axis);
  const inits = [b.scalar(worst, dtype), b.scalar(highest('s32'), 's32')];
  return b.getTupleElement(b.reduce([clean, positions], inits, [axis], betterPair(b, dtype, direction)), 1);
}

export const ArgMax = defineOp('ArgMax', {
  inputs: ['input: T', 'dimension: Tidx'],
  outputs: ['output: output_type'],
  attrs: {
    T: type(elements),
    Tidx: type(['int16', 'int32', 'int64'], 'int32'),
    output_type: type(['int16', 'uint16', 'int32', 'int64'], 'int64'),
  },
  shape: ({ input }, ctx) => ({ output: withoutAxis(input, ctx) }),
  grad: null,
  lower: (b, { input, dimension }, ctx) => {
    const axis = normalizeAxis(ctx.numbers(dimension)[0] as number, dimsOf(input).length) as number;
    return { output: b.convert(extremePositions(b, input, axis, 'GT'), outputType(ctx.attrs.output_type)) };
  },
  sample: { inputs: { input: uniform([3, 4]), dimension: values(1, 'int32') } },
});

export const ArgMin = defineOp('ArgMin', {
  inputs: ['input: T', 'dimension: Tidx'],
  outputs: ['output: output_type'],
  attrs: { T: type(elements), Tidx: type(['int32', 'int64'], 'int32'), output_type: type(['int32', 'int64'], 'int64') },
  shape: ({ input }, ctx) => ({ output: withoutAxis(input, ctx) }),
  grad: null,
  lower: (b, { input, dimension }, ctx) => {
    const axis = normalizeAxis(ctx.numbers(dimension)[0] as number, dimsOf(input).length) as number;
    return { output: b.convert(extremePositions(b, input, axis, 'LT'), outputType(ctx.attrs.output_type)) };
  },
  sample: { inputs: { input: uniform([3, 4]), dimension: values(0, 'int32') } },
});

function outputType(dtype: DType): ElementType {
  return elementTypeOf(dtype) as ElementType;
}

export interface ArgOptions {
  /** Default 0, as in TensorFlow. */
  readonly axis?: number | Tensor;
  /** Default int64. */
  readonly outputType?: 'int32' | 'int64';
  readonly name?: string;
}

/** Position of the largest element along an axis; the first of equal ones. TF `argmax`. */
export function argMax(input: TensorLike, options: ArgOptions = {}): Tensor {
  const attrs = { output_type: options.outputType ?? 'int64' };
  return call(ArgMax, { input, dimension: options.axis ?? 0 }, { attrs, name: options.name }).output;
}

/** Position of the smallest element along an axis; the first of equal ones. TF `argmin`. */
export function argMin(input: TensorLike, options: ArgOptions = {}): Tensor {
  const attrs = { output_type: options.outputType ?? 'int64' };
  return call(ArgMin, { input, dimension: options.axis ?? 0 }, { attrs, name: options.name }).output;
}
