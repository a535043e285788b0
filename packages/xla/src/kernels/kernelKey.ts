/**
 * @file When two kernels are the same code: equal but for their names and the numbers of buffers and locals. Emitters write such
 * kernels once (the layers of a network repeat), whatever values they are launched on.
 */
import type { Buffer, Expr, Kernel, Local, Stmt } from './ir.ts';

const keys = new WeakMap<Kernel, string>();

/** Equal keys: equal code. */
export function kernelKey(kernel: Kernel): string {
  const known = keys.get(kernel);
  if (known !== undefined) return known;
  const key = new KeyWriter().kernel(kernel);
  keys.set(kernel, key);
  return key;
}

class KeyWriter {
  private readonly numbers = new Map<number, number>();
  private readonly parts: string[] = [];

  kernel({ buffers, body, parallel }: Kernel): string {
    this.parts.push(parallel ? 'P' : 'S');
    for (const b of buffers) this.parts.push(`${this.number(b)}:${b.memory}:${b.access};`);
    this.block(body);
    return this.parts.join('');
  }

  /** Buffers and locals are numbered in the order they appear. */
  private number({ id }: Buffer | Local): number {
    const known = this.numbers.get(id);
    if (known !== undefined) return known;
    this.numbers.set(id, this.numbers.size);
    return this.numbers.size - 1;
  }

  private block(body: readonly Stmt[]): void {
    this.parts.push('{');
    for (const s of body) this.stmt(s);
    this.parts.push('}');
  }

  private stmt(s: Stmt): void {
    const { parts } = this;
    switch (s.kind) {
      case 'set':
        parts.push(`=${this.number(s.local)}`);
        this.expr(s.value);
        break;
      case 'store':
        parts.push(`s${this.number(s.buffer)}`);
        this.expr(s.index);
        this.expr(s.value);
        break;
      case 'view':
        parts.push(`v${this.number(s.view)}:${s.view.memory}:${this.number(s.base)}`);
        this.expr(s.index);
        break;
      case 'for':
        parts.push(`f${this.number(s.local)}+${s.step}`);
        this.expr(s.from);
        this.expr(s.to);
        this.block(s.body);
        break;
      case 'while':
        parts.push('w');
        this.expr(s.condition);
        this.block(s.body);
        break;
      case 'if':
        parts.push('i');
        this.expr(s.condition);
        this.block(s.then);
        this.block(s.otherwise);
        break;
      case 'barrier':
        parts.push('b');
        break;
      default:
        s satisfies never;
    }
  }

  private expr(e: Expr): void {
    const { parts } = this;
    parts.push(`(${e.type.scalar}${e.type.lanes}`);
    switch (e.kind) {
      case 'const':
        parts.push(`c${Object.is(e.value, -0) ? '-0' : e.value}`);
        break;
      case 'local':
        parts.push(`l${this.number(e.local)}`);
        break;
      case 'thread':
        parts.push(e.what);
        break;
      case 'load':
        parts.push(`m${this.number(e.buffer)}`);
        this.expr(e.index);
        break;
      case 'unary':
        parts.push(e.op);
        this.expr(e.x);
        break;
      case 'binary':
        parts.push(e.op);
        this.all(e.a, e.b);
        break;
      case 'compare':
        parts.push(e.direction);
        this.all(e.a, e.b);
        break;
      case 'math':
        parts.push(e.fn);
        this.all(...e.args);
        break;
      default:
        this.lanes(e);
    }
    parts.push(')');
  }

  private lanes(
    e: Extract<Expr, { kind: 'fma' | 'select' | 'convert' | 'bitcast' | 'splat' | 'extract' | 'insert' | 'shuffle' }>,
  ): void {
    this.parts.push(e.kind);
    switch (e.kind) {
      case 'fma':
        this.all(e.a, e.b, e.c);
        break;
      case 'select':
        this.all(e.pred, e.a, e.b);
        break;
      case 'convert':
      case 'bitcast':
      case 'splat':
        this.expr(e.x);
        break;
      case 'extract':
        this.parts.push(`@${e.lane}`);
        this.expr(e.x);
        break;
      case 'insert':
        this.parts.push(`@${e.lane}`);
        this.all(e.x, e.value);
        break;
      case 'shuffle':
        this.parts.push(`@${e.lanes.join()}`);
        this.all(e.a, e.b);
        break;
      default:
        e satisfies never;
    }
  }

  private all(...es: readonly Expr[]): void {
    for (const e of es) this.expr(e);
  }
}
