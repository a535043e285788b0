/** @file Walking computations: order, users, nested computations, and the shape helpers everybody needs. */
import { internal } from './errors.ts';
import type { Computation, Instruction, Module } from './module.ts';
import type { OpAttrs, Opcode } from './opcodes.ts';
import { type ArrayShape, type ElementType, shapeText } from './shape.ts';

/** The array shape of a value; throws an internal error for tuples. */
export function shapeOf(x: Instruction): ArrayShape {
  if (x.shape.kind === 'array') return x.shape;
  throw internal(`${x.opcode} has the tuple shape ${shapeText(x.shape)} where an array is expected.`);
}

export function dimsOf(x: Instruction): readonly number[] {
  return shapeOf(x).dims;
}

export function dtypeOf(x: Instruction): ElementType {
  return shapeOf(x).dtype;
}

/** Instructions reachable from `roots`, each after its operands (ascending id). Does not enter nested computations. */
export function postOrderOf(roots: readonly Instruction[]): Instruction[] {
  const seen = new Set<Instruction>(roots);
  for (const x of seen) for (const operand of x.operands) seen.add(operand);
  return [...seen].sort((a, b) => a.id - b.id);
}

/** Live instructions of a computation, operands first. Unused parameters are not among them. */
export function postOrder(computation: Computation): Instruction[] {
  return postOrderOf([computation.root]);
}

/** Live users of each live instruction, in order; one entry per user, however often it uses the value. The root may have none. */
export function usersOf(computation: Computation): ReadonlyMap<Instruction, readonly Instruction[]> {
  const users = new Map<Instruction, Instruction[]>();
  for (const x of postOrder(computation)) {
    users.set(x, []);
    for (const operand of new Set(x.operands)) users.get(operand)?.push(x);
  }
  return users;
}

function isComputation(value: unknown): value is Computation {
  return typeof value === 'object' && value !== null && 'root' in value && 'parameters' in value;
}

/** The computations among an instruction's attributes, in attribute order. */
export function computationsOf(x: Instruction): Computation[] {
  const found: Computation[] = [];
  for (const value of Object.values(x.attrs)) {
    if (isComputation(value)) found.push(value);
    else if (Array.isArray(value)) found.push(...value.filter(isComputation));
  }
  return found;
}

/** Attributes with every computation replaced; the same object when none changed. */
export function mapComputations<K extends Opcode>(
  attrs: OpAttrs[K],
  map: (computation: Computation) => Computation,
): OpAttrs[K] {
  let changed = false;
  const mapOne = (c: Computation) => {
    const d = map(c);
    if (d !== c) changed = true;
    return d;
  };
  const entries = Object.entries(attrs).map(([key, value]: [string, unknown]) => {
    if (isComputation(value)) return [key, mapOne(value)];
    if (Array.isArray(value) && value.some(isComputation)) return [key, value.map(mapOne)];
    return [key, value];
  });
  return changed ? (Object.fromEntries(entries) as OpAttrs[K]) : attrs;
}

/** All computations of a module, callees before callers, the entry last, each once. */
export function computationsInOrder(module: Module): Computation[] {
  const order = new Set<Computation>();
  const visit = (computation: Computation): void => {
    if (order.has(computation)) return;
    for (const x of postOrder(computation)) for (const callee of computationsOf(x)) visit(callee);
    order.add(computation);
  };
  visit(module.entry);
  return [...order];
}
