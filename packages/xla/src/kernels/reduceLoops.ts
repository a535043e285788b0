/**
 * @file Loops of a reduction, apart from what is reduced: rows (the innermost loop is folded, lanes are partial results) and columns (the
 * innermost loop is kept, lanes are separate results). Long float sums are built from sums of blocks, so the error grows with the
 * number of blocks, not of elements.
 */
import type { Buffer, Expr, Local } from './ir.ts';
import { computeType } from './ir.ts';
import type { KernelBuilder } from './kernelBuilder.ts';
import { delinearize } from './loopNest.ts';
import { combine, combineLanes, combineTree, identityExpr, type Reducer } from './reducer.ts';

export interface ReduceLoop {
  readonly size: number;
  readonly reduced: boolean;
  /** Part of the loop to run, given the positions of the loops before it; default all. */
  readonly range?: (outer: readonly Expr[]) => { readonly from: Expr; readonly to: Expr };
}

/** Where a thread keeps the accumulators of a stretch of results. */
export interface AccumulatorMemory {
  readonly buffers: () => readonly Buffer[];
  readonly chunk: number;
  /** Rows folded at once. */
  readonly rows: number;
}

export interface Reduction {
  readonly loops: readonly ReduceLoop[];
  readonly reducers: readonly Reducer[];
  readonly lanes: number;
  readonly parallel: boolean;
  /** What to fold at the positions of all loops: the values of every reducer, one after the other. */
  readonly values: (index: readonly Expr[], lanes: number) => readonly Expr[];
  /** Start values, one per accumulator; undefined: start from nothing (the identities). */
  readonly inits: (() => readonly Expr[]) | undefined;
  /** Takes the finished accumulators at the positions of all loops (those of reduced loops are 0). */
  readonly finish: (index: readonly Expr[], lanes: number, results: readonly Expr[]) => void;
  /** Accumulators in memory (per thread `chunk` elements of each) for sweeping long rows of results; undefined: registers only. */
  readonly memory?: AccumulatorMemory | undefined;
  /** Runs before the innermost folded loop of a row. */
  readonly row?: (index: readonly Expr[]) => void;
}

/** Elements per lane that are added up before a new partial sum begins. */
const blockLength = 128;
/** Vectors of results that a column pass keeps in registers. */
const columnVectors = 4;
/** Accumulators of a row pass, to hide the latency of additions. */
const rowAccumulators = 4;

const isMonoid = (r: Reduction): boolean => r.reducers.every((x) => x.monoid !== undefined);

/** Slices a flat list of accumulators by reducer. */
function byReducer<T>(reducers: readonly Reducer[], flat: readonly T[]): T[][] {
  let at = 0;
  return reducers.map((r) => {
    at += r.dtypes.length;
    return flat.slice(at - r.dtypes.length, at);
  });
}

function combineAll(k: KernelBuilder, reducers: readonly Reducer[], a: readonly Expr[], b: readonly Expr[]): Expr[] {
  const values = byReducer(reducers, b);
  return byReducer(reducers, a).flatMap((acc, i) => [...combine(k, reducers[i] as Reducer, acc, values[i] as Expr[])]);
}

function identities(k: KernelBuilder, r: Reduction, lanes: number): Expr[] {
  return r.reducers.map((x) => identityExpr(k, x, lanes));
}

const startValues = (k: KernelBuilder, r: Reduction, lanes: number): Expr[] =>
  r.inits ? r.inits().map((x) => k.splat(x, lanes)) : identities(k, r, lanes);

/** Runs `body` inside the loops named by `which`; `index` has the positions of all loops, 0 where none ran yet. */
function nest(
  k: KernelBuilder,
  loops: readonly ReduceLoop[],
  which: readonly number[],
  index: readonly Expr[],
  body: (index: readonly Expr[]) => void,
): void {
  const [first, ...rest] = which;
  if (first === undefined) {
    body(index);
    return;
  }
  const loop = loops[first] as ReduceLoop;
  const range = loop.range?.(index) ?? { from: k.index(0), to: k.index(loop.size) };
  if (loop.size === 1 && !loop.range) nest(k, loops, rest, index, body);
  else k.for(range.from, range.to, (i) => nest(k, loops, rest, index.with(first, i), body));
}

const numbers = (loops: readonly ReduceLoop[], reduced: boolean): number[] =>
  loops.flatMap((l, i) => (l.reduced === reduced ? [i] : []));

/** Shares the kept loops `which` among threads and calls body at every position. */
function shareKept(
  k: KernelBuilder,
  r: Reduction,
  which: readonly number[],
  body: (index: readonly Expr[]) => void,
): void {
  const origin = r.loops.map(() => k.index(0));
  if (!r.parallel || which.length === 0) {
    nest(k, r.loops, which, origin, body);
    return;
  }
  const sizes = which.map((i) => (r.loops[i] as ReduceLoop).size);
  const { lo, hi } = k.share(sizes.reduce((a, b) => a * b, 1));
  k.for(lo, hi, (linear) => {
    const position = delinearize(k, linear, sizes);
    body(origin.map((zero, i) => position[which.indexOf(i)] ?? zero));
  });
}

export function emitReduction(k: KernelBuilder, r: Reduction): void {
  const last = r.loops[r.loops.length - 1];
  if (last && !last.reduced) emitColumns(k, r);
  else emitRows(k, r);
}

function emitRows(k: KernelBuilder, r: Reduction): void {
  const reduced = numbers(r.loops, true);
  const inner = reduced[reduced.length - 1];
  shareKept(k, r, numbers(r.loops, false), (index) => {
    r.row?.(index);
    const total = isMonoid(r) && inner !== undefined ? foldRow(k, r, index, inner) : foldInOrder(k, r, index);
    r.finish(index, 1, total);
  });
}

/** Any computation: one accumulator, in row-major order, from the start values. */
function foldInOrder(k: KernelBuilder, r: Reduction, index: readonly Expr[]): Expr[] {
  const accumulators = startValues(k, r, 1).map((x) => k.variable(x, 'acc'));
  nest(k, r.loops, numbers(r.loops, true), index, (at) => accumulate(k, r, accumulators, at, 1));
  return accumulators.map((a) => k.read(a));
}

function accumulate(k: KernelBuilder, r: Reduction, into: readonly Local[], at: readonly Expr[], lanes: number): void {
  const next = combineAll(
    k,
    r.reducers,
    into.map((a) => k.read(a)),
    r.values(at, lanes),
  );
  const bound = next.map((x) => k.let(x, 'next'));
  into.forEach((a, i) => {
    k.set(a, bound[i] as Expr);
  });
}

/** Monoids: vectors along the innermost loop, partial results by block and by lane, then the start values. */
function foldRow(k: KernelBuilder, r: Reduction, index: readonly Expr[], inner: number): Expr[] {
  const loop = r.loops[inner] as ReduceLoop;
  const lanes = loop.size >= r.lanes ? r.lanes : 1;
  const vectors = identities(k, r, lanes).map((x) => k.variable(x, 'total'));
  const singles = lanes > 1 ? identities(k, r, 1).map((x) => k.variable(x, 'rest')) : [];
  const outer = numbers(r.loops, true).slice(0, -1);
  nest(k, r.loops, outer, index, (at) => {
    const range = loop.range?.(at) ?? { from: k.index(0), to: k.index(loop.size) };
    foldBlocks(k, r, vectors, { at, inner, lanes, ...range });
    if (lanes === 1) return;
    const size = k.sub(range.to, range.from);
    const rest = k.let(k.sub(range.to, k.rem(size, lanes)), 'rest');
    if (rest.kind === 'const' && range.to.kind === 'const' && rest.value === range.to.value) return;
    k.for(rest, range.to, (i) => accumulate(k, r, singles, at.with(inner, i), 1));
  });
  const folded = r.reducers.map((x, i) => {
    const vector = k.read(vectors[i] as Local);
    if (lanes === 1) return vector;
    return combine(k, x, [combineLanes(k, x, vector)], [k.read(singles[i] as Local)])[0] as Expr;
  });
  return r.inits ? combineAll(k, r.reducers, r.inits(), folded) : folded;
}

interface RowPart {
  readonly at: readonly Expr[];
  readonly inner: number;
  readonly lanes: number;
  readonly from: Expr;
  readonly to: Expr;
}

/** Folds the whole vectors of a row into `totals`: blocks of several accumulators, then single vectors. */
function foldBlocks(k: KernelBuilder, r: Reduction, totals: readonly Local[], part: RowPart): void {
  const { at, inner, lanes, from, to } = part;
  const { size } = r.loops[inner] as ReduceLoop;
  const unroll = size >= 2 * rowAccumulators * lanes ? rowAccumulators : 1;
  const step = unroll * lanes;
  const extent = k.sub(to, from);
  const wide = k.let(k.sub(to, k.rem(extent, step)), 'wide');
  const whole = k.let(k.sub(to, k.rem(extent, lanes)), 'whole');
  const run = (lo: Expr, hi: Expr): void => {
    const accumulators = Array.from({ length: unroll }, () => identities(k, r, lanes).map((x) => k.variable(x, 'acc')));
    k.for(
      lo,
      hi,
      (i) => {
        for (const [u, a] of accumulators.entries()) accumulate(k, r, a, at.with(inner, k.add(i, u * lanes)), lanes);
      },
      step,
    );
    const sums = r.reducers.map((x, j) =>
      combineTree(
        k,
        x,
        accumulators.map((a) => k.read(a[j] as Local)),
      ),
    );
    const next = combineAll(
      k,
      r.reducers,
      totals.map((t) => k.read(t)),
      sums,
    ).map((x) => k.let(x));
    totals.forEach((t, i) => {
      k.set(t, next[i] as Expr);
    });
  };
  const block = blockLength * step;
  if (r.reducers.some((x) => x.isFloatSum) && size > block) {
    k.for(from, wide, (b) => run(b, k.min(k.add(b, block), wide)), block);
  } else run(from, wide);
  if (unroll > 1 && !(wide.kind === 'const' && whole.kind === 'const' && wide.value === whole.value)) {
    k.for(wide, whole, (i) => accumulate(k, r, totals, at.with(inner, i), lanes), lanes);
  }
}

function emitColumns(k: KernelBuilder, r: Reduction): void {
  const kept = numbers(r.loops, false);
  const inner = kept[kept.length - 1] as number;
  const outer = kept.slice(0, -1);
  const { size } = r.loops[inner] as ReduceLoop;
  const rows = outer.reduce((n, i) => n * (r.loops[i] as ReduceLoop).size, 1);
  const block = r.lanes * columnVectors;
  const column = (index: readonly Expr[], range: { lo: Expr; hi: Expr }): void =>
    r.memory ? sweepColumns(k, r, r.memory, { index, inner, ...range }) : columns(k, r, { index, inner, ...range });
  const all = { lo: k.index(0), hi: k.index(size) };
  if (r.parallel && rows * 4 < size / block) {
    const range = k.share(size, block);
    nest(
      k,
      r.loops,
      outer,
      r.loops.map(() => k.index(0)),
      (index) => column(index, range),
    );
  } else shareKept(k, r, outer, (index) => column(index, all));
}

interface ColumnPart {
  readonly index: readonly Expr[];
  readonly inner: number;
  readonly lo: Expr;
  readonly hi: Expr;
}

/** Results lo … hi−1 of the kept innermost loop; lo is a multiple of the block, hi too or the end. */
function columns(k: KernelBuilder, r: Reduction, { index, inner, lo, hi }: ColumnPart): void {
  const { size } = r.loops[inner] as ReduceLoop;
  const block = r.lanes * columnVectors;
  const wide = size - (size % block);
  const whole = size - (size % r.lanes);
  const pass = (from: Expr, to: Expr, vectors: number, lanes: number): void =>
    k.for(from, to, (i) => foldColumns(k, r, index.with(inner, i), { inner, vectors, lanes }), vectors * lanes);
  if (wide > 0) pass(lo, k.min(hi, wide), columnVectors, r.lanes);
  if (wide < whole) pass(k.max(lo, wide), k.min(hi, whole), 1, r.lanes);
  if (whole < size) pass(k.max(lo, whole), hi, 1, 1);
}

function foldColumns(
  k: KernelBuilder,
  r: Reduction,
  index: readonly Expr[],
  { inner, vectors, lanes }: { readonly inner: number; readonly vectors: number; readonly lanes: number },
): void {
  const reduced = numbers(r.loops, true);
  const first = reduced[0];
  const place = (at: readonly Expr[], v: number): readonly Expr[] =>
    at.with(inner, k.add(at[inner] as Expr, v * lanes));
  const fresh = (values: () => readonly Expr[]): Local[][] =>
    Array.from({ length: vectors }, () => values().map((x) => k.variable(x, 'acc')));
  const totals = fresh(() => startValues(k, r, lanes));
  const fold = (into: readonly Local[][], loops: readonly ReduceLoop[]): void =>
    nest(k, loops, reduced, index, (at) => {
      for (const [v, a] of into.entries()) accumulate(k, r, a, place(at, v), lanes);
    });
  const loop = first === undefined ? undefined : r.loops[first];
  if (loop && first !== undefined && loop.size > blockLength && r.reducers.some((x) => x.isFloatSum) && isMonoid(r)) {
    const range = loop.range?.(index) ?? { from: k.index(0), to: k.index(loop.size) };
    k.for(
      range.from,
      range.to,
      (b) => {
        const accumulators = fresh(() => identities(k, r, lanes));
        const part = { ...loop, range: () => ({ from: b, to: k.min(k.add(b, blockLength), range.to) }) };
        fold(accumulators, r.loops.with(first, part));
        totals.forEach((t, v) => {
          const sums = (accumulators[v] as Local[]).map((a) => k.read(a));
          const next = combineAll(
            k,
            r.reducers,
            t.map((x) => k.read(x)),
            sums,
          ).map((x) => k.let(x));
          for (const [i, x] of t.entries()) k.set(x, next[i] as Expr);
        });
      },
      blockLength,
    );
  } else fold(totals, r.loops);
  for (const [v, t] of totals.entries()) {
    const results = t.map((x) => k.read(x));
    r.finish(place(index, v), lanes, results);
  }
}

/**
 * Results lo … hi−1 in stretches: accumulators in (first-level cache) memory, several rows of the stretch read side by side. Memory is
 * read in long runs where registers alone would read a cache line of every row.
 */
function sweepColumns(k: KernelBuilder, r: Reduction, memory: AccumulatorMemory, part: ColumnPart): void {
  const { index, inner, lo, hi } = part;
  const buffers = memory.buffers();
  const base = k.let(k.mul(k.tid, memory.chunk), 'base');
  const reduced = numbers(r.loops, true);
  const folded = reduced[reduced.length - 1] as number;
  const loop = r.loops[folded] as ReduceLoop;
  k.for(
    lo,
    hi,
    (from) => {
      const to = k.let(k.min(k.add(from, memory.chunk), hi), 'to');
      const whole = k.let(k.sub(to, k.rem(k.sub(to, from), r.lanes)), 'whole');
      const sweep = (visit: (i: Expr, at: Expr, lanes: number) => void): void => {
        const body =
          (lanes: number) =>
          (i: Expr): void =>
            visit(i, k.let(k.add(base, k.sub(i, from)), 'slot'), lanes);
        k.for(from, whole, body(r.lanes), r.lanes);
        if (r.lanes > 1) k.for(whole, to, body(1));
      };
      sweep((_i, at, lanes) => {
        for (const [n, x] of startValues(k, r, lanes).entries()) k.store(buffers[n] as Buffer, at, x);
      });
      const rows = (outer: readonly Expr[], row: Expr, count: number): void =>
        sweep((i, at, lanes) => {
          const places = Array.from({ length: count }, (_, u) => outer.with(folded, k.add(row, u)).with(inner, i));
          foldRows(k, r, places, { buffers, at, lanes });
        });
      nest(k, r.loops, reduced.slice(0, -1), index, (outer) => {
        const range = loop.range?.(outer) ?? { from: k.index(0), to: k.index(loop.size) };
        const extent = k.sub(range.to, range.from);
        const many = k.let(k.sub(range.to, k.rem(extent, memory.rows)), 'many');
        k.for(range.from, many, (row) => rows(outer, row, memory.rows), memory.rows);
        k.for(many, range.to, (row) => rows(outer, row, 1));
      });
      sweep((i, at, lanes) => {
        const results = buffers.map((b) => k.let(k.load(b, at, lanes), 'sum'));
        r.finish(index.with(inner, i), lanes, results);
      });
    },
    memory.chunk,
  );
}

/** Folds one vector of several rows into accumulators in memory; monoids pairwise first. */
function foldRows(
  k: KernelBuilder,
  r: Reduction,
  places: readonly (readonly Expr[])[],
  { buffers, at, lanes }: { readonly buffers: readonly Buffer[]; readonly at: Expr; readonly lanes: number },
): void {
  const values = places.map((place) => r.values(place, lanes).map((x) => k.let(x, 'x')));
  const old = buffers.map((b) => k.let(k.load(b, at, lanes), 'acc'));
  let next: readonly Expr[] = old;
  if (isMonoid(r)) {
    const sums = r.reducers.map((x, j) =>
      combineTree(
        k,
        x,
        values.map((v) => v[j] as Expr),
      ),
    );
    next = combineAll(k, r.reducers, old, sums);
  } else for (const v of values) next = combineAll(k, r.reducers, next, v);
  for (const [n, x] of next.map((v) => k.let(v, 'next')).entries()) k.store(buffers[n] as Buffer, at, x);
}

/** The memory type in which partial results of an accumulator are kept. */
export function partialType(r: Reducer, i: number): 'pred' | 's32' | 'u32' | 's64' | 'u64' | 'f32' | 'f64' {
  return computeType[r.dtypes[i] as keyof typeof computeType];
}
