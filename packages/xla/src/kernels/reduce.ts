/**
 * @file The schedule of reductions: a plain `reduce`, or a fusion of sibling reduces with what produces their inputs and what is made
 * of their results. Few results of many elements go in two phases over a partition that depends on the shape alone, so the result
 * is the same for any number of threads.
 */
import { internal } from '../hlo/errors.ts';
import type { Instruction } from '../hlo/module.ts';
import { type ArrayShape, type ElementType, elementBytes, elementCount, type Shape, sameDims } from '../hlo/shape.ts';
import { ElementalEmitter, type Leaf } from './elemental/elemental.ts';
import { type GridIndex, type Group, linearize } from './elemental/gridIndex.ts';
import { lanesFor } from './elemental/lanes.ts';
import { sameExpr } from './elemental/memo.ts';
import {
  computedIn,
  costOf,
  type Fused,
  isHeavy,
  isParallel,
  isWorthThreads,
  KernelArguments,
  kernelName,
  openFusion,
} from './fused.ts';
import { type Cost, computeType, type Expr } from './ir.ts';
import { KernelBuilder } from './kernelBuilder.ts';
import { findLoops, findRowValues, gridAt, type LoopSpace, loopPieces, type Piece } from './loop.ts';
import { type AccumulatorMemory, emitReduction, partialType, type ReduceLoop, type Reduction } from './reduceLoops.ts';
import { type Reducer, reducerOf } from './reducer.ts';
import type { Launch, Scheduled } from './schedule.ts';
import type { Target } from './target.ts';

type Reduce = Instruction<'reduce'>;

/** A reduction taken apart. */
interface Plan {
  readonly fused: Fused;
  readonly target: Target;
  readonly reduces: readonly Reduce[];
  readonly reducers: readonly Reducer[];
  /** Input dims, cut into loops that are folded or kept. */
  readonly space: LoopSpace;
  readonly loops: readonly ReduceLoop[];
  readonly reducedDims: ReadonlySet<number>;
  readonly keptDims: readonly number[];
  readonly lanes: number;
  readonly cost: Cost;
}

const shapeOf = (x: Instruction): ArrayShape => x.shape as ArrayShape;
const inputsOf = (x: Reduce): readonly Instruction[] => x.operands.slice(0, x.operands.length / 2);
const initsOf = (x: Reduce): readonly Instruction[] => x.operands.slice(x.operands.length / 2);

function planReduce(instruction: Instruction, target: Target): Plan {
  const fused = openFusion(instruction);
  const reduces = computedIn(fused).filter((x): x is Reduce => x.opcode === 'reduce');
  const [first] = reduces;
  if (!first) throw internal(`a fusion of kind reduce without a reduce`);
  const { dims } = shapeOf(first.operands[0] as Instruction);
  const reducedDims = new Set(first.attrs.dimensions);
  const keptDims = dims.filter((_, d) => !reducedDims.has(d));
  const siblings = reduces.every(
    (r) =>
      sameDims(shapeOf(r.operands[0] as Instruction).dims, dims) &&
      sameDims(r.attrs.dimensions, first.attrs.dimensions),
  );
  if (!siblings) throw internal('the reduces of a fusion fold different dimensions');
  const folded = reducedLabels(dims, reducedDims);
  const cuts = dims.flatMap((_, d) => (d > 0 && folded[d] !== folded[d - 1] ? [d] : []));
  const inputs = reduces.flatMap(inputsOf);
  const space = findLoops(fused, inputs, dims, [...cuts, ...consumerCuts(fused, reduces, keptDims, reducedDims)]);
  const loops = loopPieces(space).map(({ from, size }): ReduceLoop => ({ size, reduced: folded[from] as boolean }));
  const types = fused.body.flatMap((x) => (x.shape.kind === 'array' ? [x.shape.dtype] : x.shape.elements.map(dtypeOf)));
  return {
    fused,
    target,
    reduces,
    reducers: reduces.map((r) => reducerOf(r.attrs.computation)),
    space,
    loops,
    reducedDims,
    keptDims,
    lanes: lanesFor(types, target),
    cost: costOf(fused),
  };
}

const dtypeOf = (s: Instruction['shape']): ElementType => (s as ArrayShape).dtype;

/** Whether each dim is folded; dims of size 1 go with their neighbour, so that they cut nothing. */
function reducedLabels(dims: readonly number[], reduced: ReadonlySet<number>): boolean[] {
  const real = dims.findIndex((n) => n !== 1);
  let label = reduced.has(Math.max(real, 0));
  return dims.map((n, d) => {
    if (n !== 1) label = reduced.has(d);
    return label;
  });
}

/** Cuts between kept dims that the consumers need, as places in the input dims. */
function consumerCuts(
  fused: Fused,
  reduces: readonly Reduce[],
  keptDims: readonly number[],
  reducedDims: ReadonlySet<number>,
): number[] {
  const isResult = (x: Instruction): boolean =>
    reduces.includes((x.opcode === 'get-tuple-element' ? x.operands[0] : x) as Reduce);
  const leaf = (x: Instruction): Leaf | undefined =>
    isResult(x) ? { kind: 'register', at: (lanes) => zeroOf(x, lanes) } : undefined;
  const rank = keptDims.length + reducedDims.size;
  const place = Array.from({ length: rank }, (_, d) => d).filter((d) => !reducedDims.has(d));
  const roots = fused.roots.filter((r) => !isResult(r) && r.shape.kind === 'array');
  if (roots.length === 0) return [];
  return findLoops(fused, roots, keptDims, [], leaf).cuts.map((c) => place[c] as number);
}

const zeroOf = (x: Instruction, lanes: number): Expr =>
  new KernelBuilder('probe').const(computeType[shapeOf(x).dtype], 0, lanes);

/** The index into the result, from positions of the loops; lanes run along the last loop when it is kept. */
function keptIndex(plan: Plan, index: readonly Expr[], lanes: number): GridIndex {
  const k = new KernelBuilder('constants');
  const groups = loopPieces(plan.space).flatMap((p: Piece, i): Group[] => {
    const dims = Array.from({ length: p.to - p.from }, (_, j) => p.from + j).filter((d) => !plan.reducedDims.has(d));
    if (dims.length === 0) return [];
    const { reduced, size } = plan.loops[i] as ReduceLoop;
    if (reduced) return [{ rank: dims.length, size: 1, at: k.index(0), step: 0, aligned: true, root: undefined }];
    const vector = lanes > 1 && i === plan.loops.length - 1;
    return [{ rank: dims.length, size, at: index[i] as Expr, step: vector ? 1 : 0, aligned: vector, root: undefined }];
  });
  return { dims: plan.keptDims, groups };
}

/** What the loops fold: the operands of every reduce, computed where the loops stand. */
function inputValues(k: KernelBuilder, plan: Plan, args: KernelArguments): Pick<Reduction, 'values' | 'row'> {
  let row: ElementalEmitter | undefined;
  const inputs = plan.reduces.flatMap(inputsOf);
  const last = plan.loops[plan.loops.length - 1];
  return {
    row: (index) => {
      row = undefined;
      if (!last?.reduced || plan.lanes === 1 || last.size < plan.lanes) return;
      row = new ElementalEmitter({ k, leaf: args.leaf });
      const probe = gridAt(plan.space, index.with(-1, k.index(0)), plan.lanes);
      for (const s of findRowValues(plan.fused, inputs, probe, plan.lanes)) row.operandAt(s.x, s.index, s.lanes);
    },
    values: (index, lanes) => {
      const e = new ElementalEmitter({ k, leaf: args.leaf }, row);
      return inputs.map((x) => e.emitAt(x, gridAt(plan.space, index, lanes), lanes));
    },
  };
}

function startValues(k: KernelBuilder, plan: Plan, args: KernelArguments): readonly Expr[] {
  const e = new ElementalEmitter({ k, leaf: args.leaf });
  return plan.reduces.flatMap((r) => initsOf(r).map((x) => e.emit(x, [], 1)));
}

/** Stores the results, or what the fusion makes of them. */
function finishResults(
  k: KernelBuilder,
  plan: Plan,
  args: KernelArguments,
  at: { readonly index: readonly Expr[]; readonly lanes: number; readonly results: readonly Expr[] },
): void {
  const { fused, reduces } = plan;
  const { lanes } = at;
  const index = keptIndex(plan, at.index, lanes);
  const position = k.let(linearize(k, index).at, 'at');
  const { shape } = fused.instruction;
  if (shape.kind === 'tuple' && fused.instruction.opcode === 'reduce') {
    for (const [i, value] of at.results.entries()) {
      k.store(args.outputArray(i, dtypeOf(shape.elements[i] as Shape)), position, value);
    }
    return;
  }
  let next = 0;
  const resultsOf = new Map(
    reduces.map((r) => {
      const own = at.results.slice(next, next + r.operands.length / 2);
      next += own.length;
      return [r as Instruction, own];
    }),
  );
  const leaf = (x: Instruction): Leaf | undefined => {
    const source = x.opcode === 'get-tuple-element' ? (x.operands[0] as Instruction) : x;
    const values = resultsOf.get(source);
    if (!values) return args.leaf(x);
    const value = values[x.opcode === 'get-tuple-element' ? x.attrs.index : 0] as Expr;
    return { kind: 'register', at: () => value };
  };
  const onLoad = (x: Instruction, where: GridIndex): void => {
    if (args.leaf(x) === undefined && !sameExpr(linearize(k, where).at, linearize(k, index).at)) {
      throw internal(`${fused.instruction.metadata.opName ?? 'a reduce fusion'} moves elements of its ${x.opcode}`);
    }
  };
  const e = new ElementalEmitter({ k, leaf, onLoad });
  const values = fused.roots.map((root) => e.emitAt(root, index, lanes));
  for (const [i, value] of values.entries()) k.store(args.output(i), position, value);
}

const count = (loops: readonly ReduceLoop[], reduced: boolean): number =>
  loops.reduce((n, l) => (l.reduced === reduced ? n * l.size : n), 1);

/** How a large fold of few results is cut: loop number and length of a chunk. */
interface Split {
  readonly loop: number;
  readonly chunk: number;
  readonly chunks: number;
}

/** Chunks of the outermost folded loop, or nothing when there are enough results to share, or the order of folding is fixed. */
function splitOf(plan: Plan): Split | undefined {
  const { loops, lanes } = plan;
  if (!isWorthThreads(plan.cost) || !plan.reducers.every((r) => r.monoid)) return undefined;
  const columns = loops[loops.length - 1]?.reduced === false;
  const kept = count(loops, false);
  if (kept >= (columns ? 1024 : 32)) return undefined;
  const loop = loops.findIndex((l) => l.reduced && l.size > 1);
  if (loop < 0) return undefined;
  const { size } = loops[loop] as ReduceLoop;
  const isInner = loop === loops.length - 1;
  const grain = isInner ? 16 * lanes : 1;
  const perStep = count(loops, true) / size; // elements of one result in one step of the loop
  const least = Math.max(grain, Math.ceil(4096 / (perStep * Math.min(kept, 16))));
  const chunk = Math.max(Math.ceil(least / grain), Math.ceil(size / (64 * grain))) * grain;
  const chunks = Math.ceil(size / chunk);
  return chunks > 1 ? { loop, chunk, chunks } : undefined;
}

/** Schedules a reduce, or a fusion of kind reduce. */
export function scheduleReduce(instruction: Instruction, target: Target): Scheduled {
  const plan = planReduce(instruction, target);
  if (elementCount(plan.keptDims) === 0) return { launches: [], scratch: [], inPlace: [] };
  const split = splitOf(plan);
  return split ? inTwoPhases(plan, split) : inOnePhase(plan);
}

/** Results in a row from which on accumulators live in memory, and how many of them at a time. */
const longRow = 256;
const stretch = 1024;

/** Types of the accumulators, reducer by reducer. */
const accumulatorTypes = (plan: Plan): ElementType[] =>
  plan.reducers.flatMap((r) => r.dtypes.map((_, i) => partialType(r, i)));

function accumulatorMemory(plan: Plan, args: KernelArguments): AccumulatorMemory | undefined {
  const last = plan.loops[plan.loops.length - 1];
  if (!last || last.reduced || last.size < longRow || count(plan.loops, true) < 16) return undefined;
  const light = plan.fused.body.length < 16 && !isHeavy(plan.fused);
  return {
    buffers: () => accumulatorTypes(plan).map((t, i) => args.scratch(i, t)),
    chunk: stretch,
    rows: light ? 8 : 2,
  };
}

function inOnePhase(plan: Plan): Scheduled {
  const parallel = isParallel(plan.cost, plan.target) && count(plan.loops, false) > 1;
  const k = new KernelBuilder(kernelName('reduce', plan.fused));
  const args = new KernelArguments(k, plan.fused);
  const memory = accumulatorMemory(plan, args);
  emitReduction(k, {
    loops: plan.loops,
    reducers: plan.reducers,
    lanes: lanesOf(plan.loops, plan.lanes),
    parallel,
    memory,
    inits: () => startValues(k, plan, args),
    finish: (index, lanes, results) => finishResults(k, plan, args, { index, lanes, results }),
    ...inputValues(k, plan, args),
  });
  const kernel = k.finish({ parallel, cost: plan.cost });
  const elements = stretch * (parallel ? plan.target.maxThreads : 1);
  const scratch = memory ? accumulatorTypes(plan).map((t) => elementBytes[t] * elements) : [];
  return { launches: [{ kernel, args: args.args }], scratch, inPlace: [] };
}

/** Lanes that the innermost loop has room for. */
function lanesOf(loops: readonly ReduceLoop[], lanes: number): number {
  return (loops[loops.length - 1]?.size ?? 1) >= lanes ? lanes : 1;
}

function inTwoPhases(plan: Plan, split: Split): Scheduled {
  const kept = count(plan.loops, false);
  const types = plan.reducers.map((r) => partialType(r, 0));
  const scratch = types.map((t) => elementBytes[t] * split.chunks * kept);
  return { launches: [foldChunks(plan, split), foldPartials(plan, split)], scratch, inPlace: [] };
}

/** First phase: every chunk of the split loop on its own, into scratch [chunk, result]. */
function foldChunks(plan: Plan, split: Split): Launch {
  const k = new KernelBuilder(kernelName('reduce_chunks', plan.fused));
  const args = new KernelArguments(k, plan.fused);
  const kept = count(plan.loops, false);
  const inner = plan.loops.map((l, i): ReduceLoop => {
    if (i !== split.loop) return l;
    const range: ReduceLoop['range'] = ([chunk]) => {
      const from = k.let(k.mul(chunk as Expr, split.chunk), 'from');
      return { from, to: k.let(k.min(k.add(from, split.chunk), l.size), 'to') };
    };
    return { ...l, range };
  });
  const { values, row } = inputValues(k, plan, args);
  const parallel = isParallel(plan.cost, plan.target);
  emitReduction(k, {
    loops: [{ size: split.chunks, reduced: false }, ...inner],
    reducers: plan.reducers,
    lanes: lanesOf(plan.loops, plan.lanes),
    parallel,
    inits: undefined,
    values: (index, lanes) => values(index.slice(1), lanes),
    row: (index) => row?.(index.slice(1)),
    finish: (index, lanes, results) => {
      const position = linearize(k, keptIndex(plan, index.slice(1), lanes)).at;
      const at = k.let(k.add(k.mul(index[0] as Expr, kept), position), 'at');
      for (const [i, x] of results.entries()) {
        k.store(args.scratch(i, partialType(plan.reducers[i] as Reducer, 0)), at, x);
      }
    },
  });
  return { kernel: k.finish({ parallel, cost: plan.cost }), args: args.args };
}

/** Second phase: the chunks of every result in order. */
function foldPartials(plan: Plan, split: Split): Launch {
  const k = new KernelBuilder(kernelName('reduce_partials', plan.fused));
  const args = new KernelArguments(k, plan.fused);
  const kept = count(plan.loops, false);
  const chunks: ReduceLoop = { size: split.chunks, reduced: true };
  const keptLoops = plan.loops.map((l): ReduceLoop => (l.reduced ? { size: 1, reduced: true } : l));
  const columns = kept > 1 && plan.loops[plan.loops.length - 1]?.reduced === false;
  const cost: Cost = { flops: kept * split.chunks, bytes: 4 * kept * split.chunks };
  emitReduction(k, {
    loops: [chunks, ...keptLoops],
    reducers: plan.reducers,
    lanes: columns ? lanesOf(plan.loops, plan.lanes) : 1,
    parallel: false,
    inits: () => startValues(k, plan, args),
    values: (index, lanes) => {
      const position = linearize(k, keptIndex(plan, index.slice(1), lanes)).at;
      const at = k.let(k.add(k.mul(index[0] as Expr, kept), position), 'at');
      return plan.reducers.map((r, i) => k.load(args.scratch(i, partialType(r, 0)), at, lanes));
    },
    finish: (index, lanes, results) => finishResults(k, plan, args, { index: index.slice(1), lanes, results }),
  });
  return { kernel: k.finish({ parallel: false, cost }), args: args.args };
}
