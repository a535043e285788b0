/**
 * @file The contraction as written: one sum after the other. For empty sums and sizes where packing costs more than it saves.
 */
import type { Buffer, Expr } from '../ir.ts';
import type { KernelBuilder } from '../kernelBuilder.ts';
import { multiplyAdd } from './microKernel.ts';
import { type Contraction, digits, loadAs, offsetOf, type Side } from './problem.ts';
import type { StoreResult } from './tile.ts';

export function emitNaive(
  k: KernelBuilder,
  c: Contraction,
  buffers: { readonly lhs: Buffer; readonly rhs: Buffer },
  finish: StoreResult,
): void {
  const { lo, hi } = k.share(c.batch * c.rows);
  k.for(lo, hi, (i) => {
    const batch = k.let(k.div(i, c.rows));
    const row = k.let(k.rem(i, c.rows));
    const b = offsetOf(k, digits(k, batch, c.out.batch), c.out.batch);
    const start = k.let(k.add(k.add(b, c.out.base), offsetOf(k, digits(k, row, c.out.rows), c.out.rows)));
    k.for(0, c.cols, (col) => {
      const sum = k.variable(k.const(c.scalar, 0), 'sum');
      const left = sideAt(k, c, { side: c.lhs, buffer: buffers.lhs, batch, free: row });
      const right = sideAt(k, c, { side: c.rhs, buffer: buffers.rhs, batch, free: col });
      k.for(0, c.depth, (d) => {
        const at = digits(k, d, c.lhs.k);
        left(at, (x) => right(at, (y) => k.set(sum, multiplyAdd(k, x, y, k.read(sum)))));
      });
      finish({ batch, row, col, offset: k.let(k.add(start, k.mul(col, c.out.colStride))), lanes: 1 }, k.read(sum));
    });
  });
}

/** Answers how to read one side at the digits of k; outside of the operand nothing happens. */
function sideAt(
  k: KernelBuilder,
  c: Contraction,
  s: { side: Side; buffer: Buffer; batch: Expr; free: Expr },
): (at: readonly Expr[], use: (x: Expr) => void) => void {
  const { side } = s;
  const free = digits(k, s.free, side.free);
  const batch = offsetOf(k, digits(k, s.batch, side.batch), side.batch);
  const base = k.let(k.add(k.add(batch, side.base), offsetOf(k, free, side.free)));
  return (at, use) => {
    let index = k.add(base, offsetOf(k, at, side.k));
    let valid: Expr | undefined;
    for (const q of side.couples) {
      const position = k.add(k.mul(free[q.free] as Expr, q.freeStep), k.mul(at[q.k] as Expr, q.kStep));
      const p = k.let(k.add(position, q.offset), 'p');
      let ok = k.compare('LT', k.bitcast('u32', p), k.const('u32', q.limit));
      if (q.dilation > 1) {
        ok = k.binary('and', ok, k.compare('EQ', k.rem(p, q.dilation), 0));
        index = k.add(index, k.mul(k.div(p, q.dilation), q.stride));
      }
      valid = valid ? k.binary('and', valid, ok) : ok;
    }
    const read = (): void => use(k.let(loadAs(k, s.buffer, index, 1, c.scalar)));
    if (valid) k.if(valid, read);
    else read();
  };
}
