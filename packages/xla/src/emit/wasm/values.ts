/**
 * @file How IR types live in WebAssembly values. Scalars are i32, i64, f32 or f64. Vectors are a v128: four 32-bit lanes, two 64-bit
 * lanes, or two 32-bit lanes in the low half (so that 32-bit values can accompany 64-bit ones; the high half is garbage).
 */
import { internal } from '../../hlo/errors.ts';
import type { IrScalar, IrType } from '../../kernels/ir.ts';
import type { ValueType } from './encoder.ts';
import type { FunctionWriter } from './functionWriter.ts';

const scalarValue: { readonly [T in IrScalar]: ValueType } = {
  pred: 'i32',
  s32: 'i32',
  u32: 'i32',
  s64: 'i64',
  u64: 'i64',
  f32: 'f32',
  f64: 'f64',
};

/** Bytes of one lane; a pred mask is as wide as the lanes it goes with. */
export function laneBytes(type: IrType): 4 | 8 {
  if (type.scalar === 'pred') return type.lanes === 2 ? 8 : 4;
  return scalarValue[type.scalar] === 'i64' || type.scalar === 'f64' ? 8 : 4;
}

/** The WebAssembly type of an IR type; throws for vectors that do not fit 128 bits. */
export function valueTypeOf(type: IrType): ValueType {
  if (type.lanes === 1) return scalarValue[type.scalar];
  const fits = type.lanes === 2 || (type.lanes === 4 && laneBytes(type) === 4);
  if (!fits) throw internal(`${type.scalar}×${type.lanes} does not fit a 128-bit WebAssembly vector`);
  return 'v128';
}

/** Shape of a vector's lanes. */
export type LaneShape = 'i32x4' | 'i64x2' | 'f32x4' | 'f64x2';

const narrowShape: { readonly [T in IrScalar]: LaneShape } = {
  pred: 'i32x4',
  s32: 'i32x4',
  u32: 'i32x4',
  s64: 'i64x2',
  u64: 'i64x2',
  f32: 'f32x4',
  f64: 'f64x2',
};

export function laneShape(type: IrType): LaneShape {
  return type.scalar === 'pred' && type.lanes === 2 ? 'i64x2' : narrowShape[type.scalar];
}

/** Which lane index of the shape holds IR lane `lane`: the same, as half vectors sit in the low lanes. */
export function extractLane(w: FunctionWriter, type: IrType, lane: number): void {
  if (type.scalar === 'pred') {
    // A mask lane is 0 or −1; its low 32 bits say all.
    w.lane('i32x4ExtractLane', type.lanes === 2 ? lane * 2 : lane);
    w.i32(1).op('i32And');
    return;
  }
  w.lane(`${laneShape(type)}ExtractLane`, lane);
}

/** A scalar pred (0 or 1) on the stack becomes a mask lane value of the width of `type`. */
function predToLane(w: FunctionWriter, type: IrType): void {
  const t = w.temp('i32');
  w.set(t).i32(0).get(t).op('i32Sub');
  w.release('i32', t);
  if (laneBytes(type) === 8) w.op('i64ExtendI32S');
}

/** Stack: vector, scalar → vector. */
export function replaceLane(w: FunctionWriter, type: IrType, lane: number): void {
  if (type.scalar === 'pred') predToLane(w, type);
  w.lane(`${laneShape(type)}ReplaceLane`, lane);
}

/** Stack: scalar → vector of equal lanes. */
export function splat(w: FunctionWriter, type: IrType): void {
  if (type.scalar === 'pred') predToLane(w, type);
  w.op(`${laneShape(type)}Splat`);
}

/** Computes a vector lane by lane: operands are on the stack, `emit` maps their scalars on the stack to one scalar. */
export function laneByLane(w: FunctionWriter, from: readonly IrType[], to: IrType, emit: () => void): void {
  const operands = from.map((t) => w.temp(valueTypeOf(t)));
  for (let i = from.length - 1; i >= 0; i--) w.set(operands[i] as number);
  for (let lane = 0; lane < to.lanes; lane++) {
    from.forEach((t, i) => {
      w.get(operands[i] as number);
      if (t.lanes > 1) extractLane(w, t, lane);
    });
    emit();
    if (lane === 0) splat(w, to);
    else replaceLane(w, to, lane);
  }
  for (const [i, t] of from.entries()) w.release(valueTypeOf(t), operands[i] as number);
}

/** Stack: a mask of two 32-bit lanes → two 64-bit lanes, the form of `pred` × 2. */
export function widenMask(w: FunctionWriter): void {
  w.op('i64x2ExtendLowI32x4S');
}

/** Stack: two 64-bit lanes → their low 32 bits in a half vector. */
export function narrowLanes(w: FunctionWriter): void {
  const zero = w.temp('v128');
  w.tee(zero).get(zero);
  w.shuffle([0, 1, 2, 3, 8, 9, 10, 11, 0, 1, 2, 3, 8, 9, 10, 11]);
  w.release('v128', zero);
}

const laneView = new DataView(new ArrayBuffer(16));

/** Pushes a constant of any type. */
export function pushConst(w: FunctionWriter, type: IrType, value: number | bigint): void {
  if (type.lanes === 1) {
    pushScalar(w, type.scalar, value);
    return;
  }
  valueTypeOf(type);
  const bytes = laneBytes(type);
  for (let at = 0; at < 16; at += bytes) writeLane(at, type, value);
  w.v128(new Uint8Array(laneView.buffer));
}

function pushScalar(w: FunctionWriter, scalar: IrScalar, value: number | bigint): void {
  switch (scalarValue[scalar]) {
    case 'i32':
      w.i32(scalar === 'pred' ? Number(Number(value) !== 0) : Number(BigInt.asIntN(32, BigInt(value))));
      return;
    case 'i64':
      w.i64(BigInt(value));
      return;
    case 'f32':
      w.f32(Number(value));
      return;
    default:
      w.f64(Number(value));
  }
}

function writeLane(at: number, type: IrType, value: number | bigint): void {
  const little = true;
  switch (laneShape(type)) {
    case 'f32x4':
      laneView.setFloat32(at, Number(value), little);
      return;
    case 'f64x2':
      laneView.setFloat64(at, Number(value), little);
      return;
    case 'i64x2':
      laneView.setBigInt64(
        at,
        type.scalar === 'pred' ? -BigInt(Number(value) !== 0) : BigInt.asIntN(64, BigInt(value)),
        little,
      );
      return;
    case 'i32x4':
      laneView.setInt32(
        at,
        type.scalar === 'pred' ? -Number(Number(value) !== 0) : Number(BigInt.asIntN(32, BigInt(value))),
        little,
      );
  }
}
