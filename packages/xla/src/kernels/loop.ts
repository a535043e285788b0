/**
 * @file The schedule of element-wise work: one pass over the result, as few loops as the index arithmetic allows, vectors along the
 * innermost. Values that a whole row shares are computed once per row.
 */
import { internal } from '../hlo/errors.ts';
import type { Instruction } from '../hlo/module.ts';
import type { Opcode } from '../hlo/opcodes.ts';
import { type ArrayShape, type ElementType, elementBytes, elementCount, sameDims } from '../hlo/shape.ts';
import { binaryTraits, unaryTraits } from '../hlo/traits.ts';
import { type ElementalContext, ElementalEmitter } from './elemental/elemental.ts';
import { type GridIndex, type Group, linearize } from './elemental/gridIndex.ts';
import { lanesFor } from './elemental/lanes.ts';
import { sameExpr } from './elemental/memo.ts';
import { shapeRules } from './elemental/shapeRules.ts';
import { costOf, type Fused, isHeavy, isParallel, KernelArguments, kernelName, openFusion } from './fused.ts';
import type { Expr } from './ir.ts';
import { KernelBuilder } from './kernelBuilder.ts';
import { emitNest } from './loopNest.ts';
import type { Scheduled } from './schedule.ts';
import type { Target } from './target.ts';

/** The loops: root dims cut at these places, one loop for each piece. */
export interface LoopSpace {
  readonly dims: readonly number[];
  /** Ascending, without 0 and dims.length. */
  readonly cuts: readonly number[];
}

/** The dims [from, to) of one loop. */
export interface Piece {
  readonly from: number;
  readonly to: number;
  readonly size: number;
}

/** The loops of a space, outermost first. */
export function loopPieces({ dims, cuts }: LoopSpace): Piece[] {
  if (dims.length === 0) return [];
  const bounds = [0, ...cuts, dims.length];
  return bounds.slice(1).map((to, i) => {
    const from = bounds[i] as number;
    return { from, to, size: elementCount(dims.slice(from, to)) };
  });
}

export function loopSizes(space: LoopSpace): number[] {
  return loopPieces(space).map((p) => p.size);
}

/** The grid index at loop positions `index`; lanes run along the last loop, whose vectors start at multiples of lanes. */
export function gridAt(space: LoopSpace, index: readonly Expr[], lanes: number): GridIndex {
  const list = loopPieces(space);
  const groups = list.map((p, i): Group => {
    const vector = lanes > 1 && i === list.length - 1;
    return {
      rank: p.to - p.from,
      size: p.size,
      at: index[i] as Expr,
      step: vector ? 1 : 0,
      aligned: vector,
      root: [p.from, p.to],
    };
  });
  return { dims: space.dims, groups };
}

/**
 * With `cuts` to begin with, the fewest loops over `dims` in which no merged dimensions have to be divided again: tries with all merged, and cuts where
 * something splits.
 */
export function findLoops(
  fused: Fused,
  roots: readonly Instruction[],
  dims: readonly number[],
  cuts: readonly number[] = [],
  leaf?: ElementalContext['leaf'],
): LoopSpace {
  let space: LoopSpace = { dims, cuts: [...new Set(cuts)].sort((a, b) => a - b) };
  for (;;) {
    const found = new Set(space.cuts);
    const onSplit = (root: readonly [number, number], inner: number): void => {
      const [from, to] = root;
      for (let d = from + 1; d < to; d++) {
        if (elementCount(dims.slice(d, to)) === inner) {
          found.add(d);
          return;
        }
      }
    };
    tryEmit(fused, roots, space, { onSplit, leaf });
    if (found.size === space.cuts.length) return space;
    space = { dims, cuts: [...found].sort((a, b) => a - b) };
  }
}

function tryEmit(
  fused: Fused,
  roots: readonly Instruction[],
  space: LoopSpace,
  { onSplit, leaf }: Pick<ElementalContext, 'onSplit'> & { readonly leaf: ElementalContext['leaf'] | undefined },
): void {
  const k = new KernelBuilder('probe');
  const index = loopSizes(space).map(() => k.read(k.variable(0, 'i')));
  const args = new KernelArguments(k, fused);
  const e = new ElementalEmitter({ k, leaf: (x) => leaf?.(x) ?? args.leaf(x), onSplit });
  for (const root of roots) e.emitAt(root, gridAt(space, index, 1), 1);
}

interface Shared {
  readonly x: Instruction;
  readonly index: GridIndex;
  /** Repeated for this many lanes. */
  readonly lanes: number;
}

/** Values that all lanes share and that depend on nothing but the outer loops. */
export function findRowValues(fused: Fused, roots: readonly Instruction[], index: GridIndex, lanes: number): Shared[] {
  const outer = new Set(index.groups.slice(0, -1).flatMap((g) => (g.at.kind === 'local' ? [g.at.local] : [])));
  const known = (e: Expr): boolean =>
    e.kind === 'const' ||
    (e.kind === 'local' && outer.has(e.local)) ||
    (e.kind === 'binary' && known(e.a) && known(e.b));
  const found: Shared[] = [];
  const k = new KernelBuilder('probe');
  const e = new ElementalEmitter({
    k,
    leaf: new KernelArguments(k, fused).leaf,
    onUniform: (x, at, repeated) => {
      if (x.opcode !== 'constant' && at.groups.every((g) => known(g.at))) found.push({ x, index: at, lanes: repeated });
    },
  });
  for (const root of roots) e.emitAt(root, index, lanes);
  return found;
}

/** Watches which operands are read only where the result is written, so that they may share memory. */
class InStep {
  readonly ok = new Set<number>();
  private readonly bad = new Set<number>();
  private readonly fused: Fused;

  constructor(fused: Fused) {
    this.fused = fused;
  }

  onLoad(k: KernelBuilder, x: Instruction, at: GridIndex, root: GridIndex): void {
    const operand = this.fused.operandOf(x);
    if (operand === undefined) return;
    const a = linearize(k, at);
    const b = linearize(k, root);
    if (a.step === b.step && sameExpr(a.at, b.at)) this.ok.add(operand);
    else this.bad.add(operand);
  }

  /** A value that a row shares is read before the row, not in step. */
  onRowLoad(x: Instruction): void {
    const operand = this.fused.operandOf(x);
    if (operand !== undefined) this.bad.add(operand);
  }

  pairs(): Scheduled['inPlace'] {
    const { instruction, roots } = this.fused;
    return [...this.ok].flatMap((operand) => {
      const { shape } = instruction.operands[operand] as Instruction;
      if (this.bad.has(operand) || shape.kind !== 'array') return [];
      return roots.flatMap((root, output) => {
        const own = root.shape as ArrayShape;
        const same = elementCount(own.dims) === elementCount(shape.dims);
        return same && elementBytes[own.dtype] === elementBytes[shape.dtype] ? [{ operand, output }] : [];
      });
    });
  }
}

/**
 * Lanes for computing `roots` in `space`, as far as the innermost loop has room. Values that all lanes share (indices of a gather, say)
 * may be wider than the lanes.
 */
export function loopLanes(fused: Fused, roots: readonly Instruction[], space: LoopSpace, target: Target): number {
  const sizes = loopSizes(space);
  const room = (lanes: number): number => ((sizes[sizes.length - 1] ?? 1) >= lanes ? lanes : 1);
  const types = fused.body.flatMap((x) => arrayTypes(x));
  const most = lanesFor([], target);
  const narrow = lanesFor(types, target);
  if (narrow === most || room(most) === 1) return room(narrow);
  const vectors: ElementType[] = [];
  const k = new KernelBuilder('probe');
  const index = sizes.map(() => k.read(k.variable(0, 'i')));
  const args = new KernelArguments(k, fused);
  const e = new ElementalEmitter({ k, leaf: args.leaf, onVector: (x) => vectors.push(...arrayTypes(x)) });
  for (const root of roots) e.emitAt(root, gridAt(space, index, most), most);
  return room(lanesFor(vectors, target));
}

const arrayTypes = (x: Instruction): ElementType[] => (x.shape.kind === 'array' ? [x.shape.dtype] : []);

/** Opcodes that `scheduleLoop` computes when they stand alone. */
export const loopOpcodes: readonly Opcode[] = [
  ...(Object.keys(unaryTraits) as Opcode[]),
  ...(Object.keys(binaryTraits) as Opcode[]),
  'compare',
  'select',
  'clamp',
  'convert',
  'bitcast-convert',
  'copy',
  ...(Object.keys(shapeRules) as Opcode[]),
];

/** Schedules a loop fusion, or any instruction computed element by element. */
export function scheduleLoop(instruction: Instruction, target: Target): Scheduled {
  const fused = openFusion(instruction);
  const [first] = fused.roots as [Instruction];
  const { dims } = first.shape as ArrayShape;
  if (!fused.roots.every((r) => sameDims((r.shape as ArrayShape).dims, dims))) {
    throw internal(`the results of a loop fusion have different dims: ${fused.roots.map((r) => r.opcode).join(', ')}`);
  }
  if (elementCount(dims) === 0) return { launches: [], scratch: [], inPlace: [] };
  const space = findLoops(fused, fused.roots, dims);
  const sizes = loopSizes(space);
  const lanes = loopLanes(fused, fused.roots, space, target);
  const cost = costOf(fused);
  const parallel = isParallel(cost, target) && sizes.length > 0;
  const k = new KernelBuilder(kernelName('loop', fused));
  const args = new KernelArguments(k, fused);
  const inStep = new InStep(fused);
  let rowEmitter: ElementalEmitter | undefined;
  emitNest(k, {
    sizes,
    lanes,
    unroll: isHeavy(fused) ? 2 : 1,
    parallel,
    row: (outer) => {
      rowEmitter = new ElementalEmitter({ k, leaf: args.leaf, onLoad: (x) => inStep.onRowLoad(x) });
      const probe = gridAt(space, [...outer, k.index(0)], lanes);
      if (lanes > 1)
        for (const s of findRowValues(fused, fused.roots, probe, lanes)) rowEmitter.operandAt(s.x, s.index, s.lanes);
    },
    visit: (index, width) => {
      const at = gridAt(space, index, width);
      const onLoad = (x: Instruction, where: GridIndex): void => inStep.onLoad(k, x, where, at);
      const e = new ElementalEmitter({ k, leaf: args.leaf, onLoad }, rowEmitter);
      // Everything is read before anything is written.
      const values = fused.roots.map((root) => e.emitAt(root, at, width));
      const position = k.let(linearize(k, at).at, 'at');
      for (const [i, value] of values.entries()) k.store(args.output(i), position, value);
    },
  });
  return {
    launches: [{ kernel: k.finish({ parallel, cost }), args: args.args }],
    scratch: [],
    inPlace: inStep.pairs(),
  };
}
