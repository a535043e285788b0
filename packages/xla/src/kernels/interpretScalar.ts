/**
 * @file Meaning of the loop IR's arithmetic on one lane, for the reference interpreter of kernels. A value is a number, or a bigint for
 * 64-bit integers; `pred` is 0 or 1. Everything wraps and rounds to its type after every operation.
 */
import type { CompareDirection } from '../hlo/opcodes.ts';
import type { IrBinary, IrScalar, IrUnary, MathFunction } from './ir.ts';

export type Scalar = number | bigint;

/** Wraps or rounds a raw result to `type`. */
export function wrap(type: IrScalar, x: Scalar): Scalar {
  switch (type) {
    case 'pred':
      return Number(x) === 0 ? 0 : 1;
    case 's32':
      return typeof x === 'bigint' ? Number(BigInt.asIntN(32, x)) : x | 0;
    case 'u32':
      return typeof x === 'bigint' ? Number(BigInt.asUintN(32, x)) : x >>> 0;
    case 's64':
      return BigInt.asIntN(64, BigInt(x));
    case 'u64':
      return BigInt.asUintN(64, BigInt(x));
    case 'f32':
      return Math.fround(Number(x));
    case 'f64':
      return Number(x);
    default:
      return type satisfies never;
  }
}

const isFloatScalar = (t: IrScalar): boolean => t === 'f32' || t === 'f64';

/** Nearest integer, ties to even. */
export function nearestEven(x: number): number {
  if (!Number.isFinite(x) || Math.abs(x) >= 2 ** 52) return x;
  const low = Math.floor(x);
  const up = x - low > 0.5 || (x - low === 0.5 && low % 2 !== 0);
  const r = up ? low + 1 : low;
  return r === 0 && (x < 0 || Object.is(x, -0)) ? -0 : r;
}

function popcount(x: bigint): number {
  let n = 0;
  for (let rest = x; rest > 0n; rest >>= 1n) n += Number(rest & 1n);
  return n;
}

const bitsOf = (type: IrScalar): number => (type === 's64' || type === 'u64' ? 64 : 32);

const unaryOnFloats: { readonly [K in IrUnary]?: (x: number) => number } = {
  negate: (x) => -x,
  abs: Math.abs,
  sqrt: Math.sqrt,
  floor: Math.floor,
  ceil: Math.ceil,
  trunc: Math.trunc,
  nearest: nearestEven,
};

export function evalUnary(op: IrUnary, type: IrScalar, x: Scalar): Scalar {
  if (isFloatScalar(type)) {
    const f = unaryOnFloats[op];
    if (!f) throw new Error(`internal: loop IR ${op} on ${type}`);
    return wrap(type, f(x as number));
  }
  switch (op) {
    case 'negate':
      return wrap(type, typeof x === 'bigint' ? -x : -x);
    case 'abs':
      return wrap(type, x < 0 ? -x : x);
    case 'not':
      return type === 'pred' ? 1 - (x as number) : wrap(type, typeof x === 'bigint' ? ~x : ~x);
    case 'popcnt':
      return wrap(type, popcount(BigInt.asUintN(bitsOf(type), BigInt(x))));
    case 'clz': {
      const bits = BigInt.asUintN(bitsOf(type), BigInt(x));
      return wrap(type, bits === 0n ? bitsOf(type) : bitsOf(type) - bits.toString(2).length);
    }
    default:
      throw new Error(`internal: loop IR ${op} on ${type}`);
  }
}

const onNumbers: { readonly [K in IrBinary]: (a: number, b: number) => number } = {
  add: (a, b) => a + b,
  subtract: (a, b) => a - b,
  multiply: (a, b) => a * b,
  divide: (a, b) => a / b,
  remainder: (a, b) => a % b,
  minimum: Math.min,
  maximum: Math.max,
  and: (a, b) => a & b,
  or: (a, b) => a | b,
  xor: (a, b) => a ^ b,
  'shift-left': (a, b) => a << b,
  'shift-right': (a, b) => a >> b,
};

const onBigints: { readonly [K in IrBinary]: (a: bigint, b: bigint) => bigint } = {
  add: (a, b) => a + b,
  subtract: (a, b) => a - b,
  multiply: (a, b) => a * b,
  divide: (a, b) => a / b,
  remainder: (a, b) => a % b,
  minimum: (a, b) => (a - b > 0n ? b : a),
  maximum: (a, b) => (a - b > 0n ? a : b),
  and: (a, b) => a & b,
  or: (a, b) => a | b,
  xor: (a, b) => a ^ b,
  'shift-left': (a, b) => a << (b & 63n),
  'shift-right': (a, b) => a >> (b & 63n),
};

export function evalBinary(op: IrBinary, type: IrScalar, a: Scalar, b: Scalar): Scalar {
  if (type === 's64' || type === 'u64') {
    if ((op === 'divide' || op === 'remainder') && BigInt(b) === 0n)
      throw new Error(`internal: ${type} ${op} by zero in loop IR`);
    return wrap(type, onBigints[op](BigInt(a), BigInt(b)));
  }
  const x = Number(a);
  const y = Number(b);
  if (type === 's32' || type === 'u32') {
    if ((op === 'divide' || op === 'remainder') && y === 0)
      throw new Error(`internal: ${type} ${op} by zero in loop IR`);
    if (op === 'multiply') return wrap(type, Math.imul(x, y));
    if (op === 'divide') return wrap(type, Math.trunc(x / y));
    if (op === 'shift-right' && type === 'u32') return x >>> y;
  }
  return wrap(type, onNumbers[op](x, y));
}

export function evalCompare(direction: CompareDirection, a: Scalar, b: Scalar): number {
  switch (direction) {
    case 'EQ':
      return a === b ? 1 : 0;
    case 'NE':
      return a !== b ? 1 : 0;
    case 'LT':
      return a < b ? 1 : 0;
    case 'LE':
      return a <= b ? 1 : 0;
    case 'GT':
      return a > b ? 1 : 0;
    case 'GE':
      return a >= b ? 1 : 0;
    default:
      return direction satisfies never;
  }
}

const integerRange: { readonly [K in IrScalar]?: readonly [bigint, bigint] } = {
  s32: [-(2n ** 31n), 2n ** 31n - 1n],
  u32: [0n, 2n ** 32n - 1n],
  s64: [-(2n ** 63n), 2n ** 63n - 1n],
  u64: [0n, 2n ** 64n - 1n],
};

/** Float → integer truncates and saturates, NaN → 0; integers wrap; anything → pred is `≠ 0`. */
export function evalConvert(from: IrScalar, to: IrScalar, x: Scalar): Scalar {
  const range = integerRange[to];
  if (!range || !isFloatScalar(from)) return to === 'pred' ? (x === 0 || x === 0n ? 0 : 1) : wrap(to, x);
  const f = x as number;
  if (Number.isNaN(f)) return wrap(to, 0);
  const [low, high] = range;
  if (f <= Number(low)) return wrap(to, low);
  if (f >= Number(high)) return wrap(to, high);
  return wrap(to, BigInt(Math.trunc(f)));
}

const scratch = new DataView(new ArrayBuffer(8));

/** Same bits read as another type of the same width. */
export function evalBitcast(from: IrScalar, to: IrScalar, x: Scalar): Scalar {
  if (from === 'f32') scratch.setFloat32(0, x as number, true);
  else if (from === 'f64') scratch.setFloat64(0, x as number, true);
  else if (typeof x === 'bigint') scratch.setBigInt64(0, x, true);
  else scratch.setInt32(0, x, true);
  switch (to) {
    case 'f32':
      return scratch.getFloat32(0, true);
    case 'f64':
      return scratch.getFloat64(0, true);
    case 's64':
      return scratch.getBigInt64(0, true);
    case 'u64':
      return scratch.getBigUint64(0, true);
    case 'u32':
      return scratch.getUint32(0, true);
    case 's32':
    case 'pred':
      return scratch.getInt32(0, true);
    default:
      return to satisfies never;
  }
}

export const mathFunctions: { readonly [K in MathFunction]: (...x: number[]) => number } = {
  exp: (x) => Math.exp(x as number),
  expm1: (x) => Math.expm1(x as number),
  log: (x) => Math.log(x as number),
  log1p: (x) => Math.log1p(x as number),
  sin: (x) => Math.sin(x as number),
  cos: (x) => Math.cos(x as number),
  tan: (x) => Math.tan(x as number),
  tanh: (x) => Math.tanh(x as number),
  atan2: (y, x) => Math.atan2(y as number, x as number),
  pow: (x, y) => (x as number) ** (y as number),
  cbrt: (x) => Math.cbrt(x as number),
  fmod: (x, y) => (x as number) % (y as number),
};
