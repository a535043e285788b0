/**
 * @file The schedule of top-k along the last dimension. Few winners: one pass with an ordered list of the best so far, which most
 * elements never touch (vectors are compared with its last entry at once). Many: the row is merge-sorted.
 */
import { internal } from '../hlo/errors.ts';
import type { Instruction } from '../hlo/module.ts';
import { type ArrayShape, type ElementType, elementBytes, elementCount, isFloat } from '../hlo/shape.ts';
import { anyLane, lanesFor } from './elemental/lanes.ts';
import { isParallel, KernelArguments, openFusion } from './fused.ts';
import type { Buffer, Cost, Expr } from './ir.ts';
import { KernelBuilder } from './kernelBuilder.ts';
import { emitMergeSort } from './mergeSort.ts';
import type { Scheduled } from './schedule.ts';
import type { Target } from './target.ts';

/** Up to this many winners are kept in an ordered list. */
const listLimit = 64;

interface TopK {
  readonly k: KernelBuilder;
  readonly args: KernelArguments;
  readonly dtype: ElementType;
  readonly size: number;
  readonly count: number;
  readonly lanes: number;
  readonly input: Buffer;
  readonly values: Buffer;
  readonly indices: Buffer;
}

export function scheduleTopK(x: Instruction, target: Target): Scheduled {
  if (x.opcode !== 'top-k') throw internal(`top-k met ${x.opcode}`);
  const { dims, dtype } = (x.operands[0] as Instruction).shape as ArrayShape;
  const size = dims[dims.length - 1] as number;
  const count = x.attrs.k;
  const rows = elementCount(dims.slice(0, -1));
  if (rows === 0 || count === 0) return { launches: [], scratch: [], inPlace: [] };
  const cost: Cost = { flops: 4 * rows * size, bytes: rows * (size + 2 * count) * elementBytes[dtype] };
  const parallel = rows > 1 && isParallel(cost, target);
  const k = new KernelBuilder('top_k');
  const args = new KernelArguments(k, openFusion(x));
  const [input, values, indices] = [
    args.operand(0),
    args.outputArray(0, dtype, 'readwrite'),
    args.outputArray(1, 's32', 'readwrite'),
  ];
  const t: TopK = { k, args, dtype, size, count, lanes: lanesFor([dtype], target), input, values, indices };
  const sorts = count > listLimit;
  const { lo, hi } = parallel ? k.share(rows) : { lo: k.index(0), hi: k.index(rows) };
  k.for(lo, hi, (row) => (sorts ? sortRow(t, row) : scanRow(t, row)));
  const threads = parallel ? target.maxThreads : 1;
  const scratch = sorts ? [2 * size * elementBytes[dtype] * threads, 2 * size * 4 * threads] : [];
  return { launches: [{ kernel: k.finish({ parallel, cost }), args: args.args }], scratch, inPlace: [] };
}

/** x comes before y: larger, NaN largest of all. Equal ones do not. */
function beats(t: TopK, x: Expr, y: Expr): Expr {
  const { k } = t;
  if (x.type.scalar === 'pred') return k.binary('and', x, k.unary('not', y));
  if (!isFloat(t.dtype)) return k.compare('GT', x, y);
  return k.binary('and', k.unary('not', k.compare('LE', x, y)), k.compare('EQ', y, y));
}

/** Puts x into the ordered list of `filled` entries at [first, …), which it is known to enter; a full list drops its last. */
function insert(t: TopK, x: Expr, index: Expr, { first, last }: { readonly first: Expr; readonly last: Expr }): void {
  const { k, values, indices } = t;
  const place = k.variable(last, 'place');
  const above = (): Expr => k.let(k.sub(k.read(place), 1), 'above');
  const more = (): Expr => {
    // Both sides of the test are evaluated, so the read stays inside the list.
    const at = k.max(k.sub(k.read(place), 1), first);
    return k.binary('and', k.compare('GT', k.read(place), first), beats(t, x, k.load(values, at)));
  };
  k.while(more(), () => {
    const from = above();
    k.store(values, k.read(place), k.load(values, from));
    k.store(indices, k.read(place), k.load(indices, from));
    k.set(place, from);
  });
  k.store(values, k.read(place), x);
  k.store(indices, k.read(place), index);
}

function scanRow(t: TopK, row: Expr): void {
  const { k, size, count, lanes, input, values } = t;
  const start = k.let(k.mul(row, size), 'start');
  const first = k.let(k.mul(row, count), 'first');
  k.for(0, count, (i) => {
    const x = k.let(k.load(input, k.add(start, i)), 'x');
    insert(t, x, i, { first, last: k.add(first, i) });
  });
  const last = k.let(k.add(first, count - 1), 'last');
  const worst = k.variable(k.load(values, last), 'worst');
  const consider = (i: Expr): void => {
    const x = k.let(k.load(input, k.add(start, i)), 'x');
    k.if(beats(t, x, k.read(worst)), () => {
      insert(t, x, i, { first, last });
      k.set(worst, k.load(values, last));
    });
  };
  const step = 2 * lanes;
  const whole = count + Math.floor((size - count) / step) * step;
  if (lanes > 1 && whole > count) {
    k.for(
      count,
      whole,
      (i) => {
        const at = k.let(k.add(start, i), 'at');
        const limit = k.let(k.splat(k.read(worst), lanes), 'limit');
        const hit = (offset: number): Expr => {
          const x = k.let(k.load(input, k.add(at, offset), lanes), 'x');
          return beats(t, x, limit);
        };
        k.if(anyLane(k, k.binary('or', hit(0), hit(lanes))), () => {
          for (let l = 0; l < step; l++) consider(k.let(k.add(i, l), 'i'));
        });
      },
      step,
    );
    k.for(whole, size, consider);
  } else k.for(count, size, consider);
}

function sortRow(t: TopK, row: Expr): void {
  const { k, args, size, count, dtype, input, values, indices } = t;
  const rows = [args.scratch(0, dtype), args.scratch(1, 's32')] as const;
  const base = k.let(k.mul(k.tid, 2 * size), 'base');
  const start = k.let(k.mul(row, size), 'start');
  k.for(0, size, (i) => {
    k.store(rows[0], k.add(base, i), k.load(input, k.add(start, i)));
    k.store(rows[1], k.add(base, i), i);
  });
  const before = (a: readonly Expr[], b: readonly Expr[]): Expr => beats(t, a[0] as Expr, b[0] as Expr);
  const sorted = emitMergeSort(k, { rows, base, size, before });
  const first = k.let(k.mul(row, count), 'first');
  k.for(0, count, (i) => {
    k.store(values, k.add(first, i), k.load(rows[0], k.add(sorted, i)));
    k.store(indices, k.add(first, i), k.load(rows[1], k.add(sorted, i)));
  });
}
