/**
 * @file The schedule of scatter, alone or in a fusion with what makes its indices and updates. Updates combine in row-major order. Threads
 * share the rows that are written (each looks at all indices and takes those of its own rows), so none ever meets another.
 */
import { internal, unimplemented } from '../hlo/errors.ts';
import type { Instruction } from '../hlo/module.ts';
import { type ArrayShape, elementBytes, elementCount } from '../hlo/shape.ts';
import { applyComputation, ElementalEmitter } from './elemental/elemental.ts';
import { linearize } from './elemental/gridIndex.ts';
import { lanesFor } from './elemental/lanes.ts';
import { computedIn, costOf, type Fused, isParallel, KernelArguments, kernelName, openFusion } from './fused.ts';
import type { Buffer, Cost, Expr } from './ir.ts';
import { KernelBuilder } from './kernelBuilder.ts';
import { gridAt, loopSizes } from './loop.ts';
import { emitNest } from './loopNest.ts';
import type { Launch, Scheduled } from './schedule.ts';
import type { Target } from './target.ts';

type Scatter = Instruction<'scatter'>;

const shapeOf = (x: Instruction): ArrayShape => x.shape as ArrayShape;
const dimsOf = (x: Instruction): readonly number[] => shapeOf(x).dims;

/** Dimension numbers resolved: which dim of the updates walks which dim of the operand. */
interface Plan {
  readonly fused: Fused;
  readonly op: Scatter;
  readonly target: Target;
  readonly dims: readonly number[];
  readonly updateDims: readonly number[];
  /** Operand dim of every update dim, −1 for batch dims. */
  readonly operandDim: readonly number[];
  readonly lanes: number;
}

export function scheduleScatter(instruction: Instruction, target: Target): Scheduled {
  const fused = openFusion(instruction);
  const op = computedIn(fused).find((x): x is Scatter => x.opcode === 'scatter');
  if (!op) throw internal('a fusion of kind scatter without a scatter');
  if (fused.roots.length !== 1 || fused.roots[0] !== op) {
    throw unimplemented('a scatter fusion makes its updates, and nothing of its result');
  }
  const [operand, , updates] = op.operands as [Instruction, Instruction, Instruction];
  const plan = planScatter(fused, op, target);
  const given = fused.operandOf(operand);
  const pairs = given === undefined ? [] : [{ operand: given, output: 0 }];
  const launches: Launch[] = [];
  if (elementCount(plan.dims) === 0) return { launches, scratch: [], inPlace: [] };
  if (given === undefined) launches.push(fillStart(plan, operand));
  if (elementCount(dimsOf(updates)) > 0) launches.push(applyUpdates(plan));
  return { launches, scratch: [], inPlace: pairs, copied: pairs };
}

function planScatter(fused: Fused, op: Scatter, target: Target): Plan {
  const [operand, , updates] = op.operands as [Instruction, Instruction, Instruction];
  const { updateWindowDims, insertedWindowDims } = op.attrs.dimensionNumbers;
  const { dims, dtype } = shapeOf(operand);
  const kept = dims.flatMap((_, d) => (insertedWindowDims.includes(d) ? [] : [d]));
  const updateDims = dimsOf(updates);
  const operandDim = updateDims.map((_, u) => kept[updateWindowDims.indexOf(u)] ?? -1);
  const last = updateDims.length - 1;
  const types = [dtype, ...fused.body.flatMap((x) => (x === op.operands[1] ? [] : [shapeOf(x).dtype]))];
  const lanes = lanesFor(types, target);
  const contiguous = last >= 0 && operandDim[last] === dims.length - 1 && (updateDims[last] as number) >= lanes;
  return { fused, op, target, dims, updateDims, operandDim, lanes: contiguous ? lanes : 1 };
}

/** Writes a computed start value (zeros, mostly) into the output. */
function fillStart(plan: Plan, operand: Instruction): Launch {
  const { fused, target, dims } = plan;
  const k = new KernelBuilder(kernelName('fill', fused));
  const args = new KernelArguments(k, fused);
  const cuts = dims.flatMap((_, d) => (d > 0 ? [d] : []));
  const space =
    operand.opcode === 'broadcast' && dimsOf(operand.operands[0] as Instruction).length === 0
      ? { dims, cuts: [] }
      : { dims, cuts };
  const { dtype } = shapeOf(operand);
  const cost: Cost = { flops: 0, bytes: elementCount(dims) * elementBytes[dtype] };
  const parallel = isParallel(cost, target);
  const sizes = loopSizes(space);
  const lanes = (sizes[sizes.length - 1] ?? 1) >= lanesFor([dtype], target) ? lanesFor([dtype], target) : 1;
  emitNest(k, {
    sizes,
    lanes,
    parallel,
    visit: (index, width) => {
      const grid = gridAt(space, index, width);
      const value = new ElementalEmitter({ k, leaf: args.leaf }).emitAt(operand, grid, width);
      k.store(args.output(0), k.let(linearize(k, grid).at, 'at'), value);
    },
  });
  return { kernel: k.finish({ parallel, cost }), args: args.args };
}

/** The rows that this thread owns along the first scattered dim; undefined: everything, on one thread. */
interface Owned {
  readonly dim: number;
  readonly lo: Expr;
  readonly hi: Expr;
}

function applyUpdates(plan: Plan): Launch {
  const { fused, op, target, dims } = plan;
  const { scatterDimsToOperandDims, insertedWindowDims } = op.attrs.dimensionNumbers;
  const k = new KernelBuilder(kernelName('scatter', fused));
  const args = new KernelArguments(k, fused);
  const cost = costOf(fused);
  const own = scatterDimsToOperandDims.find((d) => insertedWindowDims.includes(d) && (dims[d] as number) > 1);
  const parallel = own !== undefined && isParallel(cost, target);
  const owned: Owned | undefined = parallel ? { dim: own, ...k.share(dims[own] as number) } : undefined;
  const out = args.output(0, 'readwrite');
  walkUpdates(k, plan, args, { out, owned });
  return { kernel: k.finish({ parallel, cost }), args: args.args };
}

interface Walk {
  readonly out: Buffer;
  readonly owned: Owned | undefined;
}

/** Loops over the updates in row-major order; the start of a window is read as soon as its batch position is known. */
function walkUpdates(k: KernelBuilder, plan: Plan, args: KernelArguments, walk: Walk): void {
  const { updateDims, operandDim } = plan;
  const lastBatch = operandDim.lastIndexOf(-1);
  const enter = (d: number, index: readonly Expr[], starts: readonly Expr[] | undefined): void => {
    if (d > lastBatch && !starts) {
      withStarts(k, plan, args, { index, owned: walk.owned }, (found) => enter(d, index, found));
      return;
    }
    if (d === updateDims.length) {
      combineAt(k, plan, args, { out: walk.out, index, starts: starts ?? [], lanes: 1 });
      return;
    }
    const size = updateDims[d] as number;
    const innermost = d === updateDims.length - 1 && plan.lanes > 1 && starts !== undefined;
    if (!innermost) {
      k.for(0, size, (i) => enter(d + 1, [...index, i], starts));
      return;
    }
    const whole = size - (size % plan.lanes);
    const at =
      (lanes: number) =>
      (i: Expr): void =>
        combineAt(k, plan, args, { out: walk.out, index: [...index, i], starts, lanes });
    k.for(0, whole, at(plan.lanes), plan.lanes);
    if (whole < size) k.for(whole, size, at(1));
  };
  enter(0, [], undefined);
}

/** Reads the start of the window of a batch position; goes on when the window lies inside (and is this thread's). */
function withStarts(
  k: KernelBuilder,
  plan: Plan,
  args: KernelArguments,
  { index, owned }: { readonly index: readonly Expr[]; readonly owned: Owned | undefined },
  then: (starts: readonly Expr[]) => void,
): void {
  const { op, dims, operandDim, updateDims } = plan;
  const { scatterDimsToOperandDims, indexVectorDim } = op.attrs.dimensionNumbers;
  const indices = op.operands[1] as Instruction;
  const rank = dimsOf(indices).length;
  const batch = index.filter((_, u) => operandDim[u] === -1);
  const e = new ElementalEmitter({ k, leaf: args.leaf });
  const starts = dims.map(() => k.index(0));
  const inside: Expr[] = [];
  scatterDimsToOperandDims.forEach((d, i) => {
    const at = indexVectorDim < rank ? batch.toSpliced(indexVectorDim, 0, k.index(i)) : batch;
    const raw = k.let(e.emit(indices, at, 1), 'start');
    const { scalar } = raw.type;
    const window = operandDim.includes(d) ? (updateDims[operandDim.indexOf(d)] as number) : 1;
    const most = (dims[d] as number) - window;
    inside.push(k.compare('GE', raw, k.const(scalar, 0)), k.compare('LE', raw, k.const(scalar, most)));
    starts[d] = k.let(k.convert('s32', raw), 'start');
    if (owned?.dim === d) inside.push(k.compare('GE', starts[d], owned.lo), k.compare('LT', starts[d], owned.hi));
  });
  if (inside.length === 0) then(starts);
  else
    k.if(
      inside.reduce((a, b) => k.binary('and', a, b)),
      () => then(starts),
    );
}

function combineAt(
  k: KernelBuilder,
  plan: Plan,
  args: KernelArguments,
  at: {
    readonly out: Buffer;
    readonly index: readonly Expr[];
    readonly starts: readonly Expr[];
    readonly lanes: number;
  },
): void {
  const { op, dims, operandDim } = plan;
  const { out, index, starts, lanes } = at;
  const place = dims.reduce<Expr>((sum, size, d) => {
    const u = operandDim.indexOf(d);
    const position = k.add(starts[d] as Expr, u < 0 ? 0 : (index[u] as Expr));
    return k.add(k.mul(sum, size), position);
  }, k.index(0));
  const target = k.let(place, 'at');
  const value = new ElementalEmitter({ k, leaf: args.leaf }).emit(op.operands[2] as Instruction, index, lanes);
  const old = k.let(k.load(out, target, lanes), 'old');
  const [next] = applyComputation(k, op.attrs.computation, [old, value]) as [Expr];
  k.store(out, target, next);
}
