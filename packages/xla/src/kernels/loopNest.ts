/**
 * @file A nest of loops over a row-major space whose innermost loop runs on vectors, shared among threads at row or vector boundaries.
 */
import { divMod } from './elemental/gridIndex.ts';
import type { Expr } from './ir.ts';
import type { KernelBuilder } from './kernelBuilder.ts';

/** One visit of the innermost loop: positions along every loop; `lanes` elements from the last one on. */
export type Visit = (index: readonly Expr[], lanes: number) => void;

export interface Nest {
  readonly sizes: readonly number[];
  readonly lanes: number;
  /** Vectors per round of the innermost loop; default 1. */
  readonly unroll?: number;
  readonly parallel: boolean;
  /** Called once in the body of the next-to-last loop, before the innermost one. */
  readonly row?: (outer: readonly Expr[]) => void;
  readonly visit: Visit;
}

/** Rows below this number are not enough to share. */
const enoughRows = 64;

/** The innermost loop over [lo, hi): whole vectors, then single elements. lo and hi are multiples of lanes, or hi is the size. */
function inner(k: KernelBuilder, nest: Nest, outer: readonly Expr[], range: { lo: Expr; hi: Expr }): void {
  const size = nest.sizes[nest.sizes.length - 1] as number;
  const { lo, hi } = range;
  nest.row?.(outer);
  const whole = size - (size % nest.lanes);
  const body =
    (lanes: number) =>
    (i: Expr): void =>
      nest.visit([...outer, i], lanes);
  if (nest.lanes === 1) {
    k.for(lo, hi, body(1));
    return;
  }
  vectors(k, nest, body(nest.lanes), { lo, hi: whole === size ? hi : k.min(hi, whole), whole });
  if (whole < size) k.for(k.max(lo, whole), hi, body(1));
}

/** The loop over whole vectors, several a round while there are enough. */
function vectors(
  k: KernelBuilder,
  { lanes, unroll = 1 }: Nest,
  body: (i: Expr) => void,
  { lo, hi, whole }: { readonly lo: Expr; readonly hi: Expr; readonly whole: number },
): void {
  const step = lanes * unroll;
  if (unroll === 1 || whole < 4 * step) {
    if (whole > 0) k.for(lo, hi, body, lanes);
    return;
  }
  const rounds = k.let(k.sub(hi, k.rem(k.max(k.sub(hi, lo), 0), step)), 'rounds');
  const round = (i: Expr): void => {
    for (let u = 0; u < unroll; u++) body(k.add(i, u * lanes));
  };
  k.for(lo, rounds, round, step);
  if (!(rounds.kind === 'const' && hi.kind === 'const' && rounds.value === hi.value)) k.for(rounds, hi, body, lanes);
}

/** Loops `for` over sizes[from … to), handing on their indices. */
function loops(
  k: KernelBuilder,
  sizes: readonly number[],
  done: (index: readonly Expr[]) => void,
  before: readonly Expr[] = [],
): void {
  const [size, ...rest] = sizes;
  if (size === undefined) done(before);
  else if (size === 1) loops(k, rest, done, [...before, k.index(0)]);
  else k.for(0, size, (i) => loops(k, rest, done, [...before, i]));
}

/** Positions along `sizes` of a linear index. */
export function delinearize(k: KernelBuilder, linear: Expr, sizes: readonly number[]): Expr[] {
  const index: Expr[] = [];
  let rest = linear;
  for (let d = sizes.length - 1; d > 0; d--) {
    const { quotient, remainder } = divMod(k, rest, sizes[d] as number);
    index.unshift(k.let(remainder, 'i'));
    rest = quotient;
  }
  return [rest, ...index];
}

const product = (sizes: readonly number[]): number => sizes.reduce((a, b) => a * b, 1);

/** Emits the nest. With no sizes at all the visit happens once. */
export function emitNest(k: KernelBuilder, nest: Nest): void {
  const { sizes, lanes, parallel } = nest;
  if (sizes.length === 0) {
    nest.row?.([]);
    nest.visit([], 1);
    return;
  }
  const size = sizes[sizes.length - 1] as number;
  const outer = sizes.slice(0, -1);
  const all = { lo: k.index(0), hi: k.index(size) };
  if (!parallel) {
    loops(k, outer, (index) => inner(k, nest, index, all));
    return;
  }
  if (product(outer) < enoughRows && size >= product(outer)) {
    const range = k.share(size, lanes);
    loops(k, outer, (index) => inner(k, nest, index, range));
    return;
  }
  let shared = 1;
  while (shared < outer.length && product(outer.slice(0, shared)) < enoughRows) shared++;
  const head = outer.slice(0, shared);
  const { lo, hi } = k.share(product(head));
  k.for(lo, hi, (row) => {
    const first = delinearize(k, row, head);
    loops(k, outer.slice(shared), (index) => inner(k, nest, index, all), first);
  });
}
