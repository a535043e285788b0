/**
 * @file Shape inference: one rule per opcode, from operand shapes and attributes to the result's shape. The builder calls it on
 * every value made and the verifier on every value read, so an instruction that exists is well formed.
 */
import { invalidArgument } from './errors.ts';
import { arrayRules, checkScalarOrSame } from './inferArray.ts';
import {
  array,
  checkArity,
  checkDim,
  checkDims,
  checkSame,
  checkSignature,
  checkThat,
  Mismatch,
} from './inferCheck.ts';
import { computeRules } from './inferCompute.ts';
import type { Metadata } from './module.ts';
import type { BinaryOpcode, OpAttrs, Opcode, UnaryOpcode } from './opcodes.ts';
import { arrayShape, elementBytes, elementCount, type Shape, sameShape, shapeText, tupleShape } from './shape.ts';
import {
  type BinaryTraits,
  binaryTraits,
  type ElementClass,
  isOfClass,
  rulesFor,
  type UnaryTraits,
  unaryTraits,
} from './traits.ts';

/** `declared` is the shape that `parameter` and `iota` state themselves. */
export type ShapeRule<K extends Opcode> = (
  operands: readonly Shape[],
  attrs: OpAttrs[K],
  declared: Shape | undefined,
) => Shape;
export type ShapeRules<K extends Opcode> = { readonly [T in K]: ShapeRule<T> };

const classNames: { readonly [K in ElementClass]: string } = {
  number: 'numbers',
  float: 'floats',
  bits: 'integers or pred',
  integer: 'integers',
  ordered: 'anything',
};

const unaryRules: ShapeRules<UnaryOpcode> = rulesFor(
  unaryTraits,
  ({ takes, result }: UnaryTraits) =>
    (operands: readonly Shape[]) => {
      checkArity(operands, 1);
      const x = array(operands, 0);
      checkThat(isOfClass(x.dtype, takes), () => `the operand is ${shapeText(x)}; it takes ${classNames[takes]}.`);
      return result === undefined ? x : arrayShape(result, x.dims);
    },
);

const binaryRules: ShapeRules<BinaryOpcode> = rulesFor(
  binaryTraits,
  ({ takes }: BinaryTraits) =>
    (operands: readonly Shape[]) => {
      checkArity(operands, 2);
      const [a, b] = [array(operands, 0), array(operands, 1)];
      checkSame(a, b);
      checkThat(isOfClass(a.dtype, takes), () => `the operands are ${shapeText(a)}; it takes ${classNames[takes]}.`);
      return a;
    },
);

type BasicOpcode =
  | 'parameter'
  | 'constant'
  | 'iota'
  | 'compare'
  | 'select'
  | 'clamp'
  | 'convert'
  | 'bitcast-convert'
  | 'copy';

const basicRules: ShapeRules<BasicOpcode> = {
  parameter(operands, { index }, declared) {
    checkArity(operands, 0);
    checkThat(Number.isInteger(index) && index >= 0, () => `parameter index ${index} is not a whole number ≥ 0.`);
    checkThat(declared !== undefined, () => 'a parameter states its shape.');
    return declared as Shape;
  },
  constant(operands, { literal }) {
    checkArity(operands, 0);
    const count = elementCount(literal.shape.dims);
    checkThat(
      literal.data.length === count,
      () => `the literal ${shapeText(literal.shape)} needs ${count} elements, it has ${literal.data.length}.`,
    );
    return literal.shape;
  },
  iota(operands, { dimension }, declared) {
    checkArity(operands, 0);
    const x = array(declared === undefined ? [] : [declared], 0);
    checkDims(x.dims);
    checkDim(dimension, x.dims.length, 'dimension');
    checkThat(x.dtype !== 'pred', () => 'iota counts in numbers, not in pred.');
    return x;
  },
  compare(operands) {
    checkArity(operands, 2);
    const [a, b] = [array(operands, 0), array(operands, 1)];
    checkSame(a, b);
    return arrayShape('pred', a.dims);
  },
  select(operands) {
    checkArity(operands, 3);
    const [p, a, b] = [array(operands, 0), array(operands, 1), array(operands, 2)];
    checkThat(p.dtype === 'pred', () => `the first operand is ${shapeText(p)}, pred is needed.`);
    checkSame(a, b);
    checkScalarOrSame(p, a, 'the predicate');
    return a;
  },
  clamp(operands) {
    checkArity(operands, 3);
    const [low, x, high] = [array(operands, 0), array(operands, 1), array(operands, 2)];
    checkThat(x.dtype !== 'pred', () => 'it takes numbers, not pred.');
    checkThat(
      low.dtype === x.dtype && high.dtype === x.dtype,
      () =>
        `element types differ: min ${shapeText(low)}, operand ${shapeText(x)}, max ${shapeText(high)}. Convert them.`,
    );
    checkScalarOrSame(low, x, 'min');
    checkScalarOrSame(high, x, 'max');
    return x;
  },
  convert(operands, { to }) {
    checkArity(operands, 1);
    return arrayShape(to, array(operands, 0).dims);
  },
  'bitcast-convert'(operands, { to }) {
    checkArity(operands, 1);
    const x = array(operands, 0);
    const ok = elementBytes[x.dtype] === elementBytes[to] && x.dtype !== 'pred' && to !== 'pred';
    checkThat(ok, () => `${x.dtype} and ${to} are not number types of one size. Use convert to change values.`);
    return arrayShape(to, x.dims);
  },
  copy(operands) {
    checkArity(operands, 1);
    return array(operands, 0);
  },
};

type ControlOpcode =
  | 'while'
  | 'conditional'
  | 'call'
  | 'fusion'
  | 'custom-call'
  | 'all-reduce'
  | 'tuple'
  | 'get-tuple-element';

const controlRules: ShapeRules<ControlOpcode> = {
  while(operands, { condition, body }) {
    checkArity(operands, 1);
    const state = operands[0] as Shape;
    checkSignature(condition, [state], arrayShape('pred', []), 'condition');
    checkSignature(body, [state], state, 'body');
    return state;
  },
  conditional(operands, { branches }) {
    const selector = array(operands, 0);
    const isPred = sameShape(selector, arrayShape('pred', []));
    checkThat(
      isPred || sameShape(selector, arrayShape('s32', [])),
      () => `the selector is ${shapeText(selector)}; pred[] or s32[] is needed.`,
    );
    checkThat(
      branches.length >= 1 && (!isPred || branches.length === 2),
      () =>
        `it has ${branches.length} branches; ${isPred ? '2 are needed for pred (true, false)' : 'at least 1 is needed'}.`,
    );
    checkArity(operands, branches.length + 1);
    const result = branches[0]?.root.shape as Shape;
    for (const [i, branch] of branches.entries())
      checkSignature(branch, [operands[i + 1] as Shape], result, `branch ${i}`);
    return result;
  },
  call(operands, { computation }) {
    checkSignature(computation, operands, undefined, 'computation');
    return computation.root.shape;
  },
  fusion(operands, { computation }) {
    checkSignature(computation, operands, undefined, 'computation');
    return computation.root.shape;
  },
  'custom-call'(_operands, { target, shape }) {
    checkThat(target !== '', () => 'the target has no name.');
    return shape;
  },
  'all-reduce'(operands, { computation }) {
    checkArity(operands, 1);
    const x = array(operands, 0);
    const s = arrayShape(x.dtype, []);
    checkSignature(computation, [s, s], s, 'computation');
    return x;
  },
  tuple(operands) {
    return tupleShape(operands);
  },
  'get-tuple-element'(operands, { index }) {
    checkArity(operands, 1);
    const x = operands[0] as Shape;
    if (x.kind !== 'tuple') throw new Mismatch(`the operand is ${shapeText(x)}, a tuple is needed.`);
    const element = x.elements[index];
    if (element === undefined)
      throw new Mismatch(`index ${index} is not in ${shapeText(x)}, which has ${x.elements.length} elements.`);
    return element;
  },
};

const rules: ShapeRules<Opcode> = {
  ...basicRules,
  ...unaryRules,
  ...binaryRules,
  ...arrayRules,
  ...computeRules,
  ...controlRules,
};

export interface Inference<K extends Opcode> {
  readonly opcode: K;
  readonly operands: readonly Shape[];
  readonly attrs: OpAttrs[K];
  /** For `parameter` and `iota` only. */
  readonly declared?: Shape | undefined;
  readonly metadata?: Metadata;
}

/** The result shape. Throws InvalidArgument naming opcode, shapes, source node and the repair. */
export function inferShape<K extends Opcode>({ opcode, operands, attrs, declared, metadata }: Inference<K>): Shape {
  try {
    return rules[opcode](operands, attrs, declared);
  } catch (error) {
    if (!(error instanceof Mismatch)) throw error;
    const opName = metadata?.opName;
    throw invalidArgument(error.message, opName === undefined ? { opcode } : { opcode, opName });
  }
}
