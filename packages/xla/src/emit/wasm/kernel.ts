/**
 * @file A loop-IR kernel as a WebAssembly function (pointers …, tid, threads) → (). Loops test at the bottom, so that a hot body is one
 * basic block. Bodies of heavy loops become functions of their own (outline.ts).
 */
import { internal } from '../../hlo/errors.ts';
import type { Buffer, Expr, Kernel, MathFunction, Stmt } from '../../kernels/ir.ts';
import type { FunctionBody, FunctionType, ValueType } from './encoder.ts';
import { ExpressionEmitter } from './expressions.ts';
import { FunctionWriter } from './functionWriter.ts';
import { loopConstants } from './hoist.ts';
import { Names } from './names.ts';
import { type ForLoop, findOutlines, type Uses } from './outline.ts';
import { valueTypeOf } from './values.ts';

/** What kernels call or assume. */
export interface KernelEnvironment {
  /** The engine has relaxed SIMD: `fma` rounds once. */
  readonly relaxed: boolean;
  /** Function index of an imported Math function on f64. */
  readonly math: (fn: MathFunction) => number;
  /** Function index of the barrier, () → (). */
  readonly barrier: () => number;
  /** Adds a function and answers its index; equal code may share one. Absent: nothing is outlined. */
  readonly outline?: (name: string, type: FunctionType, body: FunctionBody) => number;
}

/** Parameter types of a kernel's function. */
export function kernelParams(kernel: Kernel): ValueType[] {
  return [...kernel.buffers.map((): ValueType => 'i32'), 'i32', 'i32'];
}

/** Emits the body; throws an `internal:` error for IR that the target cannot spell. */
export function emitKernel(kernel: Kernel, env: KernelEnvironment): FunctionBody {
  const outlines = env.outline ? findOutlines(kernel) : new Map<ForLoop, Uses>();
  const tid = kernel.buffers.length;
  const threads = kernel.parallel ? { tid, threads: tid + 1 } : undefined;
  const emitter = new KernelEmitter({ kernel, env, outlines, threads, params: tid + 2 });
  for (const [i, b] of kernel.buffers.entries()) emitter.names.bindPointer(b, i);
  try {
    return emitter.emit(kernel.body);
  } catch (e) {
    if (e instanceof Error) e.message = `${e.message} (kernel ${kernel.name})`;
    throw e;
  }
}

interface FunctionContext {
  readonly kernel: Kernel;
  readonly env: KernelEnvironment;
  readonly outlines: ReadonlyMap<ForLoop, Uses>;
  /** Function locals of tid and threads; undefined in kernels of one thread. */
  readonly threads: { readonly tid: number; readonly threads: number } | undefined;
  readonly params: number;
}

class KernelEmitter {
  readonly names: Names;
  private readonly w: FunctionWriter;
  private readonly context: FunctionContext;
  private readonly expressions: ExpressionEmitter;

  constructor(context: FunctionContext) {
    this.context = context;
    this.w = new FunctionWriter(context.params);
    this.names = new Names(this.w);
    const { relaxed, math } = context.env;
    this.expressions = new ExpressionEmitter(this.w, this.names, {
      relaxed,
      math,
      thread: (what) => this.thread(what),
    });
  }

  emit(body: readonly Stmt[]): FunctionBody {
    for (const [key, constant] of loopConstants(body, (s) => this.context.outlines.has(s))) {
      this.expr(constant);
      const local = this.w.temp('v128');
      this.w.set(local);
      this.expressions.constants.set(key, local);
    }
    this.block(body);
    return this.w.finish();
  }

  private block(body: readonly Stmt[]): void {
    this.names.scope(() => {
      for (const s of body) this.statement(s);
    });
  }

  private expr(e: Expr): void {
    this.expressions.expr(e);
  }

  private statement(s: Stmt): void {
    switch (s.kind) {
      case 'set':
        this.expr(s.value);
        this.w.set(this.names.localToSet(s.local));
        return;
      case 'store':
        this.expressions.store(s.buffer, s.index, s.value);
        return;
      case 'view':
        this.view(s.view, s.base, s.index);
        return;
      case 'for':
        this.names.scope(() => this.forLoop(s));
        return;
      case 'while':
        this.whileLoop(s.condition, s.body);
        return;
      case 'if':
        this.ifElse(s);
        return;
      case 'barrier':
        if (!this.context.threads) throw internal('barrier in a kernel of one thread');
        this.w.with('call', this.context.env.barrier());
        return;
      default:
        s satisfies never;
    }
  }

  private ifElse(s: Extract<Stmt, { kind: 'if' }>): void {
    const { w } = this;
    this.expr(s.condition);
    w.open('if');
    this.block(s.then);
    if (s.otherwise.length) {
      w.op('else');
      this.block(s.otherwise);
    }
    w.op('end');
  }

  private forLoop(s: ForLoop): void {
    const { w } = this;
    const i = this.names.localToSet(s.local);
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
    this.loopBody(s);
    if (!once) {
      w.get(i).i32(s.step).op('i32Add').tee(i);
      pushTo();
      w.op('i32LtS').with('brIf', 0).op('end');
    }
    if (!runs) w.op('end');
    if (to !== undefined) w.release('i32', to);
  }

  /** The body in place, or a call of it. */
  private loopBody(s: ForLoop): void {
    const uses = this.context.outlines.get(s);
    const { outline } = this.context.env;
    if (!uses || !outline) {
      this.block(s.body);
      return;
    }
    const { w, names } = this;
    const pointers = uses.buffers.filter((b) => names.hasPointer(b));
    const locals = uses.reads.filter((l) => names.hasLocal(l));
    const params: ValueType[] = [...pointers.map((): ValueType => 'i32'), ...locals.map((l) => valueTypeOf(l.type))];
    const outer = this.context.threads;
    const at = params.length;
    const threads = outer && uses.thread ? { tid: at, threads: at + 1 } : undefined;
    if (threads) params.push('i32', 'i32');
    const inner = new KernelEmitter({ ...this.context, threads, params: params.length });
    for (const [i, b] of pointers.entries()) inner.names.bindPointer(b, i);
    for (const [i, l] of locals.entries()) inner.names.bindLocal(l, pointers.length + i);
    const index = outline(`${this.context.kernel.name} body`, { params, results: [] }, inner.emit(s.body));
    for (const b of pointers) w.get(names.pointer(b));
    for (const l of locals) w.get(names.local(l));
    if (threads && outer) w.get(outer.tid).get(outer.threads);
    w.with('call', index);
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
    const offset = this.expressions.address(base, index);
    if (offset) w.i32(offset).op('i32Add');
    w.set(this.names.pointerToSet(view));
  }

  private thread(what: 'tid' | 'threads'): void {
    const { threads, kernel } = this.context;
    if (threads) this.w.get(threads[what]);
    else if (kernel.parallel) throw internal('an outlined body lacks its thread');
    else this.w.i32(what === 'tid' ? 0 : 1);
  }
}
