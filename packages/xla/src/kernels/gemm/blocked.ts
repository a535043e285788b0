/**
 * @file The blocked contraction: fixed panels packed once, moving panels gathered as they are used, register tiles between them,
 * partial sums in memory from one block of k to the next, the epilogue when the last block is in.
 */
import type { Buffer, Expr } from '../ir.ts';
import type { KernelBuilder } from '../kernelBuilder.ts';
import type { Panel } from './microKernel.ts';
import { emitPack, type PackJob } from './pack.ts';
import type { KBlock } from './patches.ts';
import type { Plan, SidePlan } from './plan.ts';
import { type Contraction, type Dim, digits, offsetOf } from './problem.ts';
import { emitTile, type StoreResult } from './tile.ts';

export interface BlockedBuffers {
  readonly lhs: Buffer;
  readonly rhs: Buffer;
  /** Partial sums between blocks of k; undefined when there is one block and no split. */
  readonly partial: Buffer | undefined;
  readonly packedFixed: Buffer | undefined;
  readonly packedMoving: Buffer | undefined;
  /** One tile for each thread, when the epilogue is long. */
  readonly parked: Buffer | undefined;
}

export interface BlockedJob {
  readonly c: Contraction;
  readonly plan: Plan;
  readonly buffers: BlockedBuffers;
  readonly finish: StoreResult;
  /** The kernel runs on all threads, which then must wait for each other. */
  readonly parallel: boolean;
}

export class BlockedEmitter {
  private readonly k: KernelBuilder;
  private readonly c: Contraction;
  private readonly plan: Plan;
  private readonly buffers: BlockedBuffers;
  private readonly finish: StoreResult;
  private readonly parallel: boolean;

  constructor(k: KernelBuilder, job: BlockedJob) {
    this.k = k;
    this.parallel = job.parallel;
    this.c = job.c;
    this.plan = job.plan;
    this.buffers = job.buffers;
    this.finish = job.finish;
  }

  emit(): void {
    const { k, plan, c } = this;
    if (plan.fixedShared) {
      if (plan.fixed.form !== 'direct') {
        this.packFixedShared();
        if (this.parallel) k.barrier();
      }
      const { lo, hi } = k.share(plan.moving.panels);
      this.unit({ batch: k.index(0), split: k.index(0), lo, hi });
      return;
    }
    const perBatch = plan.splits * plan.movingParts;
    const { lo, hi } = k.share(c.batch * perBatch);
    k.for(lo, hi, (u) => {
      const batch = k.let(k.div(u, perBatch));
      const rest = k.let(k.rem(u, perBatch));
      const split = k.let(k.div(rest, plan.movingParts));
      const part = k.let(k.rem(rest, plan.movingParts));
      const cut = (p: Expr): Expr => k.let(k.div(k.mul(p, plan.moving.panels), plan.movingParts));
      this.unit({ batch, split, lo: cut(part), hi: cut(k.add(part, 1)) });
    });
    if (plan.splits > 1) {
      if (this.parallel) k.barrier();
      this.addSplits();
    }
  }

  /** All panels of the fixed side for all blocks of k, dealt over the threads. */
  private packFixedShared(): void {
    const { k, plan } = this;
    const { fixed } = plan;
    const { lo, hi } = k.share(plan.kBlocks * fixed.panels);
    k.for(lo, hi, (u) => {
      const block = k.let(k.div(u, fixed.panels));
      const panel = k.let(k.rem(u, fixed.panels));
      const target = k.view(this.buffers.packedFixed as Buffer, k.mul(u, fixed.panelElements));
      this.pack(fixed, { panel, batch: k.index(0), block: this.kBlock(block), target });
    });
  }

  private kBlock(index: Expr): KBlock {
    const { k, plan, c } = this;
    const run = (c.lhs.k.at(-1) as Dim).size;
    const runs = c.depth / run;
    const outerIndex = plan.innerBlocks === 1 ? index : k.let(k.div(index, plan.innerBlocks));
    const outer = k.let(k.mul(outerIndex, plan.kOuter));
    const inner = plan.innerBlocks === 1 ? k.index(0) : k.let(k.mul(k.rem(index, plan.innerBlocks), plan.kInner));
    const outerCount = runs % plan.kOuter === 0 ? k.index(plan.kOuter) : k.let(k.min(k.sub(runs, outer), plan.kOuter));
    const innerCount = run % plan.kInner === 0 ? k.index(plan.kInner) : k.let(k.min(k.sub(run, inner), plan.kInner));
    return { outer, outerCount, inner, innerCount };
  }

  private pack(s: SidePlan, at: PanelPlace): void {
    this.fullOrRest(s, at.panel, (count) => emitPack(this.k, this.packJob(s, at, count)));
  }

  /** `s.group` full panels together. */
  private packGroup(s: SidePlan, at: PanelPlace): void {
    const panels = { width: s.width, elements: s.panelElements };
    emitPack(this.k, { ...this.packJob(s, at, s.group * s.width), panels });
  }

  private packJob(s: SidePlan, at: PanelPlace, count: number): PackJob {
    const { k, c, plan, buffers } = this;
    return {
      side: s.side,
      source: s.role === 'lhs' ? buffers.lhs : buffers.rhs,
      batch: k.let(offsetOf(k, digits(k, at.batch, s.side.batch), s.side.batch)),
      first: k.let(k.mul(at.panel, s.width)),
      count,
      block: at.block,
      target: at.target,
      rowStep: s.rowStep,
      kStep: s.kStep,
      scalar: c.scalar,
      lanes: plan.lanes,
    };
  }

  /** Emits for a full panel and, where the size does not divide, for the last one. */
  private fullOrRest(s: SidePlan, panel: Expr, emit: (count: number) => void): void {
    const rest = s.size % s.width;
    if (rest === 0) emit(s.width);
    else if (s.panels === 1) emit(rest);
    else {
      this.k.if(
        this.k.compare('LT', panel, s.panels - 1),
        () => emit(s.width),
        () => emit(rest),
      );
    }
  }

  /** One batch element, one part of k, moving panels [lo, hi). */
  private unit(u: { batch: Expr; split: Expr; lo: Expr; hi: Expr }): void {
    const { k, plan } = this;
    const { fixed } = plan;
    const from = plan.splits === 1 ? k.index(0) : k.let(k.div(k.mul(u.split, plan.kBlocks), plan.splits));
    const to =
      plan.splits === 1 ? k.index(plan.kBlocks) : k.let(k.div(k.mul(k.add(u.split, 1), plan.kBlocks), plan.splits));
    const own = plan.fixedShared ? undefined : this.ownFixed();
    const oneFixedBlock = plan.fixedBlock >= fixed.panels;
    const over = (fixedLo: Expr, fixedHi: Expr): void =>
      k.for(from, to, (index) => {
        const block = this.kBlock(index);
        if (own) {
          k.for(0, fixed.panels, (panel) => {
            const target = k.view(own, k.mul(panel, fixed.panelElements));
            this.pack(fixed, { panel, batch: u.batch, block, target });
          });
        }
        this.movingPanels({ ...u, index, first: from, last: k.sub(to, 1), block, fixedLo, fixedHi, own });
      });
    if (oneFixedBlock) over(k.index(0), k.index(fixed.panels));
    else k.for(0, fixed.panels, (p) => over(p, k.let(k.min(k.add(p, plan.fixedBlock), fixed.panels))), plan.fixedBlock);
  }

  private ownFixed(): Buffer | undefined {
    const { k, plan, buffers } = this;
    if (plan.fixed.form === 'direct') return undefined;
    const each = plan.fixed.panels * plan.fixed.panelElements;
    return k.view(buffers.packedFixed as Buffer, k.mul(k.tid, each), 'own');
  }

  private movingPanels(at: BlockPoint): void {
    const { k, plan, buffers } = this;
    const { moving } = plan;
    if (moving.form === 'direct') {
      k.for(at.lo, at.hi, (panel) => this.againstFixed(at, panel, undefined));
      return;
    }
    const each = moving.group * moving.panelElements;
    const scratch = k.view(buffers.packedMoving as Buffer, k.mul(k.tid, each), 'moving');
    const one = (panel: Expr, target: Buffer): void =>
      this.pack(moving, { panel, batch: at.batch, block: at.block, target });
    if (moving.group === 1) {
      k.for(at.lo, at.hi, (panel) => {
        one(panel, scratch);
        this.againstFixed(at, panel, scratch);
      });
      return;
    }
    const place = (i: Expr): Buffer => k.view(scratch, k.mul(i, moving.panelElements));
    const full = Math.floor(moving.size / moving.width);
    k.for(
      at.lo,
      at.hi,
      (first) => {
        const count = k.let(k.min(k.sub(at.hi, first), moving.group), 'count');
        const singly = (): void => k.for(0, count, (i) => one(k.add(first, i), place(i)));
        const whole = k.binary(
          'and',
          k.compare('EQ', count, moving.group),
          k.compare('LE', k.add(first, moving.group), full),
        );
        if (full < moving.group) singly();
        else
          k.if(
            whole,
            () => this.packGroup(moving, { panel: first, batch: at.batch, block: at.block, target: scratch }),
            singly,
          );
        k.for(0, count, (i) => this.againstFixed(at, k.let(k.add(first, i), 'panel'), place(i)));
      },
      moving.group,
    );
  }

  /** One moving panel with all fixed panels of the block. */
  private againstFixed(at: BlockPoint, movingPanel: Expr, scratch: Buffer | undefined): void {
    const { k, plan } = this;
    const { moving, fixed } = plan;
    this.fullOrRest(moving, movingPanel, (movingCount) => {
      const movingView = this.panel(moving, movingPanel, at, scratch);
      const run = (lo: Expr, hi: Expr, fixedCount: number): void =>
        k.for(lo, hi, (fixedPanel) => {
          const fixedView = this.panel(fixed, fixedPanel, at, undefined);
          const lhs = moving.role === 'lhs';
          this.tile(at, {
            left: lhs ? movingView : fixedView,
            right: lhs ? fixedView : movingView,
            rows: lhs ? movingCount : fixedCount,
            cols: lhs ? fixedCount : movingCount,
            rowPanel: lhs ? movingPanel : fixedPanel,
            colPanel: lhs ? fixedPanel : movingPanel,
          });
        });
      const rest = fixed.size % fixed.width;
      const full = Math.floor(fixed.size / fixed.width);
      if (full > 0) run(at.fixedLo, rest === 0 ? at.fixedHi : k.let(k.min(at.fixedHi, full)), fixed.width);
      if (rest > 0) run(full > 0 ? k.let(k.max(at.fixedLo, full)) : at.fixedLo, at.fixedHi, rest);
    });
  }

  private panel(s: SidePlan, panel: Expr, at: BlockPoint, scratch: Buffer | undefined): Panel {
    const { k, plan, buffers } = this;
    const steps = { rowStep: s.rowStep, kStep: s.kStep };
    if (s.form === 'direct') {
      const source = s.role === 'lhs' ? buffers.lhs : buffers.rhs;
      const batch = offsetOf(k, digits(k, at.batch, s.side.batch), s.side.batch);
      const index = k.add(
        k.add(batch, k.mul(at.block.inner, s.kStep)),
        k.add(k.mul(panel, s.width * s.rowStep), s.side.base),
      );
      return { buffer: k.view(source, index), ...steps };
    }
    if (scratch) return { buffer: scratch, ...steps };
    if (at.own) return { buffer: k.view(at.own, k.mul(panel, s.panelElements)), ...steps };
    const slot = k.add(k.mul(at.index, plan.fixed.panels), panel);
    return { buffer: k.view(buffers.packedFixed as Buffer, k.mul(slot, s.panelElements)), ...steps };
  }

  private tile(
    at: BlockPoint,
    t: { left: Panel; right: Panel; rows: number; cols: number; rowPanel: Expr; colPanel: Expr },
  ): void {
    const { k, plan, c, buffers } = this;
    const carried = plan.kBlocks > 1;
    const tileSize = plan.lhs.width * plan.rhs.width;
    emitTile(k, c, {
      tile: { rows: t.rows, cols: t.cols, lanes: plan.lanes, scalar: c.scalar, unroll: plan.unroll },
      left: t.left,
      right: t.right,
      batch: at.batch,
      row0: k.let(k.mul(t.rowPanel, plan.lhs.width), 'row'),
      col0: k.let(k.mul(t.colPanel, plan.rhs.width), 'col'),
      depth: k.let(k.mul(at.block.outerCount, at.block.innerCount), 'depth'),
      continued: carried ? k.compare('NE', at.index, at.first) : undefined,
      unfinished: plan.splits > 1 ? 'always' : carried ? k.compare('LT', at.index, at.last) : undefined,
      partial: buffers.partial,
      partialAt: plan.splits > 1 ? k.let(k.mul(at.split, c.outCount)) : k.index(0),
      parked: buffers.parked && k.view(buffers.parked, k.mul(k.tid, tileSize)),
      finish: this.finish,
    });
  }

  /** Adds the parts of k in order and finishes: rows are dealt over the threads. */
  private addSplits(): void {
    const { k, plan, c } = this;
    const partial = this.buffers.partial as Buffer;
    const { lo, hi } = k.share(c.batch * c.rows);
    k.for(lo, hi, (i) => {
      const batch = c.batch === 1 ? k.index(0) : k.let(k.div(i, c.rows));
      const row = c.batch === 1 ? i : k.let(k.rem(i, c.rows));
      const b = offsetOf(k, digits(k, batch, c.out.batch), c.out.batch);
      const r = offsetOf(k, digits(k, row, c.out.rows), c.out.rows);
      const start = k.let(k.add(k.add(b, r), c.out.base));
      const cut = Math.floor(c.cols / plan.lanes) * plan.lanes;
      const piece = (from: number, to: number, lanes: number): void =>
        k.for(
          from,
          to,
          (col) => {
            const offset = k.let(k.add(start, col));
            const sum = k.variable(k.load(partial, offset, lanes), 'sum');
            k.for(1, plan.splits, (s) =>
              k.set(sum, k.add(k.read(sum), k.load(partial, k.add(offset, k.mul(s, c.outCount)), lanes))),
            );
            this.finish({ batch, row, col, offset, lanes }, k.read(sum));
          },
          lanes,
        );
      if (cut > 0) piece(0, cut, plan.lanes);
      if (cut < c.cols) piece(cut, c.cols, 1);
    });
  }
}

interface PanelPlace {
  readonly panel: Expr;
  readonly batch: Expr;
  readonly block: KBlock;
  readonly target: Buffer;
}

interface BlockPoint {
  readonly batch: Expr;
  readonly split: Expr;
  readonly lo: Expr;
  readonly hi: Expr;
  /** Number of the block of k; the first and last of this unit. */
  readonly index: Expr;
  readonly first: Expr;
  readonly last: Expr;
  readonly block: KBlock;
  readonly fixedLo: Expr;
  readonly fixedHi: Expr;
  readonly own: Buffer | undefined;
}
