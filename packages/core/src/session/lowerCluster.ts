/**
 * @file A cluster as one HLO module for concrete input dims: inputs, then the variables it reads, then random streams are
 * parameters; outputs, then written variables, then random streams are results. What is read and written aliases in place.
 */
import {
  type ArrayShape,
  arrayShape,
  type Builder,
  HloBuilder,
  type InputOutputAlias,
  type Module,
  sameShape,
  shapeOf,
  type Value,
} from '@tsflow/xla';
import { elementTypeOf } from '../dtype.ts';
import { InternalError } from '../errors.ts';
import type { Operation } from '../graph/operation.ts';
import type { Tensor } from '../graph/tensor.ts';
import { type NdArray, toLiteral } from '../ndarray.ts';
import { Lowering, type LoweringState } from '../op/lowering.ts';
import type { StateRef } from '../op/record.ts';
import type { Dims } from '../shape.ts';
import type { Plan, Stage } from './plan.ts';

/** A parameter after the inputs: a variable that is read, or a random stream. */
export type StateParameter =
  | { readonly kind: 'variable'; readonly ref: StateRef; readonly shape: ArrayShape }
  | { readonly kind: 'random'; readonly op: Operation };

/** A result after the outputs: a variable's new value, or a random stream's. `parameter` is where it aliases, if anywhere. */
export type StateResult =
  | {
      readonly kind: 'variable';
      readonly ref: StateRef;
      readonly shape: ArrayShape;
      readonly parameter: number | undefined;
    }
  | { readonly kind: 'random'; readonly op: Operation; readonly parameter: number };

export interface ClusterModule {
  readonly module: Module;
  /** Parameters after the inputs. */
  readonly parameters: readonly StateParameter[];
  /** Results after the outputs; `parameter` counts within `parameters`. */
  readonly results: readonly StateResult[];
}

/** Shape of a variable's present value; throws FailedPrecondition when it has none. */
export type StateShape = (ref: StateRef, reader: Operation) => ArrayShape;

class ClusterState implements LoweringState {
  readonly parameters: StateParameter[] = [];
  /** Present value of each state by key, and who owns it. */
  readonly #values = new Map<string, Value>();
  readonly #parameterOf = new Map<string, number>();
  readonly written = new Map<string, { ref: StateRef; value: Value }>();
  readonly random = new Map<Operation, Value>();
  readonly #b: Builder;
  readonly inputs: number;
  readonly #stateShape: StateShape;

  constructor(b: Builder, inputs: number, stateShape: StateShape) {
    this.#b = b;
    this.inputs = inputs;
    this.#stateShape = stateShape;
  }

  #parameter(key: string, parameter: StateParameter, shape: ArrayShape): Value {
    const at = this.parameters.push(parameter) - 1;
    this.#parameterOf.set(key, at);
    const value = this.#b.parameter(this.inputs + at, shape, key);
    this.#values.set(key, value);
    return value;
  }

  /** Which parameter holds the state's value before the run. */
  parameterOf(key: string): number | undefined {
    return this.#parameterOf.get(key);
  }

  read(ref: StateRef, reader: Operation): Value {
    const known = this.#values.get(ref.key);
    if (known !== undefined) return known;
    const shape = this.#stateShape(ref, reader);
    return this.#parameter(ref.key, { kind: 'variable', ref, shape }, shape);
  }

  write(ref: StateRef, value: Value): void {
    this.#values.set(ref.key, value);
    this.written.set(ref.key, { ref, value });
  }

  readRandom(op: Operation): Value {
    return this.random.get(op) ?? this.#parameter(randomKey(op), { kind: 'random', op }, arrayShape('u64', [2]));
  }

  writeRandom(op: Operation, state: Value): void {
    this.random.set(op, state);
  }
}

/** No variable's key: those are node names, which have no colon. */
function randomKey(op: Operation): string {
  return `random:${op.name}`;
}

export interface ClusterInputs {
  readonly name: string;
  readonly inputDims: readonly Dims[];
  /** Inputs (by position) whose values decide shapes: the module is for these values. */
  readonly constants: ReadonlyMap<number, NdArray>;
  readonly stateShape: StateShape;
}

export function lowerCluster(
  plan: Plan,
  stage: Stage,
  { name, inputDims, constants, stateShape }: ClusterInputs,
): ClusterModule {
  const b = new HloBuilder(name);
  const state = new ClusterState(b, stage.inputs.length, stateShape);
  const lowering = new Lowering(b, state);
  for (const [i, t] of stage.inputs.entries()) {
    const parameter = b.parameter(i, inputShape(t, inputDims[i] as Dims), t.op.name);
    const known = constants.get(i);
    lowering.bind(t, known === undefined ? parameter : b.constant(toLiteral(known)));
  }
  for (const [t, ref] of plan.refs) lowering.bind(t, ref);
  for (const op of stage.ops) lowering.lower(op);
  return finish(
    b,
    state,
    stage.outputs.map((t) => lowering.value(t, t.op)),
  );
}

function inputShape(t: Tensor, dims: Dims): ArrayShape {
  const type = elementTypeOf(t.dtype);
  if (type === undefined) throw new InternalError(`"${t.name}" of ${t.dtype} is an input of a compiled cluster.`);
  return arrayShape(type, dims);
}

function finish(b: HloBuilder, state: ClusterState, outputs: readonly Value[]): ClusterModule {
  const values = [...outputs];
  const results: StateResult[] = [];
  for (const { ref, value } of state.written.values()) {
    const shape = shapeOf(value);
    const parameter = state.parameterOf(ref.key);
    const before = parameter === undefined ? undefined : state.parameters[parameter];
    const inPlace = before?.kind === 'variable' && sameShape(before.shape, shape);
    results.push({ kind: 'variable', ref, shape, parameter: inPlace ? parameter : undefined });
    values.push(value);
  }
  for (const [op, value] of state.random) {
    results.push({ kind: 'random', op, parameter: state.parameterOf(randomKey(op)) as number });
    values.push(value);
  }
  return { module: b.build(values, aliasesOf(state, results, outputs.length)), parameters: state.parameters, results };
}

function aliasesOf(state: ClusterState, results: readonly StateResult[], firstResult: number): InputOutputAlias[] {
  return results.flatMap(({ parameter }, i) =>
    parameter === undefined ? [] : [{ output: firstResult + i, parameter: state.inputs + parameter }],
  );
}
