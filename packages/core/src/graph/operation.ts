/**
 * @file A node of the graph. It holds its op record, so nobody looks its type up; its attributes are checked when it is made
 * and never change. The place in user code that made it is kept for run-time errors.
 */

import type { DType } from '../dtype.ts';
import type { AttrValue } from '../op/attr.ts';
import { type CallSite, userFrame } from '../op/callSite.ts';
import type { OpRecord } from '../op/record.ts';
import type { PartialShape } from '../shape.ts';
import type { Graph } from './graph.ts';
import type { Feeds } from './sessionStack.ts';
import { requireDefaultSession } from './sessionStack.ts';
import { Tensor } from './tensor.ts';

export interface OutputType {
  readonly dtype: DType;
  readonly isRef: boolean;
  readonly shape: PartialShape;
}

export interface OperationInit {
  readonly graph: Graph;
  /** Position in creation order: the order of execution among independent nodes. */
  readonly id: number;
  readonly name: string;
  readonly record: OpRecord;
  readonly inputs: readonly Tensor[];
  readonly controlInputs: readonly Operation[];
  readonly attrs: Readonly<Record<string, AttrValue>>;
  readonly device: string;
  readonly outputs: readonly OutputType[];
  readonly site: CallSite | undefined;
}

export class Operation {
  readonly graph: Graph;
  readonly id: number;
  readonly name: string;
  readonly record: OpRecord;
  /** All inputs in order, list inputs flattened. */
  readonly inputs: readonly Tensor[];
  readonly controlInputs: readonly Operation[];
  readonly attrs: Readonly<Record<string, AttrValue>>;
  /** Requested device, '' for any. */
  readonly device: string;
  /** All outputs in order, list outputs flattened. */
  readonly outputs: readonly Tensor[];
  readonly #site: CallSite | undefined;

  constructor(init: OperationInit) {
    this.graph = init.graph;
    this.id = init.id;
    this.name = init.name;
    this.record = init.record;
    this.inputs = init.inputs;
    this.controlInputs = init.controlInputs;
    this.attrs = init.attrs;
    this.device = init.device;
    this.outputs = init.outputs.map((type, i) => new Tensor(this, i, type));
    this.#site = init.site;
  }

  /** Op type: `MatMul`. */
  get type(): string {
    return this.record.type;
  }

  /** Where user code made this node: `fn (file:line:column)`, or undefined. */
  get creationSite(): string | undefined {
    return userFrame(this.#site);
  }

  /** Value of an attribute, undefined when the op has none of that name. */
  getAttr(name: string): AttrValue | undefined {
    return this.attrs[name];
  }

  /** Runs the operation in the default session. */
  run(feeds?: Feeds): Promise<void> {
    return requireDefaultSession(`${this.name}.run()`).execute(this, feeds);
  }

  toString(): string {
    return `<tf.Operation '${this.name}' type=${this.type}>`;
  }
}
