/** @file Shape rules of reductions, windows, dot, convolution, sort, top-k and random bits. */
import type { ShapeRules } from './infer.ts';
import {
  array,
  checkArity,
  checkAscending,
  checkDim,
  checkDims,
  checkDistinctDims,
  checkLength,
  checkSignature,
  checkThat,
  scalarOf,
} from './inferCheck.ts';
import type { ConvDimensionNumbers, Window, WindowDim } from './opcodes.ts';
import { type ArrayShape, arrayShape, type Shape, sameDims, sameShape, shapeText, tupleShape } from './shape.ts';

type ComputeOpcode =
  | 'reduce'
  | 'reduce-window'
  | 'select-and-scatter'
  | 'dot'
  | 'convolution'
  | 'sort'
  | 'top-k'
  | 'rng-bit-generator';

const pred: Shape = arrayShape('pred', []);

/** Number of window positions along a dimension of `size` elements. */
export function windowOutputSize(size: number, w: WindowDim): number {
  const dilated = size === 0 ? 0 : (size - 1) * w.baseDilation + 1;
  const padded = dilated + w.padLow + w.padHigh;
  const extent = (w.size - 1) * w.windowDilation + 1;
  return padded < extent ? 0 : Math.floor((padded - extent) / w.stride) + 1;
}

function checkWindow(window: Window, rank: number): void {
  checkLength(window, rank, 'window');
  for (const [i, w] of window.entries()) {
    const positive = [w.size, w.stride, w.baseDilation, w.windowDilation].every((v) => Number.isInteger(v) && v >= 1);
    const ok = positive && Number.isInteger(w.padLow) && Number.isInteger(w.padHigh);
    checkThat(
      ok,
      () =>
        `window dimension ${i} has size ${w.size}, stride ${w.stride}, dilations ${w.baseDilation} and ${w.windowDilation}, padding (${w.padLow}, ${w.padHigh}); all must be whole and all but padding ≥ 1.`,
    );
  }
}

/** A window over every dimension of x → dims of its positions. */
function slide(x: ArrayShape, window: Window): number[] {
  checkWindow(window, x.dims.length);
  checkThat(
    window.every((w) => !w.reversal),
    () => 'window reversal has a meaning in convolution only.',
  );
  return x.dims.map((d, i) => windowOutputSize(d, window[i] as WindowDim));
}

function checkInit(init: ArrayShape, x: ArrayShape): void {
  checkThat(sameShape(init, scalarOf(x)), () => `init is ${shapeText(init)}, a scalar ${x.dtype}[] is needed.`);
}

export const computeRules: ShapeRules<ComputeOpcode> = {
  reduce(operands, { dimensions, computation }) {
    const n = operands.length / 2;
    checkThat(
      Number.isInteger(n) && n >= 1,
      () => `it has ${operands.length} operands; n arrays and n inits are needed.`,
    );
    const arrays = operands.slice(0, n).map((_, i) => array(operands, i));
    const x = arrays[0] as ArrayShape;
    for (const [i, y] of arrays.entries()) {
      checkThat(sameDims(x.dims, y.dims), () => `operands have different dims: ${shapeText(x)} and ${shapeText(y)}.`);
      checkInit(array(operands, n + i), y);
    }
    checkDistinctDims(dimensions, x.dims.length, 'dimensions');
    checkAscending(dimensions, 'dimensions');
    const scalars = arrays.map(scalarOf);
    const result = n === 1 ? (scalars[0] as Shape) : tupleShape(scalars);
    checkSignature(computation, [...scalars, ...scalars], result, 'computation');
    const dims = x.dims.filter((_, i) => !dimensions.includes(i));
    const results = arrays.map((y) => arrayShape(y.dtype, dims));
    return n === 1 ? (results[0] as Shape) : tupleShape(results);
  },
  'reduce-window'(operands, { window, computation }) {
    checkArity(operands, 2);
    const x = array(operands, 0);
    checkInit(array(operands, 1), x);
    const s = scalarOf(x);
    checkSignature(computation, [s, s], s, 'computation');
    return arrayShape(x.dtype, slide(x, window));
  },
  'select-and-scatter'(operands, { window, select, scatter }) {
    checkArity(operands, 3);
    const [x, source] = [array(operands, 0), array(operands, 1)];
    checkInit(array(operands, 2), x);
    const s = scalarOf(x);
    checkSignature(select, [s, s], pred, 'select');
    checkSignature(scatter, [s, s], s, 'scatter');
    checkThat(
      window.every((w) => w.baseDilation === 1),
      () => 'base dilation is not supported; use 1.',
    );
    const want = arrayShape(x.dtype, slide(x, window));
    checkThat(
      sameShape(source, want),
      () => `the source is ${shapeText(source)}, but the window has positions ${shapeText(want)}.`,
    );
    return x;
  },
  dot(operands, { dimensionNumbers }) {
    checkArity(operands, 2);
    const [a, b] = [array(operands, 0), array(operands, 1)];
    const { lhsBatch, rhsBatch, lhsContracting, rhsContracting } = dimensionNumbers;
    checkThat(
      a.dtype === b.dtype && a.dtype !== 'pred',
      () => `operands are ${shapeText(a)} and ${shapeText(b)}; two of one number type are needed.`,
    );
    checkDistinctDims([...lhsBatch, ...lhsContracting], a.dims.length, 'lhs batch and contracting dimensions');
    checkDistinctDims([...rhsBatch, ...rhsContracting], b.dims.length, 'rhs batch and contracting dimensions');
    checkPairs(a, b, [lhsBatch, rhsBatch], 'batch');
    checkPairs(a, b, [lhsContracting, rhsContracting], 'contracting');
    const free = (x: ArrayShape, used: readonly number[]) => x.dims.filter((_, i) => !used.includes(i));
    return arrayShape(a.dtype, [
      ...lhsBatch.map((d) => a.dims[d] as number),
      ...free(a, [...lhsBatch, ...lhsContracting]),
      ...free(b, [...rhsBatch, ...rhsContracting]),
    ]);
  },
  convolution(operands, { window, dimensionNumbers: d, featureGroupCount: groups, batchGroupCount: batchGroups }) {
    checkArity(operands, 2);
    const [x, w] = [array(operands, 0), array(operands, 1)];
    checkThat(
      x.dtype === w.dtype && x.dtype !== 'pred',
      () => `operands are ${shapeText(x)} and ${shapeText(w)}; two of one number type are needed.`,
    );
    checkConvDims(d, x, w, window);
    const [batch, features] = [x.dims[d.inputBatch] as number, x.dims[d.inputFeature] as number];
    const [kernelIn, out] = [w.dims[d.kernelInputFeature] as number, w.dims[d.kernelOutputFeature] as number];
    checkThat(
      Number.isInteger(groups) && groups >= 1 && Number.isInteger(batchGroups) && batchGroups >= 1,
      () => `featureGroupCount ${groups} and batchGroupCount ${batchGroups} must be ≥ 1.`,
    );
    checkThat(
      groups === 1 || batchGroups === 1,
      () => `featureGroupCount ${groups} and batchGroupCount ${batchGroups} cannot both be > 1.`,
    );
    checkThat(
      kernelIn * groups === features,
      () =>
        `the input ${shapeText(x)} has ${features} features, the kernel ${shapeText(w)} takes ${kernelIn} × ${groups} groups.`,
    );
    checkThat(
      out % groups === 0 && out % batchGroups === 0,
      () => `${out} output features of ${shapeText(w)} do not divide into ${Math.max(groups, batchGroups)} groups.`,
    );
    checkThat(
      batch % batchGroups === 0,
      () => `batch ${batch} of ${shapeText(x)} does not divide into ${batchGroups} batch groups.`,
    );
    const dims = new Array<number>(x.dims.length).fill(0);
    dims[d.outputBatch] = batch / batchGroups;
    dims[d.outputFeature] = out;
    for (const [i, at] of d.outputSpatial.entries()) {
      dims[at] = windowOutputSize(x.dims[d.inputSpatial[i] as number] as number, window[i] as WindowDim);
    }
    return arrayShape(x.dtype, dims);
  },
  sort(operands, { dimension, comparator }) {
    const arrays = operands.map((_, i) => array(operands, i));
    const x = array(operands, 0);
    for (const y of arrays)
      checkThat(sameDims(x.dims, y.dims), () => `operands have different dims: ${shapeText(x)} and ${shapeText(y)}.`);
    checkDim(dimension, x.dims.length, 'dimension');
    checkSignature(
      comparator,
      arrays.flatMap((y) => [scalarOf(y), scalarOf(y)]),
      pred,
      'comparator',
    );
    return arrays.length === 1 ? x : tupleShape(arrays);
  },
  'top-k'(operands, { k }) {
    checkArity(operands, 1);
    const x = array(operands, 0);
    const last = x.dims.at(-1);
    checkThat(
      last !== undefined && Number.isInteger(k) && k >= 0 && k <= last,
      () => `k is ${k}, but the last dimension of ${shapeText(x)} has ${last ?? 'no'} elements.`,
    );
    const dims = x.dims.with(-1, k);
    return tupleShape([arrayShape(x.dtype, dims), arrayShape('s32', dims)]);
  },
  'rng-bit-generator'(operands, { dtype, dims }) {
    checkArity(operands, 1);
    const state = array(operands, 0);
    checkThat(
      sameShape(state, arrayShape('u64', [2])),
      () => `the state is ${shapeText(state)}, u64[2] (key, counter) is needed.`,
    );
    checkDims(dims);
    return tupleShape([state, arrayShape(dtype, dims)]);
  },
};

function checkPairs(
  a: ArrayShape,
  b: ArrayShape,
  [da, db]: readonly [readonly number[], readonly number[]],
  what: string,
): void {
  checkThat(
    da.length === db.length,
    () => `${what} dimensions [${da.join(',')}] and [${db.join(',')}] differ in number.`,
  );
  for (const [i, d] of da.entries()) {
    const [m, n] = [a.dims[d], b.dims[db[i] as number]];
    checkThat(
      m === n,
      () =>
        `${what} dimensions differ: dimension ${d} of ${shapeText(a)} is ${m}, dimension ${db[i]} of ${shapeText(b)} is ${n}.`,
    );
  }
}

function checkConvDims(d: ConvDimensionNumbers, x: ArrayShape, w: ArrayShape, window: Window): void {
  const rank = x.dims.length;
  checkThat(
    rank >= 2 && w.dims.length === rank,
    () => `operands ${shapeText(x)} and ${shapeText(w)} must have one rank ≥ 2.`,
  );
  checkWindow(window, rank - 2);
  const parts: readonly [readonly number[], string][] = [
    [[d.inputBatch, d.inputFeature, ...d.inputSpatial], 'input dimensions (batch, feature, spatial)'],
    [
      [d.kernelInputFeature, d.kernelOutputFeature, ...d.kernelSpatial],
      'kernel dimensions (input feature, output feature, spatial)',
    ],
    [[d.outputBatch, d.outputFeature, ...d.outputSpatial], 'output dimensions (batch, feature, spatial)'],
  ];
  for (const [dims, what] of parts) {
    checkLength(dims, rank, what);
    checkDistinctDims(dims, rank, what);
  }
  for (const [i, at] of d.kernelSpatial.entries()) {
    checkThat(
      w.dims[at] === window[i]?.size,
      () => `window dimension ${i} has size ${window[i]?.size}, kernel ${shapeText(w)} has ${w.dims[at]} there.`,
    );
  }
}
