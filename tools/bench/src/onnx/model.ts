/**
 * @file Writes ONNX models (onnx.proto, IR version 8, operator set 17) from plain descriptions of nodes and weights.
 */
import { MessageWriter } from './protobuf.ts';

/** ONNX's `TensorProto.DataType` numbers. */
export const elementTypes = { float32: 1, int64: 7 } as const;
export type ElementType = keyof typeof elementTypes;

/** An attribute: an integer list, or a number that is a whole (`int`) or a real one (`float`). */
export type Attribute = { readonly ints: readonly number[] } | { readonly int: number } | { readonly float: number };

export interface OnnxNode {
  readonly type: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: Readonly<Record<string, Attribute>>;
}

/** A constant tensor: a weight, or an operand that must be one, such as the axes of a reduction. */
export interface Initializer {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array | BigInt64Array;
}

/** A graph input, float32. */
export interface GraphInput {
  readonly name: string;
  readonly shape: readonly number[];
}

export interface OnnxModel {
  readonly name: string;
  readonly inputs: readonly GraphInput[];
  readonly outputs: readonly { readonly name: string; readonly type: ElementType }[];
  readonly nodes: readonly OnnxNode[];
  readonly initializers: readonly Initializer[];
}

const versions = { ir: 8, operators: 17 };
const attributeTypes = { float: 1, int: 2, ints: 7 };

/** The bytes of an `.onnx` file. */
export function writeOnnx(model: OnnxModel): Uint8Array {
  const graph = new MessageWriter();
  for (const node of model.nodes) graph.message(1, nodeProto(node));
  graph.string(2, model.name);
  for (const initializer of model.initializers) graph.message(5, tensorProto(initializer));
  for (const { name, shape } of model.inputs) graph.message(11, valueInfo(name, 'float32', shape));
  for (const { name, type } of model.outputs) graph.message(12, valueInfo(name, type, null));
  return new MessageWriter()
    .integer(1, versions.ir)
    .string(2, 'tsflow-bench')
    .message(7, graph)
    .message(8, new MessageWriter().string(1, '').integer(2, versions.operators))
    .finish();
}

function nodeProto({ type, inputs, outputs, attributes = {} }: OnnxNode): MessageWriter {
  const node = new MessageWriter();
  for (const input of inputs) node.string(1, input);
  for (const output of outputs) node.string(2, output);
  node.string(4, type);
  for (const [name, value] of Object.entries(attributes)) node.message(5, attributeProto(name, value));
  return node;
}

function attributeProto(name: string, value: Attribute): MessageWriter {
  const attribute = new MessageWriter().string(1, name);
  if ('float' in value) return attribute.float(2, value.float).integer(20, attributeTypes.float);
  if ('int' in value) return attribute.integer(3, value.int).integer(20, attributeTypes.int);
  for (const item of value.ints) attribute.integer(8, item);
  return attribute.integer(20, attributeTypes.ints);
}

function tensorProto({ name, shape, data }: Initializer): MessageWriter {
  const size = shape.reduce((a, b) => a * b, 1);
  if (size !== data.length)
    throw new Error(`internal: ONNX tensor "${name}" of shape [${shape}] has ${data.length} values`);
  const tensor = new MessageWriter();
  for (const dimension of shape) tensor.integer(1, dimension);
  return tensor
    .integer(2, elementTypes[data instanceof Float32Array ? 'float32' : 'int64'])
    .string(8, name)
    .bytes(9, new Uint8Array(data.buffer, data.byteOffset, data.byteLength)); // little-endian, as every host of Node
}

/** `shape: null` leaves the shape to inference. */
function valueInfo(name: string, type: ElementType, shape: readonly number[] | null): MessageWriter {
  const tensor = new MessageWriter().integer(1, elementTypes[type]);
  if (shape) {
    const dimensions = new MessageWriter();
    for (const dimension of shape) dimensions.message(1, new MessageWriter().integer(1, dimension));
    tensor.message(2, dimensions);
  }
  return new MessageWriter().string(1, name).message(2, new MessageWriter().message(1, tensor));
}
