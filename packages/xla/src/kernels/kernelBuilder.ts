/**
 * @file Writes loop IR. Expressions are trees: a value used more than once must be bound with `let`, which makes the one place
 * where it is computed visible. Constants fold as they are built, so schedules can write index arithmetic naively.
 */
import type { CompareDirection } from '../hlo/opcodes.ts';
import type { ElementType } from '../hlo/shape.ts';
import {
  type Buffer,
  type Cost,
  computeType,
  type Expr,
  type IrBinary,
  type IrScalar,
  type IrType,
  type IrUnary,
  type Kernel,
  type Local,
  type MathFunction,
  type Stmt,
} from './ir.ts';
import { foldBinary } from './irFold.ts';

/** An s32 index: a number stands for a constant. */
export type Index = Expr | number;

const S32: IrType = { scalar: 's32', lanes: 1 };
const PRED: IrType = { scalar: 'pred', lanes: 1 };

export class KernelBuilder {
  readonly name: string;
  private readonly buffers: Buffer[] = [];
  private readonly stack: Stmt[][] = [[]];
  private nextId = 0;

  constructor(name: string) {
    this.name = name;
  }

  /** Declares the next pointer argument. */
  buffer(name: string, memory: ElementType, access: Buffer['access']): Buffer {
    const b: Buffer = { id: this.nextId++, name, memory, access };
    this.buffers.push(b);
    return b;
  }

  readonly tid: Expr = { kind: 'thread', type: S32, what: 'tid' };
  readonly threads: Expr = { kind: 'thread', type: S32, what: 'threads' };

  index(i: Index): Expr {
    return typeof i === 'number' ? { kind: 'const', type: S32, value: i } : i;
  }

  /** A constant of any type; lanes > 1 repeats it. */
  const(scalar: IrScalar, value: number | bigint, lanes = 1): Expr {
    const wide = scalar === 's64' || scalar === 'u64';
    return { kind: 'const', type: { scalar, lanes }, value: wide ? BigInt(value) : Number(value) };
  }

  unary(op: IrUnary, x: Expr): Expr {
    return { kind: 'unary', type: x.type, op, x };
  }

  /** Element-wise; index constants fold, x + 0 and x · 1 vanish. Scalars do not splat by themselves. */
  binary(op: IrBinary, a: Index, b: Index): Expr {
    const x = this.index(a);
    const y = this.index(b);
    return foldBinary(op, x, y) ?? { kind: 'binary', type: x.type, op, a: x, b: y };
  }

  add(a: Index, b: Index): Expr {
    return this.binary('add', a, b);
  }
  sub(a: Index, b: Index): Expr {
    return this.binary('subtract', a, b);
  }
  mul(a: Index, b: Index): Expr {
    return this.binary('multiply', a, b);
  }
  div(a: Index, b: Index): Expr {
    return this.binary('divide', a, b);
  }
  rem(a: Index, b: Index): Expr {
    return this.binary('remainder', a, b);
  }
  min(a: Index, b: Index): Expr {
    return this.binary('minimum', a, b);
  }
  max(a: Index, b: Index): Expr {
    return this.binary('maximum', a, b);
  }

  fma(a: Expr, b: Expr, c: Expr): Expr {
    return { kind: 'fma', type: c.type, a, b, c };
  }

  compare(direction: CompareDirection, a: Index, b: Index): Expr {
    const x = this.index(a);
    return { kind: 'compare', type: { ...PRED, lanes: x.type.lanes }, direction, a: x, b: this.index(b) };
  }

  select(pred: Expr, a: Index, b: Index): Expr {
    const x = this.index(a);
    return { kind: 'select', type: x.type, pred, a: x, b: this.index(b) };
  }

  convert(scalar: IrScalar, x: Expr): Expr {
    return x.type.scalar === scalar ? x : { kind: 'convert', type: { scalar, lanes: x.type.lanes }, x };
  }

  bitcast(scalar: IrScalar, x: Expr): Expr {
    return x.type.scalar === scalar ? x : { kind: 'bitcast', type: { scalar, lanes: x.type.lanes }, x };
  }

  splat(x: Expr, lanes: number): Expr {
    if (lanes === x.type.lanes) return x;
    const type = { scalar: x.type.scalar, lanes };
    return x.kind === 'const' ? { ...x, type } : { kind: 'splat', type, x };
  }

  extract(x: Expr, lane: number): Expr {
    return { kind: 'extract', type: { scalar: x.type.scalar, lanes: 1 }, x, lane };
  }

  insert(x: Expr, lane: number, value: Expr): Expr {
    return { kind: 'insert', type: x.type, x, lane, value };
  }

  shuffle(a: Expr, b: Expr, lanes: readonly number[]): Expr {
    return { kind: 'shuffle', type: { scalar: a.type.scalar, lanes: lanes.length }, a, b, lanes };
  }

  math(fn: MathFunction, ...args: Expr[]): Expr {
    return { kind: 'math', type: (args[0] as Expr).type, fn, args };
  }

  /** Loads `lanes` consecutive elements, widened to the memory type's compute type. */
  load(buffer: Buffer, index: Index, lanes = 1): Expr {
    return { kind: 'load', type: { scalar: computeType[buffer.memory], lanes }, buffer, index: this.index(index) };
  }

  store(buffer: Buffer, index: Index, value: Expr): void {
    this.emit({ kind: 'store', buffer, index: this.index(index), value });
  }

  /** A pointer to `base[index]`; keeps the address arithmetic of an inner loop short. */
  view(base: Buffer, index: Index, name = `${base.name}At`, memory: ElementType = base.memory): Buffer {
    const view: Buffer = { id: this.nextId++, name, memory, access: base.access };
    this.emit({ kind: 'view', view, base, index: this.index(index) });
    return view;
  }

  /** Binds a value to a fresh local and returns the read of it. Constants and locals pass through. */
  let(value: Index, name = 't'): Expr {
    const e = this.index(value);
    if (e.kind === 'const' || e.kind === 'thread') return e;
    return this.read(this.variable(e, name));
  }

  /** A mutable local, initialised here. */
  variable(init: Index, name = 'v'): Local {
    const e = this.index(init);
    const local: Local = { id: this.nextId++, name, type: e.type };
    this.emit({ kind: 'set', local, value: e });
    return local;
  }

  read(local: Local): Expr {
    return { kind: 'local', type: local.type, local };
  }

  set(local: Local, value: Index): void {
    this.emit({ kind: 'set', local, value: this.index(value) });
  }

  /** for (i = from; i < to; i += step) body(i) */
  for(from: Index, to: Index, body: (i: Expr) => void, step = 1, name = 'i'): void {
    const local: Local = { id: this.nextId++, name, type: S32 };
    const inner = this.block(() => body(this.read(local)));
    this.emit({ kind: 'for', local, from: this.index(from), to: this.index(to), step, body: inner });
  }

  while(condition: Expr, body: () => void): void {
    this.emit({ kind: 'while', condition, body: this.block(body) });
  }

  if(condition: Expr, then: () => void, otherwise: () => void = () => {}): void {
    this.emit({ kind: 'if', condition, then: this.block(then), otherwise: this.block(otherwise) });
  }

  barrier(): void {
    this.emit({ kind: 'barrier' });
  }

  /**
   * This thread's contiguous share [lo, hi) of `n` items, cut at multiples of `grain` (the last share takes what is left).
   * Depends on n, grain and the number of threads only, so results do not depend on timing.
   */
  share(n: Index, grain = 1): { readonly lo: Expr; readonly hi: Expr } {
    const blocks = this.let(this.div(this.add(n, grain - 1), grain), 'blocks');
    const at = (t: Index): Expr => this.mul(this.div(this.mul(blocks, t), this.threads), grain);
    const lo = this.let(this.min(at(this.tid), n), 'lo');
    const hi = this.let(this.min(at(this.add(this.tid, 1)), n), 'hi');
    return { lo, hi };
  }

  finish(options: { readonly parallel: boolean; readonly cost: Cost }): Kernel {
    if (this.stack.length !== 1) throw new Error(`internal: kernel ${this.name} finished inside a block`);
    return { name: this.name, buffers: this.buffers, body: this.stack[0] as Stmt[], ...options };
  }

  private emit(s: Stmt): void {
    (this.stack[this.stack.length - 1] as Stmt[]).push(s);
  }

  private block(body: () => void): readonly Stmt[] {
    this.stack.push([]);
    body();
    return this.stack.pop() as Stmt[];
  }
}
