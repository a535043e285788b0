/** @file Max and average pooling over images, and their gradients. Padding never takes part: not in a maximum, not in a mean. */
import type { Builder, Value, Window } from '@tsflow/xla';
import { dimsOf, dtypeOf } from '@tsflow/xla';
import { UnimplementedError } from '../errors.ts';
import type { Tensor, TensorLike } from '../graph/tensor.ts';
import { type AttrSpecs, type AttrValues, floatType, ints, oneOf, type } from '../op/attr.ts';
import { call } from '../op/call.ts';
import { defineOp } from '../op/defineOp.ts';
import { lowest } from '../op/hlo.ts';
import { uniform, values } from '../op/sample.ts';
import {
  type DataFormat,
  imageAxes,
  requireImage,
  type WindowAttrs,
  type WindowSpec,
  windowCount,
  windowedShape,
  windowPadding,
  windowSpecs,
} from '../op/windowGeometry.ts';
import { type Dims, formatShape, type PartialShape, sameShape } from '../shape.ts';
import { shapeLike, zerosLike } from './array.ts';

type Fail = (text: string) => never;
interface PoolAttrs extends WindowAttrs {
  readonly ksize: readonly number[];
}

const maxPoolTypes = [
  'float16',
  'bfloat16',
  'float32',
  'float64',
  'int32',
  'int64',
  'uint8',
  'int16',
  'int8',
  'uint16',
] as const;

const maxPoolAttrs = {
  T: type(maxPoolTypes, 'float32'),
  ksize: ints(undefined, 4),
  strides: ints(undefined, 4),
  padding: oneOf(['SAME', 'VALID', 'EXPLICIT']),
  explicit_paddings: ints([]),
  data_format: oneOf(['NHWC', 'NCHW'], 'NHWC'),
} as const satisfies AttrSpecs;

const avgPoolAttrs = {
  ksize: ints(undefined, 4),
  strides: ints(undefined, 4),
  padding: oneOf(['SAME', 'VALID']),
  data_format: oneOf(['NHWC', 'NCHW'], 'NHWC'),
  T: floatType,
} as const satisfies AttrSpecs;

function poolSpecs(attrs: PoolAttrs, fail: Fail): readonly [WindowSpec, WindowSpec] {
  const { ksize } = attrs;
  const axes = imageAxes(attrs.data_format as DataFormat);
  const text = `ksize [${ksize.join(', ')}]`;
  if (ksize.length !== 4) fail(`${text} must have 4 entries, one a dimension.`);
  if (ksize[axes.batch] !== 1 || ksize[axes.channels] !== 1)
    fail(`${text} must be 1 in the batch and channel dimensions.`);
  if (ksize.some((k) => k < 1)) fail(`${text} must be at least 1.`);
  const [h, w] = axes.spatial;
  return windowSpecs([ksize[h] as number, ksize[w] as number], attrs, fail);
}

function poolShape(input: PartialShape, attrs: PoolAttrs, fail: Fail): PartialShape {
  const image = requireImage(input, 'input', fail);
  const channels = image === null ? null : (image[imageAxes(attrs.data_format as DataFormat).channels] ?? null);
  return windowedShape(image, poolSpecs(attrs, fail), { format: attrs.data_format, channels, fail });
}

/** The HLO window of a pool over an input of `dims`. */
function poolWindow(dims: Dims, attrs: PoolAttrs, fail: Fail): Window {
  const axes = imageAxes(attrs.data_format as DataFormat);
  const specs = poolSpecs(attrs, fail);
  return dims.map((d, axis) => {
    const i = axes.spatial.indexOf(axis);
    const spec = specs[i];
    const [padLow, padHigh] = spec === undefined ? [0, 0] : windowPadding(d, spec);
    return {
      size: spec?.size ?? 1,
      stride: spec?.stride ?? 1,
      padLow,
      padHigh,
      baseDilation: 1,
      windowDilation: 1,
      reversal: false,
    };
  });
}

/** How many elements of the input each window covers: constant along batch and channels. */
function windowCounts(
  dims: Dims,
  attrs: PoolAttrs,
  fail: Fail,
): { readonly height: number[]; readonly width: number[] } {
  const axes = imageAxes(attrs.data_format as DataFormat);
  const specs = poolSpecs(attrs, fail);
  const counts = (i: 0 | 1): number[] => {
    const input = dims[axes.spatial[i]] as number;
    const [low] = windowPadding(input, specs[i]);
    return Array.from({ length: windowCount(input, specs[i]) as number }, (_, o) => {
      const start = o * specs[i].stride - low;
      return Math.min(input, start + specs[i].size) - Math.max(0, start);
    });
  };
  return { height: counts(0), width: counts(1) };
}

/** x divided by the number of elements under each window; `inputDims` are those of the pool's input, x has its output's. */
function divideByCounts(b: Builder, x: Value, options: { inputDims: Dims; attrs: PoolAttrs; fail: Fail }): Value {
  const { height, width } = windowCounts(options.inputDims, options.attrs, options.fail);
  const dims = dimsOf(x);
  const dtype = dtypeOf(x);
  const [h, w] = imageAxes(options.attrs.data_format as DataFormat).spatial;
  const full = Math.max(...height) * Math.max(...width);
  const uniformCount = height.every((c) => c === height[0]) && width.every((c) => c === width[0]);
  if (uniformCount) return b.divide(x, b.full(full, dtype, dims));
  const table = Float64Array.from(height.flatMap((a) => width.map((c) => a * c)));
  const counts = b.convert(b.array(table, 'f64', [height.length, width.length]), dtype);
  return b.divide(x, b.broadcast(counts, dims, [h, w]));
}

// The records differentiate into each other; these make the nodes.
function maxPoolGrad(
  { x, y, dy }: { readonly x: Tensor; readonly y: Tensor; readonly dy: Tensor },
  attrs: AttrValues<typeof maxPoolAttrs>,
): Tensor {
  return call(MaxPoolGrad, { orig_input: x, orig_output: y, grad: dy }, { attrs }).output;
}
function maxPoolGradGrad(
  { x, y, ddx }: { readonly x: Tensor; readonly y: Tensor; readonly ddx: Tensor },
  { ksize, strides, padding, data_format }: AttrValues<typeof maxPoolAttrs>,
): Tensor {
  if (padding === 'EXPLICIT') {
    throw new UnimplementedError(
      "second derivatives of max-pooling exist for padding 'SAME' and 'VALID', not 'EXPLICIT'.",
      {
        opType: 'MaxPoolGrad',
      },
    );
  }
  const attrs = { ksize, strides, padding, data_format };
  return call(MaxPoolGradGrad, { orig_input: x, orig_output: y, grad: ddx }, { attrs }).output;
}
function avgPoolGrad(inputShape: Tensor, dy: Tensor, attrs: AttrValues<typeof avgPoolAttrs>): Tensor {
  return call(AvgPoolGrad, { orig_input_shape: inputShape, grad: dy }, { attrs }).output;
}
function averagePool(value: Tensor, attrs: AttrValues<typeof avgPoolAttrs>): Tensor {
  return call(AvgPool, { value }, { attrs }).output;
}

/** TF op MaxPool. */
export const MaxPool = defineOp('MaxPool', {
  inputs: ['input'],
  outputs: ['output'],
  attrs: maxPoolAttrs,
  shape: ({ input }, { attrs, fail }) => ({ output: poolShape(input, attrs, fail) }),
  grad: ({ input, output }, { output: dy }, { attrs }) => ({
    input: maxPoolGrad({ x: input, y: output, dy }, attrs),
  }),
  lower: (b, { input }, { attrs, fail }) => {
    const dtype = dtypeOf(input);
    const window = poolWindow(dimsOf(input), attrs, fail);
    return { output: b.reduceWindow(input, b.scalar(lowest(dtype), dtype), window, b.reducer('maximum', dtype)) };
  },
  sample: [
    {
      inputs: { input: uniform([2, 5, 6, 3]) },
      attrs: { ksize: [1, 2, 3, 1], strides: [1, 2, 2, 1], padding: 'SAME' },
    },
    {
      inputs: { input: uniform([1, 2, 5, 5]) },
      attrs: { ksize: [1, 1, 3, 3], strides: [1, 1, 1, 1], padding: 'VALID', data_format: 'NCHW' },
    },
  ],
});

/** TF op MaxPoolGrad: each window's gradient goes to its first maximum in row-major order. */
export const MaxPoolGrad = defineOp('MaxPoolGrad', {
  inputs: ['orig_input', 'orig_output', 'grad'],
  outputs: ['output'],
  attrs: maxPoolAttrs,
  shape: ({ orig_input: x, orig_output: y, grad: dy }, { attrs, fail }) => {
    const expected = poolShape(x, attrs, fail);
    checkPooled('orig_output', y, { expected, input: x, fail });
    checkPooled('grad', dy, { expected, input: x, fail });
    return { output: x };
  },
  grad: ({ orig_input: x, orig_output: y }, { output: ddx }, { attrs }) => ({
    orig_input: zerosLike(x),
    orig_output: zerosLike(y),
    grad: maxPoolGradGrad({ x, y, ddx }, attrs),
  }),
  lower: (b, { orig_input: x, grad: dy }, { attrs, fail }) => {
    const dtype = dtypeOf(x);
    return {
      output: b.selectAndScatter(x, dy, b.scalar(0, dtype), {
        window: poolWindow(dimsOf(x), attrs, fail),
        select: b.computation(
          'greaterOrEqual',
          [
            { kind: 'array', dtype, dims: [] },
            { kind: 'array', dtype, dims: [] },
          ],
          (c, p, q) => c.compare('GE', p as Value, q as Value),
        ),
        scatter: b.reducer('add', dtype),
      }),
    };
  },
  sample: {
    inputs: { orig_input: uniform([2, 5, 6, 3]), orig_output: uniform([2, 3, 3, 3]), grad: uniform([2, 3, 3, 3]) },
    attrs: { ksize: [1, 2, 3, 1], strides: [1, 2, 2, 1], padding: 'SAME' },
    grad: false, // orig_output is no free input: it follows from orig_input
  },
});

/** TF op MaxPoolGradGrad: picks, for each window, the element of `grad` that stands where the maximum was. */
export const MaxPoolGradGrad = defineOp('MaxPoolGradGrad', {
  inputs: ['orig_input', 'orig_output', 'grad'],
  outputs: ['output'],
  attrs: {
    ksize: ints(undefined, 4),
    strides: ints(undefined, 4),
    padding: oneOf(['SAME', 'VALID']),
    data_format: oneOf(['NHWC', 'NCHW'], 'NHWC'),
    T: type(maxPoolTypes),
  },
  shape: ({ orig_input: x, orig_output: y }, { attrs, fail }) => {
    const expected = poolShape(x, attrs, fail);
    checkPooled('orig_output', y, { expected, input: x, fail });
    return { output: expected };
  },
  grad: null,
  lower: (b, { orig_input: x, grad: ddx }, { attrs, fail }) => ({
    output: pickAtMaximum(b, { x, picked: ddx, attrs, fail }),
  }),
  sample: {
    inputs: { orig_input: uniform([2, 5, 6, 3]), orig_output: uniform([2, 3, 3, 3]), grad: uniform([2, 5, 6, 3]) },
    attrs: { ksize: [1, 2, 3, 1], strides: [1, 2, 2, 1], padding: 'SAME' },
  },
});

/** Walks the window's offsets in row-major order, keeping the picked value of the first maximum. */
function pickAtMaximum(
  b: Builder,
  { x, picked, attrs, fail }: { x: Value; picked: Value; attrs: PoolAttrs; fail: Fail },
): Value {
  const dims = dimsOf(x);
  const window = poolWindow(dims, attrs, fail);
  const least = b.scalar(lowest(dtypeOf(x)), dtypeOf(x));
  const shifts = offsets(window.map((w) => w.size));
  const at = (value: Value, fill: Value, offset: readonly number[]): Value => {
    const padding = window.map((w) => ({ low: w.padLow, high: Math.max(0, w.padHigh), interior: 0 }));
    const padded = b.pad(value, fill, padding);
    const count = window.map(
      (w, i) => Math.floor(((dims[i] as number) + w.padLow + w.padHigh - w.size) / w.stride) + 1,
    );
    const limits = window.map((w, i) => (offset[i] as number) + ((count[i] as number) - 1) * w.stride + 1);
    return b.slice(
      padded,
      offset,
      limits,
      window.map((w) => w.stride),
    );
  };
  const zero = b.scalar(0, dtypeOf(picked));
  let best: Value | undefined;
  let answer: Value | undefined;
  for (const offset of shifts) {
    const value = at(x, least, offset);
    const candidate = at(picked, zero, offset);
    const better = best === undefined ? undefined : b.compare('GT', value, best);
    answer = better === undefined ? candidate : b.select(better, candidate, answer as Value);
    best = better === undefined ? value : b.select(better, value, best as Value);
  }
  return answer as Value;
}

/** All index tuples below `sizes`, row-major. */
function offsets(sizes: readonly number[]): number[][] {
  return sizes.reduce<number[][]>(
    (prefixes, n) => prefixes.flatMap((p) => Array.from({ length: n }, (_, i) => [...p, i])),
    [[]],
  );
}

function checkPooled(
  name: string,
  given: PartialShape,
  context: { expected: PartialShape; input: PartialShape; fail: Fail },
): void {
  const { expected, input, fail } = context;
  if (given === null || expected === null) return;
  const fits =
    given.length === expected.length && given.every((d, i) => d === null || expected[i] === null || d === expected[i]);
  if (!fits && !sameShape(given, expected)) {
    fail(
      `${name} is ${formatShape(given)}, but pooling an input of ${formatShape(input)} gives ${formatShape(expected)}.`,
    );
  }
}

/** TF op AvgPool: the mean over the elements of the input under the window. */
export const AvgPool = defineOp('AvgPool', {
  inputs: ['value'],
  outputs: ['output'],
  attrs: avgPoolAttrs,
  shape: ({ value }, { attrs, fail }) => ({ output: poolShape(value, attrs, fail) }),
  grad: ({ value }, { output: dy }, { attrs }) => ({
    value: avgPoolGrad(shapeLike(value), dy, attrs),
  }),
  lower: (b, { value }, { attrs, fail }) => {
    const dtype = dtypeOf(value);
    const inputDims = dimsOf(value);
    const sums = b.reduceWindow(value, b.scalar(0, dtype), poolWindow(inputDims, attrs, fail), b.reducer('add', dtype));
    return { output: divideByCounts(b, sums, { inputDims, attrs, fail }) };
  },
  sample: [
    {
      inputs: { value: uniform([2, 5, 6, 3]) },
      attrs: { ksize: [1, 2, 3, 1], strides: [1, 2, 2, 1], padding: 'SAME' },
    },
    {
      inputs: { value: uniform([1, 2, 6, 5]) },
      attrs: { ksize: [1, 1, 3, 2], strides: [1, 1, 2, 2], padding: 'VALID', data_format: 'NCHW' },
    },
  ],
});

/** TF op AvgPoolGrad: every element of a window receives an equal share. */
export const AvgPoolGrad = defineOp('AvgPoolGrad', {
  inputs: ['orig_input_shape: int32', 'grad'],
  outputs: ['output'],
  attrs: avgPoolAttrs,
  shape: ({ grad: dy }, { attrs, fail, constantShape }) => {
    const input = constantShape('orig_input_shape');
    const expected = poolShape(input, attrs, fail);
    checkPooled('grad', dy, { expected, input, fail });
    return { output: input ?? [null, null, null, null] };
  },
  grad: (_, { output: ddx }, { attrs }) => ({
    orig_input_shape: null,
    grad: averagePool(ddx, attrs),
  }),
  lower: (b, { grad: dy }, { attrs, fail, dims }) => {
    const inputDims = dims('output');
    const dtype = dtypeOf(dy);
    const shares = divideByCounts(b, dy, { inputDims, attrs, fail });
    const window = spreadWindow(inputDims, attrs, fail);
    return { output: b.reduceWindow(shares, b.scalar(0, dtype), window, b.reducer('add', dtype)) };
  },
  sample: [
    {
      inputs: { orig_input_shape: values([2, 5, 6, 3], 'int32'), grad: uniform([2, 3, 3, 3]) },
      attrs: { ksize: [1, 2, 3, 1], strides: [1, 2, 2, 1], padding: 'SAME' },
    },
    {
      inputs: { orig_input_shape: values([1, 6, 6, 2], 'int32'), grad: uniform([1, 3, 3, 2]) },
      attrs: { ksize: [1, 2, 2, 1], strides: [1, 2, 2, 1], padding: 'VALID' },
    },
  ],
});

/** The window that adds up, for each input element, the shares of all windows that cover it: over dy spread out by the stride. */
function spreadWindow(inputDims: Dims, attrs: PoolAttrs, fail: Fail): Window {
  return poolWindow(inputDims, attrs, fail).map((w, axis) => {
    const input = inputDims[axis] as number;
    const count = Math.floor((input + w.padLow + w.padHigh - w.size) / w.stride) + 1;
    const padLow = w.size - 1 - w.padLow;
    const padHigh = input + w.size - 1 - ((count - 1) * w.stride + 1) - padLow;
    return { size: w.size, stride: 1, padLow, padHigh, baseDilation: w.stride, windowDilation: 1, reversal: false };
  });
}

/** Options of the pooling functions. */
export interface PoolOptions {
  /** Window size, one number a dimension of the input; 1 for batch and channels. */
  readonly ksize: readonly number[];
  readonly strides: readonly number[];
  readonly padding: 'SAME' | 'VALID' | 'same' | 'valid';
  /** Default 'NHWC'. */
  readonly dataFormat?: DataFormat;
  readonly name?: string;
}

function poolAttrsOf({ ksize, strides, padding, dataFormat }: PoolOptions) {
  const upper = padding.toUpperCase() as 'SAME' | 'VALID';
  return { ksize, strides, padding: upper, ...(dataFormat === undefined ? {} : { data_format: dataFormat }) };
}

/** Maximum over windows of `value` [batch, height, width, channels]. TF: tf.nn.max_pool. */
export function maxPool(value: TensorLike, options: PoolOptions): Tensor {
  return call(MaxPool, { input: value }, { attrs: poolAttrsOf(options), name: options.name }).output;
}

/** Mean over windows of `value` [batch, height, width, channels], padding not counted. TF: tf.nn.avg_pool. */
export function avgPool(value: TensorLike, options: PoolOptions): Tensor {
  return call(AvgPool, { value }, { attrs: poolAttrsOf(options), name: options.name }).output;
}
