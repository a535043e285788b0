/**
 * @file The schedule of select-and-scatter, the gradient of max-pooling. Windows that do not overlap own their elements and write them
 * directly. Otherwise a first pass notes which tap every window selects, and a second one gathers, for each element, from the windows
 * over it in row-major order: no two threads ever write one element.
 */
import { internal } from '../hlo/errors.ts';
import type { Instruction } from '../hlo/module.ts';
import { type ArrayShape, byteSize, elementCount } from '../hlo/shape.ts';
import { applyComputation, ElementalEmitter, type Leaf } from './elemental/elemental.ts';
import { type GridIndex, linearize } from './elemental/gridIndex.ts';
import { computedIn, costOf, type Fused, isParallel, KernelArguments, kernelName, openFusion } from './fused.ts';
import { type Cost, computeType, type Expr } from './ir.ts';
import { KernelBuilder } from './kernelBuilder.ts';
import { gridAt, loopSizes } from './loop.ts';
import { emitNest } from './loopNest.ts';
import type { Launch, Scheduled } from './schedule.ts';
import type { Target } from './target.ts';
import {
  arrayIndex,
  arrayLoopSizes,
  dimsOf,
  planWindow,
  tapDims,
  type WindowPlan,
  windowedLoops,
} from './windowPlan.ts';
import { forEachTap, isInterior, isUnrolled, type TapDim } from './windowTaps.ts';

type SelectAndScatter = Instruction<'select-and-scatter'>;

interface Scatter {
  readonly fused: Fused;
  readonly op: SelectAndScatter;
  readonly plan: WindowPlan;
  readonly cost: Cost;
  readonly parallel: boolean;
}

export function scheduleSelectAndScatter(instruction: Instruction, target: Target): Scheduled {
  const fused = openFusion(instruction);
  const op = computedIn(fused).find((x): x is SelectAndScatter => x.opcode === 'select-and-scatter');
  if (!op) throw internal('a select-and-scatter is missing');
  const [operand, source] = op.operands as [Instruction, Instruction];
  const arrayDims = dimsOf(operand);
  const placeDims = dimsOf(source);
  if (elementCount(arrayDims) === 0) return { launches: [], scratch: [], inPlace: [] };
  const scalar = computeType[(op.shape as ArrayShape).dtype];
  const leaf = (x: Instruction): Leaf | undefined =>
    x === op ? { kind: 'register', at: (lanes) => new KernelBuilder('probe').const(scalar, 0, lanes) } : undefined;
  const plan = planWindow(
    fused,
    target,
    { window: op.attrs.window, arrayDims, placeDims },
    { arrays: [operand, ...fused.roots], places: [source], leaf },
  );
  const taps = op.attrs.window.reduce((n, w) => n * w.size, 1);
  const base = costOf(fused);
  const cost = { flops: base.flops + 3 * taps * elementCount(placeDims), bytes: base.bytes };
  const s: Scatter = { fused, op, plan, cost, parallel: isParallel(cost, target) };
  if (ownsElements(plan)) return { launches: [writeWindows(s)], scratch: [], inPlace: [] };
  const notes = byteSize({ kind: 'array', dtype: 's32', dims: placeDims });
  return { launches: [noteSelected(s), gatherSelected(s)], scratch: [notes], inPlace: [] };
}

/** Windows tile the array: no overlap, no border, nothing left over. */
function ownsElements(plan: WindowPlan): boolean {
  return plan.window.every((w, d) => {
    const [size, places] = [plan.arrayDims[d] as number, plan.placeDims[d] as number];
    return w.stride === w.size && w.padLow === 0 && isInterior(w, size, places) && places * w.size === size;
  });
}

/** Number of a tap in its window, row-major, from its numbers along the windowed dims. */
function tapNumber(k: KernelBuilder, plan: WindowPlan, taps: readonly Expr[]): Expr {
  return windowedLoops(plan).reduce<Expr>(
    (n, { window }, i) => k.add(k.mul(n, window.size), taps[i] as Expr),
    k.index(0),
  );
}

interface Place {
  readonly index: readonly Expr[];
  readonly lanes: number;
  readonly walk: readonly TapDim[];
}

/** The number of the tap that the window selects, −1 when all of it is padding. */
function selectTap(k: KernelBuilder, s: Scatter, args: KernelArguments, { index, lanes, walk }: Place): Expr {
  const [operand] = s.op.operands as [Instruction];
  const scalar = computeType[(operand.shape as ArrayShape).dtype];
  const best = k.variable(k.const(scalar, 0, lanes), 'best');
  const chosen = k.variable(k.const('s32', -1, lanes), 'chosen');
  const none = k.const('s32', -1, lanes);
  let visited = false;
  forEachTap(k, walk, (taps, positions) => {
    const e = new ElementalEmitter({ k, leaf: args.leaf });
    const value = e.emitAt(operand, arrayIndex(s.plan, index, positions, lanes), lanes);
    const number = k.splat(tapNumber(k, s.plan, taps), lanes);
    if (!visited && isUnrolled(walk)) {
      visited = true;
      k.set(best, value);
      k.set(chosen, number);
      return;
    }
    const [better] = applyComputation(k, s.op.attrs.select, [k.read(best), value]) as [Expr];
    const keeps = k.let(k.binary('and', k.compare('NE', k.read(chosen), none), better), 'keeps');
    k.set(best, k.select(keeps, k.read(best), value));
    k.set(chosen, k.select(keeps, k.read(chosen), number));
  });
  return k.read(chosen);
}

/** Loops over the places, with the walks of the windows computed once per row where they can be. */
function forEachPlace(k: KernelBuilder, s: Scatter, visit: (place: Place) => void): void {
  const { plan } = s;
  let row: readonly TapDim[] | undefined;
  const lastIsWindowed = plan.windowed[plan.windowed.length - 1] !== undefined;
  emitNest(k, {
    sizes: loopSizes(plan.space),
    lanes: plan.lanes,
    parallel: s.parallel,
    row: (outer) => {
      row = lastIsWindowed ? undefined : tapDims(k, plan, [...outer, k.index(0)]);
    },
    visit: (index, lanes) => visit({ index, lanes, walk: row ?? tapDims(k, plan, index) }),
  });
}

/** First pass: the selected tap of every window, into scratch 0. */
function noteSelected(s: Scatter): Launch {
  const k = new KernelBuilder(kernelName('select', s.fused));
  const args = new KernelArguments(k, s.fused);
  forEachPlace(k, s, (place) => {
    const chosen = selectTap(k, s, args, place);
    const at = linearize(k, gridAt(s.plan.space, place.index, place.lanes)).at;
    k.store(args.scratch(0, 's32'), at, chosen);
  });
  return { kernel: k.finish({ parallel: s.parallel, cost: s.cost }), args: args.args };
}

/** Value of the init operand, of a lane count. */
function initValue(k: KernelBuilder, s: Scatter, args: KernelArguments, lanes: number): Expr {
  const init = new ElementalEmitter({ k, leaf: args.leaf }).emit(s.op.operands[2] as Instruction, [], 1);
  return k.splat(init, lanes);
}

/** Computes and stores the results of the fusion at an element of the array, given the scattered value. */
function writeElement(
  k: KernelBuilder,
  s: Scatter,
  args: KernelArguments,
  { grid, lanes, value }: { readonly grid: GridIndex; readonly lanes: number; readonly value: Expr },
): void {
  const leaf = (x: Instruction): Leaf | undefined =>
    x === s.op ? { kind: 'register', at: () => value } : args.leaf(x);
  const e = new ElementalEmitter({ k, leaf });
  const values = s.fused.roots.map((root) => e.emitAt(root, grid, lanes));
  const position = k.let(linearize(k, grid).at, 'at');
  for (const [i, v] of values.entries()) k.store(args.output(i), position, v);
}

/** The only pass when windows tile the array. */
function writeWindows(s: Scatter): Launch {
  const k = new KernelBuilder(kernelName('unpool', s.fused));
  const args = new KernelArguments(k, s.fused);
  forEachPlace(k, s, (place) => {
    const { index, lanes, walk } = place;
    const chosen = k.let(selectTap(k, s, args, place), 'chosen');
    const init = k.let(initValue(k, s, args, lanes), 'init');
    const e = new ElementalEmitter({ k, leaf: args.leaf });
    const given = e.emitAt(s.op.operands[1] as Instruction, gridAt(s.plan.space, index, lanes), lanes);
    const [sum] = applyComputation(k, s.op.attrs.scatter, [init, given]) as [Expr];
    forEachTap(k, walk, (taps, positions) => {
      const number = k.splat(tapNumber(k, s.plan, taps), lanes);
      const value = k.let(k.select(k.compare('EQ', chosen, number), sum, init), 'value');
      writeElement(k, s, args, { grid: arrayIndex(s.plan, index, positions, lanes), lanes, value });
    });
  });
  return { kernel: k.finish({ parallel: s.parallel, cost: s.cost }), args: args.args };
}

/** Places whose windows lie over an array position: along one dim, from the first to the last place. */
function placesOver(
  k: KernelBuilder,
  s: Scatter,
  which: { readonly loop: number; readonly dim: number },
  position: Expr,
  visit: (place: Expr, tap: Expr) => void,
): void {
  const w = s.plan.window[which.dim] as WindowPlan['window'][number];
  const places = s.plan.placeDims[which.dim] as number;
  // place · stride = position · baseDilation + padLow − tap · windowDilation; falling taps are rising places.
  const at = k.let(k.add(k.mul(position, w.baseDilation), w.padLow), 'at');
  k.for(0, w.size, (t) => {
    const tap = k.let(k.sub(k.index(w.size - 1), t), 'tap');
    const offset = k.let(k.sub(at, k.mul(tap, w.windowDilation)), 'offset');
    const inside = k.binary('and', k.compare('GE', offset, 0), k.compare('LT', offset, (places - 1) * w.stride + 1));
    const ok = w.stride === 1 ? inside : k.binary('and', inside, k.compare('EQ', k.rem(offset, w.stride), 0));
    k.if(ok, () => visit(k.let(k.div(offset, w.stride), 'place'), tap));
  });
}

/** Second pass: every element gathers what the windows over it send. */
function gatherSelected(s: Scatter): Launch {
  const k = new KernelBuilder(kernelName('unpool', s.fused));
  const args = new KernelArguments(k, s.fused);
  const loops = windowedLoops(s.plan);
  const [, source] = s.op.operands as [Instruction, Instruction];
  emitNest(k, {
    sizes: arrayLoopSizes(s.plan),
    lanes: s.plan.lanes,
    parallel: s.parallel,
    visit: (index, lanes) => {
      const sum = k.variable(initValue(k, s, args, lanes), 'sum');
      const visit = (places: readonly Expr[], taps: readonly Expr[]): void => {
        const which = loops[places.length];
        if (which) {
          placesOver(k, s, which, index[which.loop] as Expr, (place, tap) => visit([...places, place], [...taps, tap]));
          return;
        }
        const at = places.reduce<readonly Expr[]>(
          (list, place, i) => list.with((loops[i] as { loop: number }).loop, place),
          index,
        );
        const grid = gridAt(s.plan.space, at, lanes);
        const chosen = k.load(args.scratch(0, 's32'), linearize(k, grid).at, lanes);
        const mine = k.let(k.compare('EQ', chosen, k.splat(tapNumber(k, s.plan, taps), lanes)), 'mine');
        const given = new ElementalEmitter({ k, leaf: args.leaf }).emitAt(source, grid, lanes);
        const [next] = applyComputation(k, s.op.attrs.scatter, [k.read(sum), given]) as [Expr];
        k.set(sum, k.select(mine, next, k.read(sum)));
      };
      visit([], []);
      const positions = loops.map(({ loop }) => index[loop] as Expr);
      writeElement(k, s, args, { grid: arrayIndex(s.plan, index, positions, lanes), lanes, value: k.read(sum) });
    },
  });
  return { kernel: k.finish({ parallel: s.parallel, cost: s.cost }), args: args.args };
}
