/**
 * @file Which loop bodies become functions of their own. Engines optimise a function while it runs but use the result at its next call:
 * a heavy kernel that is one call would stay slow for all of its first run. With the body of its innermost heavy loop as a function,
 * that is called many times in the same run, the fast code takes over after some milliseconds. The body must be heavy enough that
 * the call costs nothing.
 */
import type { Buffer, Expr, Kernel, Local, Stmt } from '../../kernels/ir.ts';

export type ForLoop = Extract<Stmt, { kind: 'for' }>;

/** What a loop body may take from the function around it. */
export interface Uses {
  readonly reads: readonly Local[];
  readonly buffers: readonly Buffer[];
  /** tid or threads. */
  readonly thread: boolean;
}

/** IR nodes evaluated by one run of a body, below which a call would be felt. */
const heavy = 1500;
/** Rounds assumed of a loop whose bounds are not constant. */
const unknownRounds = 32;

/** Loops whose bodies are worth a function: heavy, with no such loop inside, and free of assignments to variables around them. */
export function findOutlines(kernel: Kernel): ReadonlyMap<ForLoop, Uses> {
  const finder = new Finder();
  finder.block(kernel.body);
  return finder.found;
}

interface Summary {
  /** Nodes evaluated by one run; Infinity when a part was outlined. */
  readonly work: number;
  /** When the oldest of the variables that it assigns was first assigned. */
  readonly oldest: number;
}

class Finder {
  readonly found = new Map<ForLoop, Uses>();
  /** Statements are numbered as they are met; by local id, the first that assigns it. */
  private readonly first = new Map<number, number>();
  private time = 0;

  block(body: readonly Stmt[]): Summary {
    let work = 0;
    let oldest = Number.POSITIVE_INFINITY;
    for (const s of body) {
      const part = this.statement(s);
      work += part.work;
      oldest = Math.min(oldest, part.oldest);
    }
    return { work, oldest };
  }

  private statement(s: Stmt): Summary {
    const never = Number.POSITIVE_INFINITY;
    switch (s.kind) {
      case 'set':
        return { work: nodes(s.value), oldest: this.assign(s.local) };
      case 'store':
        return { work: nodes(s.index) + nodes(s.value), oldest: never };
      case 'view':
        return { work: nodes(s.index), oldest: never };
      case 'if': {
        const a = this.block(s.then);
        const b = this.block(s.otherwise);
        return { work: Math.max(a.work, b.work), oldest: Math.min(a.oldest, b.oldest) };
      }
      case 'while': {
        const body = this.block(s.body);
        return { work: unknownRounds * (nodes(s.condition) + body.work), oldest: body.oldest };
      }
      case 'for':
        return this.loop(s);
      case 'barrier':
        return { work: Number.POSITIVE_INFINITY, oldest: never }; // never inside an outlined body
      default:
        return s satisfies never;
    }
  }

  private loop(s: ForLoop): Summary {
    const own = this.assign(s.local);
    const start = this.time;
    const body = this.block(s.body);
    const outlined = body.work >= heavy && body.work < Number.POSITIVE_INFINITY && body.oldest > start;
    if (outlined) this.found.set(s, usesOf(s.body));
    const work = outlined ? Number.POSITIVE_INFINITY : body.work * rounds(s);
    return { work, oldest: Math.min(own, body.oldest) };
  }

  private assign(local: Local): number {
    this.time++;
    const known = this.first.get(local.id);
    if (known === undefined) this.first.set(local.id, this.time);
    return known ?? this.time;
  }
}

function rounds(s: ForLoop): number {
  if (s.from.kind !== 'const' || s.to.kind !== 'const') return unknownRounds;
  return Math.max(0, Math.ceil((Number(s.to.value) - Number(s.from.value)) / s.step));
}

function nodes(e: Expr): number {
  let n = 1;
  forEachOperand(e, (x) => {
    n += nodes(x);
  });
  return n;
}

/** The expressions that `e` is made of. */
export function forEachOperand(e: Expr, visit: (x: Expr) => void): void {
  switch (e.kind) {
    case 'const':
    case 'local':
    case 'thread':
      return;
    case 'load':
      visit(e.index);
      return;
    case 'unary':
    case 'convert':
    case 'bitcast':
    case 'splat':
    case 'extract':
      visit(e.x);
      return;
    case 'binary':
    case 'compare':
    case 'shuffle':
      visit(e.a);
      visit(e.b);
      return;
    case 'fma':
      visit(e.a);
      visit(e.b);
      visit(e.c);
      return;
    case 'select':
      visit(e.pred);
      visit(e.a);
      visit(e.b);
      return;
    case 'insert':
      visit(e.x);
      visit(e.value);
      return;
    case 'math':
      e.args.forEach(visit);
      return;
    default:
      e satisfies never;
  }
}

function usesOf(body: readonly Stmt[]): Uses {
  const reads = new Map<number, Local>();
  const buffers = new Map<number, Buffer>();
  let thread = false;
  const expr = (e: Expr): void => {
    if (e.kind === 'local') reads.set(e.local.id, e.local);
    else if (e.kind === 'load') buffers.set(e.buffer.id, e.buffer);
    else if (e.kind === 'thread') thread = true;
    forEachOperand(e, expr);
  };
  const block = (stmts: readonly Stmt[]): void => stmts.forEach(statement);
  const statement = (s: Stmt): void => {
    switch (s.kind) {
      case 'set':
        expr(s.value);
        return;
      case 'store':
        buffers.set(s.buffer.id, s.buffer);
        expr(s.index);
        expr(s.value);
        return;
      case 'view':
        buffers.set(s.base.id, s.base);
        expr(s.index);
        return;
      case 'for':
        expr(s.from);
        expr(s.to);
        block(s.body);
        return;
      case 'while':
        expr(s.condition);
        block(s.body);
        return;
      case 'if':
        expr(s.condition);
        block(s.then);
        block(s.otherwise);
        return;
      case 'barrier':
        return;
      default:
        s satisfies never;
    }
  };
  block(body);
  return { reads: [...reads.values()], buffers: [...buffers.values()], thread };
}
