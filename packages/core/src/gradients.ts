/**
 * @file Symbolic reverse-mode differentiation over op records. The graph between ys and xs is walked once, from the last node to the
 * first; each record's `grad` turns gradients of outputs into gradients of inputs, and several gradients of one tensor add up.
 */
import { isFloating } from './dtype.ts';
import { InvalidArgumentError } from './errors.ts';
import { IndexedSlices } from './graph/indexedSlices.ts';
import type { Operation } from './graph/operation.ts';
import { operator } from './graph/operators.ts';
import { Tensor, type TensorConvertible, type TensorLike } from './graph/tensor.ts';
import { convertToTensor } from './op/call.ts';
import { constantTensor } from './op/constant.ts';
import { originOf } from './op/lowering.ts';
import { byName, flatten } from './op/nodeArgs.ts';
import type { GradContext, GradValue, Named } from './op/record.ts';
import { zerosLike } from './ops/array.ts';
import { onesLike } from './ops/arrayShape.ts';
import { formatShape, isCompatible, isFullyDefined } from './shape.ts';

export interface GradientsOptions {
  /** Gradients of the ys to start from. Default: ones. */
  readonly gradYs?: readonly (TensorLike | null)[];
  /** Name scope of the new nodes. Default `gradients`. */
  readonly name?: string;
  /** Tensors to treat as constants. */
  readonly stopGradients?: readonly (Tensor | TensorConvertible)[];
}

type Source = Tensor | TensorConvertible;

/**
 * Gradients of the sum of `ys` by each of `xs`: a tensor, IndexedSlices where rows were gathered from x, or null where no
 * differentiable path leads from x to any y.
 * @throws InvalidArgument when a y or x is not of a float dtype, or a given gradient has another shape than its y.
 */
export function gradients(
  ys: Source | readonly Source[],
  xs: Source | readonly Source[],
  options: GradientsOptions = {},
): (Tensor | IndexedSlices | null)[] {
  const targets = listOf(ys).map(tensorOf);
  // A variable is differentiated at its reference: whatever reads it leads there.
  const sources = listOf(xs).map(sourceOf);
  for (const t of [...targets, ...sources]) checkDifferentiable(t);
  const { graph } = targets[0] as Tensor;
  return graph.asDefault(() =>
    graph.nameScope(options.name ?? 'gradients', () => {
      const walk = new Walk(targets, sources, (options.stopGradients ?? []).map(tensorOf));
      for (const [i, y] of targets.entries()) walk.add(y, initialGradient(y, options.gradYs?.[i] ?? null, i));
      walk.run();
      return sources.map((x) => walk.total(x));
    }),
  );
}

function listOf<T>(x: T | readonly T[]): readonly T[] {
  return Array.isArray(x) ? x : [x as T];
}

function tensorOf(x: Source): Tensor {
  return x instanceof Tensor ? x : x.toTensor();
}

function sourceOf(x: Source): Tensor {
  if (!(x instanceof Tensor) && 'refTensor' in x && x.refTensor instanceof Tensor) return x.refTensor;
  return tensorOf(x);
}

function checkDifferentiable(t: Tensor): void {
  if (isFloating(t.dtype) || t.dtype === 'resource') return;
  throw new InvalidArgumentError(
    `"${t.name}" is ${t.dtype}; gradients exist for floats only. Convert it with cast(x, 'float32') before the computation.`,
    originOf(t.op),
  );
}

function initialGradient(y: Tensor, given: TensorLike | null, i: number): Tensor {
  if (given === null) {
    return isFullyDefined(y.shape) ? constantTensor(1, y.dtype, `grad_ys_${i}`, y.shape) : onesLike(y, `grad_ys_${i}`);
  }
  const dy = convertToTensor(given, { dtype: y.dtype, name: `grad_ys_${i}` });
  if (isCompatible(dy.shape, y.shape)) return dy;
  throw new InvalidArgumentError(
    `the given gradient has shape ${formatShape(dy.shape)}, "${y.name}" has ${formatShape(y.shape)}. Give one of y's shape.`,
    originOf(y.op),
  );
}

class Walk {
  readonly #pending = new Map<Tensor, (Tensor | IndexedSlices)[]>();
  readonly #between: readonly Operation[];
  readonly #stop: ReadonlySet<Tensor>;

  constructor(targets: readonly Tensor[], sources: readonly Tensor[], stop: readonly Tensor[]) {
    this.#stop = new Set(stop);
    this.#between = opsBetween(targets, new Set(sources), this.#stop);
  }

  add(t: Tensor, gradient: Tensor | IndexedSlices): void {
    const list = this.#pending.get(t);
    if (list === undefined) this.#pending.set(t, [gradient]);
    else list.push(gradient);
  }

  /** Sum of what arrived at `t`, null when nothing did. */
  total(t: Tensor): Tensor | IndexedSlices | null {
    const list = this.#pending.get(t);
    if (list === undefined) return null;
    const sum = sumGradients(list);
    this.#pending.set(t, [sum]);
    return sum;
  }

  /** Creation order is topological: from the last node to the first, all gradients of outputs are complete. */
  run(): void {
    for (const op of [...this.#between].sort((a, b) => b.id - a.id)) {
      const arrived = op.outputs.map((t) => this.total(t));
      if (arrived.every((g) => g === null)) continue;
      const inner = op.graph.nameScope(`${op.name}_grad`, () => inputGradients(op, arrived));
      for (const [i, g] of inner.entries()) {
        const input = op.inputs[i] as Tensor;
        if (g === null || this.#stop.has(input)) continue;
        checkGradient(op, input, g);
        this.add(input, g);
      }
    }
  }
}

/** Nodes on a path from a source to a target. */
function opsBetween(targets: readonly Tensor[], sources: ReadonlySet<Tensor>, stop: ReadonlySet<Tensor>): Operation[] {
  const reaches = new Map<Operation, boolean>();
  const order: Operation[] = [];
  const seen = new Set<Operation>();
  const stack = targets.map((t) => t.op);
  for (let op = stack.pop(); op !== undefined; op = stack.pop()) {
    if (seen.has(op)) continue;
    seen.add(op);
    order.push(op);
    for (const t of op.inputs) if (!stop.has(t)) stack.push(t.op);
  }
  order.sort((a, b) => a.id - b.id);
  for (const op of order) {
    reaches.set(
      op,
      op.inputs.some((t) => !stop.has(t) && (sources.has(t) || reaches.get(t.op) === true)),
    );
  }
  return order.filter((op) => reaches.get(op));
}

/** Gradients of all inputs, in order. */
function inputGradients(op: Operation, arrived: readonly (Tensor | IndexedSlices | null)[]): readonly GradValue[] {
  const { record } = op;
  if (record.grad === null) return op.inputs.map(() => null);
  const ctx: GradContext = { attrs: op.attrs, op };
  const [first] = arrived;
  if (record.sparseGrad !== undefined && first instanceof IndexedSlices) {
    return flatten(record.inputs, record.sparseGrad(first, ctx));
  }
  const dense = op.outputs.map((t, i) => {
    const g = arrived[i];
    return g === null || g === undefined ? zerosLike(t) : toDense(g);
  });
  const io: Named<Tensor> = {
    ...byName(record.inputs, op.inputs, op.attrs),
    ...byName(record.outputs, op.outputs, op.attrs),
  };
  return flatten(record.inputs, record.grad(io, byName(record.outputs, dense, op.attrs), ctx));
}

function checkGradient(op: Operation, input: Tensor, g: Tensor | IndexedSlices): void {
  if (!(g instanceof Tensor) || input.dtype === 'resource' || isCompatible(g.shape, input.shape)) return;
  throw new InvalidArgumentError(
    `internal: the gradient for "${input.name}" has shape ${formatShape(g.shape)}, the input ${formatShape(input.shape)}.`,
    originOf(op),
  );
}

function sumGradients(list: readonly (Tensor | IndexedSlices)[]): Tensor | IndexedSlices {
  const [first] = list;
  if (list.length === 1 && first !== undefined) return first;
  const slices = list.filter((g) => g instanceof IndexedSlices);
  if (slices.length < list.length) return operator('addN')(list.map(toDense));
  return new IndexedSlices(
    operator('concat')(
      slices.map((s) => s.values),
      0,
    ),
    operator('concat')(
      slices.map((s) => s.indices),
      0,
    ),
    slices[0]?.denseShape,
  );
}

/** A sparse gradient as a dense tensor; dense ones as they are. */
export function toDense(g: Tensor | IndexedSlices): Tensor {
  if (g instanceof Tensor) return g;
  if (g.denseShape === undefined) {
    throw new InvalidArgumentError(
      'a sparse gradient without dense shape cannot be made dense.',
      originOf(g.values.op),
    );
  }
  return g.toTensor();
}

/**
 * Names the nodes that end all paths from `x` to `y`: ops declared non-differentiable. Optimizers put it into their errors.
 * Empty when y does not depend on x at all.
 */
export function blockingOps(y: Source, x: Source): Operation[] {
  const source = sourceOf(x);
  return opsBetween([tensorOf(y)], new Set([source]), new Set()).filter((op) => op.record.grad === null);
}
