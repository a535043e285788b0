/**
 * @file The schedule of reduce-window (pooling), alone or in a fusion with what makes its input and what is made of its result. Vectors
 * run along the channels, the taps of a window are folded in registers.
 */
import { internal } from '../hlo/errors.ts';
import { decoder } from '../hlo/literals.ts';
import type { Instruction } from '../hlo/module.ts';
import { type ArrayShape, elementCount } from '../hlo/shape.ts';
import { ElementalEmitter, type Leaf } from './elemental/elemental.ts';
import { linearize } from './elemental/gridIndex.ts';
import { computedIn, costOf, type Fused, isParallel, KernelArguments, kernelName, openFusion } from './fused.ts';
import { computeType, type Expr, type Local } from './ir.ts';
import { KernelBuilder } from './kernelBuilder.ts';
import { gridAt, loopSizes } from './loop.ts';
import { emitNest } from './loopNest.ts';
import { combine, type Reducer, reducerOf } from './reducer.ts';
import type { Scheduled } from './schedule.ts';
import { scheduleSelectAndScatter } from './selectAndScatter.ts';
import type { Target } from './target.ts';
import { arrayIndex, dimsOf, planWindow, tapDims, type WindowPlan } from './windowPlan.ts';
import { forEachTap, isUnrolled, type TapDim } from './windowTaps.ts';

type ReduceWindow = Instruction<'reduce-window'>;

/** Schedules a fusion of kind window around whichever window operation it holds. */
export function scheduleWindow(instruction: Instruction, target: Target): Scheduled {
  const fused = openFusion(instruction);
  if (computedIn(fused).some((x) => x.opcode === 'select-and-scatter'))
    return scheduleSelectAndScatter(instruction, target);
  const pool = computedIn(fused).find((x): x is ReduceWindow => x.opcode === 'reduce-window');
  if (!pool) throw internal('a fusion of kind window without a window operation');
  return scheduleReduceWindow(fused, pool, target);
}

/** The result of the window operation as something later values may read. */
export function resultLeaf(x: Instruction, value: (lanes: number) => Expr): (y: Instruction) => Leaf | undefined {
  return (y) => (y === x ? { kind: 'register', at: value } : undefined);
}

function scheduleReduceWindow(fused: Fused, pool: ReduceWindow, target: Target): Scheduled {
  const [operand, init] = pool.operands as [Instruction, Instruction];
  const placeDims = dimsOf(pool);
  if (elementCount(placeDims) === 0) return { launches: [], scratch: [], inPlace: [] };
  const scalar = computeType[(pool.shape as ArrayShape).dtype];
  const probe = resultLeaf(pool, (lanes) => new KernelBuilder('probe').const(scalar, 0, lanes));
  const shapes = { window: pool.attrs.window, arrayDims: dimsOf(operand), placeDims };
  const plan = planWindow(fused, target, shapes, { arrays: [operand], places: fused.roots, leaf: probe });
  const reducer = reducerOf(pool.attrs.computation);
  const taps = pool.attrs.window.reduce((n, w) => n * w.size, 1);
  const base = costOf(fused);
  const cost = { flops: base.flops + taps * elementCount(placeDims), bytes: base.bytes };
  const k = new KernelBuilder(kernelName('window', fused));
  const args = new KernelArguments(k, fused);
  const parallel = isParallel(cost, target);
  let row: { readonly start: Expr; readonly taps: readonly TapDim[] | undefined } | undefined;
  const lastIsWindowed = plan.windowed[plan.windowed.length - 1] !== undefined;
  emitNest(k, {
    sizes: loopSizes(plan.space),
    lanes: plan.lanes,
    parallel,
    row: (outer) => {
      const start = new ElementalEmitter({ k, leaf: args.leaf }).emit(init, [], 1);
      row = { start, taps: lastIsWindowed ? undefined : tapDims(k, plan, [...outer, k.index(0)]) };
    },
    visit: (index, lanes) => {
      const walk = row?.taps ?? tapDims(k, plan, index);
      const value = (positions: readonly Expr[]): Expr =>
        new ElementalEmitter({ k, leaf: args.leaf }).emitAt(operand, arrayIndex(plan, index, positions, lanes), lanes);
      const start = isIdentity(reducer, init) ? undefined : k.splat(row?.start as Expr, lanes);
      const result = foldTaps(k, reducer, { walk, start, lanes, value });
      writeRoots(k, args, { fused, plan, index, lanes, leaf: resultLeaf(pool, () => result) });
    },
  });
  return { launches: [{ kernel: k.finish({ parallel, cost }), args: args.args }], scratch: [], inPlace: [] };
}

/** The start value changes nothing. */
function isIdentity(r: Reducer, init: Instruction): boolean {
  if (!r.monoid || init.opcode !== 'constant') return false;
  const { shape, data } = init.attrs.literal;
  const value = decoder(shape.dtype)(data[0] as number | bigint);
  return Number(value) === Number(r.monoid.identity);
}

interface Fold {
  readonly walk: readonly TapDim[];
  /** undefined: start with the first tap, or the identity when there may be none. */
  readonly start: Expr | undefined;
  readonly lanes: number;
  readonly value: (positions: readonly Expr[]) => Expr;
}

function foldTaps(k: KernelBuilder, r: Reducer, { walk, start, lanes, value }: Fold): Expr {
  const scalar = computeType[r.dtypes[0] as keyof typeof computeType];
  const first = start ?? k.const(scalar, r.monoid?.identity ?? 0, lanes);
  let running: Expr | undefined = start;
  let accumulator: Local | undefined;
  // Unrolled taps chain as expressions; loops need a variable.
  if (!isUnrolled(walk)) accumulator = k.variable(first, 'acc');
  forEachTap(k, walk, (_taps, positions) => {
    const v = value(positions);
    if (accumulator) k.set(accumulator, combine(k, r, [k.read(accumulator)], [v])[0] as Expr);
    else running = running ? (combine(k, r, [running], [v])[0] as Expr) : v;
  });
  return accumulator ? k.read(accumulator) : (running ?? first);
}

/** Computes and stores the results of the fusion at a place. */
function writeRoots(
  k: KernelBuilder,
  args: KernelArguments,
  at: {
    readonly fused: Fused;
    readonly plan: WindowPlan;
    readonly index: readonly Expr[];
    readonly lanes: number;
    readonly leaf: (y: Instruction) => Leaf | undefined;
  },
): void {
  const grid = gridAt(at.plan.space, at.index, at.lanes);
  const e = new ElementalEmitter({ k, leaf: (x) => at.leaf(x) ?? args.leaf(x) });
  const values = at.fused.roots.map((root) => e.emitAt(root, grid, at.lanes));
  const position = k.let(linearize(k, grid).at, 'at');
  for (const [i, value] of values.entries()) k.store(args.output(i), position, value);
}
