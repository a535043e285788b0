/** @file Conversions between arithmetic types, and the 16-bit floats written in bit arithmetic of the loop IR itself. */
import { internal } from '../../hlo/errors.ts';
import type { Expr, IrScalar, IrType } from '../../kernels/ir.ts';
import type { FunctionWriter } from './functionWriter.ts';
import type { Op } from './opcodes.ts';
import { laneByLane, laneBytes, laneShape, narrowLanes, pushConst, valueTypeOf } from './values.ts';

type Pair = `${Exclude<IrScalar, 'pred'>}>${Exclude<IrScalar, 'pred'>}`;

/** Instructions from one scalar type to another; an empty string needs none. */
const scalarConvert: { readonly [P in Pair]: Op | '' } = {
  's32>s32': '',
  's32>u32': '',
  's32>s64': 'i64ExtendI32S',
  's32>u64': 'i64ExtendI32S',
  's32>f32': 'f32ConvertI32S',
  's32>f64': 'f64ConvertI32S',
  'u32>s32': '',
  'u32>u32': '',
  'u32>s64': 'i64ExtendI32U',
  'u32>u64': 'i64ExtendI32U',
  'u32>f32': 'f32ConvertI32U',
  'u32>f64': 'f64ConvertI32U',
  's64>s32': 'i32WrapI64',
  's64>u32': 'i32WrapI64',
  's64>s64': '',
  's64>u64': '',
  's64>f32': 'f32ConvertI64S',
  's64>f64': 'f64ConvertI64S',
  'u64>s32': 'i32WrapI64',
  'u64>u32': 'i32WrapI64',
  'u64>s64': '',
  'u64>u64': '',
  'u64>f32': 'f32ConvertI64U',
  'u64>f64': 'f64ConvertI64U',
  'f32>s32': 'i32TruncSatF32S',
  'f32>u32': 'i32TruncSatF32U',
  'f32>s64': 'i64TruncSatF32S',
  'f32>u64': 'i64TruncSatF32U',
  'f32>f32': '',
  'f32>f64': 'f64PromoteF32',
  'f64>s32': 'i32TruncSatF64S',
  'f64>u32': 'i32TruncSatF64U',
  'f64>s64': 'i64TruncSatF64S',
  'f64>u64': 'i64TruncSatF64U',
  'f64>f32': 'f32DemoteF64',
  'f64>f64': '',
};

/** Instructions for vectors; 'narrow' takes the low halves of 64-bit lanes; what is absent goes lane by lane. */
const vectorConvert: { readonly [P in Pair]?: Op | '' | 'narrow' } = {
  's32>s32': '',
  's32>u32': '',
  's32>s64': 'i64x2ExtendLowI32x4S',
  's32>u64': 'i64x2ExtendLowI32x4S',
  's32>f32': 'f32x4ConvertI32x4S',
  's32>f64': 'f64x2ConvertLowI32x4S',
  'u32>s32': '',
  'u32>u32': '',
  'u32>s64': 'i64x2ExtendLowI32x4U',
  'u32>u64': 'i64x2ExtendLowI32x4U',
  'u32>f32': 'f32x4ConvertI32x4U',
  'u32>f64': 'f64x2ConvertLowI32x4U',
  's64>s32': 'narrow',
  's64>u32': 'narrow',
  's64>s64': '',
  's64>u64': '',
  'u64>s32': 'narrow',
  'u64>u32': 'narrow',
  'u64>s64': '',
  'u64>u64': '',
  'f32>s32': 'i32x4TruncSatF32x4S',
  'f32>u32': 'i32x4TruncSatF32x4U',
  'f32>f32': '',
  'f32>f64': 'f64x2PromoteLowF32x4',
  'f64>s32': 'i32x4TruncSatF64x2SZero',
  'f64>u32': 'i32x4TruncSatF64x2UZero',
  'f64>f32': 'f32x4DemoteF64x2Zero',
  'f64>f64': '',
};

/** Stack: x → x as `to`. Float → integer truncates and saturates; NaN → 0; number → pred is x ≠ 0. */
export function convert(w: FunctionWriter, from: IrType, to: IrType): void {
  if (from.scalar === to.scalar) return;
  if (to.scalar === 'pred') {
    toPred(w, from);
    return;
  }
  if (from.scalar === 'pred') {
    fromPred(w, from, to);
    return;
  }
  const pair: Pair = `${from.scalar}>${to.scalar}`;
  const scalar = scalarConvert[pair];
  const emitScalar = (): void => {
    if (scalar) w.op(scalar);
  };
  if (from.lanes === 1) {
    emitScalar();
    return;
  }
  const vector = vectorConvert[pair];
  if (vector === undefined) laneByLane(w, [from], to, emitScalar);
  else if (vector === 'narrow') narrowLanes(w);
  else if (vector) w.op(vector);
}

function toPred(w: FunctionWriter, from: IrType): void {
  pushConst(w, from, laneShape(from) === 'i64x2' ? 0n : 0);
  if (from.lanes === 1) {
    w.op(`${valueTypeOf(from) as 'i32' | 'i64' | 'f32' | 'f64'}Ne`);
    return;
  }
  w.op(`${laneShape(from)}Ne`);
  if (from.lanes === 2 && laneBytes(from) === 4) w.op('i64x2ExtendLowI32x4S');
}

function fromPred(w: FunctionWriter, from: IrType, to: IrType): void {
  if (from.lanes === 1) {
    const op = scalarConvert[`s32>${to.scalar as 's32'}`];
    if (op) w.op(op);
    return;
  }
  if (laneBytes(from) !== laneBytes(to)) narrowLanes(w);
  pushConst(w, to, 1); // the bits of one, kept where the mask is set
  w.op('v128And');
}

/** Stack: x → its bits as `to`, a scalar of the same width. */
export function bitcast(w: FunctionWriter, from: IrType, to: IrType): void {
  if (laneBytes(from) !== laneBytes(to) || from.scalar === 'pred' || to.scalar === 'pred') {
    throw internal(`bitcast from ${from.scalar} to ${to.scalar}`);
  }
  const a = valueTypeOf(from);
  const b = valueTypeOf(to);
  if (a === b) return;
  if (a === 'f32') w.op('i32ReinterpretF32');
  else if (a === 'f64') w.op('i64ReinterpretF64');
  else w.op(b === 'f32' ? 'f32ReinterpretI32' : 'f64ReinterpretI64');
}

/** Binds an expression to a temporary and answers its read. */
export type Bind = (value: Expr) => Expr;

/** Small expressions over u32 bits, of any lane count. */
class Bits {
  readonly lanes: number;
  constructor(lanes: number) {
    this.lanes = lanes;
  }
  u(value: number): Expr {
    return { kind: 'const', type: { scalar: 'u32', lanes: this.lanes }, value };
  }
  f(value: number): Expr {
    return { kind: 'const', type: { scalar: 'f32', lanes: this.lanes }, value };
  }
  op(op: 'add' | 'subtract' | 'multiply' | 'and' | 'or' | 'xor', a: Expr, b: Expr): Expr {
    return { kind: 'binary', type: a.type, op, a, b };
  }
  shl(x: Expr, n: number): Expr {
    return { kind: 'binary', type: x.type, op: 'shift-left', a: x, b: scalarAmount(n) };
  }
  shr(x: Expr, n: number): Expr {
    return { kind: 'binary', type: x.type, op: 'shift-right', a: x, b: scalarAmount(n) };
  }
  as(scalar: 'u32' | 'f32', x: Expr): Expr {
    return { kind: 'bitcast', type: { scalar, lanes: this.lanes }, x };
  }
  ge(a: Expr, b: Expr): Expr {
    return { kind: 'compare', type: { scalar: 'pred', lanes: this.lanes }, direction: 'GE', a, b };
  }
  select(pred: Expr, a: Expr, b: Expr): Expr {
    return { kind: 'select', type: a.type, pred, a, b };
  }
}

function scalarAmount(n: number): Expr {
  return { kind: 'const', type: { scalar: 's32', lanes: 1 }, value: n };
}

/** f32 of the 16 bits `h` (u32): the exponent is rebased by multiplying with 2^112, which also normalises subnormals. */
export function f16ToF32(h: Expr, bind: Bind): Expr {
  const b = new Bits(h.type.lanes);
  const bits = bind(h);
  const shifted = bind(b.shl(b.op('and', bits, b.u(0x7fff)), 13));
  const rebased = b.as('u32', b.op('multiply', b.as('f32', shifted), b.f(2 ** 112)));
  const special = b.select(b.ge(shifted, b.u(0x0f800000)), b.u(0x7f800000), b.u(0)); // infinity, NaN
  const sign = b.shl(b.op('and', bits, b.u(0x8000)), 16);
  return b.as('f32', b.op('or', b.op('or', rebased, special), sign));
}

/** The f16 bits (u32) of an f32, rounded to nearest even. */
export function f32ToF16(x: Expr, bind: Bind): Expr {
  const b = new Bits(x.type.lanes);
  const bits = bind(b.as('u32', x));
  const a = bind(b.op('and', bits, b.u(0x7fffffff)));
  const odd = b.op('and', b.shr(a, 13), b.u(1));
  const normal = b.shr(b.op('add', b.op('add', a, b.u(0xc8000fff)), odd), 13); // rebase the exponent by −112, round
  const small = b.op('subtract', b.as('u32', b.op('add', b.as('f32', a), b.f(0.5))), b.u(0x3f000000)); // the adder rounds
  const large = b.select(b.ge(a, b.u(0x7f800001)), b.u(0x7e00), b.u(0x7c00)); // NaN, infinity
  const finite = b.select(b.ge(a, b.u(0x38800000)), normal, small);
  const sign = b.op('and', b.shr(bits, 16), b.u(0x8000));
  return b.op('or', b.select(b.ge(a, b.u(0x47800000)), large, finite), sign);
}

export function bf16ToF32(h: Expr): Expr {
  const b = new Bits(h.type.lanes);
  return b.as('f32', b.shl(h, 16));
}

/** The bf16 bits (u32) of an f32, rounded to nearest even; a NaN stays a (quiet) NaN. */
export function f32ToBf16(x: Expr, bind: Bind): Expr {
  const b = new Bits(x.type.lanes);
  const bits = bind(b.as('u32', x));
  const odd = b.op('and', b.shr(bits, 16), b.u(1));
  const rounded = b.shr(b.op('add', b.op('add', bits, b.u(0x7fff)), odd), 16);
  const nan = b.ge(b.op('and', bits, b.u(0x7fffffff)), b.u(0x7f800001));
  return b.select(nan, b.op('or', b.shr(bits, 16), b.u(0x40)), rounded);
}
