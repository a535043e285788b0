/**
 * @file Decides how a contraction is cut: register tile, cache blocks, which side is packed once for all (the fixed side) and which
 * is gathered panel by panel as it is used (the moving side), and how the work divides over threads.
 */

import { computeType } from '../ir.ts';
import type { Target } from '../target.ts';
import { type Contraction, type Dim, loadsVectors, partialType, type Side, scalarBytes } from './problem.ts';

/** How a side reaches the micro-kernel. `direct` reads the operand in place. */
export type PanelForm = 'direct' | 'k-major' | 'row-major';

export interface SidePlan {
  readonly side: Side;
  readonly role: 'lhs' | 'rhs';
  readonly form: PanelForm;
  /** Rows (columns) in all, and of one panel. */
  readonly size: number;
  readonly width: number;
  readonly panels: number;
  readonly rowStep: number;
  readonly kStep: number;
  /** Elements of one packed panel. */
  readonly panelElements: number;
  /** Panels that are gathered together when this side moves, so that whole cache lines of the operand are used. */
  readonly group: number;
}

export interface Plan {
  readonly lhs: SidePlan;
  readonly rhs: SidePlan;
  readonly moving: SidePlan;
  readonly fixed: SidePlan;
  /** The fixed side is packed by all threads together before (shared) or by each unit of work for itself. */
  readonly fixedShared: boolean;
  readonly lanes: number;
  readonly unroll: number;
  /** k is cut into outer blocks of `kOuter` runs or, if runs are long, runs into pieces of `kInner`. */
  readonly kOuter: number;
  readonly kInner: number;
  readonly kBlocks: number;
  readonly innerBlocks: number;
  /** Fixed panels that stay in L2 while the moving panels pass. */
  readonly fixedBlock: number;
  /** Parts of k summed apart, in order, whatever the number of threads. */
  readonly splits: number;
  /** Parts of the moving side within one batch element, when work is dealt in units. */
  readonly movingParts: number;
}

function tileOf(c: Contraction, target: Target, lanes: number): { rows: number; cols: number } {
  const { mr, nr } = target.gemm;
  const floatLanes = target.vectorBytes / 4;
  const vectors = Math.max(1, Math.round(nr / floatLanes));
  const budget = mr * vectors;
  // Few rows: more columns for the same number of sums.
  const most = c.rows < mr ? Math.min(8, Math.floor(budget / c.rows)) : vectors;
  const used = Math.min(Math.max(vectors, most), Math.ceil(c.cols / lanes));
  // Few columns: more rows for the same number of sums; three vectors for what would leave a narrow rest.
  const needed = Math.ceil(c.cols / lanes);
  const wide = needed === vectors + 1 && budget % needed === 0 && budget / needed >= 3 ? needed : used;
  let rows = wide === vectors ? mr : Math.min(8, Math.floor(budget / wide));
  rows = Math.max(1, Math.min(rows, c.rows));
  if (c.rows % rows !== 0 && c.rows <= 32 * rows) {
    // A tile that divides the rows saves the code and the slower work of a rest.
    for (let r = rows - 1; r >= Math.max(2, rows - 2); r--)
      if (c.rows % r === 0) return { rows: r, cols: wide * lanes };
  }
  return { rows, cols: wide * lanes };
}

/** Offsets of rows beyond this do not fit into the addressing of one load. */
const addressReach = 65536;

function canReadDirectly(
  side: Side,
  role: 'lhs' | 'rhs',
  c: Contraction,
  s: { lanes: number; width: number },
): boolean {
  const { lanes } = s;
  if (side.free.length !== 1 || side.k.length !== 1 || side.couples.length > 0) return false;
  if (computeType[side.memory] !== c.scalar || partialType(c.scalar) !== side.memory) return false;
  const [row, kDim] = [side.free[0] as Dim, side.k[0] as Dim];
  if (role === 'lhs') {
    const reach = row.stride * (s.width - 1) * scalarBytes(c.scalar);
    return (kDim.stride === 1 && row.stride >= 0 && reach < addressReach) || (row.size === 1 && kDim.stride > 0);
  }
  const small = c.depth * Math.abs(kDim.stride) <= 8192;
  return row.stride === 1 && row.size % lanes === 0 && kDim.stride > 0 && (small || c.rows <= 8);
}

/** Panels gathered together. */
const groupedPanels = 8;

function sidePlan(c: Contraction, role: 'lhs' | 'rhs', width: number, lanes: number, kc: number): SidePlan {
  const side = c[role];
  const size = role === 'lhs' ? c.rows : c.cols;
  const common = { side, role, size, width, panels: Math.ceil(size / width) };
  if (canReadDirectly(side, role, c, { lanes, width })) {
    const [row, kDim] = [side.free[0] as Dim, side.k[0] as Dim];
    return { ...common, form: 'direct', rowStep: row.stride, kStep: kDim.stride, panelElements: 0, group: 1 };
  }
  const kRun = side.k.at(-1) as Dim;
  const rowRun = side.free.at(-1) as Dim;
  const longRuns = kRun.stride === 1 && (kRun.size >= 16 || rowRun.stride !== 1);
  if (role === 'lhs' && longRuns) {
    return { ...common, form: 'row-major', rowStep: kc, kStep: 1, panelElements: width * kc, group: 1 };
  }
  const flat = side.free.length === 1 && side.couples.length === 0 && rowRun.stride === 1;
  const group = role === 'rhs' && flat && loadsVectors(side.memory, c.scalar) ? groupedPanels : 1;
  return { ...common, form: 'k-major', rowStep: 1, kStep: width, panelElements: width * kc, group };
}

function ceilDiv(a: number, b: number): number {
  return Math.ceil(a / b);
}

/** Blocks of k: whole outer runs, or pieces of long ones. */
function kBlocking(c: Contraction, kcMax: number, unroll: number): Pick<Plan, 'kOuter' | 'kInner'> {
  const inner = (c.lhs.k.at(-1) as Dim).size;
  const outer = c.depth / inner;
  if (inner >= kcMax || outer === 1) {
    const pieces = ceilDiv(inner, kcMax);
    return { kOuter: 1, kInner: Math.min(inner, ceilDiv(ceilDiv(inner, pieces), unroll) * unroll) };
  }
  const most = Math.max(1, Math.floor(kcMax / inner));
  return { kOuter: ceilDiv(outer, ceilDiv(outer, most)), kInner: inner };
}

/** A larger fixed side is packed block by block, again in each unit, rather than as a whole. */
const mostPackedBytes = 64 << 20;

/** Lanes of a vector of sums. */
export function vectorLanesOf(c: Contraction, target: Target): number {
  const vector = c.scalar !== 'pred' && loadsVectors(partialType(c.scalar), c.scalar);
  return vector ? target.vectorBytes / scalarBytes(c.scalar) : 1;
}

/** Enough units for this many threads, when work is dealt in units. */
const unitsWanted = 8;

export function planContraction(c: Contraction, target: Target): Plan {
  const bytes = scalarBytes(c.scalar);
  const lanes = vectorLanesOf(c, target);
  const tile = tileOf(c, target, lanes);
  const unroll = Math.min(target.gemm.ku, c.depth);
  const fit = Math.floor((0.6 * target.l1Bytes) / (bytes * (tile.rows + tile.cols)));
  const kcMax = Math.max(unroll, Math.floor(fit / unroll) * unroll);
  const { kOuter, kInner } = kBlocking(c, kcMax, unroll);
  const innerBlocks = ceilDiv((c.lhs.k.at(-1) as Dim).size, kInner);
  const outer = c.depth / (c.lhs.k.at(-1) as Dim).size;
  const kBlocks = innerBlocks * ceilDiv(outer, kOuter);
  const kc = kOuter * kInner;
  const lhs = sidePlan(c, 'lhs', tile.rows, lanes, kc);
  const rhs = sidePlan(c, 'rhs', tile.cols, lanes, kc);
  const lhsMoves = c.rows >= c.cols;
  const [moving, fixed] = lhsMoves ? [lhs, rhs] : [rhs, lhs];
  const fewPanels = moving.panels < 2 * unitsWanted && c.rows * c.cols <= 65536;
  const splits = c.batch === 1 && fewPanels && kBlocks >= 16 ? unitsWanted : 1;
  const packedBytes = fixed.form === 'direct' ? 0 : kBlocks * fixed.panels * fixed.panelElements * bytes;
  const dealt = c.batch * splits > 1 || packedBytes > mostPackedBytes;
  const l2Panels = Math.floor((0.5 * target.l2Bytes) / (bytes * kc * fixed.width));
  const movingParts = dealt ? Math.min(moving.panels, ceilDiv(unitsWanted, c.batch * splits)) : 1;
  return {
    lhs,
    rhs,
    moving,
    fixed,
    fixedShared: !dealt,
    lanes,
    unroll,
    kOuter,
    kInner,
    kBlocks,
    innerBlocks,
    fixedBlock: dealt ? fixed.panels : Math.max(4, Math.min(fixed.panels, l2Panels)),
    splits,
    movingParts,
  };
}
