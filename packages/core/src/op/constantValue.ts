/**
 * @file What is known of tensors while the graph is built. A small tensor whose ancestors are constants and shapes is folded by
 * lowering those few nodes and interpreting them, so every op with `lower` folds without a rule of its own.
 */
import { evaluateConstant, HloBuilder, type Value } from '@tsflow/xla';
import { elementTypeOf } from '../dtype.ts';
import { InternalError, TensorFlowError } from '../errors.ts';
import type { Operation } from '../graph/operation.ts';
import type { Tensor } from '../graph/tensor.ts';
import { fromLiteral, type NdArray } from '../ndarray.ts';
import { isFullyDefined, type PartialShape, sizeOf } from '../shape.ts';
import type { AttrMap, BoundArg, Fail } from './bindAttrs.ts';
import { Const } from './constant.ts';
import { numbersOf, partialNumbers } from './constantNumbers.ts';
import { isStateRef, Lowering, type LoweringState } from './lowering.ts';
import { byName } from './nodeArgs.ts';
import type { Named, PartialInput, ShapeContext } from './record.ts';

/** Larger tensors are no shapes; folding them would cost more than it tells. */
const maxElements = 1024;
const maxNodes = 64;

const folded = new WeakMap<Tensor, NdArray | 'unknown'>();

/** Value of a tensor that depends on constants and static shapes only; undefined otherwise, and for large tensors. */
export function constantValue(tensor: Tensor): NdArray | undefined {
  if (tensor.op.record === Const) return tensor.op.attrs['value'] as NdArray;
  const known = folded.get(tensor);
  if (known !== undefined) return known === 'unknown' ? undefined : known;
  const value = fold(tensor);
  folded.set(tensor, value ?? 'unknown');
  return value;
}

const noState: LoweringState = {
  read: () => {
    throw new InternalError('constant folding met state.');
  },
  write: () => {
    throw new InternalError('constant folding met state.');
  },
  readRandom: () => {
    throw new InternalError('constant folding met a random op.');
  },
  writeRandom: () => {},
};

function fold(tensor: Tensor): NdArray | undefined {
  const size = sizeOf(tensor.shape);
  if (size === null || size > maxElements || elementTypeOf(tensor.dtype) === undefined) return undefined;
  if (!isFoldable(tensor.op)) return undefined;
  const b = new HloBuilder('fold');
  const lowering = new Lowering(b, noState);
  const parameters = { next: 0, nodes: 0 };
  try {
    if (!resolve(tensor, lowering, b, parameters)) return undefined;
    const value = lowering.get(tensor);
    if (value === undefined || isStateRef(value)) return undefined;
    const literal = evaluateConstant(value as Value);
    return literal === undefined ? undefined : fromLiteral(literal);
  } catch (error) {
    // Not foldable yet (a shape operand is unknown); the run will know more.
    if (error instanceof TensorFlowError && error.code !== 'INTERNAL') return undefined;
    throw error;
  }
}

function isFoldable(op: Operation): boolean {
  const { record } = op;
  return record.lower !== undefined && !record.stateful && !record.ownsState && !record.fedOnly;
}

/** Lowers `tensor`'s ancestors; what cannot be known stands as a parameter, whose shape may still tell enough. */
function resolve(tensor: Tensor, lowering: Lowering, b: HloBuilder, budget: { next: number; nodes: number }): boolean {
  if (lowering.has(tensor)) return true;
  const size = sizeOf(tensor.shape);
  const small = size !== null && size <= maxElements;
  if (isFoldable(tensor.op) && (small || tensor.shape === null) && budget.nodes++ < maxNodes) {
    if (tensor.op.inputs.every((t) => !t.isRef && resolve(t, lowering, b, budget))) {
      lowering.lower(tensor.op);
      return lowering.has(tensor);
    }
  }
  const type = elementTypeOf(tensor.dtype);
  if (type === undefined || !isFullyDefined(tensor.shape)) return false;
  lowering.bind(tensor, b.parameter(budget.next++, { kind: 'array', dtype: type, dims: tensor.shape }));
  return true;
}

/** A 1-D (or scalar) integer tensor as a vector with unknown entries; null when nothing is known. */
export function constantShapeValue(tensor: Tensor): PartialShape {
  const value = constantValue(tensor);
  if (value !== undefined) return value.dtype === 'string' ? null : partialNumbers(value);
  const { record } = tensor.op;
  if (record.partialValue === undefined || tensor.index !== 0) return null;
  const inputs = tensor.op.inputs.map((t): PartialInput => ({ shape: t.shape, value: constantShapeValue(t) }));
  const bound = byName(record.inputs, tensor.op.inputs, tensor.op.attrs) as Named<Tensor>;
  const context = contextOf(
    (input) => bound[input] as Tensor | undefined,
    tensor.op.attrs,
    (text) => {
      throw new InternalError(text);
    },
  );
  return record.partialValue(byName(record.inputs, inputs, tensor.op.attrs), context);
}

/** The context of a shape function while the graph is built. */
export function shapeContext(bound: readonly BoundArg[], attrs: AttrMap, fail: Fail): ShapeContext {
  return contextOf((input) => bound.find(({ arg }) => arg.name === input)?.tensors[0], attrs, fail);
}

function contextOf(find: (input: string) => Tensor | undefined, attrs: Readonly<AttrMap>, fail: Fail): ShapeContext {
  const tensor = (input: string): Tensor => {
    const t = find(input);
    if (t === undefined) throw new InternalError(`shape function asked for the unknown input ${input}.`);
    return t;
  };
  return {
    attrs,
    dtype: (input) => tensor(input).dtype,
    constant: (input) => constantValue(tensor(input)),
    constantNumbers: (input) => numbersOf(constantValue(tensor(input))),
    constantShape: (input) => constantShapeValue(tensor(input)),
    stateShape: (input) => {
      const { op } = tensor(input);
      return op.record.ownsState ? ((op.attrs['shape'] ?? null) as PartialShape) : null;
    },
    fail,
  };
}
