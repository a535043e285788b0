/** @file Elementwise opcodes of the interpreter: loops around the one-element definitions of `interpretScalar.ts`. */
import { dtypeOf, shapeOf } from './graph.ts';
import { binaryFunction, compareFunction, convertFunction, type Element, unaryFunction } from './interpretScalar.ts';
import { type ArrayRules, operandAt } from './interpretTypes.ts';
import { type Literal, storageConstructors } from './literal.ts';
import { decoder, encoder, zeroLiteral } from './literals.ts';
import type { Instruction } from './module.ts';
import type { BinaryOpcode, UnaryOpcode } from './opcodes.ts';
import { binaryTraits, type ElementwiseOpcode, unaryTraits } from './traits.ts';

/** Reads decoded elements; a scalar answers its one value at every index. */
export function reader({ data, shape }: Literal): (i: number) => Element {
  const decode = decoder(shape.dtype);
  if (shape.dims.length > 0) return (i) => decode(data[i] as Element);
  const value = decode(data[0] as Element);
  return () => value;
}

/** A literal of x's shape with elements f(0), f(1), … */
export function fill(x: Instruction, f: (i: number) => Element): Literal {
  const out = zeroLiteral(shapeOf(x));
  const { data } = out;
  const encode = encoder(out.shape.dtype);
  for (let i = 0; i < data.length; i++) data[i] = encode(f(i));
  return out;
}

const computeUnary = (x: Instruction<UnaryOpcode>, operands: readonly Literal[]): Literal => {
  const a = operandAt(operands, 0);
  const f = unaryFunction(x.opcode, a.shape.dtype);
  const read = reader(a);
  return fill(x, (i) => f(read(i)));
};

const computeBinary = (x: Instruction<BinaryOpcode>, operands: readonly Literal[]): Literal => {
  const f = binaryFunction(x.opcode, dtypeOf(x));
  const [a, b] = [reader(operandAt(operands, 0)), reader(operandAt(operands, 1))];
  return fill(x, (i) => f(a(i), b(i)));
};

const unaryRules: ArrayRules<UnaryOpcode> = computeAll(unaryTraits, computeUnary);
const binaryRules: ArrayRules<BinaryOpcode> = computeAll(binaryTraits, computeBinary);

function computeAll<K extends string, R>(table: { readonly [P in K]: unknown }, rule: R): { readonly [P in K]: R } {
  return Object.fromEntries(Object.keys(table).map((opcode) => [opcode, rule])) as { readonly [P in K]: R };
}

export const elementwiseRules: ArrayRules<ElementwiseOpcode> = {
  ...unaryRules,
  ...binaryRules,
  compare(x, operands) {
    const f = compareFunction(x.attrs.direction);
    const [a, b] = [reader(operandAt(operands, 0)), reader(operandAt(operands, 1))];
    return fill(x, (i) => f(a(i), b(i)));
  },
  select(x, operands) {
    const [p, a, b] = [0, 1, 2].map((i) => reader(operandAt(operands, i))) as [Read, Read, Read];
    return fill(x, (i) => (p(i) ? a(i) : b(i)));
  },
  /** min(max(low, x), high): NaN stays NaN, and high wins when it is below low. */
  clamp(x, operands) {
    const [low, v, high] = [0, 1, 2].map((i) => reader(operandAt(operands, i))) as [Read, Read, Read];
    const [most, least] = [binaryFunction('maximum', dtypeOf(x)), binaryFunction('minimum', dtypeOf(x))];
    return fill(x, (i) => least(most(low(i), v(i)), high(i)));
  },
  convert(x, operands) {
    const a = operandAt(operands, 0);
    const f = convertFunction(a.shape.dtype, x.attrs.to);
    const read = reader(a);
    return fill(x, (i) => f(read(i)));
  },
  'bitcast-convert'(x, operands) {
    const { data } = operandAt(operands, 0);
    const copy = data.slice();
    return { shape: shapeOf(x), data: new storageConstructors[x.attrs.to](copy.buffer, 0, copy.length) };
  },
  copy(_x, operands) {
    const a = operandAt(operands, 0);
    return { shape: a.shape, data: a.data.slice() };
  },
};

type Read = (i: number) => Element;
