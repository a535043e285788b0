/**
 * @file The arrays of a computation. A leaf is one array made by one instruction; tuples, get-tuple-element, reshapes, copies and
 * loop-invariant loop state only pass leaves on, so they cost neither kernels nor memory.
 */
import { internal } from '../hlo/errors.ts';
import { postOrder } from '../hlo/graph.ts';
import type { Computation, Instruction } from '../hlo/module.ts';
import type { ArrayShape, Shape } from '../hlo/shape.ts';
import { arraysOf } from './interpretScheduled.ts';

export interface Leaf {
  readonly producer: Instruction;
  /** Array i of the producer's flattened result. */
  readonly output: number;
  readonly shape: ArrayShape;
  /** Place in the order of the producer, and of the last instruction that reads it; Infinity when a result must keep it. */
  readonly made: number;
  lastUse: number;
}

const forwarding: ReadonlySet<string> = new Set(['tuple', 'get-tuple-element', 'reshape', 'copy', 'bitcast-convert']);

/** The instruction needs no kernel: its value is its operands' memory. */
export function isForwarding(x: Instruction): boolean {
  return forwarding.has(x.opcode);
}

function leavesBefore(shape: Shape, index: number): number {
  if (shape.kind === 'array') throw internal('get-tuple-element of an array');
  return shape.elements.slice(0, index).reduce((n, e) => n + arraysOf(e).length, 0);
}

/** For each array of a loop's state: the body hands it on unchanged. */
export function invariantState(body: Computation): boolean[] {
  const leaves = analyseLeaves([...body.parameters, ...postOrder(body).filter((x) => x.opcode !== 'parameter')]);
  const [parameter] = body.parameters;
  const before = parameter ? (leaves.get(parameter) as readonly Leaf[]) : [];
  const after = leaves.get(body.root) as readonly Leaf[];
  return after.map((leaf, i) => leaf === before[i]);
}

/** Leaves of every instruction in `order` (parameters first), with their last uses; being a result does not count as a use. */
export function analyseLeaves(order: readonly Instruction[]): ReadonlyMap<Instruction, readonly Leaf[]> {
  const leaves = new Map<Instruction, readonly Leaf[]>();
  const of = (x: Instruction): readonly Leaf[] => {
    const found = leaves.get(x);
    if (!found) throw internal(`${x.opcode} is used before its place in the order`);
    return found;
  };
  for (const [place, x] of order.entries()) {
    if (!isForwarding(x)) for (const operand of x.operands) for (const leaf of of(operand)) leaf.lastUse = place;
    leaves.set(x, leavesOf(x, place, of));
  }
  return leaves;
}

function leavesOf(x: Instruction, place: number, of: (x: Instruction) => readonly Leaf[]): readonly Leaf[] {
  const own = (): Leaf[] =>
    arraysOf(x.shape).map((shape, output) => ({ producer: x, output, shape, made: place, lastUse: place }));
  switch (x.opcode) {
    case 'tuple':
      return x.operands.flatMap(of);
    case 'get-tuple-element': {
      const operand = x.operands[0] as Instruction;
      const first = leavesBefore(operand.shape, x.attrs.index);
      return of(operand).slice(first, first + arraysOf(x.shape).length);
    }
    case 'reshape':
    case 'copy':
    case 'bitcast-convert':
      return of(x.operands[0] as Instruction);
    case 'while': {
      const init = of(x.operands[0] as Instruction);
      const invariant = invariantState(x.attrs.body);
      return own().map((leaf, i) => (invariant[i] ? (init[i] as Leaf) : leaf));
    }
    default:
      return own();
  }
}
