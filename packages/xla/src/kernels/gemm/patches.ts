/**
 * @file Walks the runs of k of one row (or a few rows) of a side: where each run starts in the operand and which of its steps lie
 * inside. All of a convolution's padding, strides and dilations are decided here.
 */
import type { Expr } from '../ir.ts';
import type { Index, KernelBuilder } from '../kernelBuilder.ts';
import { type Couple, type Dim, digits, offsetOf, type Side } from './problem.ts';

/** A block of k: outer runs [outer, outer + outerCount), each of the inner range [inner, inner + innerCount). */
export interface KBlock {
  readonly outer: Expr;
  readonly outerCount: Expr;
  readonly inner: Expr;
  readonly innerCount: Expr;
}

export interface Coupled {
  readonly couple: Couple;
  /** free·freeStep + offset */
  readonly at: Expr;
}

export function coupledAt(k: KernelBuilder, side: Side, at: readonly Expr[]): Coupled[] {
  return side.couples.map((couple) => ({
    couple,
    at: k.let(k.add(k.mul(at[couple.free] as Expr, couple.freeStep), couple.offset)),
  }));
}

/** 0 ≤ p < limit in one comparison. */
export function inside(k: KernelBuilder, p: Expr, limit: number): Expr {
  return k.compare('LT', k.bitcast('u32', p), k.const('u32', limit));
}

/** The conditions of the couples that an outer k dimension decides, and the address part of dilated ones. */
function outerCouples(k: KernelBuilder, coupled: readonly Coupled[], at: readonly Expr[], inner: number) {
  let valid: Expr | undefined;
  let offset: Expr = k.index(0);
  const and = (c: Expr): void => {
    valid = valid ? k.binary('and', valid, c) : c;
  };
  for (const { couple: c, at: p0 } of coupled) {
    if (c.k === inner) continue;
    const p = k.let(k.add(p0, k.mul(at[c.k] as Expr, c.kStep)), 'p');
    and(inside(k, p, c.limit));
    if (c.dilation > 1) {
      and(k.compare('EQ', k.rem(p, c.dilation), 0));
      offset = k.add(offset, k.mul(k.div(p, c.dilation), c.stride));
    }
  }
  return { valid: valid && k.let(k.select(valid, 1, 0), 'ok'), offset };
}

/** [lo, hi) ⊂ [0, count): the inner steps whose position p0 + i·step lies in [0, limit). */
export function validRange(
  k: KernelBuilder,
  p0: Expr,
  step: number,
  limit: Index,
  count: Expr,
): { lo: Expr; hi: Expr } {
  const up = (x: Expr): Expr => (step === 1 ? x : k.div(k.add(x, step - 1), step)); // x ≥ 0
  const lo = k.let(k.min(up(k.max(k.sub(0, p0), 0)), count), 'lo');
  const hi = k.let(k.max(k.min(up(k.max(k.sub(limit, p0), 0)), count), lo), 'hi');
  return { lo, hi };
}

export interface RunWalk {
  readonly side: Side;
  readonly block: KBlock;
  readonly coupled: readonly Coupled[];
  /** Offset of the row in the operand. */
  readonly base: Expr;
}

/** A run of the innermost k dimension. */
export interface Run {
  /** Number within the block. */
  readonly number: Expr;
  /** Index in each outer dimension of k. */
  readonly at: readonly Expr[];
  /** Offset of the first element, which may lie outside the operand. */
  readonly source: Expr;
  /** The steps [lo, hi) of the run that lie inside. */
  readonly lo: Expr;
  readonly hi: Expr;
  /** 0 when the whole run is outside; undefined when no run ever is. */
  readonly valid: Expr | undefined;
}

/** The couple of the innermost k dimension. */
export function innerCouple(walk: Pick<RunWalk, 'side' | 'coupled'>): Coupled | undefined {
  return walk.coupled.find((c) => c.couple.k === walk.side.k.length - 1);
}

/**
 * Runs `body` for every run of the block. `spread`: how far the positions of the rows handled together lie apart; the inside range
 * then holds for all of them.
 */
export function forRuns(k: KernelBuilder, walk: RunWalk, body: (run: Run) => void, spread = 0): void {
  const { side, block, coupled, base } = walk;
  const inner = side.k.length - 1;
  const outerDims = side.k.slice(0, -1);
  const step = (side.k[inner] as Dim).stride;
  const own = innerCouple(walk);
  k.for(0, block.outerCount, (number) => {
    const at = digits(k, k.add(block.outer, number), outerDims);
    const { valid, offset } = outerCouples(k, coupled, at, inner);
    const start = k.add(k.add(base, offsetOf(k, at, outerDims)), k.add(offset, k.mul(block.inner, step)));
    const source = k.let(start, 'from');
    let lo: Expr = k.index(0);
    let hi: Expr = block.innerCount;
    if (own && own.couple.dilation === 1) {
      const { couple: c } = own;
      const p0 = k.let(k.add(own.at, k.mul(block.inner, c.kStep)), 'p');
      ({ lo, hi } = validRange(k, p0, c.kStep, c.limit - spread, block.innerCount));
    }
    if (valid) {
      lo = k.let(k.mul(lo, valid));
      hi = k.let(k.mul(hi, valid));
    }
    body({ number, at, source, lo, hi, valid });
  });
}
