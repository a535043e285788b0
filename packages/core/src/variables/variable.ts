/**
 * @file A variable: state in a session, made of the nodes that TensorFlow 1.x makes (`W`, `W/initial_value`, `W/Assign`, `W/read`),
 * so checkpoints and imported graphs find the names they expect. It stands for its value wherever a tensor is taken.
 */
import type { DType } from '../dtype.ts';
import { InvalidArgumentError } from '../errors.ts';
import { GraphKeys } from '../graph/collections.ts';
import { type Graph, getDefaultGraph } from '../graph/graph.ts';
import type { Operation } from '../graph/operation.ts';
import { operator } from '../graph/operators.ts';
import { requireDefaultSession } from '../graph/sessionStack.ts';
import { Tensor, type TensorConvertible, type TensorLike } from '../graph/tensor.ts';
import type { NdArray } from '../ndarray.ts';
import { call, convertToTensor } from '../op/call.ts';
import { identity } from '../ops/array.ts';
import { Assign, AssignAdd, AssignSub, VariableV2 } from '../ops/state.ts';
import { type Dims, formatShape, isFullyDefined, type PartialShape } from '../shape.ts';

/** A value, or a function that builds the initial tensor (needed inside loops; the nodes land under the variable's name). */
export type InitialValue = TensorLike | (() => TensorLike);

export interface VariableOptions {
  readonly name?: string;
  /** Default true: joins TRAINABLE_VARIABLES, which optimizers update. */
  readonly trainable?: boolean;
  /** Default: the initial value's (numbers are float32). */
  readonly dtype?: DType;
  /** Default [GLOBAL_VARIABLES]. */
  readonly collections?: readonly string[];
  /** false: the shape may change by assignment. Default true. */
  readonly validateShape?: boolean;
}

let nextId = 0;

export class Variable implements TensorConvertible {
  readonly name: string;
  readonly dtype: DType;
  readonly trainable: boolean;
  readonly initializer: Operation;
  readonly initialValue: Tensor;
  /** Reference tensor, what assignments take. */
  readonly refTensor: Tensor;
  /** Order of creation among variables. */
  readonly id = nextId++;
  readonly #read: Tensor;

  /** Use `variable(…)` or `getVariable(…)`. */
  constructor(nodes: VariableNodes) {
    this.refTensor = nodes.ref;
    this.name = nodes.ref.name;
    this.dtype = nodes.ref.dtype;
    this.trainable = nodes.trainable;
    this.initializer = nodes.initializer;
    this.initialValue = nodes.initialValue;
    this.#read = nodes.read;
  }

  get op(): Operation {
    return this.refTensor.op;
  }
  get graph(): Graph {
    return this.op.graph;
  }
  get device(): string {
    return this.op.device;
  }
  get shape(): PartialShape {
    return this.refTensor.shape;
  }

  /** The value, read once per run before any later assignment. */
  value(): Tensor {
    return this.#read;
  }
  toTensor(): Tensor {
    return this.#read;
  }
  /** A new read of the value, after the current control dependencies. */
  readValue(): Tensor {
    return identity(this.refTensor, `${this.op.name}/read`);
  }

  /**
   * The tensor that initialises the variable, for initial values of other variables that depend on it. TensorFlow answers the current
   * value once the variable is initialised; this is the initial value always, so initialise variables that depend on random ones together.
   */
  initializedValue(): Tensor {
    return this.initialValue;
  }

  /** Sets the value; answers the variable after it, as a reference tensor. */
  assign(value: TensorLike, options: { name?: string } = {}): Tensor {
    return call(Assign, { ref: this, value }, { name: options.name }).output_ref;
  }
  /** Adds to the value. */
  assignAdd(delta: TensorLike, options: { name?: string } = {}): Tensor {
    return call(AssignAdd, { ref: this, value: delta }, { name: options.name }).output_ref;
  }
  /** Subtracts from the value. */
  assignSub(delta: TensorLike, options: { name?: string } = {}): Tensor {
    return call(AssignSub, { ref: this, value: delta }, { name: options.name }).output_ref;
  }

  /** The value in the default session. */
  eval(): Promise<NdArray> {
    return requireDefaultSession(`${this.name}.eval()`).evaluate(this.#read);
  }

  add(x: TensorLike): Tensor {
    return operator('add')(this, x);
  }
  sub(x: TensorLike): Tensor {
    return operator('sub')(this, x);
  }
  mul(x: TensorLike): Tensor {
    return operator('mul')(this, x);
  }
  div(x: TensorLike): Tensor {
    return operator('div')(this, x);
  }
  neg(): Tensor {
    return operator('neg')(this);
  }
  matMul(x: TensorLike): Tensor {
    return operator('matMul')(this, x);
  }

  toString(): string {
    return `<tf.Variable '${this.name}' shape=${formatShape(this.shape)} dtype=${this.dtype}_ref>`;
  }
}

interface VariableNodes {
  readonly ref: Tensor;
  readonly read: Tensor;
  readonly initialValue: Tensor;
  readonly initializer: Operation;
  readonly trainable: boolean;
}

/**
 * A new variable under the name scopes in force.
 * @throws InvalidArgument when the initial value's shape is not fully known and `validateShape` is not false.
 */
export function variable(initialValue: InitialValue, options: VariableOptions = {}): Variable {
  const graph = initialValue instanceof Tensor ? initialValue.graph : getDefaultGraph();
  return graph.asDefault(() =>
    graph.controlDependencies(null, () =>
      graph.nameScope(options.name ?? 'Variable', (scope) => makeVariable(graph, scope, initialValue, options)),
    ),
  );
}

function makeVariable(graph: Graph, scope: string, initialValue: InitialValue, options: VariableOptions): Variable {
  const built =
    typeof initialValue === 'function' ? graph.nameScope('Initializer', () => initialValue()) : initialValue;
  const name = scope.slice(0, -1);
  const init = convertToTensor(built, {
    name: 'initial_value',
    ...(options.dtype === undefined ? {} : { dtype: options.dtype }),
  });
  const validate = options.validateShape ?? true;
  if (validate && !isFullyDefined(init.shape)) {
    throw new InvalidArgumentError(
      `the initial value "${init.name}" has shape ${formatShape(init.shape)}; a variable's shape must be known. Give a value of known shape, or validateShape: false.`,
      { opType: VariableV2.type, nodeName: name },
    );
  }
  const shape = validate ? (init.shape as Dims) : null;
  const ref = call(VariableV2, {}, { attrs: { shape, dtype: init.dtype }, name: scope }).ref;
  const initializer = call(Assign, { ref, value: init }, { attrs: { validate_shape: validate }, name: 'Assign' })
    .output_ref.op;
  const read = identity(ref, 'read');
  const trainable = options.trainable ?? true;
  const made = new Variable({ ref, read, initialValue: init, initializer, trainable });
  const keys = options.collections ?? [GraphKeys.GLOBAL_VARIABLES];
  graph.addToCollections(trainable ? [...keys, GraphKeys.TRAINABLE_VARIABLES] : keys, made);
  return made;
}
