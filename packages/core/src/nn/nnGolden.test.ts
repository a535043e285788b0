/** @file Composed functions against TensorFlow's results, values and gradients, which tools/oracle/nn_golden.py records. */
import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import { clipByAverageNorm, clipByGlobalNorm, clipByNorm, clipByValue } from '../clip.ts';
import { gradients } from '../gradients.ts';
import { Graph } from '../graph/graph.ts';
import type { Tensor } from '../graph/tensor.ts';
import { eye, norm, tensordot, trace } from '../linalg.ts';
import { NdArray, type NestedArray } from '../ndarray.ts';
import * as nn from '../nn.ts';
import { cast, constant, placeholder } from '../ops/array.ts';
import { concat } from '../ops/arrayJoin.ts';
import { expandDims, transpose } from '../ops/arrayShape.ts';
import { cumsum } from '../ops/cumulative.ts';
import '../ops/operators.ts';
import { countNonzero, reduceLogsumexp, reduceProd, reduceStd, reduceVariance } from '../ops/reduce.ts';
import { disposeDevices } from '../session/device.ts';
import { Session, type SessionOptions } from '../session/session.ts';

const golden = JSON.parse(readFileSync(new URL('./generated/nnGolden.json', import.meta.url), 'utf8')) as Record<
  string,
  NestedArray
>;
const target = (process.env['TSFLOW_BACKEND'] ?? 'interpret') as NonNullable<SessionOptions['target']>;
afterAll(disposeDevices);

const A = [
  [0.5, -1.5, 2],
  [1, 0.25, -0.75],
];
const P = [
  [0.2, 0.3, 0.5],
  [1, 0, 0],
];
const Z = [
  [0, 1, 1],
  [0, 0.5, 1],
];
const sequence = [
  [
    [1, 2],
    [0.5, -1],
    [3, 0],
    [-2, 1],
  ],
];
const filters = [
  [
    [1, 0.5],
    [-1, 2],
  ],
  [
    [0.25, 1],
    [1, -0.5],
  ],
];
const table = [
  [1, 2],
  [3, 4],
  [5, 6],
  [7, 8],
  [9, 10],
];
const ids = [
  [4, 0],
  [2, 4],
];

function counted(shape: readonly number[], by: number): Tensor {
  const n = shape.reduce((p, d) => p * d, 1);
  return constant(
    Array.from({ length: n }, (_, i) => i / by - 1),
    { shape },
  );
}
const image = () => counted([2, 4, 4, 2], 10);
const depthwise = () => counted([2, 2, 2, 2], 8);
const moments = (x: Tensor) => nn.moments(x, [0]);
const weighted = (x: Tensor) => nn.weightedMoments(x, [1], { frequencyWeights: [[1, 2, 3]] });
const parts = () => [constant(table.slice(0, 3)), constant(table.slice(3))];
const same = { strides: [1, 1, 1, 1], padding: 'SAME' } as const;

/** What each name of the golden file computes from x (a placeholder of unknown batch size fed with A) and z. */
const functions: Readonly<Record<string, (x: Tensor, z: Tensor) => Tensor>> = {
  'softmax axis 0': (x) => nn.softmax(x, { axis: 0 }),
  logSoftmax: (x) => nn.logSoftmax(x),
  softmaxCrossEntropy: (x) => nn.softmaxCrossEntropyWithLogits({ labels: P, logits: x }),
  'softmaxCrossEntropy axis 0': (x) =>
    nn.softmaxCrossEntropyWithLogitsV2({ labels: transpose(P), logits: transpose(x), axis: 0 }),
  sparseSoftmaxCrossEntropy: (x) => nn.sparseSoftmaxCrossEntropyWithLogits({ labels: [2, 0], logits: x }),
  'sparseSoftmaxCrossEntropy 3-D': (x) =>
    nn.sparseSoftmaxCrossEntropyWithLogits({ labels: [[2, 0]], logits: expandDims(x, 0) }),
  sigmoidCrossEntropy: (x, z) => nn.sigmoidCrossEntropyWithLogits({ labels: z, logits: x }),
  weightedCrossEntropy: (x, z) => nn.weightedCrossEntropyWithLogits({ labels: z, logits: x, posWeight: 2 }),
  logPoisson: (x) =>
    nn.logPoissonLoss(
      [
        [0, 1, 2],
        [3, 4, 0.5],
      ],
      x,
      { computeFullLoss: true },
    ),
  crelu: (x) => nn.crelu(x),
  swish: (x) => nn.swish(x),
  l2Normalize: (x) => nn.l2Normalize(x, { axis: 1 }),
  zeroFraction: (_, z) => nn.zeroFraction(z),
  'moments mean': (x) => moments(x).mean,
  'moments variance': (x) => moments(x).variance,
  'weightedMoments mean': (x) => weighted(x).mean,
  'weightedMoments variance': (x) => weighted(x).variance,
  batchNormalization: (x) =>
    nn.batchNormalization(x, {
      mean: [0.1, 0.2, 0.3],
      variance: constant([1, 2, 0.5]),
      offset: [1, 0, -1],
      scale: [2, 1, 0.5],
      varianceEpsilon: 0.001,
    }),
  reduceLogsumexp: (x) => reduceLogsumexp(x, { axis: 1 }),
  reduceProd: (x) => reduceProd(concat([x, [[0, 2, 3]]], 0), { axis: [0, 1] }),
  reduceVariance: (x) => reduceVariance(x, { axis: 1 }),
  reduceStd: (x) => reduceStd(x),
  countNonzero: (_, z) => countNonzero(z, { axis: 1 }),
  clipByNorm: (x) => clipByNorm(x, 1.5, { axes: [1] }),
  clipByValue: (x) => clipByValue(x, -0.6, 1.2),
  clipByAverageNorm: (x) => clipByAverageNorm(x, 0.3),
  globalNorm: (x, z) => clipByGlobalNorm([x, null, z], 2)[1],
  clipByGlobalNorm: (x, z) => clipByGlobalNorm([x, null, z], 2)[0][0] as Tensor,
  'tensordot 1': (x) => tensordot(x, sequence[0]?.slice(0, 3) as number[][], 1),
  'tensordot axes': () =>
    tensordot(depthwise(), image(), [
      [0, 1],
      [0, 3],
    ]),
  norm: (x) => norm(x),
  'norm 1 axis 1': (x) => norm(x, { ord: 1, axis: 1 }),
  'norm inf matrix': (x) => norm(x, { ord: Number.POSITIVE_INFINITY, axis: [0, 1] }),
  'norm 3': (x) => norm(x, { ord: 3, axis: 0 }),
  trace: () =>
    trace([
      [1, 2, 3],
      [4, 5, 6],
    ]),
  eye: () => eye(2, { numColumns: 3, batchShape: [2] }),
  conv1d: () => nn.conv1d(sequence, filters, { stride: 1, padding: 'SAME' }),
  separable: () =>
    nn.separableConv2d(image(), depthwise(), {
      pointwiseFilter: counted([1, 1, 4, 3], 6),
      strides: [1, 1, 1, 1],
      padding: 'VALID',
    }),
  'depthwise rate': () => nn.depthwiseConv2d(image(), depthwise(), { ...same, rate: [2, 2] }),
  atrous: () => nn.atrousConv2d(image(), depthwise(), { rate: 2, padding: 'SAME' }),
  'pool 1-D': () => nn.pool(constant(sequence), { windowShape: [2], poolingType: 'AVG', padding: 'VALID' }),
  embedding: () => nn.embeddingLookup(constant(table), ids),
  'embedding mod': () => nn.embeddingLookup(parts(), ids),
  'embedding div': () => nn.embeddingLookup(parts(), ids, { partitionStrategy: 'div' }),
  'embedding maxNorm': () => nn.embeddingLookup(constant(table), ids, { maxNorm: 3 }),
  xwPlusB: (x) => nn.xwPlusB(x, transpose(P), { biases: [1, -1] }),
  inTopK: (x) => cast(nn.inTopK(x, [0, 2], { k: 2 }), 'int32'),
  'topK grad': (x) => nn.topK(x, { k: 2 }).values,
  cumsum: (x) => cumsum(x, { axis: 1, exclusive: true, reverse: true }),
  fusedBatchNorm: () => nn.fusedBatchNorm(image(), { scale: constant([1, 2]), offset: constant([0.5, -0.5]) })[0],
};

async function check(build: (x: Tensor, z: Tensor) => Tensor, want: NestedArray): Promise<void> {
  const graph = new Graph();
  const [y, feeds] = graph.asDefault(() => {
    const x = placeholder('float32', { shape: [null, 3], name: 'x' });
    const z = placeholder('float32', { shape: [null, 3], name: 'z' });
    const fed = [
      [x, A],
      [z, Z],
    ] as const;
    return [build(x, z), fed] as const;
  });
  const session = new Session({ graph, target, threads: 1 });
  try {
    const got = await session.run(y, feeds);
    expect(got).toBeInstanceOf(NdArray);
    const expected = [want].flat(8).map(Number);
    const actual = got.toNumbers();
    expect(actual).toHaveLength(expected.length);
    for (const [i, e] of expected.entries()) {
      expect(Math.abs((actual[i] as number) - e), `[${i}]: ${actual[i]}, TensorFlow ${e}`).toBeLessThan(
        3e-6 * Math.max(1, Math.abs(e)),
      );
    }
    expect(got.shape).toEqual(shapeOf(want));
  } finally {
    await session.close();
  }
}

function shapeOf(x: NestedArray): number[] {
  return Array.isArray(x) ? [x.length, ...shapeOf(x[0] as NestedArray)] : [];
}

describe('composed functions answer what TensorFlow answers', () => {
  test.each(Object.keys(golden))('%s', async (name) => {
    const base = name.replace('/grad', '');
    const build = functions[base];
    expect(build, base).toBeDefined();
    if (build === undefined) return;
    const ofX = (x: Tensor, z: Tensor): Tensor => gradients(build(x, z), x)[0] as Tensor;
    await check(base === name ? build : ofX, golden[name] as NestedArray);
  });
});
