/**
 * @file Makers of op records that differ in a line or two: element-wise unary and binary ops, comparisons, reductions. A record
 * made here reads as a table row; argument and attribute names are TensorFlow's.
 */
import {
  type BinaryOpcode,
  type Builder,
  dimsOf,
  dtypeOf,
  type ElementType,
  type Scalar,
  type Value,
} from '@tsflow/xla';
import { type DType, real } from '../dtype.ts';
import { operator } from '../graph/operators.ts';
import type { Tensor } from '../graph/tensor.ts';
import { normalizeAxis } from '../shape.ts';
import { bool, indexType, type } from './attr.ts';
import { defineOp, type Op } from './defineOp.ts';
import { broadcastPair, reduceAxes } from './hlo.ts';
import { type SampleInput, uniform } from './sample.ts';
import { broadcastShape, reducedShape } from './shapeFunctions.ts';

export interface UnarySpec {
  /** dtypes that T takes. Default: real numbers. */
  readonly T?: readonly DType[];
  /** dy·df/dx, or null. */
  readonly grad: ((io: { readonly x: Tensor; readonly y: Tensor }, dy: Tensor) => Tensor) | null;
  readonly lower: (b: Builder, x: Value) => Value;
  /** Example input. Default: uniform [2, 3] in [-1, 1). */
  readonly sample?: SampleInput;
  /** false: the sample's gradient is not compared with finite differences (kinks). */
  readonly checkGrad?: boolean;
}

/** y = f(x), element-wise, dtype kept. */
export function unary(
  type_: string,
  spec: UnarySpec,
): Op<readonly ['x: T'], readonly ['y: T'], { T: ReturnType<typeof type> }> {
  const { grad } = spec;
  return defineOp(type_, {
    inputs: ['x: T'],
    outputs: ['y: T'],
    attrs: { T: type(spec.T ?? real) },
    shape: ({ x }) => ({ y: x }),
    grad: grad === null ? null : (io, dy) => ({ x: grad(io, dy.y) }),
    lower: (b, { x }) => ({ y: spec.lower(b, x) }),
    sample: { inputs: { x: spec.sample ?? uniform([2, 3]) }, grad: spec.checkGrad ?? true },
  });
}

export interface BinarySpec {
  /** dtypes that T takes. Default: real numbers. */
  readonly T?: readonly DType[];
  /**
   * Gradients by x and y before broadcasting is undone (the maker sums them to the operands' shapes), or null.
   * An entry may be null where no gradient flows.
   */
  readonly grad:
    | ((
        io: { readonly x: Tensor; readonly y: Tensor; readonly z: Tensor },
        dz: Tensor,
      ) => readonly [Tensor | null, Tensor | null])
    | null;
  /** Operands come broadcast to one shape. */
  readonly lower: (b: Builder, x: Value, y: Value) => Value;
  readonly sample?: { readonly x: SampleInput; readonly y: SampleInput };
  readonly checkGrad?: boolean;
}

const undoBroadcast = (dy: Tensor | null, x: Tensor): Tensor | null =>
  dy === null ? null : operator('sumToShape')(dy, x);

/** z = f(x, y), element-wise with broadcasting, dtype kept. */
export function broadcastBinary(
  type_: string,
  spec: BinarySpec,
): Op<readonly ['x: T', 'y: T'], readonly ['z: T'], { T: ReturnType<typeof type> }> {
  const { grad } = spec;
  return defineOp(type_, {
    inputs: ['x: T', 'y: T'],
    outputs: ['z: T'],
    attrs: { T: type(spec.T ?? real) },
    shape: ({ x, y }, ctx) => ({ z: broadcastShape(x, y, ctx) }),
    grad:
      grad === null
        ? null
        : (io, dy) => {
            const [dx, dyy] = grad(io, dy.z);
            return { x: undoBroadcast(dx, io.x), y: undoBroadcast(dyy, io.y) };
          },
    lower: (b, { x, y }) => ({ z: spec.lower(b, ...broadcastPair(b, x, y)) }),
    sample: {
      inputs: spec.sample ?? { x: uniform([2, 3]), y: uniform([3], 0.5, 1.5) },
      grad: spec.checkGrad ?? true,
    },
  });
}

/** z = x ∘ y as bool, element-wise with broadcasting. */
export function comparison(
  type_: string,
  spec: { readonly T?: readonly DType[]; readonly lower: (b: Builder, x: Value, y: Value) => Value },
): Op<readonly ['x: T', 'y: T'], readonly ['z: bool'], { T: ReturnType<typeof type> }> {
  return defineOp(type_, {
    inputs: ['x: T', 'y: T'],
    outputs: ['z: bool'],
    attrs: { T: type(spec.T ?? real) },
    shape: ({ x, y }, ctx) => ({ z: broadcastShape(x, y, ctx) }),
    grad: null,
    lower: (b, { x, y }) => ({ z: spec.lower(b, ...broadcastPair(b, x, y)) }),
    sample: { inputs: { x: uniform([2, 3]), y: uniform([3]) } },
  });
}

export interface ReductionSpec {
  readonly T?: readonly DType[];
  readonly opcode: BinaryOpcode;
  /** Identity of `opcode` for a type. */
  readonly init: (dtype: ElementType) => Scalar;
  /** From the reduced value (without keep_dims) and the number of reduced elements: mean divides. */
  readonly finish?: (b: Builder, reduced: Value, count: number) => Value;
  readonly grad:
    | ((
        io: { readonly input: Tensor; readonly reduction_indices: Tensor; readonly output: Tensor },
        dy: Tensor,
        keepDims: boolean,
      ) => Tensor)
    | null;
  readonly checkGrad?: boolean;
}

/** Reduces `input` over the axes in `reduction_indices`, which must be known at compile time. */
export function reduction(
  type_: string,
  spec: ReductionSpec,
): Op<
  readonly ['input: T', 'reduction_indices: Tidx'],
  readonly ['output: T'],
  { keep_dims: ReturnType<typeof bool>; T: ReturnType<typeof type>; Tidx: ReturnType<typeof type> }
> {
  const { grad } = spec;
  return defineOp(type_, {
    inputs: ['input: T', 'reduction_indices: Tidx'],
    outputs: ['output: T'],
    attrs: { keep_dims: bool(false), T: type(spec.T ?? real), Tidx: indexType },
    shape: ({ input }, ctx) => ({
      output: reducedShape(
        input,
        { axes: ctx.constantNumbers('reduction_indices'), keepDims: ctx.attrs.keep_dims },
        ctx,
      ),
    }),
    grad:
      grad === null
        ? null
        : (io, dy, ctx) => ({ input: grad(io, dy.output, ctx.attrs.keep_dims), reduction_indices: null }),
    lower: (b, { input, reduction_indices }, ctx) => ({
      output: lowerReduction(b, input, { spec, axes: ctx.numbers(reduction_indices), keepDims: ctx.attrs.keep_dims }),
    }),
    sample: [
      {
        inputs: { input: uniform([2, 3]), reduction_indices: { value: [1], dtype: 'int32' } },
        grad: spec.checkGrad ?? true,
      },
      {
        inputs: { input: uniform([2, 3, 2]), reduction_indices: { value: [0, -1], dtype: 'int32' } },
        attrs: { keep_dims: true },
        grad: spec.checkGrad ?? true,
      },
    ],
  });
}

function lowerReduction(
  b: Builder,
  x: Value,
  { spec, axes, keepDims }: { spec: ReductionSpec; axes: readonly number[]; keepDims: boolean },
): Value {
  const dims = dimsOf(x);
  const front = [...new Set(axes.map((a) => normalizeAxis(a, dims.length) as number))];
  const reduced = reduceAxes(b, x, { opcode: spec.opcode, init: spec.init(dtypeOf(x)), axes: front });
  const count = front.reduce((n, a) => n * (dims[a] as number), 1);
  const finished = spec.finish?.(b, reduced, count) ?? reduced;
  return keepDims
    ? b.reshape(
        finished,
        dims.map((d, i) => (front.includes(i) ? 1 : d)),
      )
    : finished;
}
