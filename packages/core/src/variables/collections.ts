/** @file Lists of variables and the ops that initialise or check them. */
import { GraphKeys } from '../graph/collections.ts';
import { getDefaultGraph } from '../graph/graph.ts';
import type { Operation } from '../graph/operation.ts';
import type { Tensor, TensorLike } from '../graph/tensor.ts';
import { call } from '../op/call.ts';
import { group, noOp } from '../ops/array.ts';
import { IsVariableInitialized } from '../ops/state.ts';
import { Variable } from './variable.ts';

function variablesIn(key: string, scope?: string): Variable[] {
  return getDefaultGraph()
    .getCollection(key, scope)
    .filter((x) => x instanceof Variable);
}

/** All variables that are shared and saved. `scope`: those whose names start with this regular expression. */
export function globalVariables(scope?: string): Variable[] {
  return variablesIn(GraphKeys.GLOBAL_VARIABLES, scope);
}
export function trainableVariables(scope?: string): Variable[] {
  return variablesIn(GraphKeys.TRAINABLE_VARIABLES, scope);
}
export function localVariables(scope?: string): Variable[] {
  return variablesIn(GraphKeys.LOCAL_VARIABLES, scope);
}
/** Variables of which an ExponentialMovingAverage keeps averages. */
export function movingAverageVariables(scope?: string): Variable[] {
  return variablesIn(GraphKeys.MOVING_AVERAGE_VARIABLES, scope);
}

/** An op that runs the initializers of `list`. */
export function variablesInitializer(list: readonly Variable[], name = 'init'): Operation {
  return list.length === 0
    ? noOp(name)
    : group(
        list.map((v) => v.initializer),
        name,
      );
}
/** An op that initialises all global variables: `await session.run(globalVariablesInitializer())`. */
export function globalVariablesInitializer(): Operation {
  return variablesInitializer(globalVariables());
}
export function localVariablesInitializer(): Operation {
  return variablesInitializer(localVariables());
}

/** Whether a variable has a value, a bool scalar. */
export function isVariableInitialized(v: Variable): Tensor {
  return call(IsVariableInitialized, { ref: v }).is_initialized;
}

/** Sets a variable. */
export function assign(ref: Variable, value: TensorLike, options: { name?: string } = {}): Tensor {
  return ref.assign(value, options);
}
export function assignAdd(ref: Variable, value: TensorLike, options: { name?: string } = {}): Tensor {
  return ref.assignAdd(value, options);
}
export function assignSub(ref: Variable, value: TensorLike, options: { name?: string } = {}): Tensor {
  return ref.assignSub(value, options);
}
