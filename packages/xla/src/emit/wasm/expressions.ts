/** @file Expressions of the loop IR as stack code: every value is pushed where it is used, `let`s are locals. */
import { internal } from '../../hlo/errors.ts';
import { elementBytes } from '../../hlo/shape.ts';
import type { Buffer, Expr, IrScalar, Local, MathFunction } from '../../kernels/ir.ts';
import { binary, divideSigned, type Library, shift, unary } from './arithmetic.ts';
import { compare } from './compare.ts';
import { bf16ToF32, bitcast, convert, f16ToF32, f32ToBf16, f32ToF16 } from './convert.ts';
import type { FunctionWriter } from './functionWriter.ts';
import { constantKey } from './hoist.ts';
import { loadScalar, loadVector, pushAddress, storeScalar, storeVector } from './memory.ts';
import type { Names } from './names.ts';
import type { Op } from './opcodes.ts';
import {
  extractLane,
  laneByLane,
  laneBytes,
  narrowLanes,
  pushConst,
  replaceLane,
  splat,
  valueTypeOf,
} from './values.ts';

/** What expressions take from around their function. */
export interface ExpressionContext {
  /** `fma` is one instruction. */
  readonly relaxed: boolean;
  /** Function index of an imported Math function on f64. */
  readonly math: (fn: MathFunction) => number;
  /** Pushes tid or the number of threads. */
  readonly thread: (what: 'tid' | 'threads') => void;
}

export class ExpressionEmitter {
  private readonly w: FunctionWriter;
  private readonly names: Names;
  private readonly context: ExpressionContext;
  private readonly library: Library;
  private nextTemporary = -1;
  /** Function locals that hold vector constants. */
  readonly constants = new Map<string, number>();

  constructor(w: FunctionWriter, names: Names, context: ExpressionContext) {
    this.w = w;
    this.names = names;
    this.context = context;
    this.library = { fmod: (_, scalar) => this.mathScalar('fmod', 2, scalar) };
  }

  /** Pushes the address of buffer[index] but for the offset that it answers. */
  address(buffer: Buffer, index: Expr): number {
    return pushAddress(this.w, this.names.pointer(buffer), elementBytes[buffer.memory], index, this.push);
  }

  readonly push = (e: Expr): void => this.expr(e);

  /** Pushes the value of `e`. */
  expr(e: Expr): void {
    const { w } = this;
    switch (e.kind) {
      case 'const':
        this.constant(e);
        return;
      case 'local':
        w.get(this.names.local(e.local));
        return;
      case 'thread':
        this.context.thread(e.what);
        return;
      case 'load':
        this.load(e);
        return;
      case 'unary':
        this.expr(e.x);
        unary(w, e.op, e.type);
        return;
      case 'binary':
        this.binary(e);
        return;
      case 'fma':
        this.fma(e);
        return;
      case 'compare':
        this.expr(e.a);
        this.expr(e.b);
        compare(w, e.direction, e.a.type);
        return;
      case 'select':
        this.select(e);
        return;
      case 'convert':
        this.expr(e.x);
        convert(w, e.x.type, e.type);
        return;
      case 'bitcast':
        this.expr(e.x);
        bitcast(w, e.x.type, e.type);
        return;
      case 'splat':
        this.splat(e);
        return;
      case 'extract':
        this.expr(e.x);
        extractLane(w, e.x.type, e.lane);
        return;
      case 'insert':
        this.expr(e.x);
        this.expr(e.value);
        replaceLane(w, e.type, e.lane);
        return;
      case 'shuffle':
        this.shuffle(e);
        return;
      case 'math':
        this.math(e);
        return;
      default:
        e satisfies never;
    }
  }

  private constant(e: Extract<Expr, { kind: 'const' }>): void {
    const held = e.type.lanes > 1 ? this.constants.get(constantKey(e)) : undefined;
    if (held === undefined) pushConst(this.w, e.type, e.value);
    else this.w.get(held);
  }

  private load(e: Extract<Expr, { kind: 'load' }>): void {
    const { memory } = e.buffer;
    if (memory === 'f16' || memory === 'bf16') {
      // The same load, taken as bits.
      const bits: Expr = { ...e, type: { scalar: 'u32', lanes: e.type.lanes }, buffer: { ...e.buffer, memory: 'u16' } };
      this.withTemporaries((bind) => (memory === 'f16' ? f16ToF32(bits, bind) : bf16ToF32(bits)));
      return;
    }
    const offset = this.address(e.buffer, e.index);
    if (e.type.lanes === 1) {
      loadScalar(this.w, memory, offset);
      return;
    }
    valueTypeOf(e.type);
    loadVector(this.w, memory, e.type.lanes, offset);
  }

  private binary(e: Extract<Expr, { kind: 'binary' }>): void {
    const { w } = this;
    this.expr(e.a);
    if (e.op !== 'shift-left' && e.op !== 'shift-right') {
      this.expr(e.b);
      if (e.op === 'divide' && mayOverflow(e)) {
        divideSigned(w, e.type);
        return;
      }
      binary(w, e.op, e.type, this.library);
      return;
    }
    const amount = uniform(e.b);
    this.expr(amount);
    shift(w, e.op, e.type, amount.type);
  }

  private fma(e: Extract<Expr, { kind: 'fma' }>): void {
    const { w } = this;
    const { scalar, lanes } = e.type;
    if (scalar !== 'f32' && scalar !== 'f64') throw internal(`fma of ${scalar}`);
    const shape = scalar === 'f32' ? 'f32x4' : 'f64x2';
    // Scalars take the vector instruction too, so that loop tails round like the vectors before them.
    const part = (x: Expr): void => {
      this.expr(x);
      if (lanes === 1 && this.context.relaxed) w.op(`${shape}Splat`);
    };
    part(e.a);
    part(e.b);
    if (this.context.relaxed) {
      part(e.c);
      w.op(`${shape}RelaxedMadd`);
      if (lanes === 1) w.lane(`${shape}ExtractLane`, 0);
      return;
    }
    const prefix = lanes === 1 ? scalar : shape;
    w.op(`${prefix}Mul`);
    this.expr(e.c);
    w.op(`${prefix}Add`);
  }

  private select(e: Extract<Expr, { kind: 'select' }>): void {
    const extremum = pseudoExtremum(e);
    if (extremum) {
      this.expr(extremum.x);
      this.expr(e.a);
      this.w.op(extremum.op);
      return;
    }
    this.expr(e.a);
    this.expr(e.b);
    this.expr(e.pred);
    if (e.pred.type.lanes === 1) {
      this.w.op('select');
      return;
    }
    if (laneBytes(e.pred.type) !== laneBytes(e.type)) narrowLanes(this.w);
    // Masks have all bits of a lane equal, which is what one blend instruction asks for.
    if (!this.context.relaxed) this.w.op('v128Bitselect');
    else this.w.op(laneBytes(e.type) === 8 ? 'i64x2RelaxedLaneselect' : 'i32x4RelaxedLaneselect');
  }

  private splat(e: Extract<Expr, { kind: 'splat' }>): void {
    const { w } = this;
    valueTypeOf(e.type);
    const { x } = e;
    if (x.kind === 'load') {
      const bytes = elementBytes[x.buffer.memory];
      if (bytes >= 4) {
        const offset = this.address(x.buffer, x.index);
        w.memory(bytes === 4 ? 'v128Load32Splat' : 'v128Load64Splat', offset);
        return;
      }
    }
    this.expr(x);
    splat(w, e.type);
  }

  private shuffle(e: Extract<Expr, { kind: 'shuffle' }>): void {
    valueTypeOf(e.type);
    const bytes = laneBytes(e.a.type);
    if (bytes !== laneBytes(e.type)) throw internal('shuffle changes the width of a mask');
    this.expr(e.a);
    this.expr(e.b);
    const n = e.a.type.lanes;
    const from = (lane: number): number => (lane < n ? lane * bytes : 16 + (lane - n) * bytes);
    const lanes = Array.from({ length: 16 }, (_, i) => {
      const lane = e.lanes[Math.floor(i / bytes)];
      return lane === undefined ? 0 : from(lane) + (i % bytes);
    });
    this.w.shuffle(lanes);
  }

  private math(e: Extract<Expr, { kind: 'math' }>): void {
    const { w } = this;
    const { scalar } = e.type;
    const one = (): void => this.mathScalar(e.fn, e.args.length, scalar);
    for (const a of e.args) this.expr(a);
    if (e.type.lanes === 1) {
      one();
      return;
    }
    laneByLane(
      w,
      e.args.map((a) => a.type),
      e.type,
      one,
    );
  }

  /** Stack: one or two scalars → fn of them, computed in f64. */
  private mathScalar(fn: MathFunction, args: number, scalar: IrScalar): void {
    const { w } = this;
    if (scalar !== 'f32' && scalar !== 'f64') throw internal(`${fn} of ${scalar}`);
    if (scalar === 'f32') {
      if (args === 2) {
        const b = w.temp('f32');
        w.set(b).op('f64PromoteF32').get(b);
        w.release('f32', b);
      }
      w.op('f64PromoteF32');
    }
    w.with('call', this.context.math(fn));
    if (scalar === 'f32') w.op('f32DemoteF64');
  }

  /** Stores `value`, rounded or cut to the memory type, at buffer[index]. */
  store(buffer: Buffer, index: Expr, value: Expr): void {
    const { w } = this;
    const offset = this.address(buffer, index);
    const { lanes } = value.type;
    if (buffer.memory === 'f16' || buffer.memory === 'bf16') {
      this.withTemporaries((bind) => (buffer.memory === 'f16' ? f32ToF16(value, bind) : f32ToBf16(value, bind)));
    } else {
      this.expr(value);
    }
    if (lanes === 1) {
      storeScalar(w, buffer.memory, offset);
      return;
    }
    valueTypeOf(value.type);
    storeVector(w, buffer.memory, lanes, offset);
  }

  /** Emits the expression that `build` makes; what it binds lives until then. */
  private withTemporaries(build: (bind: (e: Expr) => Expr) => Expr): void {
    this.names.scope(() => {
      const result = build((value) => {
        if (value.kind === 'const' || value.kind === 'local') return value;
        const local: Local = { id: this.nextTemporary--, name: 't', type: value.type };
        this.expr(value);
        this.w.set(this.names.localToSet(local));
        return { kind: 'local', type: value.type, local };
      });
      this.expr(result);
    });
  }
}

/** Of all divisions only minimum ÷ −1 overflows, which traps in WebAssembly and wraps in the IR. */
function mayOverflow(e: Extract<Expr, { kind: 'binary' }>): boolean {
  const signed = e.type.scalar === 's32' || e.type.scalar === 's64';
  return signed && e.b.kind !== 'thread' && !(e.b.kind === 'const' && Number(e.b.value) !== -1);
}

/** A shift amount that is the same for all lanes, as a scalar. */
function uniform(amount: Expr): Expr {
  if (amount.kind === 'splat') return amount.x;
  if (amount.kind === 'const') return { ...amount, type: { ...amount.type, lanes: 1 } };
  return amount;
}

/** select(b < x, b, x) is pmin(x, b), select(x < b, b, x) is pmax(x, b): one instruction each for float vectors. */
function pseudoExtremum(e: Extract<Expr, { kind: 'select' }>): { readonly op: Op; readonly x: Expr } | undefined {
  const { pred, a, b: x, type } = e;
  if (type.lanes === 1 || (type.scalar !== 'f32' && type.scalar !== 'f64')) return undefined;
  if (pred.kind !== 'compare' || pred.direction !== 'LT') return undefined;
  const shape = type.scalar === 'f32' ? 'f32x4' : 'f64x2';
  if (sameValue(pred.a, a) && sameValue(pred.b, x)) return { op: `${shape}Pmin`, x };
  if (sameValue(pred.a, x) && sameValue(pred.b, a)) return { op: `${shape}Pmax`, x };
  return undefined;
}

function sameValue(a: Expr, b: Expr): boolean {
  if (a.kind === 'local') return b.kind === 'local' && a.local === b.local;
  return a.kind === 'const' && b.kind === 'const' && Object.is(a.value, b.value);
}
