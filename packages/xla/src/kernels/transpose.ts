/**
 * @file The schedule of transpose. When rows stay whole it is a loop of row copies. Otherwise two dims swap roles: blocks of whole cache
 * lines are read and written, and small squares turn in registers by shuffles.
 */
import { internal } from '../hlo/errors.ts';
import type { Instruction } from '../hlo/module.ts';
import { type ArrayShape, type ElementType, elementBytes, elementCount, rowMajorStrides } from '../hlo/shape.ts';
import { isParallel, KernelArguments, openFusion } from './fused.ts';
import type { Buffer, Cost, Expr } from './ir.ts';
import { KernelBuilder } from './kernelBuilder.ts';
import { scheduleLoop } from './loop.ts';
import { delinearize } from './loopNest.ts';
import type { Scheduled } from './schedule.ts';
import type { Target } from './target.ts';

/** Elements along the sides of a block. */
const blockSide = 64;
/** Elements of the new innermost dim that are worked off before the next ones: as many memory pages as the TLB holds. */
const strip = 512;
/** Bytes from which on blocks turn in a buffer: lines far apart push each other out of the caches before they are used up. */
const stagedBytes = 1 << 20;

/** Which type moves elements of a size without looking at them. */
const rawTypes: { readonly [bytes: number]: ElementType } = { 1: 'u8', 2: 'u16', 4: 'u32', 8: 'u64' };

/** The transposition with dims of size 1 dropped and neighbours that stay together merged. */
export interface Permutation {
  /** Operand dims. */
  readonly dims: readonly number[];
  readonly permutation: readonly number[];
}

export function simplifyPermutation(dims: readonly number[], permutation: readonly number[]): Permutation {
  const real = permutation.filter((d) => dims[d] !== 1);
  const runs: number[][] = [];
  for (const d of real) {
    const run = runs[runs.length - 1];
    const previous = run?.[run.length - 1];
    const between = previous === undefined ? [] : dims.slice(previous + 1, d);
    if (run && previous !== undefined && d > previous && between.every((n) => n === 1)) run.push(d);
    else runs.push([d]);
  }
  const order = [...runs].sort((a, b) => (a[0] as number) - (b[0] as number));
  return {
    dims: order.map((run) => elementCount(run.map((d) => dims[d] as number))),
    permutation: runs.map((run) => order.indexOf(run)),
  };
}

export function scheduleTranspose(x: Instruction, target: Target): Scheduled {
  if (x.opcode !== 'transpose') throw internal(`transpose met ${x.opcode}`);
  const { dims, dtype } = (x.operands[0] as Instruction).shape as ArrayShape;
  const p = simplifyPermutation(dims, x.attrs.permutation);
  const rank = p.dims.length;
  if (elementCount(dims) === 0) return { launches: [], scratch: [], inPlace: [] };
  if (rank < 2 || p.permutation[rank - 1] === rank - 1) return scheduleLoop(x, target);
  const bytes = elementBytes[dtype];
  const cost: Cost = { flops: 0, bytes: 2 * bytes * elementCount(dims) };
  const parallel = isParallel(cost, target);
  const k = new KernelBuilder('transpose');
  const args = new KernelArguments(k, openFusion(x));
  const raw = rawTypes[bytes] as ElementType;
  const from = k.view(args.operand(0), 0, 'from', raw);
  const to = k.view(args.output(0), 0, 'to', raw);
  const lanes = target.vectorBytes === 16 ? (bytes === 8 ? 2 : 4) : 1;
  const staged = lanes > 1 && bytes * elementCount(dims) >= stagedBytes;
  const stage = staged ? k.view(args.scratch(0, raw), k.mul(k.tid, blockSide * blockSide), 'stage') : undefined;
  emitTranspose(k, p, { from, to, stage, lanes, parallel });
  const kernel = k.finish({ parallel, cost });
  const scratch = staged ? [bytes * blockSide * blockSide * (parallel ? target.maxThreads : 1)] : [];
  return { launches: [{ kernel, args: args.args }], scratch, inPlace: [] };
}

interface Arrays {
  readonly from: Buffer;
  readonly to: Buffer;
  /** A block of this thread's. */
  readonly stage: Buffer | undefined;
  readonly lanes: number;
  readonly parallel: boolean;
}

/** Loops over everything but the two dims that swap, in blocks of their plane. */
function emitTranspose(k: KernelBuilder, { dims, permutation }: Permutation, arrays: Arrays): void {
  const rank = dims.length;
  const resultDims = permutation.map((d) => dims[d] as number);
  const fromStrides = rowMajorStrides(dims);
  const toStrides = rowMajorStrides(resultDims);
  const across = permutation[rank - 1] as number; // the operand's dim that becomes innermost
  const down = permutation.indexOf(rank - 1); // the result's dim that was innermost
  const [width, height] = [dims[across] as number, dims[rank - 1] as number];
  const others = permutation.flatMap((_, j) => (j === down || j === rank - 1 ? [] : [j]));
  const sizes = [
    ...others.map((j) => resultDims[j] as number),
    Math.ceil(width / strip),
    Math.ceil(height / blockSide),
  ];
  const total = elementCount(sizes);
  const { lo, hi } = arrays.parallel ? k.share(total) : { lo: k.index(0), hi: k.index(total) };
  k.for(lo, hi, (linear) => {
    const index = delinearize(k, linear, sizes);
    const base = (strides: (j: number) => number): Expr =>
      k.let(
        others.reduce<Expr>((sum, j, i) => k.add(sum, k.mul(index[i] as Expr, strides(j))), k.index(0)),
        'base',
      );
    const plane: Plane = {
      ...arrays,
      fromBase: base((j) => fromStrides[permutation[j] as number] as number),
      toBase: base((j) => toStrides[j] as number),
      fromStride: fromStrides[across] as number,
      toStride: toStrides[down] as number,
      width,
      height,
    };
    const x = k.let(k.mul(index[index.length - 2] as Expr, strip), 'x');
    turnBand(k, plane, x, k.let(k.mul(index[index.length - 1] as Expr, blockSide), 'y'));
  });
}

/** from[fromBase + x·fromStride + y] goes to to[toBase + y·toStride + x], 0 ≤ x < width, 0 ≤ y < height. */
interface Plane extends Arrays {
  readonly fromBase: Expr;
  readonly toBase: Expr;
  readonly fromStride: number;
  readonly toStride: number;
  readonly width: number;
  readonly height: number;
}

/** A strip of x from `left` on, for blockSide values of y from `first` on. */
function turnBand(k: KernelBuilder, p: Plane, left: Expr, first: Expr): void {
  const { lanes, width, height } = p;
  const squareWidth = width - (width % lanes);
  const squareHeight = height - (height % lanes);
  const last = k.let(k.min(k.add(first, blockSide), height), 'last');
  const right = k.let(k.min(k.add(left, strip), width), 'right');
  if (squareWidth > 0 && squareHeight > 0) {
    const end = k.let(k.min(last, squareHeight), 'end');
    const edge = k.let(k.min(right, squareWidth), 'edge');
    k.for(
      left,
      edge,
      (x0) => {
        const x1 = k.let(k.min(k.add(x0, blockSide), edge), 'x1');
        if (p.stage) turnStaged(k, p, p.stage, { x0, x1, y0: first, y1: end });
        else k.for(first, end, (y) => k.for(x0, x1, (x) => turnSquare(k, p, x, y), lanes), lanes);
      },
      blockSide,
    );
  }
  const single = (x: Expr, y: Expr): void => {
    const value = k.load(p.from, k.add(k.add(p.fromBase, k.mul(x, p.fromStride)), y));
    k.store(p.to, k.add(k.add(p.toBase, k.mul(y, p.toStride)), x), value);
  };
  if (squareWidth < width) k.for(first, last, (y) => k.for(k.max(left, squareWidth), right, (x) => single(x, y)));
  if (squareHeight < height && squareWidth > 0) {
    k.for(k.max(first, squareHeight), last, (y) => k.for(left, k.min(right, squareWidth), (x) => single(x, y)));
  }
}

interface Block {
  readonly x0: Expr;
  readonly x1: Expr;
  readonly y0: Expr;
  readonly y1: Expr;
}

/** Reads the block along its rows into the stage, turned, and writes it out along its columns: every line is touched once. */
function turnStaged(k: KernelBuilder, p: Plane, stage: Buffer, { x0, x1, y0, y1 }: Block): void {
  const { lanes } = p;
  k.for(
    x0,
    x1,
    (x) => {
      const row = k.let(k.add(p.fromBase, k.mul(x, p.fromStride)), 'row');
      const column = k.let(k.sub(x, x0), 'column');
      k.for(
        y0,
        y1,
        (y) => {
          const to = k.let(k.add(k.mul(k.sub(y, y0), blockSide), column), 'to');
          for (const [i, v] of turned(k, squareRows(k, p, k.let(k.add(row, y), 'at'))).entries()) {
            k.store(stage, k.add(to, i * blockSide), v);
          }
        },
        lanes,
      );
    },
    lanes,
  );
  k.for(y0, y1, (y) => {
    const from = k.let(k.mul(k.sub(y, y0), blockSide), 'from');
    const to = k.let(k.add(k.add(p.toBase, k.mul(y, p.toStride)), x0), 'to');
    k.for(0, k.sub(x1, x0), (x) => k.store(p.to, k.add(to, x), k.load(stage, k.add(from, x), lanes)), lanes);
  });
}

/** The rows of the square at an operand position. */
function squareRows(k: KernelBuilder, p: Plane, at: Expr): readonly Expr[] {
  return Array.from({ length: p.lanes }, (_, i) => k.let(k.load(p.from, k.add(at, i * p.fromStride), p.lanes), 'row'));
}

/** A square of lanes × lanes elements. */
function turnSquare(k: KernelBuilder, p: Plane, x: Expr, y: Expr): void {
  const from = k.let(k.add(k.add(p.fromBase, k.mul(x, p.fromStride)), y), 'at');
  const rows = squareRows(k, p, from);
  const to = k.let(k.add(k.add(p.toBase, k.mul(y, p.toStride)), x), 'to');
  for (const [i, column] of turned(k, rows).entries()) k.store(p.to, k.add(to, i * p.toStride), column);
}

/** Columns of the square whose rows are given; 1, 2 or 4 of them. */
export function turned(k: KernelBuilder, rows: readonly Expr[]): readonly Expr[] {
  if (rows.length === 1) return rows;
  const [a, b, c, d] = rows as [Expr, Expr, Expr, Expr];
  if (rows.length === 2) return [k.shuffle(a, b, [0, 2]), k.shuffle(a, b, [1, 3])];
  const low = (x: Expr, y: Expr): Expr => k.let(k.shuffle(x, y, [0, 4, 1, 5]), 'low');
  const high = (x: Expr, y: Expr): Expr => k.let(k.shuffle(x, y, [2, 6, 3, 7]), 'high');
  const [ab, cd] = [low(a, b), low(c, d)];
  const [AB, CD] = [high(a, b), high(c, d)];
  return [
    k.shuffle(ab, cd, [0, 1, 4, 5]),
    k.shuffle(ab, cd, [2, 3, 6, 7]),
    k.shuffle(AB, CD, [0, 1, 4, 5]),
    k.shuffle(AB, CD, [2, 3, 6, 7]),
  ];
}
