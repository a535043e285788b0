/**
 * @file The ONNX models of the inference cases. Layout is ONNX's own, NCHW; weights are constants, as they are deployed.
 */
import type { Case, ElementwiseOp, Spec } from '../cases.ts';
import { sizeOf, uniform } from '../random.ts';
import type { Attribute, ElementType, GraphInput, Initializer, OnnxModel, OnnxNode } from './model.ts';

type Value = { readonly name: string; readonly type: ElementType };

/** Collects a graph; every node names its own outputs. */
class GraphBuilder {
  readonly nodes: OnnxNode[] = [];
  readonly initializers: Initializer[] = [];
  readonly inputs: GraphInput[] = [];

  input(shape: readonly number[]): string {
    const name = `x${this.inputs.length}`;
    this.inputs.push({ name, shape });
    return name;
  }

  weight(shape: readonly number[]): string {
    return this.constant(shape, uniform(sizeOf(shape), 0.1, this.initializers.length + 1));
  }

  constant(shape: readonly number[], data: Float32Array | BigInt64Array): string {
    const name = `c${this.initializers.length}`;
    this.initializers.push({ name, shape, data });
    return name;
  }

  scalar(value: number): string {
    return this.constant([], Float32Array.of(value));
  }

  add(type: string, inputs: readonly string[], attributes: Readonly<Record<string, Attribute>> = {}): string {
    const output = `y${this.nodes.length}`;
    this.nodes.push({ type, inputs, outputs: [output], attributes });
    return output;
  }

  model(name: string, outputs: readonly Value[]): OnnxModel {
    return { name, inputs: this.inputs, outputs, nodes: this.nodes, initializers: this.initializers };
  }
}

const float = (name: string): readonly Value[] => [{ name, type: 'float32' }];

type Elementwise = (g: GraphBuilder, inputs: readonly string[]) => readonly Value[];

const axes = (g: GraphBuilder, axis: number) => g.constant([1], BigInt64Array.of(BigInt(axis)));
const sum = (axis: number): Elementwise => {
  return (g, [x = '']) => float(g.add('ReduceSum', [x, axes(g, axis)], { keepdims: { int: 0 } }));
};

const elementwise: Readonly<Record<ElementwiseOp, Elementwise>> = {
  chain: (g, [x = '']) => {
    const tanh = g.add('Tanh', [g.add('Add', [g.add('Mul', [x, g.scalar(1.5)]), g.scalar(0.5)])]);
    const gate = g.add('Mul', [tanh, g.add('Sigmoid', [x])]);
    return float(g.add('Add', [gate, g.add('Exp', [g.add('Neg', [g.add('Mul', [x, x])])])]));
  },
  softmax: (g, [x = '']) => float(g.add('Softmax', [x], { axis: { int: 1 } })),
  'sum-axis0': sum(0),
  'sum-axis1': sum(1),
  transpose: (g, [x = '']) => float(g.add('Transpose', [x], { perm: { ints: [1, 0] } })),
  topk8: (g, [x = '']) => {
    const k = g.constant([1], BigInt64Array.of(8n));
    g.nodes.push({ type: 'TopK', inputs: [x, k], outputs: ['values', 'indices'], attributes: { axis: { int: 1 } } });
    return [...float('values'), { name: 'indices', type: 'int64' }];
  },
  layernorm: (g, inputs) => float(g.add('LayerNormalization', inputs, { axis: { int: 1 }, epsilon: { float: 1e-5 } })),
};

const half = (kernel: number) => ({ ints: Array<number>(4).fill(kernel >> 1) });

function mnist(g: GraphBuilder, batch: number): readonly Value[] {
  let x = g.input([batch, 1, 28, 28]);
  for (const [channels, filters] of [
    [1, 32],
    [32, 64],
  ] as const) {
    const operands = [x, g.weight([filters, channels, 5, 5]), g.weight([filters])];
    x = g.add('Relu', [g.add('Conv', operands, { pads: half(5) })]);
    x = g.add('MaxPool', [x], { kernel_shape: { ints: [2, 2] }, strides: { ints: [2, 2] } });
  }
  const dense = (h: string, i: number, o: number) => g.add('Gemm', [h, g.weight([i, o]), g.weight([o])]);
  const hidden = g.add('Relu', [dense(g.add('Flatten', [x]), 3136, 1024)]);
  return float(dense(hidden, 1024, 10));
}

function conv(g: GraphBuilder, spec: Extract<Spec, { kind: 'conv' }>): readonly Value[] {
  const { batch, size, input, output, kernel, groups } = spec;
  const operands = [g.input([batch, input, size, size]), g.weight([output, input / groups, kernel, kernel])];
  return float(g.add('Conv', operands, { pads: half(kernel), group: { int: groups } }));
}

function outputsOf(g: GraphBuilder, spec: Spec): readonly Value[] {
  switch (spec.kind) {
    case 'gemm': {
      const shape = [spec.n, spec.n];
      return float(g.add('MatMul', [g.input(shape), g.input(shape)]));
    }
    case 'mnist-infer':
      return mnist(g, spec.batch);
    case 'elementwise':
      return elementwise[spec.op](
        g,
        spec.shapes.map((shape) => g.input(shape)),
      );
    case 'conv':
      return conv(g, spec);
    default:
      throw new Error('inference only');
  }
}

/** The model of a case. Throws for training. */
export function onnxModel(c: Case): OnnxModel {
  const g = new GraphBuilder();
  return g.model(c.name, outputsOf(g, c.spec));
}
