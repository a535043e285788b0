/**
 * @file Depthwise convolution and its gradients: one feature for each group, groups contiguous in all three arrays. The groups run
 * along the vectors: out[row, g] = Σₖ lhs[row, k, g] · rhs[k, g], read in place.
 */

import { multiplyAdd } from '../gemm/microKernel.ts';
import { coupledAt, forRuns } from '../gemm/patches.ts';
import { type Contraction, type Dim, digits, loadAs, loadsVectors, offsetOf } from '../gemm/problem.ts';
import type { StoreResult } from '../gemm/tile.ts';
import type { Buffer, Expr, Local } from '../ir.ts';
import type { KernelBuilder } from '../kernelBuilder.ts';

/** Sums kept in registers side by side. */
const vectorsAtOnce = 4;

/** Whether this form fits `c`. */
export function isGroupVectors(c: Contraction): boolean {
  const single = [c.lhs.batch, c.rhs.batch, c.out.batch].every((d) => d.length === 1 && (d[0] as Dim).stride === 1);
  return single && c.batch > 1 && c.cols === 1 && c.depth > 0 && c.lhs.couples.every((x) => x.dilation === 1);
}

export function emitGroupVectors(
  k: KernelBuilder,
  c: Contraction,
  io: { readonly lhs: Buffer; readonly rhs: Buffer; readonly lanes: number },
  finish: StoreResult,
): void {
  const vector = loadsVectors(c.lhs.memory, c.scalar) && loadsVectors(c.rhs.memory, c.scalar);
  const lanes = vector ? io.lanes : 1;
  const width = lanes * vectorsAtOnce;
  const full = Math.floor(c.batch / width);
  const rest = c.batch % width;
  const blocks = full + (rest > 0 ? 1 : 0);
  const { lo, hi } = k.share(c.rows * blocks);
  k.for(lo, hi, (u) => {
    const row = k.let(k.div(u, blocks), 'row');
    const group = k.let(k.mul(k.rem(u, blocks), width), 'group');
    const emit = (at: number, vectors: number, lanesOf: number): void =>
      emitBlock(k, c, { ...io, row, group: k.add(group, at), vectors, lanes: lanesOf }, finish);
    const emitRest = (): void => {
      const vectors = Math.floor(rest / lanes);
      if (vectors > 0) emit(0, vectors, lanes);
      for (let at = vectors * lanes; at < rest; at++) emit(at, 1, 1);
    };
    if (rest === 0) emit(0, vectorsAtOnce, lanes);
    else if (full === 0) emitRest();
    else k.if(k.compare('LT', group, full * width), () => emit(0, vectorsAtOnce, lanes), emitRest);
  });
}

interface Block {
  readonly lhs: Buffer;
  readonly rhs: Buffer;
  readonly row: Expr;
  readonly group: Expr;
  readonly vectors: number;
  readonly lanes: number;
}

function emitBlock(k: KernelBuilder, c: Contraction, at: Block, finish: StoreResult): void {
  const { lanes } = at;
  const rowAt = digits(k, at.row, c.lhs.free);
  const sums: Local[] = Array.from({ length: at.vectors }, () => k.variable(k.const(c.scalar, 0, lanes), 'sum'));
  const run = (c.lhs.k.at(-1) as Dim).size;
  const walk = {
    side: c.lhs,
    block: { outer: k.index(0), outerCount: k.index(c.depth / run), inner: k.index(0), innerCount: k.index(run) },
    coupled: coupledAt(k, c.lhs, rowAt),
    base: k.let(k.add(k.add(at.group, c.lhs.base), offsetOf(k, rowAt, c.lhs.free)), 'base'),
  };
  forRuns(k, walk, ({ at: outer, source, lo, hi }) => {
    const offset = k.add(k.add(at.group, c.rhs.base), offsetOf(k, outer, c.rhs.k.slice(0, -1)));
    const right = k.let(offset, 'right');
    k.for(lo, hi, (i) => {
      const a = k.view(at.lhs, k.add(source, k.mul(i, (c.lhs.k.at(-1) as Dim).stride)));
      const b = k.view(at.rhs, k.add(right, k.mul(i, (c.rhs.k.at(-1) as Dim).stride)));
      sums.forEach((sum, v) => {
        const x = loadAs(k, a, v * lanes, lanes, c.scalar);
        k.set(sum, multiplyAdd(k, x, loadAs(k, b, v * lanes, lanes, c.scalar), k.read(sum)));
      });
    });
  });
  const rowOffset = offsetOf(k, digits(k, at.row, c.out.rows), c.out.rows);
  const start = k.let(k.add(k.add(rowOffset, c.out.base), at.group), 'at');
  sums.forEach((sum, v) => {
    const offset = k.add(start, v * lanes);
    finish({ batch: k.add(at.group, v * lanes), row: at.row, col: k.index(0), offset, lanes }, k.read(sum));
  });
}
