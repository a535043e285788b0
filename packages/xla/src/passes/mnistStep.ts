/**
 * @file The training step of the MNIST tutorial's network as HLO, written as a front end would write it: the yardstick of the passes'
 * tests. Two 5×5 convolutions with relu and 2×2 max-pools, two dense layers, softmax cross-entropy, Adam.
 */
import { HloBuilder } from '../hlo/builder.ts';
import type { Value } from '../hlo/builderApi.ts';
import { dimsOf } from '../hlo/graph.ts';
import type { InputOutputAlias, Module } from '../hlo/module.ts';
import type { ConvDimensionNumbers, Window, WindowDim } from '../hlo/opcodes.ts';
import { arrayShape } from '../hlo/shape.ts';

export interface MnistOptions {
  readonly batch: number;
  /** Width and height of the images, a multiple of 4. */
  readonly size?: number;
  /** Features of the two convolutions and the dense layer. */
  readonly features?: readonly [number, number, number];
}

const nhwc: ConvDimensionNumbers = {
  inputBatch: 0,
  inputFeature: 3,
  inputSpatial: [1, 2],
  kernelInputFeature: 2,
  kernelOutputFeature: 3,
  kernelSpatial: [0, 1],
  outputBatch: 0,
  outputFeature: 3,
  outputSpatial: [1, 2],
};

function dim(size: number, options: Partial<WindowDim> = {}): WindowDim {
  return { size, stride: 1, padLow: 0, padHigh: 0, baseDilation: 1, windowDilation: 1, reversal: false, ...options };
}

const same5: Window = [dim(5, { padLow: 2, padHigh: 2 }), dim(5, { padLow: 2, padHigh: 2 })];
const pool2: Window = [dim(1), dim(2, { stride: 2 }), dim(2, { stride: 2 }), dim(1)];

class Step {
  readonly b = new HloBuilder('mnist');
  private readonly shapes: number[][] = [];

  parameter(dims: number[], name: string): Value {
    this.shapes.push(dims);
    return this.b.parameter(this.shapes.length - 1, arrayShape('f32', dims), name);
  }

  zero(dims: readonly number[]): Value {
    return this.b.full(0, 'f32', dims);
  }

  sum(x: Value, dimensions: readonly number[]): Value {
    return this.b.reduce([x], [this.b.scalar(0, 'f32')], dimensions, this.b.reducer('add', 'f32'));
  }

  bias(x: Value, bias: Value): Value {
    const dims = dimsOf(x);
    return this.b.add(x, this.b.broadcast(bias, dims, [dims.length - 1]));
  }

  relu(x: Value): Value {
    return this.b.maximum(x, this.zero(dimsOf(x)));
  }

  reluGradient(y: Value, dy: Value): Value {
    const zero = this.zero(dimsOf(y));
    return this.b.select(this.b.compare('GT', y, zero), dy, zero);
  }

  conv(x: Value, w: Value): Value {
    return this.b.convolution(x, w, { window: same5, dimensionNumbers: nhwc });
  }

  /** d loss / d kernel: images and gradients change parts, batch is summed. */
  convKernelGradient(x: Value, dy: Value): Value {
    const size = dimsOf(dy).slice(1, 3);
    const window = size.map((n) => dim(n, { padLow: 2, padHigh: 2 }));
    const dimensionNumbers: ConvDimensionNumbers = {
      inputBatch: 3,
      inputFeature: 0,
      inputSpatial: [1, 2],
      kernelInputFeature: 0,
      kernelOutputFeature: 3,
      kernelSpatial: [1, 2],
      outputBatch: 2,
      outputFeature: 3,
      outputSpatial: [0, 1],
    };
    return this.b.convolution(x, dy, { window, dimensionNumbers });
  }

  convInputGradient(w: Value, dy: Value): Value {
    const window = same5.map((d) => ({ ...d, reversal: true }));
    const dimensionNumbers = { ...nhwc, kernelInputFeature: 3, kernelOutputFeature: 2 };
    return this.b.convolution(dy, w, { window, dimensionNumbers });
  }

  pool(x: Value): Value {
    return this.b.reduceWindow(x, this.b.scalar(-Infinity, 'f32'), pool2, this.b.reducer('maximum', 'f32'));
  }

  poolGradient(x: Value, dy: Value): Value {
    const scalar = arrayShape('f32', []);
    const select = this.b.computation('ge', [scalar, scalar], (c, p, q) => c.compare('GE', p as Value, q as Value));
    const scatter = this.b.reducer('add', 'f32');
    return this.b.selectAndScatter(x, dy, this.b.scalar(0, 'f32'), { window: pool2, select, scatter });
  }

  dot(x: Value, y: Value, contract: readonly [number, number]): Value {
    const [l, r] = contract;
    return this.b.dot(x, y, { lhsBatch: [], rhsBatch: [], lhsContracting: [l], rhsContracting: [r] });
  }
}

/** Parameters: images, one-hot labels, then per variable value, m and v, then the powers of β₁ and β₂. Results: loss, updated state. */
export function mnistStep({ batch: n, size = 28, features: [c1, c2, dense] = [32, 64, 1024] }: MnistOptions): Module {
  const s = new Step();
  const { b } = s;
  const flat = (size / 4) ** 2 * c2;
  const images = s.parameter([n, size * size], 'x');
  const labels = s.parameter([n, 10], 'y');
  const dims = [[5, 5, 1, c1], [c1], [5, 5, c1, c2], [c2], [flat, dense], [dense], [dense, 10], [10]];
  const state = dims.map((d, i) => ['', '/m', '/v'].map((slot) => s.parameter(d, `w${i}${slot}`)));
  const powers = [s.parameter([], 'beta1Power'), s.parameter([], 'beta2Power')] as const;
  const [w1, b1, w2, b2, w3, b3, w4, b4] = state.map(([w]) => w as Value) as Eight;

  const x = b.reshape(images, [n, size, size, 1]);
  const h1 = s.relu(s.bias(s.conv(x, w1), b1));
  const p1 = s.pool(h1);
  const h2 = s.relu(s.bias(s.conv(p1, w2), b2));
  const p2 = s.pool(h2);
  const f = b.reshape(p2, [n, flat]);
  const h3 = s.relu(s.bias(s.dot(f, w3, [1, 0]), b3));
  const logits = s.bias(s.dot(h3, w4, [1, 0]), b4);

  const max = b.reduce([logits], [b.scalar(-Infinity, 'f32')], [1], b.reducer('maximum', 'f32'));
  const shifted = b.subtract(logits, b.broadcast(max, [n, 10], [0]));
  const exp = b.exp(shifted);
  const total = s.sum(exp, [1]);
  const logSoftmax = b.subtract(shifted, b.broadcast(b.log(total), [n, 10], [0]));
  const losses = b.negate(s.sum(b.multiply(labels, logSoftmax), [1]));
  const loss = b.divide(s.sum(losses, [0]), b.scalar(n, 'f32'));

  const softmax = b.divide(exp, b.broadcast(total, [n, 10], [0]));
  const dLogits = b.divide(b.subtract(softmax, labels), b.full(n, 'f32', [n, 10]));
  const dh3 = s.reluGradient(h3, s.dot(dLogits, w4, [1, 1]));
  const dp2 = b.reshape(s.dot(dh3, w3, [1, 1]), dimsOf(p2));
  const dh2 = s.reluGradient(h2, s.poolGradient(h2, dp2));
  const dp1 = s.convInputGradient(w2, dh2);
  const dh1 = s.reluGradient(h1, s.poolGradient(h1, dp1));
  const gradients = [
    s.convKernelGradient(x, dh1),
    s.sum(dh1, [0, 1, 2]),
    s.convKernelGradient(p1, dh2),
    s.sum(dh2, [0, 1, 2]),
    s.dot(f, dh3, [0, 0]),
    s.sum(dh3, [0]),
    s.dot(h3, dLogits, [0, 0]),
    s.sum(dLogits, [0]),
  ];
  return finish(s, loss, { state, gradients, powers });
}

type Eight = [Value, Value, Value, Value, Value, Value, Value, Value];

interface Training {
  readonly state: readonly (readonly Value[])[];
  readonly gradients: readonly Value[];
  readonly powers: readonly [Value, Value];
}

/** Adam as in Kingma & Ba 2015, with TensorFlow's form of the step size. */
function finish(s: Step, loss: Value, { state, gradients, powers: [p1, p2] }: Training): Module {
  const { b } = s;
  const one = b.scalar(1, 'f32');
  const rate = b.divide(b.multiply(b.scalar(1e-4, 'f32'), b.sqrt(b.subtract(one, p2))), b.subtract(one, p1));
  const updated = gradients.flatMap((g, i) => {
    const [w, m, v] = state[i] as [Value, Value, Value];
    const all = (value: number): Value => b.full(value, 'f32', dimsOf(w));
    const m2 = b.add(m, b.multiply(b.subtract(g, m), all(0.1)));
    const v2 = b.add(v, b.multiply(b.subtract(b.multiply(g, g), v), all(0.001)));
    const step = b.divide(b.multiply(b.broadcast(rate, dimsOf(w), []), m2), b.add(b.sqrt(v2), all(1e-8)));
    return [b.subtract(w, step), m2, v2];
  });
  const results = [loss, ...updated, b.multiply(p1, b.scalar(0.9, 'f32')), b.multiply(p2, b.scalar(0.999, 'f32'))];
  const aliases = results.slice(1).map((_, i): InputOutputAlias => ({ output: i + 1, parameter: i + 2 }));
  return b.build(results, aliases);
}
