/** @file The schedule of sort: every row along the dimension on its own, copied out, merge-sorted by any comparator, copied back. */
import { internal } from '../hlo/errors.ts';
import type { Instruction } from '../hlo/module.ts';
import { type ArrayShape, elementBytes, elementCount } from '../hlo/shape.ts';
import { applyComputation } from './elemental/elemental.ts';
import { isParallel, KernelArguments, openFusion } from './fused.ts';
import type { Cost, Expr } from './ir.ts';
import { KernelBuilder } from './kernelBuilder.ts';
import { delinearize } from './loopNest.ts';
import { emitMergeSort } from './mergeSort.ts';
import type { Scheduled } from './schedule.ts';
import type { Target } from './target.ts';

const shapeOf = (x: Instruction): ArrayShape => x.shape as ArrayShape;

export function scheduleSort(x: Instruction, target: Target): Scheduled {
  if (x.opcode !== 'sort') throw internal(`sort met ${x.opcode}`);
  const { dims } = shapeOf(x.operands[0] as Instruction);
  const size = dims[x.attrs.dimension] as number;
  const inner = elementCount(dims.slice(x.attrs.dimension + 1));
  const rows = size === 0 ? 0 : elementCount(dims) / size;
  if (rows === 0) return { launches: [], scratch: [], inPlace: [] };
  const types = x.operands.map((o) => shapeOf(o).dtype);
  const work = rows * size * Math.max(1, Math.ceil(Math.log2(size))) * types.length;
  const cost: Cost = { flops: 12 * work, bytes: 8 * work };
  const parallel = rows > 1 && isParallel(cost, target);
  const k = new KernelBuilder('sort');
  const args = new KernelArguments(k, openFusion(x));
  const inputs = x.operands.map((_, i) => args.operand(i));
  const outputs = types.map((t, i) => args.outputArray(i, t));
  const scratch = types.map((t, i) => args.scratch(i, t));
  const { lo, hi } = parallel ? k.share(rows) : { lo: k.index(0), hi: k.index(rows) };
  const base = k.let(k.mul(k.tid, 2 * size), 'base');
  k.for(lo, hi, (row) => {
    const [outer, position] = delinearize(k, row, [rows / inner, inner]) as [Expr, Expr];
    const first = k.let(k.add(k.mul(outer, size * inner), position), 'first');
    const at = (i: Expr): Expr => k.add(first, k.mul(i, inner));
    k.for(0, size, (i) => {
      for (const [n, s] of scratch.entries())
        k.store(s, k.add(base, i), k.load(inputs[n] as (typeof inputs)[number], at(i)));
    });
    const before = (a: readonly Expr[], b: readonly Expr[]): Expr => {
      const pairs = a.flatMap((v, n) => [v, b[n] as Expr]);
      return applyComputation(k, x.attrs.comparator, pairs)[0] as Expr;
    };
    const sorted = emitMergeSort(k, { rows: scratch, base, size, before });
    k.for(0, size, (i) => {
      for (const [n, s] of scratch.entries())
        k.store(outputs[n] as (typeof outputs)[number], at(i), k.load(s, k.add(sorted, i)));
    });
  });
  const threads = parallel ? target.maxThreads : 1;
  return {
    launches: [{ kernel: k.finish({ parallel, cost }), args: args.args }],
    scratch: types.map((t) => 2 * size * elementBytes[t] * threads),
    inPlace: types.map((_, i) => ({ operand: i, output: i })),
  };
}
