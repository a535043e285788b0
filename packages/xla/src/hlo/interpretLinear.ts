/**
 * @file Dot and convolution of the interpreter. Floats are multiplied and summed in double and rounded once; integers are exact
 * modulo their width. Both are brought to one canonical form first, in which the summed index runs fastest.
 */

import { shapeOf } from './graph.ts';
import { windowOutputSize } from './inferCompute.ts';
import { type Element, isBig } from './interpretScalar.ts';
import { type ArrayRules, operandAt } from './interpretTypes.ts';
import type { Literal, Storage } from './literal.ts';
import { decoder, encoder, zeroLiteral } from './literals.ts';
import type { ConvDimensionNumbers, Window, WindowDim } from './opcodes.ts';
import { type ElementType, elementCount, isFloat, rowMajorStrides } from './shape.ts';
import { copyStrided, denseView, forEachIndex } from './strided.ts';

type Numbers = Float64Array | BigInt64Array;

/** Decoded elements in the order of `permutation`. */
function arranged({ data, shape }: Literal, permutation: readonly number[]): Numbers {
  const strides = rowMajorStrides(shape.dims);
  const dims = permutation.map((d) => shape.dims[d] as number);
  const decode = decoder(shape.dtype);
  const plain: Storage = isBig(shape.dtype) ? new BigInt64Array(data.length) : new Float64Array(data.length);
  for (let i = 0; i < data.length; i++) plain[i] = decode(data[i] as Element);
  const out = plain.slice();
  copyStrided(
    dims,
    { data: plain, offset: 0, strides: permutation.map((d) => strides[d] as number) },
    denseView(out, dims),
  );
  return out;
}

/** Σ a[aFrom + i] · b[bFrom + i] for i < n, added to `sum`. */
type Accumulate = (sum: Element, a: Numbers, aFrom: number, b: Numbers, bFrom: number, n: number) => Element;

function accumulateFloat(sum: Element, a: Numbers, aFrom: number, b: Numbers, bFrom: number, n: number): Element {
  let s = sum as number;
  for (let i = 0; i < n; i++) s += (a[aFrom + i] as number) * (b[bFrom + i] as number);
  return s;
}

/** Exact modulo 2^32, so also modulo the width of any narrower type. */
function accumulateInt(sum: Element, a: Numbers, aFrom: number, b: Numbers, bFrom: number, n: number): Element {
  let s = sum as number;
  for (let i = 0; i < n; i++) s = (s + Math.imul(a[aFrom + i] as number, b[bFrom + i] as number)) | 0;
  return s;
}

function accumulateBig(sum: Element, a: Numbers, aFrom: number, b: Numbers, bFrom: number, n: number): Element {
  let s = sum as bigint;
  for (let i = 0; i < n; i++) s += (a[aFrom + i] as bigint) * (b[bFrom + i] as bigint);
  return BigInt.asIntN(64, s);
}

function accumulator(dtype: ElementType): { readonly add: Accumulate; readonly zero: Element } {
  if (isBig(dtype)) return { add: accumulateBig, zero: 0n };
  return { add: isFloat(dtype) ? accumulateFloat : accumulateInt, zero: 0 };
}

const without = (rank: number, used: readonly number[]): number[] =>
  Array.from({ length: rank }, (_, i) => i).filter((i) => !used.includes(i));

const product = (dims: readonly number[], which: readonly number[]): number =>
  which.reduce((n, d) => n * (dims[d] as number), 1);

/** One window position: where its input elements start and which kernel taps they meet. */
interface Taps {
  readonly input: readonly number[];
  readonly kernel: readonly number[];
}

/** For every output position, the taps that fall on real input elements (not on padding, not on holes of dilation). */
function tapsOf(inputDims: readonly number[], window: Window): Taps[] {
  const outputDims = inputDims.map((d, i) => windowOutputSize(d, window[i] as WindowDim));
  const sizes = window.map((w) => w.size);
  const strides = rowMajorStrides(inputDims);
  const all: Taps[] = [];
  forEachIndex(outputDims, (position) => {
    const [input, kernel]: [number[], number[]] = [[], []];
    forEachIndex(sizes, (tap, linear) => {
      let place = 0;
      for (const [d, w] of window.entries()) {
        const at = (position[d] as number) * w.stride + (tap[d] as number) * w.windowDilation - w.padLow;
        const i = at / w.baseDilation;
        if (at < 0 || i >= (inputDims[d] as number) || !Number.isInteger(i)) return;
        place += i * (strides[d] as number);
      }
      input.push(place);
      kernel.push(linear);
    });
    all.push({ input, kernel });
  });
  return all;
}

/** Linear kernel place of each tap, with reversed dimensions turned round. */
function kernelPlaces(window: Window): number[] {
  const sizes = window.map((w) => w.size);
  const strides = rowMajorStrides(sizes);
  const places: number[] = [];
  forEachIndex(sizes, (tap) => {
    places.push(
      tap.reduce(
        (sum, t, d) => sum + (window[d]?.reversal ? (sizes[d] as number) - 1 - t : t) * (strides[d] as number),
        0,
      ),
    );
  });
  return places;
}

/** Place of output (batch n, feature o, spatial position s) in the result's own dimension order. */
function outputPlaces(
  dims: readonly number[],
  d: ConvDimensionNumbers,
): { readonly n: number; readonly o: number; readonly spatial: number[] } {
  const strides = rowMajorStrides(dims);
  const spatial: number[] = [];
  forEachIndex(
    d.outputSpatial.map((s) => dims[s] as number),
    (index) => {
      spatial.push(index.reduce((sum, i, k) => sum + i * (strides[d.outputSpatial[k] as number] as number), 0));
    },
  );
  return { n: strides[d.outputBatch] as number, o: strides[d.outputFeature] as number, spatial };
}

export const linearRules: ArrayRules<'dot' | 'convolution'> = {
  dot(x, operands) {
    const [a, b] = [operandAt(operands, 0), operandAt(operands, 1)];
    const { lhsBatch, rhsBatch, lhsContracting, rhsContracting } = x.attrs.dimensionNumbers;
    const freeA = without(a.shape.dims.length, [...lhsBatch, ...lhsContracting]);
    const freeB = without(b.shape.dims.length, [...rhsBatch, ...rhsContracting]);
    const left = arranged(a, [...lhsBatch, ...freeA, ...lhsContracting]); // [batch, m, k]
    const right = arranged(b, [...rhsBatch, ...freeB, ...rhsContracting]); // [batch, n, k]
    const [m, n, k] = [
      product(a.shape.dims, freeA),
      product(b.shape.dims, freeB),
      product(a.shape.dims, lhsContracting),
    ];
    const out = zeroLiteral(shapeOf(x));
    const { add, zero } = accumulator(out.shape.dtype);
    const encode = encoder(out.shape.dtype);
    for (let i = 0; i < out.data.length; i++) {
      const row = Math.floor(i / n); // batch · m + m
      const column = Math.floor(row / m) * n + (i % n);
      out.data[i] = encode(add(zero, left, row * k, right, column * k, k));
    }
    return out;
  },
  /**
   * out[n, o, s] = Σ over taps t and input features c of its group: in[n, c, s·stride + t·dilation − pad] · kernel[c, o, t].
   * With batch groups, output feature o reads only its share of the batch.
   */
  convolution(x, operands) {
    const [a, w] = [operandAt(operands, 0), operandAt(operands, 1)];
    const { window, dimensionNumbers: d, featureGroupCount, batchGroupCount } = x.attrs;
    const input = arranged(a, [d.inputBatch, ...d.inputSpatial, d.inputFeature]);
    const kernel = arranged(w, [d.kernelOutputFeature, ...d.kernelSpatial, d.kernelInputFeature]);
    const out = zeroLiteral(shapeOf(x));
    const { dims, dtype } = out.shape;
    const inputDims = d.inputSpatial.map((s) => a.shape.dims[s] as number);
    const features = a.shape.dims[d.inputFeature] as number;
    const depth = w.shape.dims[d.kernelInputFeature] as number; // features of one group
    const [batch, outputs] = [dims[d.outputBatch] as number, dims[d.outputFeature] as number];
    const [image, filter] = [elementCount(inputDims), elementCount(window.map((v) => v.size))];
    const [taps, turned, place] = [tapsOf(inputDims, window), kernelPlaces(window), outputPlaces(dims, d)];
    const { add, zero } = accumulator(dtype);
    const encode = encoder(dtype);
    for (let n = 0; n < batch; n++) {
      for (let o = 0; o < outputs; o++) {
        const group = Math.floor(o / (outputs / featureGroupCount));
        const from = n + Math.floor(o / (outputs / batchGroupCount)) * batch;
        for (const [s, { input: places, kernel: tapIds }] of taps.entries()) {
          let sum = zero;
          for (let t = 0; t < places.length; t++) {
            const inputAt = (from * image + (places[t] as number)) * features + group * depth;
            const kernelAt = (o * filter + (turned[tapIds[t] as number] as number)) * depth;
            sum = add(sum, input, inputAt, kernel, kernelAt, depth);
          }
          out.data[n * place.n + o * place.o + (place.spatial[s] as number)] = encode(sum);
        }
      }
    }
    return out;
  },
};
