/**
 * @file A symbolic tensor: output `index` of an operation. It holds no value; a Session computes one. Methods exist only where
 * TensorFlow overloads operators.
 */
import { type DType, isFloating } from '../dtype.ts';
import { InvalidArgumentError } from '../errors.ts';
import type { NdArray, NdArrayLike } from '../ndarray.ts';
import { formatShape, mergeShapes, type PartialShape } from '../shape.ts';
import type { Graph } from './graph.ts';
import type { Operation } from './operation.ts';
import { operator } from './operators.ts';
import { type Feeds, requireDefaultSession } from './sessionStack.ts';

/** Things that stand for a tensor: variables, sparse gradients. */
export interface TensorConvertible {
  toTensor(): Tensor;
}
/** What ops take: tensors, variables, and values that become constants. Lists may mix tensors and numbers. */
export type TensorLike = Tensor | TensorConvertible | NdArrayLike | readonly TensorLike[];

export class Tensor {
  readonly op: Operation;
  /** Position among the outputs of `op`. */
  readonly index: number;
  readonly dtype: DType;
  /** The tensor is a reference to a variable (`float32_ref`): assignable, and read where a value is needed. */
  readonly isRef: boolean;
  #shape: PartialShape;

  constructor(op: Operation, index: number, type: { dtype: DType; isRef: boolean; shape: PartialShape }) {
    this.op = op;
    this.index = index;
    this.dtype = type.dtype;
    this.isRef = type.isRef;
    this.#shape = type.shape;
  }

  /** Static shape: null for an unknown rank, null entries for unknown dimensions. */
  get shape(): PartialShape {
    return this.#shape;
  }

  /** `op:0` */
  get name(): string {
    return `${this.op.name}:${this.index}`;
  }

  get graph(): Graph {
    return this.op.graph;
  }

  get device(): string {
    return this.op.device;
  }

  /** Adds what is known of the static shape. Throws InvalidArgument when it contradicts the inferred one. */
  setShape(shape: PartialShape): void {
    const merged = mergeShapes(this.#shape, shape);
    if (merged === undefined) {
      throw new InvalidArgumentError(
        `shape ${formatShape(shape)} contradicts the static shape ${formatShape(this.#shape)}.`,
        { opType: this.op.type, nodeName: this.op.name },
      );
    }
    this.#shape = merged;
  }

  /** Operations that take this tensor. */
  consumers(): Operation[] {
    return this.graph.operations.filter((op) => op.inputs.includes(this));
  }

  /** Computes the value in the default session. */
  eval(feeds?: Feeds): Promise<NdArray> {
    return requireDefaultSession(`${this.name}.eval()`).evaluate(this, feeds);
  }

  add(other: TensorLike): Tensor {
    return operator('add')(this, other);
  }
  sub(other: TensorLike): Tensor {
    return operator('sub')(this, other);
  }
  mul(other: TensorLike): Tensor {
    return operator('mul')(this, other);
  }
  /** True division: integers divide as floats, as Python's `/`. */
  div(other: TensorLike): Tensor {
    return operator('div')(this, other);
  }
  floorDiv(other: TensorLike): Tensor {
    return operator('floorDiv')(this, other);
  }
  mod(other: TensorLike): Tensor {
    return operator('mod')(this, other);
  }
  pow(other: TensorLike): Tensor {
    return operator('pow')(this, other);
  }
  matMul(other: TensorLike): Tensor {
    return operator('matMul')(this, other);
  }
  /** Element-wise comparison (not identity). */
  equal(other: TensorLike): Tensor {
    return operator('equal')(this, other);
  }
  notEqual(other: TensorLike): Tensor {
    return operator('notEqual')(this, other);
  }
  less(other: TensorLike): Tensor {
    return operator('less')(this, other);
  }
  lessEqual(other: TensorLike): Tensor {
    return operator('lessEqual')(this, other);
  }
  greater(other: TensorLike): Tensor {
    return operator('greater')(this, other);
  }
  greaterEqual(other: TensorLike): Tensor {
    return operator('greaterEqual')(this, other);
  }
  and(other: TensorLike): Tensor {
    return operator('logicalAnd')(this, other);
  }
  or(other: TensorLike): Tensor {
    return operator('logicalOr')(this, other);
  }
  not(): Tensor {
    return operator('logicalNot')(this);
  }
  neg(): Tensor {
    return operator('neg')(this);
  }
  abs(): Tensor {
    return operator('abs')(this);
  }

  toString(): string {
    const shape = this.#shape === null ? '<unknown>' : `(${this.#shape.map((d) => d ?? '?').join(', ')})`;
    return `Tensor("${this.name}", shape=${shape}, dtype=${this.dtype}${this.isRef ? '_ref' : ''})`;
  }

  /** Whether gradients can flow through this tensor by its dtype. */
  get isFloating(): boolean {
    return isFloating(this.dtype);
  }
}

/** Whether a value stands for a tensor by itself (a Variable, IndexedSlices …). */
export function isConvertible(x: unknown): x is TensorConvertible {
  return typeof x === 'object' && x !== null && 'toTensor' in x && typeof x.toTensor === 'function';
}
