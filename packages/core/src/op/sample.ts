/**
 * @file Example inputs of ops for the conformance loop: literal values, or seeded random arrays described by shape and range,
 * so records stay small data and modules stay cheap to load.
 */
import type { DType } from '../dtype.ts';
import type { NdArrayLike } from '../ndarray.ts';
import type { Dims } from '../shape.ts';

/** Random values in [low, high) of a float dtype, or whole numbers of an integer dtype. */
export interface RandomInput {
  readonly random: 'uniform' | 'integers';
  readonly dims: Dims;
  readonly low: number;
  readonly high: number;
  readonly dtype: DType;
}
/** Given values. */
export interface ValueInput {
  readonly value: NdArrayLike;
  readonly dtype: DType | undefined;
}
export type SampleInput = RandomInput | ValueInput;

/** One example. `inputs` by argument name, a list for list arguments. A reference input is a variable with that initial value. */
export interface SampleSpec {
  readonly inputs: Readonly<Record<string, SampleInput | readonly SampleInput[]>>;
  readonly attrs?: Readonly<Record<string, unknown>>;
  /** false: skip the numeric gradient (kinks, integer results). Default: check when the op has a gradient. */
  readonly grad?: boolean;
  /** Relative tolerance of the numeric gradient. Default 1e-2. */
  readonly gradTolerance?: number;
  /** Relative tolerance between backends. Default 1e-5 for float32. */
  readonly tolerance?: number;
}

/** float32 values in [low, high), default [-1, 1). */
export function uniform(dims: Dims, low = -1, high = 1, dtype: DType = 'float32'): SampleInput {
  return { random: 'uniform', dims, low, high, dtype };
}

/** int32 values in [low, high). */
export function integers(dims: Dims, low: number, high: number, dtype: DType = 'int32'): SampleInput {
  return { random: 'integers', dims, low, high, dtype };
}

/** Given values: `values([[1, 2]], 'int32')`. dtype inferred when absent. */
export function values(value: NdArrayLike, dtype?: DType): SampleInput {
  return { value, dtype };
}
