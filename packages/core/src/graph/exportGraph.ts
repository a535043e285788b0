/** @file Graph → GraphDef: our nodes are TensorFlow's, so this is a plain transcription. */
import type { GraphDef, NodeDef } from '@tsflow/formats';
import type { AttrValue } from '../op/attr.ts';
import { attrToProto, type IAttrValue, kindOfValue } from './attrProto.ts';
import type { Operation } from './operation.ts';
import type { Tensor } from './tensor.ts';

export type IGraphDef = GraphDef.$Properties;
export type INodeDef = NodeDef.$Properties;

export interface ExportOptions {
  /** Adds `_output_shapes` to every node, for viewers. Default false. */
  readonly addShapes?: boolean;
}

export function graphToProto(
  graph: { readonly operations: readonly Operation[]; readonly versions: { producer: number; minConsumer: number } },
  options: ExportOptions = {},
): IGraphDef {
  return {
    node: graph.operations.map((op) => nodeToProto(op, options)),
    versions: { producer: graph.versions.producer, minConsumer: graph.versions.minConsumer },
  };
}

export function nodeToProto(op: Operation, options: ExportOptions = {}): INodeDef {
  const attr: Record<string, IAttrValue> = {};
  for (const [name, value] of Object.entries(op.attrs)) {
    attr[name] = attrToProto(op.record.attrs[name]?.kind ?? kindOfValue(value as AttrValue), value as AttrValue);
  }
  if (options.addShapes === true && op.outputs.length > 0) {
    attr['_output_shapes'] = attrToProto(
      'shapes',
      op.outputs.map((t) => t.shape),
    );
  }
  return {
    name: op.name,
    op: op.type,
    input: [...op.inputs.map(inputName), ...op.controlInputs.map((c) => `^${c.name}`)],
    device: op.device,
    attr,
  };
}

/** `op` for output 0, `op:i` for others. */
function inputName(t: Tensor): string {
  return t.index === 0 ? t.op.name : `${t.op.name}:${t.index}`;
}
