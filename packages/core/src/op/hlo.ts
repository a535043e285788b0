/** @file Small HLO phrases that op bodies share: broadcasting, reductions, scalars like a value. */
import {
  type BinaryOpcode,
  type Builder,
  dimsOf,
  dtypeOf,
  type ElementType,
  type Scalar,
  type Value,
} from '@tsflow/xla';
import { InternalError } from '../errors.ts';
import { broadcastShapes, type Dims, isFullyDefined } from '../shape.ts';

/** `x` broadcast to `dims` by NumPy's rule (dims aligned at the end, 1 stretches). */
export function broadcastTo(b: Builder, x: Value, dims: Dims): Value {
  const from = dimsOf(x);
  if (from.length === dims.length && from.every((d, i) => d === dims[i])) return x;
  const offset = dims.length - from.length;
  return b.broadcast(
    x,
    dims,
    from.map((_, i) => i + offset),
  );
}

/** Both operands broadcast to their common dims. Shape inference has checked that they fit. */
export function broadcastPair(b: Builder, x: Value, y: Value): readonly [Value, Value] {
  const dims = broadcastShapes(dimsOf(x), dimsOf(y));
  if (dims === undefined || !isFullyDefined(dims))
    throw new InternalError('operands that cannot be broadcast reached lowering.');
  return [broadcastTo(b, x, dims), broadcastTo(b, y, dims)];
}

/** The constant `value` with the dtype and dims of `x`. */
export function fullLike(b: Builder, x: Value, value: Scalar): Value {
  return b.full(value, dtypeOf(x), dimsOf(x));
}

/** Reduces `axes` (any order, non-negative) with a scalar opcode; kept as dims of size 1 when `keepDims`. */
export function reduceAxes(
  b: Builder,
  x: Value,
  options: { opcode: BinaryOpcode; init: Scalar; axes: readonly number[]; keepDims?: boolean },
): Value {
  const dims = dimsOf(x);
  const axes = [...options.axes].sort((p, q) => p - q);
  const dtype = dtypeOf(x);
  const reduced =
    axes.length === 0 ? x : b.reduce([x], [b.scalar(options.init, dtype)], axes, b.reducer(options.opcode, dtype));
  return options.keepDims === true
    ? b.reshape(
        reduced,
        dims.map((d, i) => (axes.includes(i) ? 1 : d)),
      )
    : reduced;
}

const floatLimits: { readonly [T in ElementType]?: number } = { f16: 65504, bf16: 3.3895313892515355e38 };
const integerBits: { readonly [T in ElementType]?: number } = {
  s8: 8,
  s16: 16,
  s32: 32,
  s64: 64,
  u8: 8,
  u16: 16,
  u32: 32,
  u64: 64,
};

/** Least value of a type: the identity of `maximum` (−∞ for floats). */
export function lowest(dtype: ElementType): Scalar {
  const bits = integerBits[dtype];
  if (bits === undefined) return dtype === 'pred' ? false : Number.NEGATIVE_INFINITY;
  return dtype.startsWith('u') ? 0 : -(1n << BigInt(bits - 1));
}

/** Greatest value of a type: the identity of `minimum` (+∞ for floats). */
export function highest(dtype: ElementType): Scalar {
  const bits = integerBits[dtype];
  if (bits === undefined) return dtype === 'pred' ? true : Number.POSITIVE_INFINITY;
  return (1n << BigInt(dtype.startsWith('u') ? bits : bits - 1)) - 1n;
}

/** Largest finite value of a float type. */
export function largestFinite(dtype: ElementType): number {
  return floatLimits[dtype] ?? (dtype === 'f64' ? Number.MAX_VALUE : 3.4028234663852886e38);
}
