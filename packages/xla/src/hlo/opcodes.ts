/**
 * @file The closed set of HLO opcodes (after StableHLO), each with its attributes and traits.
 * Consumers (verify, interpret, emitters) are tables typed by these keys: a new opcode breaks the build exactly where
 * somebody must answer for it. Everything is pure; state lives outside the module (parameters in, results out).
 */

import type { Literal } from './literal.ts';
import type { Computation } from './module.ts';
import type { ElementType } from './shape.ts';

export type UnaryOpcode =
  | 'abs'
  | 'negate'
  | 'sign'
  | 'exp'
  | 'expm1'
  | 'log'
  | 'log1p'
  | 'sqrt'
  | 'rsqrt'
  | 'cbrt'
  | 'sin'
  | 'cos'
  | 'tan'
  | 'tanh'
  | 'logistic'
  | 'erf'
  | 'floor'
  | 'ceil'
  | 'round-nearest-even'
  | 'not'
  | 'is-finite'
  | 'popcnt';

export type BinaryOpcode =
  | 'add'
  | 'subtract'
  | 'multiply'
  | 'divide'
  | 'remainder'
  | 'power'
  | 'maximum'
  | 'minimum'
  | 'atan2'
  | 'and'
  | 'or'
  | 'xor'
  | 'shift-left'
  | 'shift-right-arithmetic'
  | 'shift-right-logical';

export type CompareDirection = 'EQ' | 'NE' | 'LT' | 'LE' | 'GT' | 'GE';

/** One spatial dimension of a window. Padding may be negative; dilations are ≥ 1. `reversal` flips the window (convolution only). */
export interface WindowDim {
  readonly size: number;
  readonly stride: number;
  readonly padLow: number;
  readonly padHigh: number;
  /** Dilation of the operand (holes between input elements). */
  readonly baseDilation: number;
  /** Dilation of the window (atrous). */
  readonly windowDilation: number;
  readonly reversal: boolean;
}

export type Window = readonly WindowDim[];

/** Which dimension of each array plays which part. Spatial lists run in window order. */
export interface ConvDimensionNumbers {
  readonly inputBatch: number;
  readonly inputFeature: number;
  readonly inputSpatial: readonly number[];
  readonly kernelInputFeature: number;
  readonly kernelOutputFeature: number;
  readonly kernelSpatial: readonly number[];
  readonly outputBatch: number;
  readonly outputFeature: number;
  readonly outputSpatial: readonly number[];
}

export interface DotDimensionNumbers {
  readonly lhsBatch: readonly number[];
  readonly rhsBatch: readonly number[];
  readonly lhsContracting: readonly number[];
  readonly rhsContracting: readonly number[];
}

/** StableHLO gather dimension numbers. Out-of-range starts are clamped. */
export interface GatherDimensionNumbers {
  readonly offsetDims: readonly number[];
  readonly collapsedSliceDims: readonly number[];
  readonly startIndexMap: readonly number[];
  readonly indexVectorDim: number;
}

/** StableHLO scatter dimension numbers. Updates out of range are skipped. */
export interface ScatterDimensionNumbers {
  readonly updateWindowDims: readonly number[];
  readonly insertedWindowDims: readonly number[];
  readonly scatterDimsToOperandDims: readonly number[];
  readonly indexVectorDim: number;
}

/** `low`/`high` may be negative (cropping); `interior` elements go between neighbours. */
export interface PadDim {
  readonly low: number;
  readonly high: number;
  readonly interior: number;
}

/** What a fusion is built around; decides the schedule. */
export type FusionKind = 'loop' | 'reduce' | 'dot' | 'convolution' | 'scatter' | 'window';

export type NoAttrs = Readonly<Record<never, never>>;

/** Attributes by opcode. Elementwise opcodes have none but `compare` and `convert`. */
export type OpAttrs = { readonly [K in UnaryOpcode | BinaryOpcode]: NoAttrs } & {
  readonly parameter: { readonly index: number; readonly name: string };
  readonly constant: { readonly literal: Literal };
  /** Numbers counting up along `dimension`. */
  readonly iota: { readonly dimension: number };

  readonly compare: { readonly direction: CompareDirection };
  /** (pred, onTrue, onFalse); pred has the operands' dims or is a scalar. */
  readonly select: NoAttrs;
  /** (min, x, max); min and max have x's dims or are scalars. */
  readonly clamp: NoAttrs;
  readonly convert: { readonly to: ElementType };
  /** Same bits, other type of the same size. */
  readonly 'bitcast-convert': { readonly to: ElementType };

  /** broadcast_in_dim: operand dim i becomes result dim `dimensions[i]`, of the same size or stretched from 1. */
  readonly broadcast: { readonly dimensions: readonly number[]; readonly dims: readonly number[] };
  readonly reshape: { readonly dims: readonly number[] };
  /** Result dim i is operand dim `permutation[i]`. */
  readonly transpose: { readonly permutation: readonly number[] };
  readonly slice: {
    readonly starts: readonly number[];
    readonly limits: readonly number[];
    readonly strides: readonly number[];
  };
  /** (operand, scalar padding value) */
  readonly pad: { readonly padding: readonly PadDim[] };
  readonly concatenate: { readonly dimension: number };
  readonly reverse: { readonly dimensions: readonly number[] };
  /** (operand, start indices) */
  readonly gather: { readonly dimensionNumbers: GatherDimensionNumbers; readonly sliceSizes: readonly number[] };
  /** (operand, indices, updates); `computation` (old, update) → new, applied in row-major order of updates. */
  readonly scatter: { readonly dimensionNumbers: ScatterDimensionNumbers; readonly computation: Computation };
  /** (operand, one s32/s64 scalar start per dim), starts clamped. */
  readonly 'dynamic-slice': { readonly sizes: readonly number[] };
  /** (operand, update, one scalar start per dim), starts clamped. */
  readonly 'dynamic-update-slice': NoAttrs;
  readonly copy: NoAttrs;

  /** (operands…, scalar inits…) of n arrays → one array, or a tuple of n. `computation` has 2n scalar parameters (accumulators, values). */
  readonly reduce: { readonly dimensions: readonly number[]; readonly computation: Computation };
  /** (operand, scalar init) */
  readonly 'reduce-window': { readonly window: Window; readonly computation: Computation };
  /** (operand, source, scalar init): `select` (a, b) → pred keeps a when true; `scatter` combines. Gradient of max-pool. */
  readonly 'select-and-scatter': {
    readonly window: Window;
    readonly select: Computation;
    readonly scatter: Computation;
  };
  /** Result dims: batch, lhs free, rhs free. */
  readonly dot: { readonly dimensionNumbers: DotDimensionNumbers };
  /** (lhs, rhs), any dimension order; depthwise by feature groups. */
  readonly convolution: {
    readonly window: Window;
    readonly dimensionNumbers: ConvDimensionNumbers;
    readonly featureGroupCount: number;
    readonly batchGroupCount: number;
  };
  /** Sorts n operands together along `dimension`; `comparator` has 2n scalar parameters (a0, b0, a1, b1 …). One operand → array, more → tuple. */
  readonly sort: { readonly dimension: number; readonly stable: boolean; readonly comparator: Computation };
  /** Largest k along the last dimension, sorted downwards, ties by lower index → (values, s32 indices). NaN counts as largest. */
  readonly 'top-k': { readonly k: number };
  /** (u64[2] state: key, counter) → (new state, random bits). Philox 4×32-10. */
  readonly 'rng-bit-generator': { readonly dtype: 'u32' | 'u64'; readonly dims: readonly number[] };

  /** (init) → the loop state; `condition` state → pred, `body` state → state. State is an array or a tuple. */
  readonly while: { readonly condition: Computation; readonly body: Computation };
  /** (s32 index or pred, one operand per branch). An index out of range takes the last branch; pred: branch 0 is `true`. */
  readonly conditional: { readonly branches: readonly Computation[] };
  readonly call: { readonly computation: Computation };
  readonly fusion: { readonly kind: FusionKind; readonly computation: Computation };
  /** A named host or library function; backends say which they have. */
  readonly 'custom-call': {
    readonly target: string;
    readonly config: string;
    readonly hasSideEffect: boolean;
    readonly shape: import('./shape.ts').Shape;
  };
  readonly 'all-reduce': { readonly computation: Computation; readonly replicaGroups: readonly (readonly number[])[] };
  readonly tuple: NoAttrs;
  readonly 'get-tuple-element': { readonly index: number };
};

export type Opcode = keyof OpAttrs;
