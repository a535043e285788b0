/**
 * @file The graph under construction: nodes in creation order, unique names, and the scopes (name, control dependencies,
 * device, collocation) that new nodes take their context from. It knows no op; op/call.ts makes nodes.
 */
import { FailedPreconditionError, InvalidArgumentError, NotFoundError } from '../errors.ts';
import { Collections } from './collections.ts';
import { mergeDevices } from './device.ts';
import { type ExportOptions, graphToProto, type IGraphDef } from './exportGraph.ts';
import { checkOpName, NameScopes } from './names.ts';
import { Operation, type OperationInit } from './operation.ts';
import { isConvertible, Tensor, type TensorConvertible } from './tensor.ts';

/** A device name, or a function that picks one for a node by its type and name. */
export type DeviceSetter = string | null | ((node: { readonly type: string; readonly name: string }) => string);

export type NodeInit = Omit<OperationInit, 'graph' | 'id' | 'name' | 'controlInputs' | 'device'> & {
  /** Wanted name; default the op type. A trailing slash takes it as it is. */
  readonly name?: string | undefined;
  readonly controlInputs?: readonly Operation[];
  readonly device?: string;
};

export class Graph {
  /** Graph-level seed, see `setRandomSeed`. */
  seed: number | null = null;
  /** GraphDef versions that exports carry. */
  readonly versions = { producer: 1882, minConsumer: 0 };
  readonly collections = new Collections();
  /** Per-graph state of other modules (variable scopes, losses …), keyed by their own symbols. */
  readonly attachments = new Map<symbol, unknown>();
  readonly #operations: Operation[] = [];
  readonly #byName = new Map<string, Operation>();
  readonly #names = new NameScopes();
  #controls: readonly Operation[] = [];
  #devices: readonly DeviceSetter[] = [];
  #finalized = false;

  /** Nodes in creation order. */
  get operations(): readonly Operation[] {
    return this.#operations;
  }
  getOperations(): Operation[] {
    return [...this.#operations];
  }

  /** Number of nodes made so far; op seeds derive from it. */
  get lastId(): number {
    return this.#operations.length;
  }

  /** Makes a node in the current scopes. Internal to op/call.ts and import. */
  createOperation(init: NodeInit): Operation {
    if (this.#finalized) {
      throw new FailedPreconditionError(
        'the graph is finalized and takes no more nodes. Build all ops before training starts.',
        {
          opType: init.record.type,
          ...(init.name === undefined ? {} : { nodeName: init.name }),
        },
      );
    }
    const name = this.#nodeName(init.name ?? init.record.type, init.record.type);
    const op = new Operation({
      ...init,
      graph: this,
      id: this.#operations.length,
      name,
      controlInputs: uniqueControls([...(init.controlInputs ?? []), ...this.#controls], init.inputs),
      device: init.device ?? this.#deviceOf(init.record.type, name),
    });
    this.#operations.push(op);
    this.#byName.set(name, op);
    return op;
  }

  #nodeName(wanted: string, type: string): string {
    if (wanted.endsWith('/')) {
      const name = wanted.slice(0, -1);
      checkOpName(name, type);
      if (this.#byName.has(name)) {
        throw new InvalidArgumentError(
          'a node of this name exists already. Choose another name, or leave the trailing slash out.',
          {
            opType: type,
            nodeName: name,
          },
        );
      }
      this.#names.mark(name);
      return name;
    }
    if (this.#names.current === '') checkOpName(wanted, type);
    return this.#names.unique(wanted);
  }

  /** A name that is free, in the current scope. `markAsUsed` (default true) takes it. */
  uniqueName(name: string, markAsUsed = true): string {
    return this.#names.unique(name, markAsUsed);
  }

  /** Current name scope without trailing slash. */
  getNameScope(): string {
    return this.#names.current;
  }

  /**
   * Runs `body` in a name scope (made unique); the scope's name with trailing slash is passed on.
   * A `name` with trailing slash re-enters a scope; null or '' leaves all scopes.
   */
  nameScope<R>(name: string | null, body: (scope: string) => R): R {
    return this.#names.within(name, body);
  }

  /** Nodes made in `body` run after these. null drops the outer dependencies. */
  controlDependencies<R>(inputs: readonly (Operation | Tensor | TensorConvertible)[] | null, body: () => R): R {
    const outer = this.#controls;
    this.#controls = inputs === null ? [] : uniqueControls([...outer, ...inputs.map((x) => this.asOperation(x))], []);
    try {
      return body();
    } finally {
      this.#controls = outer;
    }
  }

  /** Control dependencies that a new node would get. */
  get currentControlDependencies(): readonly Operation[] {
    return this.#controls;
  }

  /** Nodes made in `body` are placed on `setter`; inner scopes override parts of outer ones, null drops all. */
  device<R>(setter: DeviceSetter, body: () => R): R {
    const outer = this.#devices;
    this.#devices = setter === null ? [] : [...outer, setter];
    try {
      return body();
    } finally {
      this.#devices = outer;
    }
  }

  #deviceOf(type: string, name: string): string {
    let device = '';
    for (const d of this.#devices)
      device = mergeDevices(device, typeof d === 'function' ? d({ type, name }) : (d ?? ''));
    return device;
  }

  /** Runs `body` with this graph as the default graph. */
  asDefault<R>(body: (graph: Graph) => R): R {
    graphStack.push(this);
    try {
      return body(this);
    } finally {
      graphStack.splice(graphStack.lastIndexOf(this), 1);
    }
  }

  /** The operation that a fetch-like value stands for. */
  asOperation(x: Operation | Tensor | TensorConvertible | string): Operation {
    if (typeof x === 'string') return this.getOperationByName(x);
    const op = x instanceof Operation ? x : x instanceof Tensor ? x.op : x.toTensor().op;
    this.checkOwn(op);
    return op;
  }

  /** Throws InvalidArgument when `op` belongs to another graph. */
  checkOwn(op: Operation): void {
    if (op.graph === this) return;
    throw new InvalidArgumentError(
      'the node belongs to another graph. Build and run it inside graph.asDefault(…) of one graph.',
      { opType: op.type, nodeName: op.name },
    );
  }

  hasOperation(name: string): boolean {
    return this.#byName.has(name);
  }

  /** Throws NotFound, naming close names, when absent. */
  getOperationByName(name: string): Operation {
    const op = this.#byName.get(name);
    if (op !== undefined) return op;
    const hint = /:\d+$/.test(name)
      ? ` "${name}" is a tensor's name; its operation is "${name.replace(/:\d+$/, '')}".`
      : '';
    throw new NotFoundError(`no operation "${name}" in the graph.${hint}${this.#similar(name)}`, { nodeName: name });
  }

  /** `op:index`, as `dense/MatMul:0`. Throws NotFound when absent, InvalidArgument when the form is wrong. */
  getTensorByName(name: string): Tensor {
    const [, opName, index] = /^(.*):(\d+)$/.exec(name) ?? [];
    if (opName === undefined) {
      throw new InvalidArgumentError(`"${name}" is not a tensor name. Write "<operation>:<output>", as "${name}:0".`);
    }
    const op = this.#byName.get(opName);
    if (op === undefined)
      throw new NotFoundError(`no operation "${opName}" for tensor "${name}".${this.#similar(opName)}`);
    const tensor = op.outputs[Number(index)];
    if (tensor !== undefined) return tensor;
    throw new NotFoundError(`output ${index} does not exist; the operation has ${op.outputs.length} outputs.`, {
      opType: op.type,
      nodeName: op.name,
    });
  }

  #similar(name: string): string {
    const last = name.split('/').at(-1)?.toLowerCase() ?? '';
    const close = this.#operations.filter((op) => last !== '' && op.name.toLowerCase().includes(last)).slice(0, 3);
    return close.length === 0 ? '' : ` Near names: ${close.map((op) => `"${op.name}"`).join(', ')}.`;
  }

  /** What a fetch, feed or return element denotes. */
  asGraphElement(x: Operation | Tensor | TensorConvertible | string): Operation | Tensor {
    if (typeof x === 'string') return /:\d+$/.test(x) ? this.getTensorByName(x) : this.getOperationByName(x);
    const element = x instanceof Operation || x instanceof Tensor ? x : isConvertible(x) ? x.toTensor() : x;
    this.checkOwn(element instanceof Tensor ? element.op : element);
    return element;
  }

  addToCollection(key: string, value: unknown): void {
    this.collections.add(key, value);
  }
  addToCollections(keys: readonly string[], value: unknown): void {
    for (const key of new Set(keys)) this.collections.add(key, value);
  }
  getCollection(key: string, scope?: string): unknown[] {
    return this.collections.get(key, scope);
  }
  getCollectionRef(key: string): unknown[] {
    return this.collections.ref(key);
  }

  /** The graph as TensorFlow's GraphDef message. */
  asGraphDef(options: ExportOptions = {}): IGraphDef {
    return graphToProto(this, options);
  }

  /** Makes the graph read-only. */
  finalize(): void {
    this.#finalized = true;
  }
  get finalized(): boolean {
    return this.#finalized;
  }
}

/** Each once, without those that are data inputs already. */
function uniqueControls(controls: readonly Operation[], inputs: readonly Tensor[]): Operation[] {
  const data = new Set(inputs.map((t) => t.op));
  return [...new Set(controls)].filter((op) => !data.has(op));
}

const graphStack: Graph[] = [];
let globalGraph: Graph | undefined;

/** The graph that new nodes join. */
export function getDefaultGraph(): Graph {
  globalGraph ??= new Graph();
  return graphStack.at(-1) ?? globalGraph;
}

/** Starts a fresh global default graph. Throws FailedPrecondition inside graph.asDefault(…). */
export function resetDefaultGraph(): void {
  if (graphStack.length > 0) {
    throw new FailedPreconditionError(
      'resetDefaultGraph inside graph.asDefault(…) would lose that graph. Call it outside.',
    );
  }
  globalGraph = new Graph();
}

export function nameScope<R>(name: string | null, body: (scope: string) => R): R {
  return getDefaultGraph().nameScope(name, body);
}
export function controlDependencies<R>(
  inputs: readonly (Operation | Tensor | TensorConvertible)[] | null,
  body: () => R,
): R {
  return getDefaultGraph().controlDependencies(inputs, body);
}
export function device<R>(setter: DeviceSetter, body: () => R): R {
  return getDefaultGraph().device(setter, body);
}
export function addToCollection(key: string, value: unknown): void {
  getDefaultGraph().addToCollection(key, value);
}
export function getCollection(key: string, scope?: string): unknown[] {
  return getDefaultGraph().getCollection(key, scope);
}
