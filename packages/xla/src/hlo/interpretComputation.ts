/**
 * @file Scalar computations (reducers, comparators) as closures over elements, so that calling one per element is quick.
 * Computations with opcodes other than elementwise ones are refused: StableHLO allows them, our builders never make them.
 */
import { unimplemented } from './errors.ts';
import { dtypeOf, postOrder } from './graph.ts';
import {
  type BinaryFunction,
  binaryFunction,
  compareFunction,
  convertFunction,
  type Element,
  unaryFunction,
} from './interpretScalar.ts';
import { storageConstructors } from './literal.ts';
import { decoder, elementAt, encoder } from './literals.ts';
import type { Computation, Instruction } from './module.ts';
import type { ElementType } from './shape.ts';
import { isBinary, isUnary } from './traits.ts';

/** Arguments in, the root's elements out (one for an array root). The result array is reused by the next call. */
export type ScalarFunction = (args: readonly Element[]) => readonly Element[];

const compiled = new WeakMap<Computation, ScalarFunction>();

/** `computation` as a function of elements; its parameters are scalars, its root a scalar or a tuple of scalars. */
export function scalarFunction(computation: Computation): ScalarFunction {
  let f = compiled.get(computation);
  if (f === undefined) {
    f = compileScalar(computation);
    compiled.set(computation, f);
  }
  return f;
}

/** `computation` of two scalars as a function (accumulator, value) → accumulator. */
export function scalarReducer(computation: Computation): BinaryFunction {
  const { root, parameters } = computation;
  const [p, q] = parameters;
  const direct = simpleFunction(root);
  if (direct !== undefined && root.operands[0] === p && root.operands[1] === q) return direct;
  const f = scalarFunction(computation);
  const args: Element[] = [0, 0];
  return (a, b) => {
    args[0] = a;
    args[1] = b;
    return f(args)[0] as Element;
  };
}

function simpleFunction(x: Instruction): BinaryFunction | undefined {
  if (x.opcode === 'compare') return compareFunction(x.attrs.direction);
  const { opcode } = x;
  return isBinary(opcode) ? binaryFunction(opcode, dtypeOf(x)) : undefined;
}

type Step = (slots: Element[], args: readonly Element[]) => Element;

function compileScalar(computation: Computation): ScalarFunction {
  const order = postOrder(computation).filter((x) => x.opcode !== 'tuple');
  const slotOf = new Map<Instruction, number>(order.map((x, i) => [x, i]));
  const steps = order.map((x) => compileStep(x, (o) => slotOf.get(o) as number, computation.name));
  const { root } = computation;
  const roots = (root.opcode === 'tuple' ? root.operands : [root]).map((x) => slotOf.get(x) as number);
  const slots = new Array<Element>(steps.length).fill(0);
  const results = new Array<Element>(roots.length).fill(0);
  return (args) => {
    for (let i = 0; i < steps.length; i++) slots[i] = (steps[i] as Step)(slots, args);
    for (let i = 0; i < roots.length; i++) results[i] = slots[roots[i] as number] as Element;
    return results;
  };
}

function compileStep(x: Instruction, slotOf: (x: Instruction) => number, name: string): Step {
  const [a = 0, b = 0, c = 0] = x.operands.map(slotOf);
  const direct = simpleFunction(x);
  if (direct !== undefined) return (s) => direct(s[a] as Element, s[b] as Element);
  const { opcode } = x;
  if (isUnary(opcode)) {
    const f = unaryFunction(opcode, dtypeOf(x.operands[0] as Instruction));
    return (s) => f(s[a] as Element);
  }
  switch (x.opcode) {
    case 'parameter': {
      const { index } = x.attrs;
      return (_s, args) => args[index] as Element;
    }
    case 'constant': {
      const value = elementAt(x.attrs.literal, 0);
      return () => value;
    }
    case 'select':
      return (s) => (s[a] ? s[b] : s[c]) as Element;
    case 'clamp': {
      const [most, least] = [binaryFunction('maximum', dtypeOf(x)), binaryFunction('minimum', dtypeOf(x))];
      return (s) => least(most(s[a] as Element, s[b] as Element), s[c] as Element);
    }
    case 'convert': {
      const f = convertFunction(dtypeOf(x.operands[0] as Instruction), x.attrs.to);
      return (s) => f(s[a] as Element);
    }
    case 'bitcast-convert': {
      const f = bitcastFunction(dtypeOf(x.operands[0] as Instruction), x.attrs.to);
      return (s) => f(s[a] as Element);
    }
    case 'copy':
    case 'reshape':
    case 'broadcast':
      return (s) => s[a] as Element; // of scalars: nothing moves
    default:
      throw unimplemented(
        `computation "${name}" is applied element by element and may hold elementwise opcodes and constants only, not ${x.opcode}.`,
      );
  }
}

/** Reads the bits of an element of `from` as an element of `to`, of the same size. */
export function bitcastFunction(from: ElementType, to: ElementType): (a: Element) => Element {
  const cell = new storageConstructors[from](1);
  const other = new storageConstructors[to](cell.buffer, 0, 1);
  const [encode, decode] = [encoder(from), decoder(to)];
  return (a) => {
    cell[0] = encode(a);
    return decode(other[0] as Element);
  };
}
