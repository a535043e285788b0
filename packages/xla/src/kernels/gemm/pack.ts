/**
 * @file Gathers panels of one side of a contraction: `width` rows (or columns) times a block of k, contiguous for the micro-kernel.
 * Convolution patches exist only here: positions outside the operand become zeros as they are copied.
 */
import type { Buffer, Expr, IrScalar } from '../ir.ts';
import type { KernelBuilder } from '../kernelBuilder.ts';
import {
  type Coupled,
  coupledAt,
  forRuns,
  innerCouple,
  inside,
  type KBlock,
  type Run,
  type RunWalk,
} from './patches.ts';
import { type Dim, digits, loadAs, loadsVectors, offsetOf, type Side } from './problem.ts';

export interface PackJob {
  readonly side: Side;
  readonly source: Buffer;
  /** Offset of the batch element. */
  readonly batch: Expr;
  /** First row of the panel and how many there are (known when written). */
  readonly first: Expr;
  readonly count: number;
  /** Rows or columns of a full panel; lanes from count to width are never used. */
  readonly block: KBlock;
  readonly target: Buffer;
  /** Steps in the panel from one row to the next and from one k to the next. */
  readonly rowStep: number;
  readonly kStep: number;
  readonly scalar: IrScalar;
  readonly lanes: number;
  /** Several panels gathered together, for sources whose lines are longer than a panel: `count` covers all of them. */
  readonly panels?: { readonly width: number; readonly elements: number };
}

/** Copies `job`'s panel; picks the way that reads contiguous runs. */
export function emitPack(k: KernelBuilder, job: PackJob): void {
  const { side } = job;
  const inner = side.free.at(-1) as Dim;
  const kInner = side.k.at(-1) as Dim;
  const dilated = side.couples.some((c) => c.dilation > 1);
  const contiguous = inner.stride === 1 && job.rowStep === 1 && job.count > 1 && !dilated;
  const vector = loadsVectors(side.memory, job.scalar);
  if (!contiguous) {
    if (
      kInner.stride === 1 &&
      job.rowStep === 1 &&
      vector &&
      side.couples.length === 0 &&
      side.free.length === 1 &&
      job.lanes === 4 &&
      job.count % 4 === 0
    )
      packTransposed(k, job);
    else packByRow(k, job);
    return;
  }
  const rowDims = side.free.length;
  if (rowDims === 1 || inner.size % job.count === 0) {
    packByK(k, job);
    return;
  }
  const at = k.rem(job.first, inner.size);
  k.if(
    k.compare('LE', k.add(at, job.count), inner.size),
    () => packByK(k, job),
    () => packByRow(k, job),
  );
}

/** One row after the other, along k: for sources whose k is contiguous, and the way that is always right. */
function packByRow(k: KernelBuilder, job: PackJob): void {
  const { side, block, target } = job;
  const step = (side.k.at(-1) as Dim).stride;
  k.for(0, job.count, (f) => {
    const walk = walkFrom(k, job, k.add(job.first, f));
    const own = innerCouple(walk);
    const rowAt = k.let(k.mul(f, job.rowStep));
    forRuns(k, walk, (run) => {
      const to = k.let(k.add(rowAt, k.mul(k.mul(run.number, block.innerCount), job.kStep)), 'to');
      const store = (i: Expr, x: Expr): void => k.store(target, k.add(to, k.mul(i, job.kStep)), x);
      if (own && own.couple.dilation > 1) {
        dilatedRun(k, job, own, { source: run.source, valid: run.valid, store });
        return;
      }
      const zeros = (from: Expr, end: Expr): void => k.for(from, end, (i) => store(i, k.const(job.scalar, 0)));
      if (own) zeros(k.index(0), run.lo);
      copyRun(k, job, { source: run.source, step, to, lo: run.lo, hi: run.hi });
      if (own || run.valid) zeros(run.hi, block.innerCount);
    });
  });
}

/** The walk over the runs of one row. */
function walkFrom(k: KernelBuilder, job: PackJob, row: Expr): RunWalk {
  const { side, block } = job;
  const at = digits(k, row, side.free);
  const base = k.let(k.add(k.add(job.batch, side.base), offsetOf(k, at, side.free)), 'base');
  return { side, block, coupled: coupledAt(k, side, at), base };
}

interface HoleRun {
  readonly source: Expr;
  readonly valid: Expr | undefined;
  readonly store: (i: Expr, x: Expr) => void;
}

/** Inner k walks over holes of a dilated operand: element by element. */
function dilatedRun(k: KernelBuilder, job: PackJob, own: Coupled, run: HoleRun): void {
  const { couple: c } = own;
  k.for(0, job.block.innerCount, (i) => {
    const p = k.let(k.add(own.at, k.mul(k.add(job.block.inner, i), c.kStep)), 'p');
    let ok = k.binary('and', inside(k, p, c.limit), k.compare('EQ', k.rem(p, c.dilation), 0));
    if (run.valid) ok = k.binary('and', ok, k.compare('NE', run.valid, 0));
    k.if(
      ok,
      () => {
        const index = k.add(run.source, k.mul(k.div(p, c.dilation), c.stride));
        run.store(i, loadAs(k, job.source, index, 1, job.scalar));
      },
      () => run.store(i, k.const(job.scalar, 0)),
    );
  });
}

function copyRun(
  k: KernelBuilder,
  job: PackJob,
  run: { source: Expr; step: number; to: Expr; lo: Expr; hi: Expr },
): void {
  const { source, target, scalar, lanes } = job;
  const copy = (i: Expr, n: number): void => {
    const x = loadAs(k, source, k.add(run.source, k.mul(i, run.step)), n, scalar);
    k.store(target, k.add(run.to, k.mul(i, job.kStep)), x);
  };
  let from = run.lo;
  if (run.step === 1 && job.kStep === 1 && loadsVectors(job.side.memory, scalar)) {
    for (const n of [4 * lanes, lanes]) {
      const count = k.sub(run.hi, from);
      const to = k.let(k.add(from, k.mul(k.div(count, n), n)), 'cut');
      k.for(
        from,
        to,
        (i) => {
          for (let u = 0; u < n; u += lanes) copy(k.add(i, u), lanes);
        },
        n,
      );
      from = to;
    }
  }
  k.for(from, run.hi, (i) => copy(i, 1));
}

/** All rows of the panel at one k together: for sources whose rows are contiguous. */
function packByK(k: KernelBuilder, job: PackJob): void {
  const { side, block, count } = job;
  const inner = side.k.length - 1;
  const step = (side.k[inner] as Dim).stride;
  const walk = walkFrom(k, job, job.first);
  const own = innerCouple(walk);
  // A couple of the rows' own dimension has a different position in every row of the panel.
  const rows = walk.coupled.find((c) => c.couple.free === side.free.length - 1);
  if (rows && rows.couple.k !== inner) {
    packByRow(k, job);
    return;
  }
  const body = (run: Run): void => {
    const to = k.let(k.mul(k.mul(run.number, block.innerCount), job.kStep), 'to');
    const edge = (from: Expr, end: Expr): void => {
      k.for(from, end, (i) => edgeStep(k, job, { i, source: run.source, to, valid: run.valid, rows }));
    };
    if (own) edge(k.index(0), run.lo);
    k.for(run.lo, run.hi, (i) => copyRow(k, job, k.add(run.source, k.mul(i, step)), k.add(to, k.mul(i, job.kStep))));
    if (own || run.valid) edge(run.hi, block.innerCount);
  };
  forRuns(k, walk, body, rows ? (count - 1) * rows.couple.freeStep : 0);
}

function copyRow(k: KernelBuilder, job: PackJob, source: Expr, to: Expr): void {
  const vector = loadsVectors(job.side.memory, job.scalar);
  const s = k.view(job.source, source);
  const t = k.view(job.target, to);
  for (let r = 0; r < job.count; ) {
    const n = vector && r + job.lanes <= job.count ? job.lanes : 1;
    const at = job.panels ? Math.floor(r / job.panels.width) * job.panels.elements + (r % job.panels.width) : r;
    k.store(t, at, loadAs(k, s, r, n, job.scalar));
    r += n;
  }
}

interface EdgeStep {
  readonly i: Expr;
  readonly source: Expr;
  readonly to: Expr;
  readonly valid: Expr | undefined;
  readonly rows: Coupled | undefined;
}

/** A k at which some rows (or all) lie outside: zeros, or row by row. */
function edgeStep(k: KernelBuilder, job: PackJob, e: EdgeStep): void {
  const zero = k.const(job.scalar, 0);
  const to = k.add(e.to, k.mul(e.i, job.kStep));
  const { rows } = e;
  if (!rows) {
    const t = k.view(job.target, to);
    for (let r = 0; r < job.count; r++) k.store(t, r, zero);
    return;
  }
  const { couple: c } = rows;
  const step = (job.side.k.at(-1) as Dim).stride;
  const p0 = k.let(k.add(rows.at, k.mul(k.add(job.block.inner, e.i), c.kStep)));
  k.for(0, job.count, (r) => {
    let ok = inside(k, k.add(p0, k.mul(r, c.freeStep)), c.limit);
    if (e.valid) ok = k.binary('and', ok, k.compare('NE', e.valid, 0));
    k.if(
      ok,
      () =>
        k.store(
          job.target,
          k.add(to, r),
          loadAs(k, job.source, k.add(k.add(e.source, k.mul(e.i, step)), r), 1, job.scalar),
        ),
      () => k.store(job.target, k.add(to, r), zero),
    );
  });
}

/** Rows whose k is contiguous, wanted k-major: 4×4 blocks are turned in registers. Affine sources only. */
function packTransposed(k: KernelBuilder, job: PackJob): void {
  const { side, block, source, target, scalar } = job;
  const row = (side.free[0] as Dim).stride;
  forRuns(k, walkFrom(k, job, job.first), (run) => {
    const to = k.let(k.mul(k.mul(run.number, block.innerCount), job.kStep), 'to');
    const cut = k.let(k.mul(k.div(block.innerCount, 4), 4), 'cut');
    for (let r = 0; r < job.count; r += 4) {
      const s = k.view(source, k.add(run.source, r * row));
      const t = k.view(target, k.add(to, r));
      const turn = (i: Expr): void => {
        const v = [0, 1, 2, 3].map((j) => k.let(loadAs(k, s, k.add(i, j * row), 4, scalar)));
        transpose4(k, v).forEach((x, u) => {
          k.store(t, k.mul(k.add(i, u), job.kStep), x);
        });
      };
      k.for(0, cut, turn, 4);
      k.for(cut, block.innerCount, (i) => {
        for (let j = 0; j < 4; j++) {
          k.store(t, k.add(k.mul(i, job.kStep), j), loadAs(k, s, k.add(i, j * row), 1, scalar));
        }
      });
    }
  });
}

function transpose4(k: KernelBuilder, [a, b, c, d]: readonly Expr[]): Expr[] {
  const ab = k.let(k.shuffle(a!, b!, [0, 4, 1, 5])); // a0 b0 a1 b1
  const cd = k.let(k.shuffle(c!, d!, [0, 4, 1, 5]));
  const ab2 = k.let(k.shuffle(a!, b!, [2, 6, 3, 7]));
  const cd2 = k.let(k.shuffle(c!, d!, [2, 6, 3, 7]));
  return [
    k.shuffle(ab, cd, [0, 1, 4, 5]),
    k.shuffle(ab, cd, [2, 3, 6, 7]),
    k.shuffle(ab2, cd2, [0, 1, 4, 5]),
    k.shuffle(ab2, cd2, [2, 3, 6, 7]),
  ];
}
