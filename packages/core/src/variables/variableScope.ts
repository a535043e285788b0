/**
 * @file Variables by name: `getVariable` makes or finds them, `variableScope` prefixes names and sets defaults. Sharing weights is
 * re-entering a scope with `reuse`.
 */
import { type DType, isFloating } from '../dtype.ts';
import { InvalidArgumentError } from '../errors.ts';
import { GraphKeys } from '../graph/collections.ts';
import { type Graph, getDefaultGraph } from '../graph/graph.ts';
import type { Tensor } from '../graph/tensor.ts';
import { formatShape, isFullyDefined, type PartialShape } from '../shape.ts';
import { glorotUniformInitializer, type Initializer, zerosInitializer } from './initializers.ts';
import { type InitialValue, type Variable, type VariableOptions, variable } from './variable.ts';

/** false: new names only; true: existing names only; 'auto': either. */
export type Reuse = boolean | 'auto';
/** A loss term of a variable, or null for none. */
export type Regularizer = (v: Tensor) => Tensor | null;

interface ScopeDefaults {
  readonly reuse?: Reuse;
  readonly initializer?: Initializer;
  readonly regularizer?: Regularizer | null;
  readonly dtype?: DType;
}

export interface VariableScopeOptions extends ScopeDefaults {
  /** Used when the name is null: made unique among variable scopes. */
  readonly defaultName?: string;
  /** false: no name scope is opened for other nodes. Default true. */
  readonly auxiliaryNameScope?: boolean;
}

/** A scope of variable names with its defaults. */
export class VariableScope implements ScopeDefaults {
  readonly name: string;
  readonly reuse: Reuse;
  readonly initializer: Initializer | undefined;
  readonly regularizer: Regularizer | null | undefined;
  readonly dtype: DType;
  /** Name scope that was opened with it, with trailing slash. */
  readonly originalNameScope: string;

  constructor(name: string, defaults: ScopeDefaults & { originalNameScope?: string } = {}) {
    this.name = name;
    this.reuse = defaults.reuse ?? false;
    this.initializer = defaults.initializer;
    this.regularizer = defaults.regularizer;
    this.dtype = defaults.dtype ?? 'float32';
    this.originalNameScope = defaults.originalNameScope ?? '';
  }
}

interface Store {
  readonly variables: Map<string, Variable>;
  readonly counts: Map<string, number>;
  current: VariableScope;
}

const storeKey = Symbol('variable scopes');

function storeOf(graph: Graph): Store {
  const known = graph.attachments.get(storeKey) as Store | undefined;
  if (known !== undefined) return known;
  const store: Store = { variables: new Map(), counts: new Map(), current: new VariableScope('') };
  graph.attachments.set(storeKey, store);
  return store;
}

/** The scope in force. */
export function getVariableScope(): VariableScope {
  return storeOf(getDefaultGraph()).current;
}

/**
 * Runs `body` in a variable scope: names of `getVariable` get its prefix, and new nodes a name scope of the same name (made unique).
 * A VariableScope re-enters that scope. `reuse: true` is inherited by inner scopes.
 */
export function variableScope<R>(nameOrScope: string | VariableScope | null, body: (scope: VariableScope) => R): R;
export function variableScope<R>(
  nameOrScope: string | VariableScope | null,
  options: VariableScopeOptions,
  body: (scope: VariableScope) => R,
): R;
export function variableScope<R>(
  nameOrScope: string | VariableScope | null,
  optionsOrBody: VariableScopeOptions | ((scope: VariableScope) => R),
  maybeBody?: (scope: VariableScope) => R,
): R {
  const options = typeof optionsOrBody === 'function' ? {} : optionsOrBody;
  const body = typeof optionsOrBody === 'function' ? optionsOrBody : maybeBody;
  if (body === undefined) throw new InvalidArgumentError('variableScope needs a function to run in the scope.');
  const graph = getDefaultGraph();
  const store = storeOf(graph);
  const outer = store.current;
  const { name, base, label } = target(store, nameOrScope, options.defaultName);
  const enter = (nameScope: string): R => {
    store.current = new VariableScope(name, { ...merged(outer, base, options), originalNameScope: nameScope });
    countScope(store, name);
    try {
      return body(store.current);
    } finally {
      store.current = outer;
    }
  };
  return options.auxiliaryNameScope === false || label === ''
    ? enter(graph.getNameScope() === '' ? '' : `${graph.getNameScope()}/`)
    : graph.nameScope(label, enter);
}

/** Full name of the scope, whose defaults it starts from, and the name scope to open. */
function target(store: Store, nameOrScope: string | VariableScope | null, defaultName: string | undefined) {
  const outer = store.current;
  if (nameOrScope instanceof VariableScope) {
    return { name: nameOrScope.name, base: nameOrScope, label: nameOrScope.name.split('/').at(-1) ?? '' };
  }
  const wanted = nameOrScope ?? (defaultName === undefined ? undefined : uniqueName(store, defaultName));
  if (wanted === undefined) throw new InvalidArgumentError('variableScope needs a name, a scope, or a defaultName.');
  return { name: outer.name === '' ? wanted : `${outer.name}/${wanted}`, base: outer, label: wanted };
}

function merged(outer: VariableScope, base: VariableScope, options: VariableScopeOptions): ScopeDefaults {
  const initializer = options.initializer ?? base.initializer;
  const regularizer = options.regularizer === undefined ? base.regularizer : options.regularizer;
  return {
    reuse: outer.reuse === true ? true : (options.reuse ?? base.reuse),
    ...(initializer === undefined ? {} : { initializer }),
    ...(regularizer === undefined ? {} : { regularizer }),
    dtype: options.dtype ?? base.dtype,
  };
}

function countScope(store: Store, name: string): void {
  store.counts.set(name, (store.counts.get(name) ?? 0) + 1);
}

function uniqueName(store: Store, prefix: string): string {
  const full = (n: string): string => (store.current.name === '' ? n : `${store.current.name}/${n}`);
  if (!store.counts.has(full(prefix))) return prefix;
  let i = 1;
  while (store.counts.has(full(`${prefix}_${i}`))) i++;
  return `${prefix}_${i}`;
}

export interface GetVariableOptions extends Omit<VariableOptions, 'name'> {
  /** Needed unless `initializer` is a value. */
  readonly shape?: PartialShape;
  /** An initializer, or the initial value itself. Default: the scope's, else Glorot uniform (zeros for integers and bool). */
  readonly initializer?: Initializer | Exclude<InitialValue, () => unknown>;
  readonly regularizer?: Regularizer | null;
  /** Default: the scope's. */
  readonly reuse?: Reuse;
}

/**
 * The variable `name` of the current variable scope: made, or found when the scope reuses.
 * @throws InvalidArgument when it exists and reuse is false, does not exist and reuse is true, or was made with another shape or dtype.
 */
export function getVariable(name: string, options: GetVariableOptions = {}): Variable {
  const graph = getDefaultGraph();
  const store = storeOf(graph);
  const scope = store.current;
  const full = scope.name === '' ? name : `${scope.name}/${name}`;
  const reuse = options.reuse ?? scope.reuse;
  const known = store.variables.get(full);
  if (known !== undefined) {
    if (reuse === false) throw alreadyExists(known, full);
    return checkSame(known, full, options);
  }
  if (reuse === true) {
    throw new InvalidArgumentError(
      `variable "${full}" does not exist, or was not made with getVariable. Make it first in a scope without reuse, or use reuse: 'auto'.`,
      { nodeName: full },
    );
  }
  const made = graph.nameScope(null, () => variable(initialValue(full, scope, options), { ...options, name: full }));
  store.variables.set(full, made);
  addRegularization(graph, made, options.regularizer === undefined ? scope.regularizer : options.regularizer);
  return made;
}

function initialValue(full: string, scope: VariableScope, options: GetVariableOptions): InitialValue {
  const { initializer } = options;
  if (initializer !== undefined && typeof initializer !== 'function') return initializer;
  const dtype = options.dtype ?? scope.dtype;
  const shape = options.shape ?? null;
  if (!isFullyDefined(shape)) {
    throw new InvalidArgumentError(
      `variable "${full}" needs a fully known shape, not ${formatShape(shape)}. Give { shape: [...] }, or a value as initializer.`,
      { nodeName: full },
    );
  }
  const make =
    initializer ?? scope.initializer ?? (isFloating(dtype) ? glorotUniformInitializer() : zerosInitializer());
  return () => make(shape, dtype);
}

function alreadyExists(known: Variable, full: string): InvalidArgumentError {
  const site = known.op.creationSite;
  return new InvalidArgumentError(
    `variable "${full}" exists already${site === undefined ? '' : ` (made at ${site})`}. Use another name, or share it with variableScope(…, { reuse: true }, …).`,
    { opType: known.op.type, nodeName: full },
  );
}

function checkSame(known: Variable, full: string, { shape, dtype }: GetVariableOptions): Variable {
  const fits =
    shape === undefined || shape === null || known.shape === null || formatShape(shape) === formatShape(known.shape);
  if (!fits || (dtype !== undefined && dtype !== known.dtype)) {
    throw new InvalidArgumentError(
      `variable "${full}" has dtype ${known.dtype} and shape ${formatShape(known.shape)}, but ${dtype ?? known.dtype} ${formatShape(shape ?? null)} was asked for.`,
      { opType: known.op.type, nodeName: full },
    );
  }
  return known;
}

function addRegularization(graph: Graph, v: Variable, regularizer: Regularizer | null | undefined): void {
  if (regularizer === null || regularizer === undefined) return;
  const loss = graph.nameScope(`${v.op.name}/Regularizer/`, () => regularizer(v.toTensor()));
  if (loss !== null) graph.addToCollection(GraphKeys.REGULARIZATION_LOSSES, loss);
}
