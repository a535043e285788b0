/**
 * @file A loop-IR kernel as a WebAssembly function (pointers …, tid, threads) → (). Expressions become stack code, locals live in
 * function locals that are reused once their block ends, loops test at the bottom so that a hot body is one basic block.
 */
import { elementBytes } from '../../hlo/shape.ts';
import type { Buffer, Expr, IrScalar, Kernel, Local, MathFunction, Stmt } from '../../kernels/ir.ts';
import { binary, compare, divideSigned, type Library, shift, unary } from './arithmetic.ts';
import { bf16ToF32, bitcast, convert, f16ToF32, f32ToBf16, f32ToF16 } from './convert.ts';
import type { FunctionBody, ValueType } from './encoder.ts';
import { FunctionWriter } from './functionWriter.ts';
import { loadScalar, loadVector, pushAddress, storeScalar, storeVector } from './memory.ts';
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

/** What kernels call or assume. */
export interface KernelEnvironment {
  /** The engine has relaxed SIMD: `fma` rounds once. */
  readonly relaxed: boolean;
  /** Function index of an imported Math function on f64. */
  readonly math: (fn: MathFunction) => number;
  /** Function index of the barrier, () → (). */
  readonly barrier: () => number;
}

/** Parameter types of a kernel's function. */
export function kernelParams(kernel: Kernel): ValueType[] {
  return [...kernel.buffers.map((): ValueType => 'i32'), 'i32', 'i32'];
}

/** Emits the body; throws an `internal:` error for IR that the target cannot spell. */
export function emitKernel(kernel: Kernel, env: KernelEnvironment): FunctionBody {
  return new KernelEmitter(kernel, env).emit();
}

class KernelEmitter {
  private readonly w: FunctionWriter;
  private readonly kernel: Kernel;
  private readonly env: KernelEnvironment;
  private readonly pointers = new Map<number, number>();
  private readonly locals = new Map<number, number>();
  /** Locals and pointers made in the open blocks, innermost last. */
  private readonly scopes: (() => void)[][] = [];
  private readonly library: Library;
  private nextTemporary = -1;

  constructor(kernel: Kernel, env: KernelEnvironment) {
    this.kernel = kernel;
    this.env = env;
    this.w = new FunctionWriter(kernel.buffers.length + 2);
    for (const [i, b] of kernel.buffers.entries()) this.pointers.set(b.id, i);
    this.library = { fmod: (w, scalar) => this.fmod(w, scalar) };
  }

  emit(): FunctionBody {
    try {
      this.block(this.kernel.body);
    } catch (e) {
      if (e instanceof Error) e.message = `${e.message} (kernel ${this.kernel.name})`;
      throw e;
    }
    return this.w.finish();
  }

  // Statements

  private block(body: readonly Stmt[]): void {
    const scope: (() => void)[] = [];
    this.scopes.push(scope);
    for (const s of body) this.statement(s);
    this.scopes.pop();
    for (const release of scope) release();
  }

  private statement(s: Stmt): void {
    switch (s.kind) {
      case 'set':
        this.expr(s.value);
        this.w.set(this.localFor(s.local));
        return;
      case 'store':
        this.store(s.buffer, s.index, s.value);
        return;
      case 'view':
        this.view(s.view, s.base, s.index);
        return;
      case 'for':
        this.forLoop(s);
        return;
      case 'while':
        this.whileLoop(s.condition, s.body);
        return;
      case 'if':
        this.expr(s.condition);
        this.w.open('if');
        this.block(s.then);
        if (s.otherwise.length) {
          this.w.op('else');
          this.block(s.otherwise);
        }
        this.w.op('end');
        return;
      case 'barrier':
        if (!this.kernel.parallel) throw new Error('internal: barrier in a kernel of one thread');
        this.w.with('call', this.env.barrier());
        return;
      default:
        s satisfies never;
    }
  }

  private forLoop(s: Extract<Stmt, { kind: 'for' }>): void {
    const { w } = this;
    const scope: (() => void)[] = [];
    this.scopes.push(scope);
    const i = this.localFor(s.local);
    const to = s.to.kind === 'const' ? undefined : w.temp('i32');
    const pushTo = (): void => {
      if (to === undefined) this.expr(s.to);
      else w.get(to);
    };
    if (to !== undefined) {
      this.expr(s.to);
      w.set(to);
    }
    this.expr(s.from);
    w.set(i);
    const runs = s.from.kind === 'const' && s.to.kind === 'const' && Number(s.from.value) < Number(s.to.value);
    const once = runs && Number(s.from.value) + s.step >= Number((s.to as { value: number | bigint }).value);
    if (!runs) {
      w.get(i);
      pushTo();
      w.op('i32LtS').open('if');
    }
    if (!once) w.open('loop');
    this.block(s.body);
    if (!once) {
      w.get(i).i32(s.step).op('i32Add').tee(i);
      pushTo();
      w.op('i32LtS').with('brIf', 0).op('end');
    }
    if (!runs) w.op('end');
    if (to !== undefined) w.release('i32', to);
    this.scopes.pop();
    for (const release of scope) release();
  }

  private whileLoop(condition: Expr, body: readonly Stmt[]): void {
    const { w } = this;
    this.expr(condition);
    w.open('if').open('loop');
    this.block(body);
    this.expr(condition);
    w.with('brIf', 0).op('end').op('end');
  }

  private view(view: Buffer, base: Buffer, index: Expr): void {
    const { w } = this;
    const offset = pushAddress(w, this.pointer(base), elementBytes[base.memory], index, this.push);
    if (offset) w.i32(offset).op('i32Add');
    let local = this.pointers.get(view.id);
    if (local === undefined) {
      local = w.temp('i32');
      const made = local;
      this.pointers.set(view.id, local);
      this.atScopeEnd(() => {
        this.pointers.delete(view.id);
        w.release('i32', made);
      });
    }
    w.set(local);
  }

  private store(buffer: Buffer, index: Expr, value: Expr): void {
    const { w } = this;
    const offset = pushAddress(w, this.pointer(buffer), elementBytes[buffer.memory], index, this.push);
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

  // Names

  private pointer(b: Buffer): number {
    const local = this.pointers.get(b.id);
    if (local === undefined) throw new Error(`internal: buffer ${b.name} is used outside its block`);
    return local;
  }

  private localFor(local: Local): number {
    const known = this.locals.get(local.id);
    if (known !== undefined) return known;
    const type = valueTypeOf(local.type);
    const index = this.w.temp(type);
    this.locals.set(local.id, index);
    this.atScopeEnd(() => {
      this.locals.delete(local.id);
      this.w.release(type, index);
    });
    return index;
  }

  private atScopeEnd(release: () => void): void {
    (this.scopes[this.scopes.length - 1] as (() => void)[]).push(release);
  }

  /** Emits the expression that `build` makes; what it binds lives until then. */
  private withTemporaries(build: (bind: (e: Expr) => Expr) => Expr): void {
    const scope: (() => void)[] = [];
    this.scopes.push(scope);
    const result = build((value) => {
      if (value.kind === 'const' || value.kind === 'local') return value;
      const local: Local = { id: this.nextTemporary--, name: 't', type: value.type };
      this.expr(value);
      this.w.set(this.localFor(local));
      return { kind: 'local', type: value.type, local };
    });
    this.expr(result);
    this.scopes.pop();
    for (const release of scope) release();
  }

  // Expressions

  private readonly push = (e: Expr): void => this.expr(e);

  private expr(e: Expr): void {
    const { w } = this;
    switch (e.kind) {
      case 'const':
        pushConst(w, e.type, e.value);
        return;
      case 'local':
        this.readLocal(e.local);
        return;
      case 'thread':
        this.thread(e.what);
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

  private readLocal(local: Local): void {
    const index = this.locals.get(local.id);
    if (index === undefined)
      throw new Error(`internal: local ${local.name} is read outside its block or before it is set`);
    this.w.get(index);
  }

  private thread(what: 'tid' | 'threads'): void {
    if (!this.kernel.parallel) this.w.i32(what === 'tid' ? 0 : 1);
    else this.w.get(this.kernel.buffers.length + (what === 'tid' ? 0 : 1));
  }

  private load(e: Extract<Expr, { kind: 'load' }>): void {
    const { memory } = e.buffer;
    if (memory === 'f16' || memory === 'bf16') {
      // The same load, taken as bits.
      const bits: Expr = { ...e, type: { scalar: 'u32', lanes: e.type.lanes }, buffer: { ...e.buffer, memory: 'u16' } };
      this.withTemporaries((bind) => (memory === 'f16' ? f16ToF32(bits, bind) : bf16ToF32(bits)));
      return;
    }
    const offset = pushAddress(this.w, this.pointer(e.buffer), elementBytes[memory], e.index, this.push);
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
    if (scalar !== 'f32' && scalar !== 'f64') throw new Error(`internal: fma of ${scalar}`);
    const shape = scalar === 'f32' ? 'f32x4' : 'f64x2';
    // Scalars take the vector instruction too, so that loop tails round like the vectors before them.
    const part = (x: Expr): void => {
      this.expr(x);
      if (lanes === 1 && this.env.relaxed) w.op(`${shape}Splat`);
    };
    part(e.a);
    part(e.b);
    if (this.env.relaxed) {
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
    this.expr(e.a);
    this.expr(e.b);
    this.expr(e.pred);
    if (e.pred.type.lanes === 1) {
      this.w.op('select');
      return;
    }
    if (laneBytes(e.pred.type) !== laneBytes(e.type)) narrowLanes(this.w);
    this.w.op('v128Bitselect');
  }

  private splat(e: Extract<Expr, { kind: 'splat' }>): void {
    const { w } = this;
    valueTypeOf(e.type);
    const { x } = e;
    if (x.kind === 'load') {
      const bytes = elementBytes[x.buffer.memory];
      if (bytes >= 4) {
        const offset = pushAddress(w, this.pointer(x.buffer), bytes, x.index, this.push);
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
    if (bytes !== laneBytes(e.type)) throw new Error('internal: shuffle changes the width of a mask');
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
    if (scalar !== 'f32' && scalar !== 'f64') throw new Error(`internal: ${fn} of ${scalar}`);
    if (scalar === 'f32') {
      if (args === 2) {
        const b = w.temp('f32');
        w.set(b).op('f64PromoteF32').get(b);
        w.release('f32', b);
      }
      w.op('f64PromoteF32');
    }
    w.with('call', this.env.math(fn));
    if (scalar === 'f32') w.op('f32DemoteF64');
  }

  private fmod(_w: FunctionWriter, scalar: 'f32' | 'f64'): void {
    this.mathScalar('fmod', 2, scalar);
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
