/**
 * @file Matrix times vector where both are contiguous along k: each result is a dot product whose partial sums lie in lanes.
 * The matrix is read once and in place; that is all such a product costs.
 */
import type { Buffer, Expr, Local } from '../ir.ts';
import type { KernelBuilder } from '../kernelBuilder.ts';
import { multiplyAdd } from './microKernel.ts';
import { type Contraction, type Dim, digits, loadAs, loadsVectors, offsetOf, type Side } from './problem.ts';
import type { StoreResult } from './tile.ts';

/** Independent sums that keep the multiply-add units busy. */
const chains = 8;

function contiguous(side: Side, c: Contraction): boolean {
  const [k] = side.k;
  const plain = side.k.length === 1 && side.free.length === 1 && side.couples.length === 0;
  return plain && (k as Dim).stride === 1 && loadsVectors(side.memory, c.scalar);
}

/** Whether this form fits `c`. */
export function isRowDots(c: Contraction, lanes: number): boolean {
  const vector = (c.rows === 1 || c.cols === 1) && c.out.rows.length === 1 && c.out.colStride === 1;
  return vector && lanes > 1 && c.depth >= 4 * lanes && contiguous(c.lhs, c) && contiguous(c.rhs, c);
}

interface Sources {
  readonly lhs: Buffer;
  readonly rhs: Buffer;
  readonly lanes: number;
}

export function emitRowDots(k: KernelBuilder, c: Contraction, io: Sources, finish: StoreResult): void {
  const tall = c.cols === 1;
  const count = tall ? c.rows : c.cols;
  const [matrix, vector] = tall ? [c.lhs, c.rhs] : [c.rhs, c.lhs];
  const [m, v] = tall ? [io.lhs, io.rhs] : [io.rhs, io.lhs];
  const together = Math.min(4, count);
  const blocks = Math.ceil(count / together);
  const { lo, hi } = k.share(c.batch * blocks);
  const stride = (matrix.free[0] as Dim).stride;
  k.for(lo, hi, (u) => {
    const batch = c.batch === 1 ? k.index(0) : k.let(k.div(u, blocks));
    const first = k.let(k.mul(c.batch === 1 ? u : k.rem(u, blocks), together), 'first');
    const b = k.view(v, k.add(batchOffset(k, vector, batch), vector.base));
    const out = offsetOf(k, digits(k, batch, c.out.batch), c.out.batch);
    const emit = (rows: number): void => {
      const start = k.add(k.add(batchOffset(k, matrix, batch), matrix.base), k.mul(first, stride));
      const a = k.view(m, start);
      dotProducts(k, c, { a, b, stride, rows, lanes: io.lanes }).forEach((sum, r) => {
        const at = k.add(first, r);
        const step = tall ? (c.out.rows[0] as Dim).stride : 1;
        finish(
          {
            batch,
            row: tall ? at : k.index(0),
            col: tall ? k.index(0) : at,
            offset: k.add(k.add(out, c.out.base), k.mul(at, step)),
            lanes: 1,
          },
          sum,
        );
      });
    };
    const rest = count % together;
    if (rest === 0) emit(together);
    else
      k.if(
        k.compare('LE', k.add(first, together), count),
        () => emit(together),
        () => emit(rest),
      );
  });
}

function batchOffset(k: KernelBuilder, side: Side, batch: Expr): Expr {
  return offsetOf(k, digits(k, batch, side.batch), side.batch);
}

interface Products {
  readonly a: Buffer;
  readonly b: Buffer;
  readonly stride: number;
  readonly rows: number;
  readonly lanes: number;
}

/** The dot products of `rows` rows with b. */
function dotProducts(k: KernelBuilder, c: Contraction, p: Products): Expr[] {
  const { rows, lanes } = p;
  const each = Math.floor(chains / rows);
  const step = each * lanes;
  const zero = k.const(c.scalar, 0, lanes);
  const sums = Array.from({ length: rows }, () => Array.from({ length: each }, () => k.variable(zero, 'sum')));
  const cut = Math.floor(c.depth / step) * step;
  const add = (sum: Local, at: Expr, r: number, y: Expr, n: number): void => {
    const x = loadAs(k, p.a, k.add(at, r * p.stride), n, c.scalar);
    k.set(sum, multiplyAdd(k, x, y, k.read(sum)));
  };
  k.for(
    0,
    cut,
    (i) => {
      for (let u = 0; u < each; u++) {
        const at = k.add(i, u * lanes);
        const y = k.let(loadAs(k, p.b, at, lanes, c.scalar), 'b');
        sums.forEach((row, r) => {
          add(row[u] as Local, at, r, y, lanes);
        });
      }
    },
    step,
  );
  const totals = sums.map((row) => {
    const vector = k.let(row.map((s) => k.read(s)).reduce((x, y) => k.add(x, y)));
    const parts = Array.from({ length: lanes }, (_, l) => k.extract(vector, l));
    return k.variable(
      parts.reduce((x, y) => k.add(x, y)),
      'total',
    );
  });
  k.for(cut, c.depth, (i) => {
    const y = k.let(loadAs(k, p.b, i, 1, c.scalar), 'b');
    totals.forEach((total, r) => {
      add(total, i, r, y, 1);
    });
  });
  return totals.map((t) => k.read(t));
}
