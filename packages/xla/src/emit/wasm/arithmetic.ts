/**
 * @file Arithmetic by type: tables from (scalar or vector) × operation to the instruction, or to a short sequence where WebAssembly
 * has none. Operands are on the stack already. `null` marks what the IR does not define for a type.
 */
import { internal } from '../../hlo/errors.ts';
import type { IrBinary, IrScalar, IrType, IrUnary } from '../../kernels/ir.ts';
import type { FunctionWriter } from './functionWriter.ts';
import type { Op } from './opcodes.ts';
import { laneByLane, pushConst } from './values.ts';

type Emit = Op | null | ((w: FunctionWriter) => void);
type Table<K extends string> = { readonly [T in IrScalar]: { readonly [O in K]: Emit } };

/** What arithmetic needs from outside of the function: imported scalar functions. */
export interface Library {
  fmod(w: FunctionWriter, scalar: 'f32' | 'f64'): void;
}

/** |x| = (x ^ s) − s with s = x >> (bits − 1). */
function absInteger(type: 'i32' | 'i64', shift: Op, xor: Op, sub: Op): Emit {
  return (w) => {
    const x = w.temp(type);
    w.tee(x);
    if (type === 'i32') w.get(x).i32(31);
    else w.get(x).i64(63n);
    w.op(shift);
    const s = w.temp(type);
    w.tee(s).op(xor).get(s).op(sub);
    w.release(type, x, s);
  };
}

const absI32 = absInteger('i32', 'i32ShrS', 'i32Xor', 'i32Sub');
const absI64 = absInteger('i64', 'i64ShrS', 'i64Xor', 'i64Sub');
const negI32: Emit = (w) => w.i32(-1).op('i32Mul');
const negI64: Emit = (w) => w.i64(-1n).op('i64Mul');
const notI32: Emit = (w) => w.i32(-1).op('i32Xor');
const notI64: Emit = (w) => w.i64(-1n).op('i64Xor');
const keep: Emit = () => {};

const noUnary = { negate: null, abs: null, sqrt: null, floor: null, ceil: null, trunc: null, nearest: null } as const;
const noBits = { not: null, popcnt: null, clz: null } as const;
const i32Unary = { ...noUnary, negate: negI32, not: notI32, popcnt: 'i32Popcnt', clz: 'i32Clz' } as const;
const i64Unary = { ...noUnary, negate: negI64, not: notI64, popcnt: 'i64Popcnt', clz: 'i64Clz' } as const;

const scalarUnary: Table<IrUnary> = {
  pred: { ...noUnary, ...noBits, not: 'i32Eqz' },
  s32: { ...i32Unary, abs: absI32 },
  u32: { ...i32Unary, abs: keep },
  s64: { ...i64Unary, abs: absI64 },
  u64: { ...i64Unary, abs: keep },
  f32: {
    ...noBits,
    negate: 'f32Neg',
    abs: 'f32Abs',
    sqrt: 'f32Sqrt',
    floor: 'f32Floor',
    ceil: 'f32Ceil',
    trunc: 'f32Trunc',
    nearest: 'f32Nearest',
  },
  f64: {
    ...noBits,
    negate: 'f64Neg',
    abs: 'f64Abs',
    sqrt: 'f64Sqrt',
    floor: 'f64Floor',
    ceil: 'f64Ceil',
    trunc: 'f64Trunc',
    nearest: 'f64Nearest',
  },
};

/** Sums of bits: bytes, then pairs of pairs. */
const popcntI32x4: Emit = (w) => w.op('i8x16Popcnt').op('i16x8ExtaddPairwiseI8x16U').op('i32x4ExtaddPairwiseI16x8U');

/** `null` in a vector table means: lane by lane with the scalar instruction, if that exists. */
const i32x4Unary = { ...noUnary, negate: 'i32x4Neg', not: 'v128Not', popcnt: popcntI32x4, clz: null } as const;
const i64x2Unary = { ...noUnary, negate: 'i64x2Neg', not: 'v128Not', popcnt: null, clz: null } as const;

const vectorUnary: Table<IrUnary> = {
  pred: { ...noUnary, ...noBits, not: 'v128Not' },
  s32: { ...i32x4Unary, abs: 'i32x4Abs' },
  u32: { ...i32x4Unary, abs: keep },
  s64: { ...i64x2Unary, abs: 'i64x2Abs' },
  u64: { ...i64x2Unary, abs: keep },
  f32: {
    ...noBits,
    negate: 'f32x4Neg',
    abs: 'f32x4Abs',
    sqrt: 'f32x4Sqrt',
    floor: 'f32x4Floor',
    ceil: 'f32x4Ceil',
    trunc: 'f32x4Trunc',
    nearest: 'f32x4Nearest',
  },
  f64: {
    ...noBits,
    negate: 'f64x2Neg',
    abs: 'f64x2Abs',
    sqrt: 'f64x2Sqrt',
    floor: 'f64x2Floor',
    ceil: 'f64x2Ceil',
    trunc: 'f64x2Trunc',
    nearest: 'f64x2Nearest',
  },
};

/** Stack: a, b → a where `less`(a, b) (or b where not) for types without a minimum. */
function pick(type: 'i32' | 'i64' | 'v128', compare: (w: FunctionWriter) => void): Emit {
  return (w) => {
    const b = w.temp(type);
    const a = w.temp(type);
    w.set(b).set(a).get(a).get(b).get(a).get(b);
    compare(w);
    w.op(type === 'v128' ? 'v128Bitselect' : 'select');
    w.release(type, a, b);
  };
}
const pickBy = (type: 'i32' | 'i64' | 'v128', compare: Op): Emit => pick(type, (w) => w.op(compare));

/** Stack: a, b → a ^ sign, b ^ sign: unsigned 64-bit order becomes signed order. */
export function flipSigns(w: FunctionWriter): void {
  const b = w.temp('v128');
  const sign: IrType = { scalar: 'u64', lanes: 2 };
  w.set(b);
  pushConst(w, sign, 1n << 63n);
  w.op('v128Xor').get(b);
  pushConst(w, sign, 1n << 63n);
  w.op('v128Xor');
  w.release('v128', b);
}
const pickUnsigned64 = (compare: Op): Emit =>
  pick('v128', (w) => {
    flipSigns(w);
    w.op(compare);
  });

const noShift = { 'shift-left': null, 'shift-right': null } as const;
const noLogic = { and: null, or: null, xor: null } as const;
const i32Binary = {
  add: 'i32Add',
  subtract: 'i32Sub',
  multiply: 'i32Mul',
  and: 'i32And',
  or: 'i32Or',
  xor: 'i32Xor',
  'shift-left': 'i32Shl',
} as const;
const i64Binary = {
  add: 'i64Add',
  subtract: 'i64Sub',
  multiply: 'i64Mul',
  and: 'i64And',
  or: 'i64Or',
  xor: 'i64Xor',
  'shift-left': 'i64Shl',
} as const;

const scalarBinary: Table<IrBinary> = {
  pred: {
    ...noShift,
    add: 'i32Or',
    subtract: null,
    multiply: 'i32And',
    divide: null,
    remainder: null,
    minimum: 'i32And',
    maximum: 'i32Or',
    and: 'i32And',
    or: 'i32Or',
    xor: 'i32Xor',
  },
  s32: {
    ...i32Binary,
    divide: 'i32DivS',
    remainder: 'i32RemS',
    minimum: pickBy('i32', 'i32LtS'),
    maximum: pickBy('i32', 'i32GtS'),
    'shift-right': 'i32ShrS',
  },
  u32: {
    ...i32Binary,
    divide: 'i32DivU',
    remainder: 'i32RemU',
    minimum: pickBy('i32', 'i32LtU'),
    maximum: pickBy('i32', 'i32GtU'),
    'shift-right': 'i32ShrU',
  },
  s64: {
    ...i64Binary,
    divide: 'i64DivS',
    remainder: 'i64RemS',
    minimum: pickBy('i64', 'i64LtS'),
    maximum: pickBy('i64', 'i64GtS'),
    'shift-right': 'i64ShrS',
  },
  u64: {
    ...i64Binary,
    divide: 'i64DivU',
    remainder: 'i64RemU',
    minimum: pickBy('i64', 'i64LtU'),
    maximum: pickBy('i64', 'i64GtU'),
    'shift-right': 'i64ShrU',
  },
  f32: {
    ...noShift,
    ...noLogic,
    add: 'f32Add',
    subtract: 'f32Sub',
    multiply: 'f32Mul',
    divide: 'f32Div',
    remainder: null,
    minimum: 'f32Min',
    maximum: 'f32Max',
  },
  f64: {
    ...noShift,
    ...noLogic,
    add: 'f64Add',
    subtract: 'f64Sub',
    multiply: 'f64Mul',
    divide: 'f64Div',
    remainder: null,
    minimum: 'f64Min',
    maximum: 'f64Max',
  },
};

const logic128 = { and: 'v128And', or: 'v128Or', xor: 'v128Xor' } as const;
const i32x4Binary = {
  ...logic128,
  add: 'i32x4Add',
  subtract: 'i32x4Sub',
  multiply: 'i32x4Mul',
  divide: null,
  remainder: null,
  'shift-left': 'i32x4Shl',
} as const;
const i64x2Binary = {
  ...logic128,
  add: 'i64x2Add',
  subtract: 'i64x2Sub',
  multiply: 'i64x2Mul',
  divide: null,
  remainder: null,
  'shift-left': 'i64x2Shl',
} as const;

const vectorBinary: Table<IrBinary> = {
  pred: {
    ...noShift,
    ...logic128,
    add: 'v128Or',
    subtract: null,
    multiply: 'v128And',
    divide: null,
    remainder: null,
    minimum: 'v128And',
    maximum: 'v128Or',
  },
  s32: { ...i32x4Binary, minimum: 'i32x4MinS', maximum: 'i32x4MaxS', 'shift-right': 'i32x4ShrS' },
  u32: { ...i32x4Binary, minimum: 'i32x4MinU', maximum: 'i32x4MaxU', 'shift-right': 'i32x4ShrU' },
  s64: {
    ...i64x2Binary,
    minimum: pickBy('v128', 'i64x2LtS'),
    maximum: pickBy('v128', 'i64x2GtS'),
    'shift-right': 'i64x2ShrS',
  },
  u64: {
    ...i64x2Binary,
    minimum: pickUnsigned64('i64x2LtS'),
    maximum: pickUnsigned64('i64x2GtS'),
    'shift-right': 'i64x2ShrU',
  },
  f32: {
    ...noShift,
    ...noLogic,
    add: 'f32x4Add',
    subtract: 'f32x4Sub',
    multiply: 'f32x4Mul',
    divide: 'f32x4Div',
    remainder: null,
    minimum: 'f32x4Min',
    maximum: 'f32x4Max',
  },
  f64: {
    ...noShift,
    ...noLogic,
    add: 'f64x2Add',
    subtract: 'f64x2Sub',
    multiply: 'f64x2Mul',
    divide: 'f64x2Div',
    remainder: null,
    minimum: 'f64x2Min',
    maximum: 'f64x2Max',
  },
};

function apply(w: FunctionWriter, emit: Exclude<Emit, null>): void {
  if (typeof emit === 'string') w.op(emit);
  else emit(w);
}

function undefinedOp(op: string, type: IrType): Error {
  return internal(`loop IR has no ${op} of ${type.scalar}`);
}

/** Stack: x → op(x). */
export function unary(w: FunctionWriter, op: IrUnary, type: IrType): void {
  const scalar = scalarUnary[type.scalar][op];
  if (scalar === null) throw undefinedOp(op, type);
  if (type.lanes === 1) {
    apply(w, scalar);
    return;
  }
  const vector = vectorUnary[type.scalar][op];
  if (vector !== null) {
    apply(w, vector);
    return;
  }
  laneByLane(w, [type], type, () => apply(w, scalar));
}

/** Stack: a, b → a op b. Shifts are `shift`. */
export function binary(w: FunctionWriter, op: IrBinary, type: IrType, library: Library): void {
  const { scalar, lanes } = type;
  if (op === 'remainder' && (scalar === 'f32' || scalar === 'f64')) {
    if (lanes === 1) library.fmod(w, scalar);
    else laneByLane(w, [type, type], type, () => library.fmod(w, scalar));
    return;
  }
  const plain = scalarBinary[scalar][op];
  if (plain === null) throw undefinedOp(op, type);
  if (lanes === 1) {
    apply(w, plain);
    return;
  }
  const vector = vectorBinary[scalar][op];
  if (vector !== null) {
    apply(w, vector);
    return;
  }
  laneByLane(w, [type, type], type, () => apply(w, plain));
}

/** Stack: a, b → a ÷ b of signed integers, where minimum ÷ −1 wraps to minimum: −(a ÷ 1) when b is −1. */
export function divideSigned(w: FunctionWriter, type: IrType): void {
  if (type.lanes > 1) {
    const one: IrType = { scalar: type.scalar, lanes: 1 };
    laneByLane(w, [type, type], type, () => divideSigned(w, one));
    return;
  }
  const int = type.scalar === 's64' ? 'i64' : 'i32';
  const b = w.temp(int);
  const isMinusOne = (): void => {
    w.get(b);
    pushConst(w, type, int === 'i64' ? -1n : -1);
    w.op(`${int}Eq`);
  };
  const q = w.temp(int);
  w.set(b);
  pushConst(w, type, int === 'i64' ? 1n : 1);
  w.get(b);
  isMinusOne();
  w.op('select').op(`${int}DivS`).set(q);
  pushConst(w, type, int === 'i64' ? 0n : 0);
  w.get(q).op(`${int}Sub`).get(q);
  isMinusOne();
  w.op('select');
  w.release(int, b, q);
}

/** Stack: x, amount → shifted x. `amount` is an integer scalar, or a vector shifted lane by lane. */
export function shift(w: FunctionWriter, op: 'shift-left' | 'shift-right', type: IrType, amount: IrType): void {
  const scalarOp = scalarBinary[type.scalar][op];
  if (scalarOp === null) throw undefinedOp(op, type);
  const wide = type.scalar === 's64' || type.scalar === 'u64';
  const wideAmount = amount.scalar === 's64' || amount.scalar === 'u64';
  const one = (): void => {
    if (wide && !wideAmount) w.op('i64ExtendI32U');
    if (!wide && wideAmount) w.op('i32WrapI64');
    apply(w, scalarOp);
  };
  if (type.lanes === 1) {
    one();
    return;
  }
  if (amount.lanes > 1) {
    laneByLane(w, [type, amount], type, one);
    return;
  }
  if (wideAmount) w.op('i32WrapI64'); // vector shifts take an i32
  const vector = vectorBinary[type.scalar][op];
  if (vector !== null) apply(w, vector);
}
