/**
 * @file The benchmark cases as data: names, shapes, work per call and how a timed run is made.
 *
 * Every program that measures (tsflow, the JavaScript peers, the Python peers, which get it as JSON) reads its
 * case from here, so that all of them compute the same thing. Adding a case is one record and one branch in each program.
 */

/** Time units of a measurement. */
export type TimeUnit = 's' | 'ms' | 'us';

/** What the element-wise family computes. */
export type ElementwiseOp = 'chain' | 'softmax' | 'sum-axis0' | 'sum-axis1' | 'transpose' | 'topk8' | 'layernorm';

/** What a case computes; layouts are each peer's own. */
export type Spec =
  | { readonly kind: 'gemm'; readonly n: number }
  | { readonly kind: 'mnist-train'; readonly batch: number; readonly learningRate: number }
  | { readonly kind: 'mnist-infer'; readonly batch: number }
  | {
      readonly kind: 'mlp-train';
      readonly batch: number;
      readonly layers: readonly [number, number, number];
      readonly learningRate: number;
      readonly feedDict: boolean;
    }
  | {
      readonly kind: 'logistic-train';
      readonly batch: number;
      readonly features: number;
      readonly learningRate: number;
      readonly feedDict: boolean;
    }
  | { readonly kind: 'elementwise'; readonly op: ElementwiseOp; readonly shapes: readonly (readonly number[])[] }
  | {
      readonly kind: 'conv';
      readonly batch: number;
      readonly size: number;
      readonly input: number;
      readonly output: number;
      readonly kernel: number;
      readonly groups: number;
    };

/** One benchmark case. */
export interface Case {
  readonly name: string;
  readonly spec: Spec;
  readonly unit: TimeUnit;
  /** Calls per timed run; figures are divided by it. */
  readonly inner: number;
  /** Calls before timing (compilation is among them). */
  readonly warm: number;
  /** Floating-point operations or bytes of one call. */
  readonly work: number;
  readonly rateUnit: 'GFLOP/s' | 'GB/s';
}

/** The pseudo case that measures the machine itself. */
export const limitsCase = 'limits';

const flops = { unit: 'ms', inner: 1, warm: 2, rateUnit: 'GFLOP/s' } as const;

/** Multiply-adds of the MNIST network's forward pass for one image: conv 5×5×32, conv 5×5×64, dense 1024, dense 10. */
const mnistMacs = { conv1: 28 * 28 * 32 * 25, conv2: 14 * 14 * 64 * 25 * 32, dense: 3136 * 1024 + 1024 * 10 };
const mnistForward = 2 * (mnistMacs.conv1 + mnistMacs.conv2 + mnistMacs.dense);

const gemm = (n: number): Case => ({
  ...flops,
  name: `gemm-${n}`,
  spec: { kind: 'gemm', n },
  inner: n <= 256 ? 20 : 1,
  work: 2 * n ** 3,
});

const mnistInfer = (batch: number): Case => ({
  ...flops,
  name: `mnist-cnn-infer-b${batch}`,
  spec: { kind: 'mnist-infer', batch },
  warm: 3,
  work: batch * mnistForward,
});

/** Forward, backward without the image's gradient, update: three passes less one through the first convolution. */
const mnistTrain = (batch: number): Case => ({
  ...flops,
  name: 'mnist-cnn-train',
  spec: { kind: 'mnist-train', batch, learningRate: 1e-4 },
  work: batch * (3 * mnistForward - 2 * mnistMacs.conv1),
});

function mlpTrain(feedDict: boolean): Case {
  const [inputs, hidden, classes] = [784, 128, 10];
  const batch = 32;
  return {
    name: `mlp-train${feedDict ? '-run' : ''}`,
    spec: { kind: 'mlp-train', batch, layers: [inputs, hidden, classes], learningRate: 0.1, feedDict },
    unit: 'us',
    inner: 200,
    warm: 20,
    work: 2 * batch * (2 * inputs * hidden + 3 * hidden * classes),
    rateUnit: 'GFLOP/s',
  };
}

function logisticTrain(feedDict: boolean): Case {
  const [batch, features] = [32, 20];
  return {
    name: `logistic-train${feedDict ? '-run' : ''}`,
    spec: { kind: 'logistic-train', batch, features, learningRate: 0.1, feedDict },
    unit: 'us',
    inner: 500,
    warm: 20,
    work: 2 * batch * 2 * features,
    rateUnit: 'GFLOP/s',
  };
}

const size = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);

/** `passes`: how often the first operand's bytes must cross the memory bus (1: read, 2: read and written). */
const elementwise = (op: ElementwiseOp, passes: number, shapes: readonly (readonly number[])[]): Case => ({
  name: `elementwise-${op}-${shapes[0]?.length === 1 ? '10M' : shapes[0]?.join('x')}`,
  spec: { kind: 'elementwise', op, shapes },
  unit: 'ms',
  inner: 1,
  warm: 2,
  work: passes * 4 * size(shapes[0] ?? []),
  rateUnit: 'GB/s',
});

type ConvShape = Omit<Extract<Spec, { kind: 'conv' }>, 'kind' | 'batch'>;

const convShapes: readonly ConvShape[] = [
  { kernel: 3, size: 56, input: 64, output: 64, groups: 1 },
  { kernel: 3, size: 28, input: 128, output: 128, groups: 1 },
  { kernel: 3, size: 14, input: 256, output: 256, groups: 1 },
  { kernel: 3, size: 7, input: 512, output: 512, groups: 1 },
  { kernel: 1, size: 56, input: 64, output: 256, groups: 1 },
  { kernel: 3, size: 112, input: 32, output: 32, groups: 32 },
];

function conv(batch: number, shape: ConvShape): Case {
  const { kernel, size, input, output, groups } = shape;
  const depthwise = groups > 1;
  const channels = depthwise ? `${input}` : `${input}-${output}`;
  return {
    ...flops,
    name: `conv-${depthwise ? 'dw' : ''}${kernel}x${kernel}-${size}x${size}x${channels}-b${batch}`,
    spec: { kind: 'conv', batch, ...shape },
    inner: batch === 1 ? 5 : 1,
    work: 2 * batch * size ** 2 * output * (input / groups) * kernel ** 2,
  };
}

/** Every case, in the order in which `all` runs them. */
export const cases: readonly Case[] = [
  ...[256, 1024, 2048].map(gemm),
  mnistTrain(100),
  ...[1, 100].map(mnistInfer),
  ...[false, true].map(mlpTrain),
  ...[false, true].map(logisticTrain),
  elementwise('chain', 2, [[10_000_000]]),
  elementwise('softmax', 2, [[1000, 10000]]),
  elementwise('sum-axis0', 1, [[4096, 4096]]),
  elementwise('sum-axis1', 1, [[4096, 4096]]),
  elementwise('transpose', 2, [[4096, 4096]]),
  elementwise('topk8', 1, [[1000, 10000]]),
  elementwise('layernorm', 2, [[4096, 1024], [1024], [1024]]),
  ...[1, 8].flatMap((batch) => convShapes.map((shape) => conv(batch, shape))),
];

/** What the command line selects: cases in their own order, and whether the machine's limits are asked for by name. */
export interface Selection {
  readonly cases: readonly Case[];
  readonly limits: boolean;
}

/**
 * Cases named by `names`: exact names, prefixes up to a dash (`gemm`, `mnist-cnn-infer`), `limits`, or `all`.
 * @throws Error naming what is unknown and what exists.
 */
export function selectCases(names: readonly string[]): Selection {
  const chosen = new Set<Case>();
  let limits = false;
  for (const name of names) {
    const found = cases.filter((c) => name === 'all' || c.name === name || c.name.startsWith(`${name}-`));
    if (found.length === 0 && name !== limitsCase) {
      throw new Error(
        `unknown case "${name}". Cases: all, ${limitsCase}, ${cases.map((c) => c.name).join(', ')}; a prefix such as "gemm" or "conv" runs its family.`,
      );
    }
    limits ||= name === limitsCase || name === 'all';
    for (const c of found) chosen.add(c);
  }
  return { cases: cases.filter((c) => chosen.has(c)), limits };
}

/** The case of that exact name. */
export function caseNamed(name: string): Case {
  const found = cases.find((c) => c.name === name);
  if (!found) throw new Error(`unknown case "${name}". Cases: ${cases.map((c) => c.name).join(', ')}.`);
  return found;
}
