/**
 * @file Where in an array a value is wanted, for one lane or for several. Dimensions that are only ever walked together stay merged
 * in a *group* with one linear expression, so a chain of element-wise operations over any rank needs one index and no division;
 * groups split (by division) only when an operation treats their dimensions differently.
 */
import { elementCount } from '../../hlo/shape.ts';
import type { Expr } from '../ir.ts';
import type { KernelBuilder } from '../kernelBuilder.ts';

/** Consecutive dimensions walked by one row-major linear expression. */
export interface Group {
  /** How many dimensions. */
  readonly rank: number;
  /** Product of their sizes. */
  readonly size: number;
  /** Position of lane 0. */
  readonly at: Expr;
  /** Step from lane to lane: 0 when all lanes stand at the same position. */
  readonly step: number;
  /** `at` is a multiple of the number of lanes. */
  readonly aligned: boolean;
  /** The dimensions of the loop nest that this group walks, when it is exactly those: [from, to). */
  readonly root: readonly [from: number, to: number] | undefined;
}

/** An index into an array of `dims`; the ranks of the groups add up to dims.length. */
export interface GridIndex {
  readonly dims: readonly number[];
  readonly groups: readonly Group[];
}

/** What index arithmetic needs: a place to write it, the lanes, and who wants to know where groups had to split. */
export interface GridContext {
  readonly k: KernelBuilder;
  readonly lanes: number;
  /** A group over root dims [from, to) had to split so that its inner part has `inner` elements. */
  readonly onSplit?: ((root: readonly [number, number], inner: number) => void) | undefined;
}

/** One group per dimension; lanes run along the last dimension. */
export function perDimension(dims: readonly number[], index: readonly Expr[], lanes: number): GridIndex {
  const groups = dims.map((size, d): Group => {
    const last = d === dims.length - 1;
    return { rank: 1, size, at: index[d] as Expr, step: last && lanes > 1 ? 1 : 0, aligned: false, root: undefined };
  });
  return { dims, groups };
}

/** True when every lane stands at the same element. */
export function isUniform(index: GridIndex): boolean {
  return index.groups.every((g) => g.step === 0);
}

/** The index of one lane alone. */
export function laneIndex(k: KernelBuilder, index: GridIndex, lane: number): GridIndex {
  const groups = index.groups.map((g) =>
    g.step === 0 ? g : { ...g, at: k.add(g.at, g.step * lane), step: 0, aligned: false },
  );
  return { dims: index.dims, groups };
}

/** Row-major position of lane 0 and the step between lanes. */
export function linearize(k: KernelBuilder, index: GridIndex): { readonly at: Expr; readonly step: number } {
  let at: Expr = k.index(0);
  let step = 0;
  for (const g of index.groups) {
    at = k.add(k.mul(at, g.size), g.at);
    step = step * g.size + g.step;
  }
  return { at, step };
}

const log2 = (n: number): number | undefined => {
  const b = 31 - Math.clz32(n);
  return 2 ** b === n ? b : undefined;
};

/** Quotient and remainder of an index ≥ 0 by a constant. */
export function divMod(k: KernelBuilder, x: Expr, n: number): { readonly quotient: Expr; readonly remainder: Expr } {
  if (n === 1) return { quotient: x, remainder: k.index(0) };
  const i = k.let(x, 'i');
  const bits = log2(n);
  if (bits !== undefined && i.kind !== 'const') {
    return { quotient: k.let(k.binary('shift-right', i, bits), 'q'), remainder: k.binary('and', i, n - 1) };
  }
  const quotient = k.let(k.div(i, n), 'q');
  return { quotient, remainder: k.sub(i, k.mul(quotient, n)) };
}

/** Splits a group after its first `rank` dimensions, or undefined when lanes would end up on both sides. */
function splitGroup(c: GridContext, g: Group, rank: number, inner: number): readonly [Group, Group] | undefined {
  const outer = inner === 0 ? 0 : g.size / inner;
  const zero = { at: c.k.index(0), step: 0, aligned: true, root: undefined };
  if (inner === 1)
    return [
      { ...g, rank },
      { ...zero, rank: g.rank - rank, size: 1 },
    ];
  if (outer === 1 || g.size === 0)
    return [
      { ...zero, rank, size: outer },
      { ...g, rank: g.rank - rank, size: inner },
    ];
  if (g.root) c.onSplit?.(g.root, inner);
  const whole = g.step === 0 || (g.step === 1 && g.aligned && inner % c.lanes === 0);
  if (!whole) return undefined;
  const { quotient, remainder } = divMod(c.k, g.at, inner);
  return [
    { rank, size: outer, at: quotient, step: 0, aligned: false, root: undefined },
    {
      rank: g.rank - rank,
      size: inner,
      at: c.k.let(remainder, 'r'),
      step: g.step,
      aligned: g.aligned,
      root: undefined,
    },
  ];
}

/** The same index with a group boundary before dimension `d`, or undefined when lanes forbid it. */
export function boundaryAt(c: GridContext, index: GridIndex, d: number): GridIndex | undefined {
  let start = 0;
  for (let i = 0; i < index.groups.length; i++) {
    const g = index.groups[i] as Group;
    if (start === d) return index;
    if (d < start + g.rank) {
      const halves = splitGroup(c, g, d - start, elementCount(index.dims.slice(d, start + g.rank)));
      return halves && { dims: index.dims, groups: index.groups.toSpliced(i, 1, ...halves) };
    }
    start += g.rank;
  }
  return index;
}

/** Boundaries before each of `at`. */
export function boundariesAt(c: GridContext, index: GridIndex, at: Iterable<number>): GridIndex | undefined {
  let result: GridIndex | undefined = index;
  for (const d of at) result = result && boundaryAt(c, result, d);
  return result;
}

/** One group per dimension. */
export function splitAll(c: GridContext, index: GridIndex): GridIndex | undefined {
  return boundariesAt(c, index, index.dims.keys());
}

/** A group with the dimensions [from, to) that it covers. */
export interface Span {
  readonly group: Group;
  readonly from: number;
  readonly to: number;
}

export function spans(index: GridIndex): Span[] {
  let from = 0;
  return index.groups.map((group) => {
    const span = { group, from, to: from + group.rank };
    from = span.to;
    return span;
  });
}

/** The position along dimension `d` alone; undefined when lanes forbid the split. */
export function dimensionGroup(c: GridContext, index: GridIndex, d: number): Group | undefined {
  const split = boundariesAt(c, index, [d, d + 1]);
  return split && spans(split).find((s) => s.from === d && s.to === d + 1)?.group;
}

/**
 * The operand's index when result dim j walks operand dim `source[j]` (−1: none, the operand is repeated along j).
 * Covers transpose and broadcast; dims of size 1 match anything.
 */
export function mapDimensions(
  c: GridContext,
  index: GridIndex,
  source: readonly number[],
  operandDims: readonly number[],
): GridIndex | undefined {
  const src = source.map((o) => (o >= 0 && operandDims[o] !== 1 ? o : -1));
  const cuts: number[] = [];
  let previous = -1; // last result dim that is not 1
  for (let j = 0; j < src.length; j++) {
    if (index.dims[j] === 1) continue;
    if (previous >= 0 && !follows(src[previous] as number, src[j] as number, operandDims)) cuts.push(j);
    previous = j;
  }
  const split = boundariesAt(c, index, cuts);
  if (!split) return undefined;
  const byFirst = new Map<number, { group: Group; last: number }>();
  for (const s of spans(split)) {
    const walked = src.slice(s.from, s.to).filter((o) => o >= 0);
    if (walked.length > 0)
      byFirst.set(walked[0] as number, { group: s.group, last: walked[walked.length - 1] as number });
  }
  const groups: Group[] = [];
  for (let o = 0; o < operandDims.length; ) {
    const found = byFirst.get(o);
    if (found) {
      groups.push({ ...found.group, rank: found.last + 1 - o });
      o = found.last + 1;
    } else {
      groups.push({
        rank: 1,
        size: operandDims[o] as number,
        at: c.k.index(0),
        step: 0,
        aligned: true,
        root: undefined,
      });
      o++;
    }
  }
  return { dims: operandDims, groups };
}

/** May two neighbouring result dims (walking operand dims a, b; −1: none) stay in one group? */
function follows(a: number, b: number, operandDims: readonly number[]): boolean {
  if (a < 0 || b < 0) return a === b;
  return b > a && operandDims.slice(a + 1, b).every((d) => d === 1);
}

function merge(k: KernelBuilder, groups: readonly Group[], rank: number): Group {
  const real = groups.filter((g) => g.size !== 1);
  if (real.length === 1) return { ...(real[0] as Group), rank };
  let merged: Group = { rank, size: 1, at: k.index(0), step: 0, aligned: true, root: undefined };
  for (const g of real) {
    const a = merged.root;
    const b = g.root;
    merged = {
      rank,
      size: merged.size * g.size,
      at: k.add(k.mul(merged.at, g.size), g.at),
      step: merged.step * g.size + g.step,
      aligned: false,
      root: a && b && a[1] === b[0] ? [a[0], b[1]] : undefined,
    };
  }
  return { ...merged, at: k.let(merged.at, 'i') };
}

/** The index of the same elements in row-major order under other dims: groups merge where dims do not line up, never divide. */
export function reshapeIndex(c: GridContext, index: GridIndex, dims: readonly number[]): GridIndex {
  const zero: Group = { rank: 1, size: 1, at: c.k.index(0), step: 0, aligned: true, root: undefined };
  if (elementCount(dims) === 0) return { dims, groups: dims.map((size) => ({ ...zero, size })) };
  const groups: Group[] = [];
  const pending = [...index.groups];
  let o = 0;
  while (o < dims.length) {
    const first = o;
    let have = dims[o++] as number;
    const taken: Group[] = [];
    let got = 1;
    while (got !== have) {
      if (got < have) {
        const g = pending.shift() as Group;
        taken.push(g);
        got *= g.size;
      } else have *= dims[o++] as number;
    }
    groups.push(merge(c.k, taken, o - first));
  }
  return { dims, groups };
}
