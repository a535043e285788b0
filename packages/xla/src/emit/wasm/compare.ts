/** @file Comparisons by type: scalars answer 0 or 1, vectors a mask of lanes 0 or −1. */
import type { CompareDirection } from '../../hlo/opcodes.ts';
import type { IrScalar, IrType } from '../../kernels/ir.ts';
import { flipSigns } from './arithmetic.ts';
import type { FunctionWriter } from './functionWriter.ts';
import type { Op } from './opcodes.ts';
import { laneShape, widenMask } from './values.ts';

type Compare = { readonly [D in CompareDirection]: Op };
const i32Signed: Compare = { EQ: 'i32Eq', NE: 'i32Ne', LT: 'i32LtS', LE: 'i32LeS', GT: 'i32GtS', GE: 'i32GeS' };
const i32Unsigned: Compare = { EQ: 'i32Eq', NE: 'i32Ne', LT: 'i32LtU', LE: 'i32LeU', GT: 'i32GtU', GE: 'i32GeU' };
const scalarCompare: { readonly [T in IrScalar]: Compare } = {
  pred: i32Unsigned,
  s32: i32Signed,
  u32: i32Unsigned,
  s64: { EQ: 'i64Eq', NE: 'i64Ne', LT: 'i64LtS', LE: 'i64LeS', GT: 'i64GtS', GE: 'i64GeS' },
  u64: { EQ: 'i64Eq', NE: 'i64Ne', LT: 'i64LtU', LE: 'i64LeU', GT: 'i64GtU', GE: 'i64GeU' },
  f32: { EQ: 'f32Eq', NE: 'f32Ne', LT: 'f32Lt', LE: 'f32Le', GT: 'f32Gt', GE: 'f32Ge' },
  f64: { EQ: 'f64Eq', NE: 'f64Ne', LT: 'f64Lt', LE: 'f64Le', GT: 'f64Gt', GE: 'f64Ge' },
};

const i32x4: Compare = {
  EQ: 'i32x4Eq',
  NE: 'i32x4Ne',
  LT: 'i32x4LtS',
  LE: 'i32x4LeS',
  GT: 'i32x4GtS',
  GE: 'i32x4GeS',
};
const i64x2: Compare = {
  EQ: 'i64x2Eq',
  NE: 'i64x2Ne',
  LT: 'i64x2LtS',
  LE: 'i64x2LeS',
  GT: 'i64x2GtS',
  GE: 'i64x2GeS',
};
const vectorCompare: { readonly [T in Exclude<IrScalar, 'pred'>]: Compare } = {
  s32: i32x4,
  u32: { ...i32x4, LT: 'i32x4LtU', LE: 'i32x4LeU', GT: 'i32x4GtU', GE: 'i32x4GeU' },
  s64: i64x2,
  u64: i64x2, // after flipSigns
  f32: { EQ: 'f32x4Eq', NE: 'f32x4Ne', LT: 'f32x4Lt', LE: 'f32x4Le', GT: 'f32x4Gt', GE: 'f32x4Ge' },
  f64: { EQ: 'f64x2Eq', NE: 'f64x2Ne', LT: 'f64x2Lt', LE: 'f64x2Le', GT: 'f64x2Gt', GE: 'f64x2Ge' },
};
/** true is −1 in a mask, so the order of masks is the reverse of the order of bools. */
const reversed: { readonly [D in CompareDirection]: CompareDirection } = {
  EQ: 'EQ',
  NE: 'NE',
  LT: 'GT',
  LE: 'GE',
  GT: 'LT',
  GE: 'LE',
};

/** Stack: a, b → pred. `type` is that of the operands. */
export function compare(w: FunctionWriter, direction: CompareDirection, type: IrType): void {
  if (type.lanes === 1) {
    w.op(scalarCompare[type.scalar][direction]);
    return;
  }
  if (type.scalar === 'pred') {
    w.op((laneShape(type) === 'i64x2' ? i64x2 : i32x4)[reversed[direction]]);
    return;
  }
  if (type.scalar === 'u64' && direction !== 'EQ' && direction !== 'NE') flipSigns(w);
  w.op(vectorCompare[type.scalar][direction]);
  const half = type.lanes === 2 && (laneShape(type) === 'i32x4' || laneShape(type) === 'f32x4');
  if (half) widenMask(w);
}
