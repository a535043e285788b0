/** @file The global step: the int64 variable that counts training steps, found through collection GLOBAL_STEP. */
import { isInteger } from '../dtype.ts';
import { InvalidArgumentError } from '../errors.ts';
import { GraphKeys } from '../graph/collections.ts';
import { type Graph, getDefaultGraph } from '../graph/graph.ts';
import { Tensor } from '../graph/tensor.ts';
import type { Session } from '../session/session.ts';
import { formatShape } from '../shape.ts';
import { zerosInitializer } from '../variables/initializers.ts';
import { Variable } from '../variables/variable.ts';
import { getVariable } from '../variables/variableScope.ts';

/**
 * Makes the variable `global_step`, an int64 scalar that starts at 0.
 * @throws InvalidArgument when the graph has a global step.
 */
export function createGlobalStep(graph: Graph = getDefaultGraph()): Variable {
  const known = getGlobalStep(graph);
  if (known !== null) {
    throw new InvalidArgumentError(
      `the graph has the global step "${known.name}" already. Use getOrCreateGlobalStep().`,
      { opType: 'createGlobalStep', nodeName: known.op.name },
    );
  }
  return graph.asDefault(() =>
    graph.nameScope(null, () =>
      getVariable(GraphKeys.GLOBAL_STEP, {
        shape: [],
        dtype: 'int64',
        initializer: zerosInitializer(),
        trainable: false,
        collections: [GraphKeys.GLOBAL_VARIABLES, GraphKeys.GLOBAL_STEP],
      }),
    ),
  );
}

/**
 * The global step, or null when the graph has none: the only member of collection GLOBAL_STEP, else the variable `global_step`.
 * @throws InvalidArgument when the collection holds several, or the step is no integer scalar.
 */
export function getGlobalStep(graph: Graph = getDefaultGraph()): Variable | null {
  const listed = variablesOf(graph, GraphKeys.GLOBAL_STEP);
  if (listed.length > 1) {
    throw new InvalidArgumentError(
      `collection ${GraphKeys.GLOBAL_STEP} holds ${listed.length} steps: ${listed.map((x) => `"${x.name}"`).join(', ')}. Keep one.`,
      { opType: 'getGlobalStep' },
    );
  }
  const found =
    listed[0] ?? variablesOf(graph, GraphKeys.GLOBAL_VARIABLES).find((v) => v.op.name === GraphKeys.GLOBAL_STEP);
  if (found !== undefined) assertGlobalStep(found);
  return found ?? null;
}

function variablesOf(graph: Graph, key: string): Variable[] {
  return graph.getCollection(key).filter((x) => x instanceof Variable);
}

/** The global step, made when the graph has none. */
export function getOrCreateGlobalStep(graph: Graph = getDefaultGraph()): Variable {
  return getGlobalStep(graph) ?? createGlobalStep(graph);
}

/** Throws InvalidArgument unless `step` is an integer scalar (or of unknown shape). */
export function assertGlobalStep(step: Variable | Tensor): void {
  const origin = { opType: step.op.type, nodeName: step.op.name };
  if (!isInteger(step.dtype)) {
    throw new InvalidArgumentError(`the global step is ${step.dtype}. Give an int64 or int32 variable.`, origin);
  }
  if (step.shape !== null && step.shape.length !== 0) {
    throw new InvalidArgumentError(`the global step has shape ${formatShape(step.shape)}. Give a scalar.`, origin);
  }
}

/** The current value of the global step in a session. TF `train.global_step`. */
export async function globalStep(session: Session, step: Variable | Tensor): Promise<number> {
  assertGlobalStep(step);
  const [value] = await session.run([step instanceof Tensor ? step : step.toTensor()]);
  return Number(value.item());
}
