/**
 * @file GraphDef → graph. Nodes are added in an order where inputs come first; every node is checked against its op's signature,
 * and what is wrong is said with the node's name.
 */
import { InvalidArgumentError, TensorFlowError } from './errors.ts';
import { attrFromProto, kindOfProto } from './graph/attrProto.ts';
import type { IGraphDef, INodeDef } from './graph/exportGraph.ts';
import { type Graph, getDefaultGraph } from './graph/graph.ts';
import type { Operation } from './graph/operation.ts';
import type { Tensor } from './graph/tensor.ts';
import { type AttrMap, type BoundArg, completeAttrs, type Fail, inferFromInputs } from './op/bindAttrs.ts';
import { makeNode } from './op/call.ts';
import { argCount } from './op/nodeArgs.ts';
import type { OpRecord } from './op/record.ts';
import type { OpRegistry } from './op/registry.ts';
import { registry } from './ops/registry.ts';

export interface ImportOptions {
  /** Prefix of the imported names. Default `import`; '' for none. */
  readonly name?: string;
  /** Input names of the GraphDef (`x:0`, `^init`) → tensors of this graph that replace them. */
  readonly inputMap?: Readonly<Record<string, Tensor>>;
  /** Names of operations (`a`) and tensors (`a:0`) to answer. */
  readonly returnElements?: readonly string[];
  /** Default: all ops of this library. */
  readonly registry?: OpRegistry;
}

/**
 * Adds a GraphDef to the default graph and answers `returnElements`.
 * @throws NotFound for unknown op types; InvalidArgument for cycles, missing inputs, wrong input counts, attributes and duplicate names.
 */
export function importGraphDef(graphDef: IGraphDef, options: ImportOptions = {}): (Operation | Tensor)[] {
  const graph = getDefaultGraph();
  const prefix = options.name ?? 'import';
  const scope = prefix === '' ? '' : graph.nameScope(prefix, (s) => s);
  return new Importer(graph, scope, graphDef, options).run(options.returnElements ?? []);
}

interface InputRef {
  readonly node: string;
  readonly index: number;
  readonly control: boolean;
}

function parseInput(text: string): InputRef {
  if (text.startsWith('^')) return { node: text.slice(1), index: -1, control: true };
  const [, node, index] = /^(.*):(\d+)$/.exec(text) ?? [];
  return node === undefined ? { node: text, index: 0, control: false } : { node, index: Number(index), control: false };
}

class Importer {
  readonly #graph: Graph;
  readonly #scope: string;
  readonly #nodes = new Map<string, INodeDef>();
  readonly #done = new Map<string, Operation>();
  readonly #inputMap: ReadonlyMap<string, Tensor>;
  readonly #registry: OpRegistry;

  constructor(graph: Graph, scope: string, graphDef: IGraphDef, options: ImportOptions) {
    this.#graph = graph;
    this.#scope = scope;
    this.#registry = options.registry ?? registry;
    this.#inputMap = new Map(
      Object.entries(options.inputMap ?? {}).map(([k, t]) => [/[:^]/.test(k) ? k : `${k}:0`, t] as const),
    );
    for (const node of graphDef.node ?? []) {
      const name = node.name ?? '';
      if (this.#nodes.has(name)) throw fault(node, 'the GraphDef has two nodes of this name. Rename one.');
      this.#nodes.set(name, node);
    }
  }

  run(returnElements: readonly string[]): (Operation | Tensor)[] {
    for (const node of this.#order()) this.#done.set(node.name ?? '', this.#import(node));
    return returnElements.map((name) => {
      const mapped = this.#inputMap.get(name);
      return mapped ?? this.#graph.asGraphElement(`${this.#scope}${name}`);
    });
  }

  /** Inputs first, otherwise as given. A node that waits for itself is a cycle. */
  #order(): INodeDef[] {
    const order: INodeDef[] = [];
    const state = new Map<INodeDef, 'open' | 'done'>();
    for (const root of this.#nodes.values()) {
      const stack: INodeDef[] = [root];
      for (let node = stack.at(-1); node !== undefined; node = stack.at(-1)) {
        if (state.get(node) === 'done') {
          stack.pop();
          continue;
        }
        const waiting = this.#dependencies(node).filter((d) => state.get(d) !== 'done');
        if (waiting.length === 0) {
          state.set(node, 'done');
          order.push(node);
          stack.pop();
          continue;
        }
        state.set(node, 'open');
        const cyclic = waiting.find((d) => state.get(d) === 'open');
        if (cyclic !== undefined) throw cycle(cyclic, stack);
        stack.push(...waiting.reverse());
      }
    }
    return order;
  }

  #dependencies(node: INodeDef): INodeDef[] {
    return (node.input ?? []).flatMap((text) => {
      const ref = parseInput(text);
      if (!ref.control && this.#inputMap.has(`${ref.node}:${ref.index}`)) return [];
      const found = this.#nodes.get(ref.node);
      if (found === undefined) {
        throw fault(node, `its input "${text}" is not in the GraphDef. Map it with inputMap: { '${text}': tensor }.`);
      }
      return [found];
    });
  }

  #import(node: INodeDef): Operation {
    const fail: Fail = (text) => {
      throw fault(node, text);
    };
    const record = this.#registry.require(node.op ?? '', node.name ?? '');
    const attrs = readAttrs(node, record, fail);
    const refs = (node.input ?? []).map(parseInput);
    const tensors = refs.filter((r) => !r.control).map((r) => this.#tensor(r, fail));
    const bound = bind(record, tensors, attrs, fail);
    inferFromInputs(bound, attrs, fail);
    try {
      return this.#graph.nameScope(null, () =>
        makeNode(this.#graph, record, bound, completeAttrs(record, attrs, fail), {
          name: `${this.#scope}${node.name}/`,
          fail,
          controlInputs: refs.filter((r) => r.control).map((r) => this.#done.get(r.node) as Operation),
          device: node.device ?? '',
        }),
      );
    } catch (error) {
      if (error instanceof TensorFlowError && error.nodeName === undefined) return fail(error.message);
      throw error;
    }
  }

  #tensor(ref: InputRef, fail: Fail): Tensor {
    const mapped = this.#inputMap.get(`${ref.node}:${ref.index}`);
    if (mapped !== undefined) return mapped;
    const op = this.#done.get(ref.node) as Operation;
    const t = op.outputs[ref.index];
    return (
      t ?? fail(`its input "${ref.node}:${ref.index}" does not exist: ${op.type} has ${op.outputs.length} outputs.`)
    );
  }
}

/** Declared attributes by their kinds; unknown ones are kept when they start with an underscore. */
function readAttrs(node: INodeDef, record: OpRecord, fail: Fail): AttrMap {
  const attrs: AttrMap = {};
  for (const [name, proto] of Object.entries(node.attr ?? {})) {
    const def = record.attrs[name];
    // Newer writers add attributes that our signature does not have; TensorFlow drops such ones when they are internal.
    if (def === undefined && !name.startsWith('_'))
      fail(`attribute ${name} is unknown. Known: ${Object.keys(record.attrs).join(', ')}.`);
    try {
      attrs[name] = attrFromProto(def?.kind ?? kindOfProto(proto), proto);
    } catch (error) {
      fail(`attribute ${name} cannot be read: ${(error as Error).message}`);
    }
  }
  return attrs;
}

function bind(record: OpRecord, tensors: readonly Tensor[], attrs: AttrMap, fail: Fail): BoundArg[] {
  const counts = record.inputs.map((arg) => {
    try {
      return argCount(arg, attrs);
    } catch {
      return fail(`attribute ${arg.numberAttr ?? arg.typeAttr} is missing, which counts the inputs ${arg.name}.`);
    }
  });
  const wanted = counts.reduce((n, c) => n + c, 0);
  if (wanted !== tensors.length) {
    fail(
      `${record.type} takes ${wanted} inputs (${record.inputs.map((a) => a.name).join(', ')}), the node has ${tensors.length}.`,
    );
  }
  let next = 0;
  return record.inputs.map((arg, i) => {
    const own = tensors.slice(next, next + (counts[i] as number));
    next += own.length;
    return { arg, tensors: own };
  });
}

function fault(node: INodeDef, text: string): InvalidArgumentError {
  return new InvalidArgumentError(text, { opType: node.op ?? '', nodeName: node.name ?? '' });
}

function cycle(node: INodeDef, stack: readonly INodeDef[]): InvalidArgumentError {
  const names = stack.map((n) => n.name ?? '');
  const path = [...names.slice(names.indexOf(node.name ?? '')).slice(0, 6), node.name].join('" → "');
  return fault(node, `the graph is cyclic: "${path}". Loops are not supported in GraphDefs.`);
}
