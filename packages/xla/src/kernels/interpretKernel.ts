/**
 * @file Executes a loop-IR kernel over byte arrays: slow and obvious, the test tool of every schedule. Threads are simulated one after
 * the other between barriers, so a kernel whose result depends on a missing barrier fails here; bounds and races are checked.
 */

import { elementBytes } from '../hlo/shape.ts';
import { loads, locate, type Pointer, pointerTo, type RaceDetector, stores } from './interpretMemory.ts';
import {
  evalBinary,
  evalBitcast,
  evalCompare,
  evalConvert,
  evalUnary,
  mathFunctions,
  type Scalar,
  wrap,
} from './interpretScalar.ts';
import type { Expr, Kernel, Stmt } from './ir.ts';

type Val = Scalar | readonly Scalar[];

/** One thread's registers. */
interface Frame {
  readonly tid: number;
  readonly threads: number;
  readonly locals: Map<number, Val>;
  readonly pointers: Map<number, Pointer>;
  readonly kernel: string;
  readonly races: RaceDetector | undefined;
}

type Eval = (f: Frame) => Val;
/** Runs a statement; yields at barriers. */
type Run = (f: Frame) => Generator<void, void, void>;
type RunNow = (f: Frame) => void;

/** A statement that never meets a barrier runs without a generator. */
type Compiled = { readonly now: RunNow; readonly run?: undefined } | { readonly now?: undefined; readonly run: Run };

const asNumber = (x: Val): number => x as number;
const scalarOf = (x: Val): Scalar => x as Scalar;

function lift1(lanes: number, f: (x: Scalar) => Scalar): (x: Val) => Val {
  return lanes === 1 ? (x) => f(scalarOf(x)) : (x) => (x as readonly Scalar[]).map(f);
}

function lift2(lanes: number, f: (a: Scalar, b: Scalar) => Scalar): (a: Val, b: Val) => Val {
  if (lanes === 1) return (a, b) => f(scalarOf(a), scalarOf(b));
  return (a, b) => {
    // Shift amounts may be scalars beside a vector.
    const at = (x: Val, i: number): Scalar => (Array.isArray(x) ? (x as readonly Scalar[])[i] : x) as Scalar;
    return Array.from({ length: lanes }, (_, i) => f(at(a, i), at(b, i)));
  };
}

function checkLanes(e: Expr): void {
  const expect = (x: Expr, lanes: number): void => {
    if (x.type.lanes !== lanes)
      throw new Error(`internal: loop IR ${e.kind} of ${e.type.lanes} lanes has an operand of ${x.type.lanes} lanes`);
  };
  const sameScalar = (a: Expr, b: Expr): void => {
    if (a.type.scalar !== b.type.scalar)
      throw new Error(`internal: loop IR ${e.kind} of ${a.type.scalar} and ${b.type.scalar}`);
  };
  if (e.kind === 'binary') {
    const shift = e.op === 'shift-left' || e.op === 'shift-right';
    expect(e.a, e.type.lanes);
    if (!shift) {
      expect(e.b, e.type.lanes);
      sameScalar(e.a, e.b);
    }
  } else if (e.kind === 'compare' || e.kind === 'select') {
    expect(e.a, e.type.lanes);
    expect(e.b, e.type.lanes);
    sameScalar(e.a, e.b);
    if (e.kind === 'select') expect(e.pred, e.type.lanes);
  } else if (e.kind === 'fma') {
    for (const x of [e.a, e.b, e.c]) expect(x, e.type.lanes);
  }
}

function compileLoad(e: Extract<Expr, { kind: 'load' }>): Eval {
  const { lanes } = e.type;
  const index = compile(e.index);
  const { id, name } = e.buffer;
  return (f) => {
    const p = pointer(f, id, name);
    const i = asNumber(index(f));
    const what = `kernel ${f.kernel}, load of ${name}`;
    const at = locate(p, i, lanes, what);
    const size = elementBytes[p.memory];
    f.races?.touch(p.region.buffer, p.region.byteOffset + at, lanes * size, { tid: f.tid, write: false, what });
    const load = loads[p.memory];
    return lanes === 1 ? load(p.view, at) : Array.from({ length: lanes }, (_, l) => load(p.view, at + l * size));
  };
}

function compile(e: Expr): Eval {
  checkLanes(e);
  const { scalar, lanes } = e.type;
  switch (e.kind) {
    case 'const': {
      const v = wrap(scalar, e.value);
      const value: Val = lanes === 1 ? v : new Array<Scalar>(lanes).fill(v);
      return () => value;
    }
    case 'local': {
      const { id, name } = e.local;
      return (f) => {
        const v = f.locals.get(id);
        if (v === undefined) throw new Error(`internal: kernel ${f.kernel} reads ${name}#${id} before it is set`);
        return v;
      };
    }
    case 'thread':
      return e.what === 'tid' ? (f) => f.tid : (f) => f.threads;
    case 'load':
      return compileLoad(e);
    case 'unary': {
      const x = compile(e.x);
      const op = lift1(lanes, (v) => evalUnary(e.op, scalar, v));
      return (f) => op(x(f));
    }
    case 'binary': {
      const a = compile(e.a);
      const b = compile(e.b);
      const op = lift2(lanes, (x, y) => evalBinary(e.op, scalar, x, y));
      return (f) => op(a(f), b(f));
    }
    case 'fma': {
      const [a, b, c] = [compile(e.a), compile(e.b), compile(e.c)];
      const mul = lift2(lanes, (x, y) => evalBinary('multiply', scalar, x, y));
      const add = lift2(lanes, (x, y) => evalBinary('add', scalar, x, y));
      return (f) => add(mul(a(f), b(f)), c(f));
    }
    case 'compare': {
      const a = compile(e.a);
      const b = compile(e.b);
      const op = lift2(lanes, (x, y) => evalCompare(e.direction, x, y));
      return (f) => op(a(f), b(f));
    }
    case 'select': {
      const [p, a, b] = [compile(e.pred), compile(e.a), compile(e.b)];
      if (lanes === 1) return (f) => pick(p(f), a(f), b(f));
      return (f) => {
        const [m, x, y] = [p(f), a(f), b(f)] as [readonly Scalar[], readonly Scalar[], readonly Scalar[]];
        return m.map((bit, i) => pick(bit, x[i] as Scalar, y[i] as Scalar) as Scalar);
      };
    }
    case 'convert': {
      const x = compile(e.x);
      const op = lift1(lanes, (v) => evalConvert(e.x.type.scalar, scalar, v));
      return (f) => op(x(f));
    }
    case 'bitcast': {
      const x = compile(e.x);
      const op = lift1(lanes, (v) => evalBitcast(e.x.type.scalar, scalar, v));
      return (f) => op(x(f));
    }
    default:
      return compileLanes(e);
  }
}

const pick = (p: Val, a: Val, b: Val): Val => (p === 0 ? b : a);

/** Expressions that move lanes, and library calls. */
function compileLanes(e: Extract<Expr, { kind: 'splat' | 'extract' | 'insert' | 'shuffle' | 'math' }>): Eval {
  const { scalar, lanes } = e.type;
  switch (e.kind) {
    case 'splat': {
      const x = compile(e.x);
      return (f) => new Array<Scalar>(lanes).fill(scalarOf(x(f)));
    }
    case 'extract': {
      const x = compile(e.x);
      return (f) => (x(f) as readonly Scalar[])[e.lane] as Scalar;
    }
    case 'insert': {
      const x = compile(e.x);
      const value = compile(e.value);
      return (f) => (x(f) as readonly Scalar[]).with(e.lane, scalarOf(value(f)));
    }
    case 'shuffle': {
      const a = compile(e.a);
      const b = compile(e.b);
      return (f) => {
        const both = [...(a(f) as readonly Scalar[]), ...(b(f) as readonly Scalar[])];
        return e.lanes.map((l) => both[l] as Scalar);
      };
    }
    case 'math': {
      const args = e.args.map(compile);
      const fn = mathFunctions[e.fn];
      return (f) => {
        const values = args.map((a) => a(f));
        if (lanes === 1) return wrap(scalar, fn(...values.map(asNumber)));
        return Array.from({ length: lanes }, (_, i) =>
          wrap(scalar, fn(...values.map((v) => (v as readonly number[])[i] as number))),
        );
      };
    }
    default:
      return e satisfies never;
  }
}

function pointer(f: Frame, id: number, name: string): Pointer {
  const p = f.pointers.get(id);
  if (!p)
    throw new Error(
      `internal: kernel ${f.kernel} uses ${name}#${id}, which is neither an argument nor a view in reach`,
    );
  return p;
}

function compileStore(s: Extract<Stmt, { kind: 'store' }>): Compiled {
  const index = compile(s.index);
  const value = compile(s.value);
  const { lanes } = s.value.type;
  const { id, name, access } = s.buffer;
  if (access === 'read') throw new Error(`internal: store to ${name}, which is declared 'read'`);
  return {
    now: (f) => {
      const p = pointer(f, id, name);
      const i = asNumber(index(f));
      const v = value(f);
      const what = `kernel ${f.kernel}, store to ${name}`;
      const at = locate(p, i, lanes, what);
      const size = elementBytes[p.memory];
      f.races?.touch(p.region.buffer, p.region.byteOffset + at, lanes * size, { tid: f.tid, write: true, what });
      const store = stores[p.memory];
      if (lanes === 1) store(p.view, at, scalarOf(v));
      else for (const [l, x] of (v as readonly Scalar[]).entries()) store(p.view, at + l * size, x);
    },
  };
}

function compileFor(s: Extract<Stmt, { kind: 'for' }>): Compiled {
  const from = compile(s.from);
  const to = compile(s.to);
  const body = compileBlock(s.body);
  const { id } = s.local;
  const { now } = body;
  if (now) {
    return {
      now: (f) => {
        const end = asNumber(to(f));
        for (let i = asNumber(from(f)); i < end; i += s.step) {
          f.locals.set(id, i);
          now(f);
        }
      },
    };
  }
  return {
    run: function* (f) {
      const end = asNumber(to(f));
      for (let i = asNumber(from(f)); i < end; i += s.step) {
        f.locals.set(id, i);
        yield* body.run(f);
      }
    },
  };
}

function compileStmt(s: Stmt): Compiled {
  switch (s.kind) {
    case 'set': {
      const value = compile(s.value);
      const { id } = s.local;
      return { now: (f) => void f.locals.set(id, value(f)) };
    }
    case 'store':
      return compileStore(s);
    case 'view': {
      const index = compile(s.index);
      const { view, base } = s;
      return {
        now: (f) => {
          const p = pointer(f, base.id, base.name);
          const offset = p.offset + asNumber(index(f)) * elementBytes[p.memory];
          f.pointers.set(view.id, { ...p, offset, memory: view.memory });
        },
      };
    }
    case 'for':
      return compileFor(s);
    case 'while': {
      const condition = compile(s.condition);
      const body = compileBlock(s.body);
      const { now } = body;
      if (now) {
        return {
          now: (f) => {
            while (condition(f) !== 0) now(f);
          },
        };
      }
      return {
        run: function* (f) {
          while (condition(f) !== 0) yield* body.run(f);
        },
      };
    }
    case 'if': {
      const condition = compile(s.condition);
      const branches = [compileBlock(s.then), compileBlock(s.otherwise)] as const;
      const choose = (f: Frame): Compiled => (condition(f) !== 0 ? branches[0] : branches[1]);
      if (branches.every((b) => b.now)) return { now: (f) => choose(f).now?.(f) };
      return {
        run: function* (f) {
          const branch = choose(f);
          if (branch.now) branch.now(f);
          else yield* branch.run(f);
        },
      };
    }
    case 'barrier':
      return {
        run: function* () {
          yield;
        },
      };
    default:
      return s satisfies never;
  }
}

function compileBlock(body: readonly Stmt[]): Compiled {
  const parts = body.map(compileStmt);
  if (parts.every((p) => p.now)) {
    const all = parts.map((p) => p.now as RunNow);
    return {
      now: (f) => {
        for (const p of all) p(f);
      },
    };
  }
  return {
    run: function* (f) {
      for (const p of parts) {
        if (p.now) p.now(f);
        else yield* p.run(f);
      }
    },
  };
}

const compiled = new WeakMap<Kernel, Compiled>();

/** `regions[i]` is the memory of `kernel.buffers[i]`. Threads run one after the other between barriers, last thread first. */
export function interpretKernel(
  kernel: Kernel,
  regions: readonly Uint8Array[],
  options: { readonly threads?: number; readonly races?: RaceDetector } = {},
): void {
  if (regions.length !== kernel.buffers.length) {
    throw new Error(`internal: kernel ${kernel.name} takes ${kernel.buffers.length} buffers, got ${regions.length}`);
  }
  const program = compiled.get(kernel) ?? compileBlock(kernel.body);
  compiled.set(kernel, program);
  const threads = kernel.parallel ? (options.threads ?? 1) : 1;
  const frames = Array.from({ length: threads }, (_, tid): Frame => {
    const pointers = new Map(kernel.buffers.map((b, i) => [b.id, pointerTo(regions[i] as Uint8Array, b.memory)]));
    return { tid, threads, locals: new Map(), pointers, kernel: kernel.name, races: options.races };
  }).reverse();
  const { now, run } = program;
  if (now) {
    for (const f of frames) now(f);
    return;
  }
  runPhases(kernel.name, frames.map(run), options.races);
}

/** Runs all threads up to their next barrier, again and again, until all end together. */
function runPhases(
  name: string,
  threads: readonly Generator<void, void, void>[],
  races: RaceDetector | undefined,
): void {
  for (;;) {
    const ended = threads.filter((t) => t.next().done).length;
    if (ended === threads.length) return;
    if (ended > 0)
      throw new Error(
        `internal: kernel ${name}: ${ended} of ${threads.length} threads end while the others wait at a barrier`,
      );
    races?.barrier();
  }
}
