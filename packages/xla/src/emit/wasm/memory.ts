/** @file Addresses, loads and stores: element indices become byte addresses with constant offsets, narrow types widen and narrow. */

import { type ElementType, elementBytes } from '../../hlo/shape.ts';
import type { Expr, IrType } from '../../kernels/ir.ts';
import type { FunctionWriter } from './functionWriter.ts';
import type { Op } from './opcodes.ts';

/**
 * Constant offsets stay below this. The first 64 KiB of memory hold no buffers, so an address without its offset is never negative
 * when the address with it is valid, and the unsigned sum that WebAssembly forms is right.
 */
const maximumOffset = 65536;

const S32: IrType = { scalar: 's32', lanes: 1 };

function constant(value: number): Expr {
  return { kind: 'const', type: S32, value };
}

/** Splits an index into a variable part and the constant added to it: (i + 3)·4 + j → (i·4 + j, 12). */
export function peel(index: Expr): { readonly rest: Expr | null; readonly offset: number } {
  if (index.kind === 'const') return { rest: null, offset: Number(index.value) };
  if (index.kind !== 'binary') return { rest: index, offset: 0 };
  const { op, a, b } = index;
  if (op === 'add') {
    const x = peel(a);
    const y = peel(b);
    const offset = (x.offset + y.offset) | 0;
    if (!x.rest || !y.rest) return { rest: x.rest ?? y.rest, offset };
    const same = x.rest === a && y.rest === b;
    return { rest: same ? index : { ...index, a: x.rest, b: y.rest }, offset };
  }
  if (op === 'subtract' && b.kind === 'const') {
    const x = peel(a);
    return { rest: x.rest, offset: (x.offset - Number(b.value)) | 0 };
  }
  if (op === 'multiply' && b.kind === 'const') {
    const x = peel(a);
    const offset = Math.imul(x.offset, Number(b.value));
    if (!x.rest) return { rest: null, offset };
    return { rest: x.rest === a ? index : { ...index, a: x.rest }, offset };
  }
  return { rest: index, offset: 0 };
}

/** Pushes the address of buffer[index] without the offset that it answers, which goes into the instruction. */
export function pushAddress(
  w: FunctionWriter,
  pointer: number,
  bytes: number,
  index: Expr,
  expr: (e: Expr) => void,
): number {
  const { rest, offset } = peel(index);
  w.get(pointer);
  if (rest) {
    expr(scaled(rest, bytes));
    w.op('i32Add');
  }
  const byteOffset = Math.imul(offset, bytes);
  if (byteOffset >= 0 && byteOffset < maximumOffset) return byteOffset;
  w.i32(byteOffset).op('i32Add');
  return 0;
}

/** index · bytes, folding a constant factor. */
function scaled(index: Expr, bytes: number): Expr {
  if (bytes === 1) return index;
  if (index.kind === 'binary' && index.op === 'multiply' && index.b.kind === 'const') {
    return { ...index, b: constant(Math.imul(Number(index.b.value), bytes)) };
  }
  return { kind: 'binary', type: S32, op: 'shift-left', a: index, b: constant(Math.log2(bytes)) };
}

const scalarLoad: { readonly [T in ElementType]: Op } = {
  pred: 'i32Load8U',
  s8: 'i32Load8S',
  s16: 'i32Load16S',
  s32: 'i32Load',
  s64: 'i64Load',
  u8: 'i32Load8U',
  u16: 'i32Load16U',
  u32: 'i32Load',
  u64: 'i64Load',
  f16: 'i32Load16U',
  bf16: 'i32Load16U',
  f32: 'f32Load',
  f64: 'f64Load',
};

/** Stack: address → the raw element (16-bit floats as their bits). */
export function loadScalar(w: FunctionWriter, memory: ElementType, offset: number): void {
  w.memory(scalarLoad[memory], offset, Math.log2(elementBytes[memory]));
}

/** Stack: address → `lanes` raw elements widened to 32 bits where they are narrower; pred becomes a mask. */
export function loadVector(w: FunctionWriter, memory: ElementType, lanes: number, offset: number): void {
  const bytes = elementBytes[memory] * lanes;
  const signed = memory === 's8' || memory === 's16';
  if (bytes === 16) {
    w.memory('v128Load', offset);
    return;
  }
  if (elementBytes[memory] === 2 && lanes === 4) {
    w.memory(signed ? 'v128Load16x4S' : 'v128Load16x4U', offset);
    return;
  }
  w.memory(bytes === 8 ? 'v128Load64Zero' : bytes === 4 ? 'v128Load32Zero' : 'v128Load16Splat', offset);
  if (elementBytes[memory] === 1) w.op(signed ? 'i16x8ExtendLowI8x16S' : 'i16x8ExtendLowI8x16U');
  if (elementBytes[memory] <= 2) w.op(signed ? 'i32x4ExtendLowI16x8S' : 'i32x4ExtendLowI16x8U');
  if (memory !== 'pred') return;
  w.op('i32x4Neg');
  if (lanes === 2) w.op('i64x2ExtendLowI32x4S');
}

const scalarStore: { readonly [T in ElementType]: Op } = {
  pred: 'i32Store8',
  s8: 'i32Store8',
  s16: 'i32Store16',
  s32: 'i32Store',
  s64: 'i64Store',
  u8: 'i32Store8',
  u16: 'i32Store16',
  u32: 'i32Store',
  u64: 'i64Store',
  f16: 'i32Store16',
  bf16: 'i32Store16',
  f32: 'f32Store',
  f64: 'f64Store',
};

/** Stack: address, raw element →. */
export function storeScalar(w: FunctionWriter, memory: ElementType, offset: number): void {
  w.memory(scalarStore[memory], offset, Math.log2(elementBytes[memory]));
}

/** Stack: address, vector →. Narrow types take the low bits; a mask becomes bytes 0 and 1. */
export function storeVector(w: FunctionWriter, memory: ElementType, lanes: number, offset: number): void {
  const size = elementBytes[memory];
  const stride = memory === 'pred' && lanes === 2 ? 8 : 4;
  if (size < 4) gatherLow(w, size, stride, lanes);
  if (memory === 'pred') {
    w.v128(new Uint8Array(16).fill(1)).op('v128And');
  }
  const bytes = size * lanes;
  if (bytes === 16) w.memory('v128Store', offset);
  else if (bytes === 8) w.memoryLane('v128Store64Lane', offset, 0);
  else if (bytes === 4) w.memoryLane('v128Store32Lane', offset, 0);
  else w.memoryLane('v128Store16Lane', offset, 0);
}

/** Stack: vector → its lanes' low `size` bytes, packed at the front. */
function gatherLow(w: FunctionWriter, size: number, stride: number, lanes: number): void {
  const t = w.temp('v128');
  w.tee(t).get(t);
  w.release('v128', t);
  w.shuffle(Array.from({ length: 16 }, (_, i) => (i < size * lanes ? Math.floor(i / size) * stride + (i % size) : 0)));
}
