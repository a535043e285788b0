/**
 * @file What an op record is once its signature's types are erased, and the contexts its functions are called with. Graph,
 * gradients, session and import/export consume records through these types only; nothing asks for an op's name.
 */
import type { Builder, Value } from '@tsflow/xla';
import type { DType } from '../dtype.ts';
import type { IndexedSlices } from '../graph/indexedSlices.ts';
import type { Operation } from '../graph/operation.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { NdArray } from '../ndarray.ts';
import type { Dims, PartialShape } from '../shape.ts';
import type { AttrDef, AttrSpecs, AttrValues } from './attr.ts';
import type { SampleSpec } from './sample.ts';
import type { Arg } from './signature.ts';

/** A value, or the values of a list argument. */
export type OneOrMany<T> = T | readonly T[];
export type Named<T> = Readonly<Record<string, OneOrMany<T>>>;

/** State behind a reference or resource tensor: the node that owns it. Two refs with one key are one state. */
export interface StateRef {
  readonly kind: 'state';
  readonly key: string;
  readonly op: Operation;
  readonly dtype: DType;
  /** Declared shape. */
  readonly shape: PartialShape;
}

export interface ShapeContext<A extends AttrSpecs = AttrSpecs> {
  readonly attrs: AttrValues<A>;
  /** dtype of an input. */
  dtype(input: string): DType;
  /** Value of an input when it is known while the graph is built (constants and what folds from them), else undefined. */
  constant(input: string): NdArray | undefined;
  /** The same as numbers. */
  constantNumbers(input: string): number[] | undefined;
  /** A 1-D integer input read as a shape, as far as it is known; negative entries are unknown dimensions. */
  constantShape(input: string): PartialShape;
  /** Declared shape of the variable behind a reference or resource input, null when unknown. */
  stateShape(input: string): PartialShape;
  /** Throws InvalidArgument for this node: state the fact with shapes, then the repair. */
  fail(text: string): never;
}

export interface GradContext<A extends AttrSpecs = AttrSpecs> {
  readonly attrs: AttrValues<A>;
  readonly op: Operation;
}

export interface LowerContext<A extends AttrSpecs = AttrSpecs> {
  readonly attrs: AttrValues<A>;
  readonly op: Operation;
  /** Concrete dims of an output (of the i-th of a list output). */
  dims(output: string, i?: number): Dims;
  /** Value of an operand that must be known at compile time (it decides shapes). Throws Unimplemented naming the operand otherwise. */
  constant(operand: Value): NdArray;
  /** The same as numbers, row-major. */
  numbers(operand: Value): number[];
  /** The same when known, else undefined. */
  tryConstant(operand: Value): NdArray | undefined;
  /** Current value of a state: the latest assignment ordered before this op. */
  readState(ref: StateRef): Value;
  /** Assigns; later readers see `value`. */
  writeState(ref: StateRef, value: Value): void;
  /** Random bits from this op's own stream (seeds from attrs seed/seed2); every run continues the stream. */
  randomBits(dtype: 'u32' | 'u64', dims: Dims): Value;
  /** Throws InvalidArgument for this node. */
  fail(text: string): never;
}

/** What host ops may do with a session's state. */
export interface StateAccess {
  isInitialized(ref: StateRef): boolean;
  read(ref: StateRef): NdArray;
  assign(ref: StateRef, value: NdArray): void;
}

export interface HostContext<A extends AttrSpecs = AttrSpecs> {
  readonly attrs: AttrValues<A>;
  readonly op: Operation;
  readonly state: StateAccess;
  /** A value of this session that outlives runs (a table, a queue, a file): made on first use, disposed with the session. */
  resource<T extends object>(key: string, create: () => T): T;
  /** Aborts when the run is cancelled, times out, or the session closes; waits must listen to it. */
  readonly signal: AbortSignal;
  /** Throws InvalidArgument for this node. */
  fail(text: string): never;
}

/** Gradients of inputs: null = none flows. */
export type GradValue = Tensor | IndexedSlices | null;

export type ShapeFunction = (inputs: Named<PartialShape>, ctx: ShapeContext) => Named<PartialShape>;
export type GradFunction = (io: Named<Tensor>, dy: Named<Tensor>, ctx: GradContext) => Named<GradValue>;
export type SparseGradFunction = (dy: IndexedSlices, ctx: GradContext) => Named<GradValue>;
export type LowerFunction = (b: Builder, inputs: Named<Value | StateRef>, ctx: LowerContext) => Named<Value | StateRef>;
export type HostFunction = (
  inputs: Named<NdArray | StateRef>,
  ctx: HostContext,
) => Named<NdArray | StateRef> | Promise<Named<NdArray | StateRef>>;

/** What is known of an input at graph construction: its shape, and its value as an integer vector or scalar (as a list of one). */
export interface PartialInput {
  readonly shape: PartialShape;
  readonly value: PartialShape;
}
export type PartialValueFunction = (inputs: Named<PartialInput>, ctx: ShapeContext) => PartialShape;

/** An op with its types erased. */
export interface OpRecord {
  readonly type: string;
  readonly inputs: readonly Arg[];
  readonly outputs: readonly Arg[];
  /** In TensorFlow's order. */
  readonly attrs: Readonly<Record<string, AttrDef>>;
  readonly shape: ShapeFunction;
  /** null: declared non-differentiable. */
  readonly grad: GradFunction | null;
  /** Gradient for a sparse gradient of output 0 that must not be made dense; ops that only pass values on. */
  readonly sparseGrad: SparseGradFunction | undefined;
  /** Output 0 as a partially known integer vector, from what is known of the inputs: shape arithmetic on unknown dimensions. */
  readonly partialValue: PartialValueFunction | undefined;
  readonly lower: LowerFunction | undefined;
  readonly host: HostFunction | undefined;
  /** Keeps CSE, folding and pruning of duplicates away: random, state, I/O. */
  readonly stateful: boolean;
  /** The node owns state (VariableV2, VarHandleOp): attributes dtype, shape and shared_name describe it, output 0 refers to it. */
  readonly ownsState: boolean;
  /** The node's value can only come from a feed (Placeholder). */
  readonly fedOnly: boolean;
  readonly samples: readonly SampleSpec[];
}
