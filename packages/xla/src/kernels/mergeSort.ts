/**
 * @file A stable merge sort of one row, in loop IR: runs double in length from one pass to the next, between two scratch rows. The inner
 * loop has no branches: it takes from one run or the other by selects.
 */
import type { Buffer, Expr } from './ir.ts';
import type { KernelBuilder } from './kernelBuilder.ts';

export interface MergeSort {
  /** One scratch buffer per array sorted together; the row lives at [base, base + size), its copy at [base + size, base + 2·size). */
  readonly rows: readonly Buffer[];
  readonly base: Expr;
  readonly size: number;
  /** Whether elements a (of the second run) must come before elements b (of the first). */
  readonly before: (a: readonly Expr[], b: readonly Expr[]) => Expr;
}

/** Sorts the row; answers where the sorted row begins. */
export function emitMergeSort(k: KernelBuilder, { rows, base, size, before }: MergeSort): Expr {
  let from = base;
  let to: Expr = k.let(k.add(base, size), 'copy');
  for (let width = 1; width < size; width *= 2) {
    mergePass(k, { rows, size, width, from, to, before });
    [from, to] = [to, from];
  }
  return from;
}

interface Pass {
  readonly rows: readonly Buffer[];
  readonly size: number;
  /** Length of the sorted runs. */
  readonly width: number;
  readonly from: Expr;
  readonly to: Expr;
  readonly before: MergeSort['before'];
}

function mergePass(k: KernelBuilder, { rows, size, width, from, to, before }: Pass): void {
  k.for(
    0,
    size,
    (start) => {
      const middle = k.let(k.min(k.add(start, width), size), 'middle');
      const end = k.let(k.min(k.add(start, 2 * width), size), 'end');
      const i = k.variable(start, 'i');
      const j = k.variable(middle, 'j');
      k.for(start, end, (o) => {
        // Positions past the end of a run read its last element; the tests on i and j decide anyway.
        const left = k.let(k.add(from, k.min(k.read(i), k.sub(middle, 1))), 'left');
        const right = k.let(k.add(from, k.min(k.read(j), k.sub(end, 1))), 'right');
        const a = rows.map((r) => k.let(k.load(r, left), 'a'));
        const b = rows.map((r) => k.let(k.load(r, right), 'b'));
        const noLeft = k.compare('GE', k.read(i), middle);
        const hasRight = k.compare('LT', k.read(j), end);
        const takeRight = k.let(k.binary('and', hasRight, k.binary('or', noLeft, before(b, a))), 'takeRight');
        rows.forEach((r, n) => {
          k.store(r, k.add(to, o), select(k, takeRight, b[n] as Expr, a[n] as Expr));
        });
        const step = k.let(k.convert('s32', takeRight), 'step');
        k.set(j, k.add(k.read(j), step));
        k.set(i, k.sub(k.add(k.read(i), 1), step));
      });
    },
    2 * width,
  );
}

function select(k: KernelBuilder, p: Expr, a: Expr, b: Expr): Expr {
  if (a.type.scalar !== 'pred') return k.select(p, a, b);
  return k.binary('or', k.binary('and', p, a), k.binary('and', k.unary('not', p), b));
}
