/**
 * @file The vocabulary in which HLO is written. One method per opcode, named in camelCase, checked when called: a wrong shape is an
 * InvalidArgument error that names the opcode and both shapes. Nothing broadcasts by itself; `broadcast` says how.
 */
import type { Literal, Storage } from './literal.ts';
import type { Computation, InputOutputAlias, Instruction, Metadata, Module } from './module.ts';
import type {
  BinaryOpcode,
  CompareDirection,
  ConvDimensionNumbers,
  DotDimensionNumbers,
  FusionKind,
  GatherDimensionNumbers,
  OpAttrs,
  PadDim,
  ScatterDimensionNumbers,
  UnaryOpcode,
  Window,
} from './opcodes.ts';
import type { ArrayShape, ElementType, Shape } from './shape.ts';

/** A value being built. */
export type Value = Instruction;

type CamelCase<S extends string> = S extends `${infer A}-${infer B}` ? `${A}${Capitalize<CamelCase<B>>}` : S;

/** abs, negate, …, roundNearestEven, isFinite */
export type UnaryMethods = { readonly [K in UnaryOpcode as CamelCase<K>]: (x: Value) => Value };
/** add, subtract, …, shiftRightLogical: both operands have one shape and type. */
export type BinaryMethods = { readonly [K in BinaryOpcode as CamelCase<K>]: (a: Value, b: Value) => Value };

export interface StructureMethods {
  parameter(index: number, shape: Shape, name?: string): Value;
  constant(literal: Literal): Value;
  /** A rank-0 constant; number or bigint as the dtype asks (either is taken), booleans for pred. */
  scalar(value: number | bigint | boolean, dtype: ElementType): Value;
  /** `scalar` broadcast to `dims`. */
  full(value: number | bigint | boolean, dtype: ElementType, dims: readonly number[]): Value;
  /** A constant array from row-major data. */
  array(data: Storage, dtype: ElementType, dims: readonly number[]): Value;
  iota(dtype: ElementType, dims: readonly number[], dimension: number): Value;

  unary(opcode: UnaryOpcode, x: Value): Value;
  binary(opcode: BinaryOpcode, a: Value, b: Value): Value;
  compare(direction: CompareDirection, a: Value, b: Value): Value;
  select(pred: Value, onTrue: Value, onFalse: Value): Value;
  clamp(min: Value, x: Value, max: Value): Value;
  convert(x: Value, to: ElementType): Value;
  bitcastConvert(x: Value, to: ElementType): Value;

  /** Result has `dims`; operand dim i is result dim dimensions[i]. */
  broadcast(x: Value, dims: readonly number[], dimensions: readonly number[]): Value;
  reshape(x: Value, dims: readonly number[]): Value;
  transpose(x: Value, permutation: readonly number[]): Value;
  /** strides default to 1. */
  slice(x: Value, starts: readonly number[], limits: readonly number[], strides?: readonly number[]): Value;
  pad(x: Value, value: Value, padding: readonly PadDim[]): Value;
  concatenate(xs: readonly Value[], dimension: number): Value;
  reverse(x: Value, dimensions: readonly number[]): Value;
  gather(x: Value, indices: Value, dimensionNumbers: GatherDimensionNumbers, sliceSizes: readonly number[]): Value;
  scatter(
    x: Value,
    indices: Value,
    updates: Value,
    options: { dimensionNumbers: ScatterDimensionNumbers; computation: Computation },
  ): Value;
  dynamicSlice(x: Value, starts: readonly Value[], sizes: readonly number[]): Value;
  dynamicUpdateSlice(x: Value, update: Value, starts: readonly Value[]): Value;
  copy(x: Value): Value;

  /** One operand and init → array; several → tuple. `dimensions` ascending. */
  reduce(xs: readonly Value[], inits: readonly Value[], dimensions: readonly number[], computation: Computation): Value;
  reduceWindow(x: Value, init: Value, window: Window, computation: Computation): Value;
  selectAndScatter(
    x: Value,
    source: Value,
    init: Value,
    options: { window: Window; select: Computation; scatter: Computation },
  ): Value;
  dot(a: Value, b: Value, dimensionNumbers: DotDimensionNumbers): Value;
  convolution(
    lhs: Value,
    rhs: Value,
    options: {
      window: Window;
      dimensionNumbers: ConvDimensionNumbers;
      featureGroupCount?: number;
      batchGroupCount?: number;
    },
  ): Value;
  sort(xs: readonly Value[], options: { dimension: number; comparator: Computation; stable?: boolean }): Value;
  /** Tuple (values, s32 indices). */
  topK(x: Value, k: number): Value;
  /** Tuple (new u64[2] state, bits). */
  rngBitGenerator(state: Value, dtype: 'u32' | 'u64', dims: readonly number[]): Value;

  while(init: Value, condition: Computation, body: Computation): Value;
  conditional(selector: Value, branches: readonly Computation[], operands: readonly Value[]): Value;
  call(computation: Computation, operands: readonly Value[]): Value;
  fusion(kind: FusionKind, computation: Computation, operands: readonly Value[]): Value;
  customCall(operands: readonly Value[], attrs: OpAttrs['custom-call']): Value;
  allReduce(x: Value, computation: Computation, replicaGroups: readonly (readonly number[])[]): Value;
  tuple(xs: readonly Value[]): Value;
  getTupleElement(x: Value, index: number): Value;

  /** A sub-computation: reducer, loop body, branch, comparator. Its builder makes values of the same module. */
  computation(
    name: string,
    parameters: readonly Shape[],
    body: (b: Builder, ...parameters: Value[]) => Value,
  ): Computation;
  /** The scalar reducer `opcode` of `dtype`, made once: add, multiply, maximum, minimum, and, or. */
  reducer(opcode: BinaryOpcode, dtype: ElementType): Computation;

  /** Everything built inside `body` carries this origin. */
  withMetadata<T>(metadata: Metadata, body: () => T): T;
  /** Ends the entry computation: results become the root tuple. */
  build(results: readonly Value[], aliases?: readonly InputOutputAlias[]): Module;
}

export type Builder = StructureMethods & UnaryMethods & BinaryMethods;

/** The array shape of a value; throws an internal error for tuples. */
export type ArrayShapeOf = (x: Value) => ArrayShape;
