/**
 * @file What one kind of run (these fetches, these fed tensors) executes: the graph pruned to what the fetches need, in creation
 * order, split into stages. A stage is a cluster (compiled as one program) or host ops; a node is in the earliest stage after
 * all that it depends on, so chains of compilable ops stay together.
 */
import { elementTypeOf } from '../dtype.ts';
import { InvalidArgumentError } from '../errors.ts';
import { Operation } from '../graph/operation.ts';
import { Tensor } from '../graph/tensor.ts';
import { originOf, stateOf } from '../op/lowering.ts';
import { expandArgs } from '../op/nodeArgs.ts';
import type { StateRef } from '../op/record.ts';
import { isState } from '../op/signature.ts';
import { formatShape } from '../shape.ts';

export interface Stage {
  readonly kind: 'cluster' | 'host';
  readonly ops: readonly Operation[];
  /** Values that come from feeds or other stages. */
  readonly inputs: readonly Tensor[];
  /** Values that fetches or other stages need. */
  readonly outputs: readonly Tensor[];
}

export interface Plan {
  readonly fetches: readonly (Tensor | Operation)[];
  readonly feeds: readonly Tensor[];
  readonly stages: readonly Stage[];
  /** States that reference tensors denote. */
  readonly refs: ReadonlyMap<Tensor, StateRef>;
}

export function makePlan(fetches: readonly (Tensor | Operation)[], feeds: readonly Tensor[]): Plan {
  const fed = new Set(feeds);
  const ops = prune(fetches, fed);
  const refs = resolveRefs(ops, fed);
  return { fetches, feeds, refs, stages: split(ops, fetches, { fed, refs }) };
}

/** Nodes that the fetches need, in creation order (a topological one). */
function prune(fetches: readonly (Tensor | Operation)[], fed: ReadonlySet<Tensor>): Operation[] {
  const needed = new Set<Operation>();
  const stack: Operation[] = [];
  const need = (op: Operation): void => {
    if (needed.has(op)) return;
    needed.add(op);
    stack.push(op);
  };
  for (const f of fetches)
    if (f instanceof Operation) need(f);
    else if (!fed.has(f)) need(f.op);
  for (let op = stack.pop(); op !== undefined; op = stack.pop()) {
    if (op.record.fedOnly) throw missingFeed(op);
    for (const t of op.inputs) if (!fed.has(t)) need(t.op);
    for (const c of op.controlInputs) if (!(c.record.fedOnly && c.outputs.every((t) => fed.has(t)))) need(c);
  }
  return [...needed].sort((a, b) => a.id - b.id);
}

function missingFeed(op: Operation): InvalidArgumentError {
  const [t] = op.outputs;
  return new InvalidArgumentError(
    `no value was fed. Give one of dtype ${t?.dtype} and shape ${formatShape(t?.shape ?? null)}: run(fetches, [[${op.name}, value]]).`,
    originOf(op),
  );
}

/** A reference output denotes the state of the node itself, or that of its first reference input. */
function resolveRefs(ops: readonly Operation[], fed: ReadonlySet<Tensor>): Map<Tensor, StateRef> {
  const refs = new Map<Tensor, StateRef>();
  for (const op of ops) {
    const own = op.record.ownsState ? stateOf(op) : op.inputs.map((t) => refs.get(t)).find((ref) => ref !== undefined);
    if (own === undefined) continue;
    const args = expandArgs(op.record.outputs, op.attrs);
    for (const [i, t] of op.outputs.entries()) {
      if (isState(args[i] as Parameters<typeof isState>[0]) && !fed.has(t)) refs.set(t, own);
    }
  }
  return refs;
}

interface SplitContext {
  readonly fed: ReadonlySet<Tensor>;
  readonly refs: ReadonlyMap<Tensor, StateRef>;
}

function split(ops: readonly Operation[], fetches: readonly (Tensor | Operation)[], ctx: SplitContext): Stage[] {
  const stageOf = assignStages(ops, ctx);
  const constants = constantOps(ops, ctx);
  const consumers = outsideUses(ops, stageOf, { ...ctx, constants });
  for (const f of fetches) if (f instanceof Tensor && !ctx.refs.has(f)) consumers.add(f);
  const fetched = new Set(fetches);
  const stays = (op: Operation): boolean =>
    !constants.has(op) || fetched.has(op) || op.outputs.some((t) => consumers.has(t));
  const working = ops.filter((op) => stageOf.has(op) && stays(op));
  const numbers = [...new Set(working.map((op) => stageOf.get(op) as number))].sort((a, b) => a - b);
  return numbers.map((n) => {
    const own = working.filter((op) => stageOf.get(op) === n);
    const all = n % 2 === 0 ? withConstants(own, constants) : own;
    const inside = new Set(all);
    const isInput = (t: Tensor): boolean => !ctx.refs.has(t) && (ctx.fed.has(t) || !inside.has(t.op));
    return {
      kind: n % 2 === 0 ? 'cluster' : 'host',
      ops: all,
      inputs: [...new Set(all.flatMap((op) => op.inputs.filter(isInput)))],
      outputs: own.flatMap((op) => op.outputs.filter((t) => consumers.has(t) && !ctx.fed.has(t))),
    };
  });
}

/**
 * Nodes computed from constants alone. Every cluster that uses them holds its own copy: passed as values they would not be known
 * when it is compiled, and axes and shapes must be.
 */
function constantOps(ops: readonly Operation[], { fed, refs }: SplitContext): Set<Operation> {
  const found = new Set<Operation>();
  for (const op of ops) {
    const { record } = op;
    const pure = !record.stateful && !record.ownsState && !needsHost(op) && op.controlInputs.length === 0;
    const own = pure && op.outputs.length > 0 && op.outputs.every((t) => !fed.has(t) && !refs.has(t));
    if (own && op.inputs.every((t) => !fed.has(t) && found.has(t.op))) found.add(op);
  }
  return found;
}

/** `own` and the constants it is computed from, in creation order. */
function withConstants(own: readonly Operation[], constants: ReadonlySet<Operation>): Operation[] {
  const all = new Set(own);
  for (const op of all) {
    for (const t of op.inputs) if (constants.has(t.op)) all.add(t.op); // a Set visits what is added on the way
  }
  return [...all].sort((a, b) => a.id - b.id);
}

/** Even numbers are clusters, odd ones host stages. Nodes that own state have none: they are names, not work. */
function assignStages(ops: readonly Operation[], { refs }: SplitContext): Map<Operation, number> {
  const stages = new Map<Operation, number>();
  const touched = new Map<string, number>();
  for (const op of ops) {
    if (op.record.ownsState) continue;
    const host = needsHost(op);
    const after = (n: number): number => (host === (n % 2 === 1) ? n : n + 1);
    let stage = host ? 1 : 0;
    for (const d of [...op.inputs.map((t) => t.op), ...op.controlInputs]) {
      const s = stages.get(d);
      if (s !== undefined) stage = Math.max(stage, after(s));
    }
    const keys = op.inputs.flatMap((t) => refs.get(t)?.key ?? []);
    // Uses of one state keep their creation order across stages.
    for (const key of keys) stage = Math.max(stage, after(touched.get(key) ?? stage));
    for (const key of keys) touched.set(key, stage);
    stages.set(op, stage);
  }
  return stages;
}

/** Ops without a compiled form, and those that carry strings. */
export function needsHost(op: Operation): boolean {
  if (op.record.host !== undefined) return true;
  return [...op.inputs, ...op.outputs].some((t) => t.dtype !== 'resource' && elementTypeOf(t.dtype) === undefined);
}

function outsideUses(
  ops: readonly Operation[],
  stageOf: ReadonlyMap<Operation, number>,
  { refs, constants }: SplitContext & { readonly constants: ReadonlySet<Operation> },
): Set<Tensor> {
  const uses = new Set<Tensor>();
  for (const op of ops) {
    const copies = (stageOf.get(op) ?? 0) % 2 === 0; // clusters have their own constants
    for (const t of op.inputs) {
      if (refs.has(t) || stageOf.get(t.op) === stageOf.get(op) || (copies && constants.has(t.op))) continue;
      uses.add(t);
    }
  }
  return uses;
}
