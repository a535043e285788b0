/** @file Element-wise functions of two operands and more: powers, extremes, divisions and remainders, bits, sums of many. */
import { type Builder, dimsOf, dtypeOf, type Value } from '@tsflow/xla';
import { type DType, floating, integers, isFloating, real, signedIntegers } from '../dtype.ts';
import { InvalidArgumentError } from '../errors.ts';
import { installOperators } from '../graph/operators.ts';
import type { Tensor, TensorLike } from '../graph/tensor.ts';
import { count, floatType, realType, type } from '../op/attr.ts';
import { call, convertToTensor } from '../op/call.ts';
import { defineOp } from '../op/defineOp.ts';
import { broadcastPair, broadcastTo, fullLike } from '../op/hlo.ts';
import { broadcastBinary } from '../op/makers.ts';
import type { ShapeContext } from '../op/record.ts';
import { uniform, values } from '../op/sample.ts';
import { broadcastShape, sameShapes } from '../op/shapeFunctions.ts';
import { formatShape, isCompatible, mergeShapes, type PartialShape } from '../shape.ts';
import { cast, identity, zerosLike } from './array.ts';
import { onesLike } from './arrayShape.ts';
import { sumToShape } from './broadcast.ts';
import { greater, greaterEqual, less, lessEqual, logicalOr, notEqual } from './compare.ts';
import { add, divide, log, multiply, negative, RealDiv, square, subtract } from './math.ts';
import { floor } from './mathUnary.ts';
import { where } from './select.ts';

const zero = (b: Builder, x: Value): Value => fullLike(b, x, 0);

export const Pow = broadcastBinary('Pow', {
  T: [...floating, ...signedIntegers],
  // dx = y·x^(y−1), dy = z·ln x where x > 0 (else 0)
  grad: ({ x, y, z }, dz) => {
    const positive = greater(x, zerosLike(x));
    const logs = where(positive, log(where(positive, x, onesLike(x))), zerosLike(x));
    return [multiply(dz, multiply(y, pow(x, subtract(y, 1)))), multiply(dz, multiply(z, logs))];
  },
  lower: (b, x, y) => b.power(x, y),
  sample: { x: uniform([2, 3], 0.5, 2), y: uniform([3], -1, 2) },
});
export const Maximum = broadcastBinary('Maximum', {
  grad: ({ x, y }, dz) => chosen(greaterEqual(x, y), dz),
  lower: (b, x, y) => b.maximum(x, y),
  sample: { x: values([[1, 2, 3]]), y: values([[2.25], [2.5]]) },
});
export const Minimum = broadcastBinary('Minimum', {
  grad: ({ x, y }, dz) => chosen(lessEqual(x, y), dz),
  lower: (b, x, y) => b.minimum(x, y),
  sample: { x: values([[1, 2, 3]]), y: values([[2.25], [2.5]]) },
});

/** dz to x where x was taken, to y elsewhere. */
function chosen(tookX: Tensor, dz: Tensor): readonly [Tensor, Tensor] {
  const none = zerosLike(dz);
  return [where(tookX, dz, none), where(tookX, none, dz)];
}

export const SquaredDifference = broadcastBinary('SquaredDifference', {
  T: [...floating, 'int32', 'int64'],
  grad: ({ x, y }, dz) => {
    const dx = multiply(multiply(dz, subtract(x, y)), 2);
    return [dx, negative(dx)];
  },
  lower: (b, x, y) => {
    const d = b.subtract(x, y);
    return b.multiply(d, d);
  },
});

/** Whether the remainder has another sign than the divisor: floor and truncated division differ. */
function signsDiffer(b: Builder, remainder: Value, y: Value): Value {
  const nonZero = b.compare('NE', remainder, zero(b, remainder));
  return b.and(
    nonZero,
    b.compare('NE', b.compare('LT', remainder, zero(b, remainder)), b.compare('LT', y, zero(b, y))),
  );
}

function floorQuotient(b: Builder, x: Value, y: Value): Value {
  if (!isIntegerValue(x)) return b.floor(b.divide(x, y));
  const q = b.divide(x, y);
  if (dtypeOf(x).startsWith('u')) return q;
  return b.select(signsDiffer(b, b.remainder(x, y), y), b.subtract(q, fullLike(b, q, 1)), q);
}

function isIntegerValue(x: Value): boolean {
  const dtype = dtypeOf(x);
  return dtype.startsWith('s') || dtype.startsWith('u');
}

const signedPair = {
  x: values([7, -7, 7, -7, 6]),
  y: values([2.5, 2.5, -2.5, -2.5, 3.5]),
};

export const FloorDiv = broadcastBinary('FloorDiv', {
  grad: null,
  lower: floorQuotient,
  sample: { x: values([7, -7, 7, -7], 'int32'), y: values([2, 2, -2, -2], 'int32') },
});
export const FloorMod = broadcastBinary('FloorMod', {
  grad: ({ x, y }, dz) => [dz, negative(multiply(dz, floor(divide(x, y))))], // x = ⌊x/y⌋·y + z
  lower: (b, x, y) => {
    const r = b.remainder(x, y);
    return dtypeOf(x).startsWith('u') ? r : b.select(signsDiffer(b, r, y), b.add(r, y), r);
  },
  sample: signedPair,
});
const truncatedModTypes: readonly DType[] = ['int32', 'int64', ...floating];
/** Remainder with the sign of x, as C has it. */
export const TruncateMod = broadcastBinary('TruncateMod', {
  T: truncatedModTypes,
  grad: ({ x, y, z }, dz) => [dz, negative(multiply(dz, divide(subtract(x, z), y)))],
  lower: (b, x, y) => b.remainder(x, y),
  sample: signedPair,
});
/** The name of TruncateMod in early graphs. */
export const Mod = broadcastBinary('Mod', {
  T: truncatedModTypes,
  grad: ({ x, y, z }, dz) => [dz, negative(multiply(dz, divide(subtract(x, z), y)))],
  lower: (b, x, y) => b.remainder(x, y),
  sample: signedPair,
});
export const TruncateDiv = broadcastBinary('TruncateDiv', {
  grad: null,
  lower: (b, x, y) => {
    const q = b.divide(x, y);
    return isIntegerValue(x) ? q : b.multiply(b.sign(q), b.floor(b.abs(q)));
  },
  sample: { x: values([7, -7, 7, -7], 'int32'), y: values([2, 2, -2, -2], 'int32') },
});
/** Python 2's division: integers round to zero. */
export const Div = broadcastBinary('Div', {
  grad: ({ x, y }, dz) => [divide(dz, y), negative(multiply(dz, divide(divide(x, y), y)))],
  lower: (b, x, y) => b.divide(x, y),
});
/** x/y, 0 where y is 0. */
export const DivNoNan = broadcastBinary('DivNoNan', {
  T: floating,
  grad: ({ x, y }, dz) => [divNoNan(dz, y), multiply(dz, divNoNan(divNoNan(negative(x), y), y))],
  lower: (b, x, y) => b.select(b.compare('EQ', y, zero(b, y)), zero(b, y), b.divide(x, y)),
});
/** x·y, 0 where y is 0 even if x is not finite. */
export const MulNoNan = broadcastBinary('MulNoNan', {
  T: floating,
  grad: ({ x, y }, dz) => [multiplyNoNan(dz, y), multiplyNoNan(x, dz)],
  lower: (b, x, y) => b.select(b.compare('EQ', y, zero(b, y)), zero(b, y), b.multiply(x, y)),
});

/** f(x, y), 0 where x is 0. */
const unlessZero = (f: (b: Builder, x: Value, y: Value) => Value) => (b: Builder, x: Value, y: Value) =>
  b.select(b.compare('EQ', x, zero(b, x)), zero(b, x), f(b, x, y));

/** 1 where x is not 0, else 0. */
function nonZero(x: Tensor): Tensor {
  return cast(notEqual(x, zerosLike(x)), x.dtype);
}

const positivePair = { x: uniform([2, 3]), y: uniform([3], 0.5, 1.5) };

export const Xdivy = broadcastBinary('Xdivy', {
  T: floating,
  grad: ({ x, y }, dz) => [multiply(dz, xdivy(nonZero(x), y)), multiply(dz, xdivy(negative(x), square(y)))],
  lower: unlessZero((b, x, y) => b.divide(x, y)),
  sample: positivePair,
});
export const Xlogy = broadcastBinary('Xlogy', {
  T: floating,
  grad: ({ x, y }, dz) => [multiply(dz, xlogy(nonZero(x), y)), multiply(dz, xdivy(x, y))],
  lower: unlessZero((b, x, y) => b.multiply(x, b.log(y))),
  sample: positivePair,
});
export const Xlog1py = broadcastBinary('Xlog1py', {
  T: floating,
  grad: ({ x, y }, dz) => [multiply(dz, xlog1py(nonZero(x), y)), multiply(dz, xdivy(x, add(y, 1)))],
  lower: unlessZero((b, x, y) => b.multiply(x, b.log1p(y))),
  sample: positivePair,
});

export const Atan2 = defineOp('Atan2', {
  inputs: ['y: T', 'x: T'],
  outputs: ['z: T'],
  attrs: { T: floatType },
  shape: ({ y, x }, ctx) => ({ z: broadcastShape(y, x, ctx) }),
  grad: ({ y, x }, { z: dz }) => {
    const scaled = divide(dz, add(square(x), square(y)));
    return { y: sumToShape(multiply(x, scaled), y), x: sumToShape(negative(multiply(y, scaled)), x) };
  },
  lower: (b, { y, x }) => ({ z: b.atan2(...broadcastPair(b, y, x)) }),
  sample: { inputs: { y: uniform([2, 3]), x: uniform([3], 0.5, 1.5) } },
});

function bitwise(type_: string, lower: (b: Builder, x: Value, y: Value) => Value) {
  return broadcastBinary(type_, {
    T: integers,
    grad: null,
    lower,
    sample: { x: values([12, 10, -3], 'int32'), y: values([2, 3, 1], 'int32') },
  });
}

export const BitwiseAnd = bitwise('BitwiseAnd', (b, x, y) => b.and(x, y));
export const BitwiseOr = bitwise('BitwiseOr', (b, x, y) => b.or(x, y));
export const BitwiseXor = bitwise('BitwiseXor', (b, x, y) => b.xor(x, y));
export const LeftShift = bitwise('LeftShift', (b, x, y) => b.shiftLeft(x, y));
/** Copies the sign bit into signed numbers, zeros into unsigned ones. */
export const RightShift = bitwise('RightShift', (b, x, y) =>
  dtypeOf(x).startsWith('u') ? b.shiftRightLogical(x, y) : b.shiftRightArithmetic(x, y),
);

function sumShape(shapes: readonly PartialShape[], ctx: Pick<ShapeContext, 'fail'>): PartialShape {
  return shapes.reduce((all, s) => sameShapes(all, s, ctx), null);
}

function sumAll(b: Builder, xs: readonly Value[]): Value {
  const [first, ...rest] = xs as [Value, ...Value[]];
  return rest.reduce((sum, x) => b.add(sum, x), first);
}

export const AccumulateNV2 = defineOp('AccumulateNV2', {
  inputs: ['inputs: N * T'],
  outputs: ['sum: T'],
  attrs: { N: count(1), T: realType, shape: 'shape' },
  shape: ({ inputs }, ctx) => ({ sum: sumShape([ctx.attrs.shape, ...inputs], ctx) }),
  grad: ({ inputs }, { sum }) => ({ inputs: inputs.map(() => sum) }),
  lower: (b, { inputs }) => ({ sum: sumAll(b, inputs) }),
  sample: { inputs: { inputs: [uniform([2, 3]), uniform([2, 3])] }, attrs: { shape: [2, 3] } },
});

export const ClipByValue = defineOp('ClipByValue', {
  inputs: ['t: T', 'clip_value_min: T', 'clip_value_max: T'],
  outputs: ['output: T'],
  attrs: { T: type(real) },
  shape: ({ t, clip_value_min: low, clip_value_max: high }, ctx) => {
    const shape = broadcastShape(t, broadcastShape(low, high, ctx), ctx);
    if (isCompatible(t, shape)) return { output: mergeShapes(t, shape) ?? null };
    return ctx.fail(`the limits ${formatShape(low)}, ${formatShape(high)} do not broadcast to t ${formatShape(t)}.`);
  },
  grad: ({ t, clip_value_min: low, clip_value_max: high }, { output: dy }) => {
    const none = zerosLike(dy);
    const [below, above] = [less(t, low), greater(t, high)];
    return {
      t: where(logicalOr(below, above), none, dy),
      clip_value_min: sumToShape(where(below, dy, none), low),
      clip_value_max: sumToShape(where(above, dy, none), high),
    };
  },
  lower: (b, { t, clip_value_min: low, clip_value_max: high }) => {
    const dims = dimsOf(t);
    return { output: b.maximum(b.minimum(t, broadcastTo(b, high, dims)), broadcastTo(b, low, dims)) };
  },
  sample: { inputs: { t: values([-2, -0.5, 0.25, 3]), clip_value_min: values(-1), clip_value_max: values(1) } },
});

export const Cross = defineOp('Cross', {
  inputs: ['a: T', 'b: T'],
  outputs: ['product: T'],
  attrs: { T: type(real) },
  shape: ({ a, b }, ctx) => {
    const shape = sameShapes(a, b, ctx);
    if (shape !== null && (shape.length === 0 || ![3, null].includes(shape.at(-1) ?? null))) {
      ctx.fail(`the last dimension of ${formatShape(shape)} must be 3. Cross products exist for 3-vectors.`);
    }
    return { product: shape };
  },
  grad: ({ a, b }, { product: dy }) => ({ a: cross(b, dy), b: cross(dy, a) }),
  lower: (h, { a, b }) => {
    const n = dimsOf(a).length - 1;
    const rolled = (x: Value, by: number): Value => {
      const from = (start: number, limit: number): Value =>
        h.slice(
          x,
          dimsOf(x).map((_, i) => (i === n ? start : 0)),
          dimsOf(x).map((d, i) => (i === n ? limit : d)),
        );
      return h.concatenate([from(by, 3), from(0, by)], n);
    };
    // (a × b)ᵢ = aᵢ₊₁·bᵢ₊₂ − aᵢ₊₂·bᵢ₊₁
    return {
      product: h.subtract(h.multiply(rolled(a, 1), rolled(b, 2)), h.multiply(rolled(a, 2), rolled(b, 1))),
    };
  },
  sample: { inputs: { a: uniform([2, 3]), b: uniform([2, 3]) } },
});

/** xʸ with broadcasting. */
export function pow(x: TensorLike, y: TensorLike, name?: string): Tensor {
  return call(Pow, { x, y }, { name }).z;
}
/** The greater of x and y with broadcasting. */
export function maximum(x: TensorLike, y: TensorLike, name?: string): Tensor {
  return call(Maximum, { x, y }, { name }).z;
}
/** The lesser of x and y with broadcasting. */
export function minimum(x: TensorLike, y: TensorLike, name?: string): Tensor {
  return call(Minimum, { x, y }, { name }).z;
}
/** (x − y)² with broadcasting. */
export function squaredDifference(x: TensorLike, y: TensorLike, name?: string): Tensor {
  return call(SquaredDifference, { x, y }, { name }).z;
}
/** ⌊x / y⌋ of integers or floats. TF `floordiv`, `floor_div`. */
export function floorDiv(x: TensorLike, y: TensorLike, name?: string): Tensor {
  return call(FloorDiv, { x, y }, { name: name ?? 'floordiv' }).z;
}
/** x − ⌊x / y⌋·y: has the sign of y. TF `floormod`, `mod`. */
export function floorMod(x: TensorLike, y: TensorLike, name?: string): Tensor {
  return call(FloorMod, { x, y }, { name }).z;
}
/** The remainder with the sign of x. TF `truncatemod`. */
export function truncateMod(x: TensorLike, y: TensorLike, name?: string): Tensor {
  return call(TruncateMod, { x, y }, { name }).z;
}
/** x / y rounded to zero. TF `truncatediv`. */
export function truncateDiv(x: TensorLike, y: TensorLike, name?: string): Tensor {
  return call(TruncateDiv, { x, y }, { name }).z;
}
/** Python 2's division: floats divide, integers round down. TF `div`. */
export function div(x: TensorLike, y: TensorLike, name = 'div'): Tensor {
  const [p, q] = sameDtype(x, y);
  return isFloating(p.dtype) ? call(RealDiv, { x: p, y: q }, { name }).z : floorDiv(p, q, name);
}
/** Python 3's division: integers divide as floats (8 and 16 bits as float32, wider ones as float64). TF `truediv`. */
export function truediv(x: TensorLike, y: TensorLike, name = 'truediv'): Tensor {
  const [p, q] = sameDtype(x, y);
  if (isFloating(p.dtype)) return call(RealDiv, { x: p, y: q }, { name }).z;
  const wide = ['int8', 'uint8', 'int16', 'uint16'].includes(p.dtype) ? 'float32' : 'float64';
  return call(RealDiv, { x: cast(p, wide), y: cast(q, wide) }, { name }).z;
}

/** Both as tensors of one dtype; a plain number follows the other operand. */
function sameDtype(x: TensorLike, y: TensorLike): readonly [Tensor, Tensor] {
  if (typeof x === 'number' && typeof y !== 'number') {
    const q = convertToTensor(y);
    return [convertToTensor(x, { dtype: q.dtype, name: 'x' }), q];
  }
  const p = convertToTensor(x);
  const q =
    typeof y === 'number' || Array.isArray(y) ? convertToTensor(y, { dtype: p.dtype, name: 'y' }) : convertToTensor(y);
  if (p.dtype === q.dtype) return [p, q];
  throw new InvalidArgumentError(
    `cannot divide ${p.dtype} ("${p.name}") by ${q.dtype} ("${q.name}"). Cast one with cast(x, '${p.dtype}').`,
  );
}
/** x / y, 0 where y is 0. TF `div_no_nan`. */
export function divNoNan(x: TensorLike, y: TensorLike, name?: string): Tensor {
  return call(DivNoNan, { x, y }, { name: name ?? 'div_no_nan' }).z;
}
/** x·y, 0 where y is 0 even if x is not finite. TF `math.multiply_no_nan`. */
export function multiplyNoNan(x: TensorLike, y: TensorLike, name?: string): Tensor {
  return call(MulNoNan, { x, y }, { name: name ?? 'multiply_no_nan' }).z;
}
/** 1/x, 0 where x is 0. TF `math.reciprocal_no_nan`. */
export function reciprocalNoNan(x: TensorLike, name = 'reciprocal_no_nan'): Tensor {
  const t = convertToTensor(x);
  return divNoNan(onesLike(t), t, name);
}
/** x / y, 0 where x is 0. */
export function xdivy(x: TensorLike, y: TensorLike, name?: string): Tensor {
  return call(Xdivy, { x, y }, { name }).z;
}
/** x · ln y, 0 where x is 0. */
export function xlogy(x: TensorLike, y: TensorLike, name?: string): Tensor {
  return call(Xlogy, { x, y }, { name }).z;
}
/** x · ln(1 + y), 0 where x is 0. */
export function xlog1py(x: TensorLike, y: TensorLike, name?: string): Tensor {
  return call(Xlog1py, { x, y }, { name }).z;
}
/** Angle of the point (x, y), in (−π, π]. */
export function atan2(y: TensorLike, x: TensorLike, name?: string): Tensor {
  return call(Atan2, { y, x }, { name }).z;
}
/** Bits set in both. TF `bitwise.bitwise_and`. */
export function bitwiseAnd(x: TensorLike, y: TensorLike, name?: string): Tensor {
  return call(BitwiseAnd, { x, y }, { name }).z;
}
/** Bits set in either. TF `bitwise.bitwise_or`. */
export function bitwiseOr(x: TensorLike, y: TensorLike, name?: string): Tensor {
  return call(BitwiseOr, { x, y }, { name }).z;
}
/** Bits set in one. TF `bitwise.bitwise_xor`. */
export function bitwiseXor(x: TensorLike, y: TensorLike, name?: string): Tensor {
  return call(BitwiseXor, { x, y }, { name }).z;
}
/** x · 2ʸ as bits. TF `bitwise.left_shift`. */
export function leftShift(x: TensorLike, y: TensorLike, name?: string): Tensor {
  return call(LeftShift, { x, y }, { name }).z;
}
/** Bits moved down; the sign bit is copied into signed numbers. TF `bitwise.right_shift`. */
export function rightShift(x: TensorLike, y: TensorLike, name?: string): Tensor {
  return call(RightShift, { x, y }, { name }).z;
}
/** Sum of tensors of one shape, which need not be known. TF `accumulate_n`. */
export function accumulateN(
  inputs: readonly TensorLike[],
  options: { shape?: PartialShape; name?: string } = {},
): Tensor {
  if (inputs.length === 0)
    throw new InvalidArgumentError('accumulateN needs at least one tensor, but the list is empty.');
  const tensors = inputs.map((x) => convertToTensor(x));
  if (tensors.length === 1)
    return options.name === undefined ? (tensors[0] as Tensor) : identity(tensors[0] as Tensor, options.name);
  const shape = tensors.reduce<PartialShape>((s, t) => mergeShapes(s, t.shape) ?? s, options.shape ?? null);
  return call(AccumulateNV2, { inputs: tensors }, { attrs: { shape }, name: options.name }).sum;
}
/** Cross products of 3-vectors along the last dimension. */
export function cross(a: TensorLike, b: TensorLike, name?: string): Tensor {
  return call(Cross, { a, b }, { name }).product;
}
/** `scalar` · x. TF `scalar_mul`. */
export function scalarMul(scalar: TensorLike, x: TensorLike, name?: string): Tensor {
  const t = convertToTensor(x);
  const s = typeof scalar === 'number' ? convertToTensor(scalar, { dtype: t.dtype }) : convertToTensor(scalar);
  if (s.shape !== null && s.shape.length !== 0) {
    throw new InvalidArgumentError(
      `scalarMul needs a scalar, but "${s.name}" has shape ${formatShape(s.shape)}. Use multiply.`,
    );
  }
  return multiply(s, t, name);
}

installOperators({
  div: (x, y) => truediv(x, y),
  floorDiv: (x, y) => floorDiv(x, y),
  mod: (x, y) => floorMod(x, y, 'mod'),
  pow: (x, y) => pow(x, y, 'pow'),
});
