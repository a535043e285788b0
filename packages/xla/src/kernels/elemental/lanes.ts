/** @file Lanes of a computation: how many it can have, and the detour over scalars for operations that vectors lack. */
import type { Computation, Instruction } from '../../hlo/module.ts';
import { type ElementType, elementBytes, type Shape } from '../../hlo/shape.ts';
import type { Expr } from '../ir.ts';
import type { KernelBuilder } from '../kernelBuilder.ts';
import type { Target } from '../target.ts';

/** Every instruction that `root` depends on, operands first; stops at instructions for which `isLeaf` holds (they are included). */
export function reachable(root: Instruction, isLeaf: (x: Instruction) => boolean = () => false): Instruction[] {
  const seen = new Set<Instruction>();
  const order: Instruction[] = [];
  const visit = (x: Instruction): void => {
    if (seen.has(x)) return;
    seen.add(x);
    if (!isLeaf(x)) x.operands.forEach(visit);
    order.push(x);
  };
  visit(root);
  return order;
}

function elementTypes(shape: Shape): readonly ElementType[] {
  return shape.kind === 'array' ? [shape.dtype] : shape.elements.flatMap(elementTypes);
}

function subComputations(x: Instruction): readonly Computation[] {
  return x.opcode === 'reduce' || x.opcode === 'fusion' || x.opcode === 'scatter' || x.opcode === 'reduce-window'
    ? [x.attrs.computation]
    : [];
}

/**
 * Lanes a computation can be vectorised by along its last dimension: the 32-bit lanes of a vector register when all its values are
 * at most 32 bits wide, half as many when some have 64 bits.
 */
export function vectorLanes(root: Instruction, target: Target): number {
  return lanesFor(
    reachable(root).flatMap((x) => [
      ...elementTypes(x.shape),
      ...subComputations(x).flatMap((c) => reachable(c.root).flatMap((y) => elementTypes(y.shape))),
    ]),
    target,
  );
}

/** `vectorLanes` of values of these types. */
export function lanesFor(types: readonly ElementType[], target: Target): number {
  return target.vectorBytes / (types.some((t) => elementBytes[t] === 8) ? 8 : 4);
}

/** Applies a scalar function lane by lane. */
export function perLane(k: KernelBuilder, args: readonly Expr[], f: (...lane: Expr[]) => Expr): Expr {
  const lanes = (args[0] as Expr).type.lanes;
  if (lanes === 1) return f(...args);
  const bound = args.map((a) => k.let(a, 'v'));
  return fromLanes(
    k,
    Array.from({ length: lanes }, (_, lane) =>
      f(...bound.map((a) => (a.kind === 'const' ? { ...a, type: { ...a.type, lanes: 1 } } : k.extract(a, lane)))),
    ),
  );
}

/** A vector of scalars. */
export function fromLanes(k: KernelBuilder, values: readonly Expr[]): Expr {
  if (values.length === 1) return values[0] as Expr;
  return values.reduce(
    (v, x, lane) => (lane === 0 ? v : k.insert(v, lane, x)),
    k.splat(values[0] as Expr, values.length),
  );
}

/** True when any lane of a mask is set; a scalar pred passes. */
export function anyLane(k: KernelBuilder, mask: Expr): Expr {
  const m = k.let(mask, 'mask');
  if (m.type.lanes === 1) return m;
  return Array.from({ length: m.type.lanes }, (_, lane) => k.extract(m, lane)).reduce((a, b) => k.binary('or', a, b));
}
