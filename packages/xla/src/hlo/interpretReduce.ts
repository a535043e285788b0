/**
 * @file Reductions and windows of the interpreter. Elements are combined in row-major order starting from init; sums of floats keep
 * a double accumulator and round once at the end, so they are what every order of summation approximates.
 */
import { dimsOf, shapeOf } from './graph.ts';
import { scalarFunction, scalarReducer } from './interpretComputation.ts';
import type { BinaryFunction, Element } from './interpretScalar.ts';
import { type ArrayRules, operandAt } from './interpretTypes.ts';
import type { Literal } from './literal.ts';
import { decoder, elementAt, encoder, zeroLiteral } from './literals.ts';
import type { Computation } from './module.ts';
import type { Window, WindowDim } from './opcodes.ts';
import { arrayShape, type ElementType, elementCount, isFloat, rowMajorStrides } from './shape.ts';
import { copyStrided, denseView, forEachIndex } from './strided.ts';

type ReduceOpcode = 'reduce' | 'reduce-window' | 'select-and-scatter';

/** Reducer for folds: the sum of floats is not rounded in between. */
function foldFunction(computation: Computation, dtype: ElementType): BinaryFunction {
  const { root, parameters } = computation;
  const isSum = root.opcode === 'add' && root.operands[0] === parameters[0] && root.operands[1] === parameters[1];
  return isSum && isFloat(dtype) ? (a, b) => (a as number) + (b as number) : scalarReducer(computation);
}

/** The operand with the reduced dimensions moved last, so every result is made of consecutive elements. */
function reducedLast({ data, shape }: Literal, dimensions: readonly number[]): Literal {
  const kept = shape.dims.map((_, i) => i).filter((i) => !dimensions.includes(i));
  const order = [...kept, ...dimensions];
  if (order.every((d, i) => d === i)) return { data, shape };
  const own = rowMajorStrides(shape.dims);
  const out = zeroLiteral(
    arrayShape(
      shape.dtype,
      order.map((d) => shape.dims[d] as number),
    ),
  );
  const from = { data, offset: 0, strides: order.map((d) => own[d] as number) };
  copyStrided(out.shape.dims, from, denseView(out.data, out.shape.dims));
  return out;
}

function reduceOne(x: Literal, init: Element, out: Literal, computation: Computation): Literal {
  const { dtype } = out.shape;
  const f = foldFunction(computation, dtype);
  const [decode, encode] = [decoder(dtype), encoder(dtype)];
  const group = out.data.length === 0 ? 0 : x.data.length / out.data.length;
  for (let o = 0; o < out.data.length; o++) {
    let accumulator = init;
    for (let i = o * group; i < (o + 1) * group; i++) accumulator = f(accumulator, decode(x.data[i] as Element));
    out.data[o] = encode(accumulator);
  }
  return out;
}

/** Several arrays reduced together: accumulators first, then values, are the computation's arguments. */
function reduceTuple(
  xs: readonly Literal[],
  inits: readonly Element[],
  outs: readonly Literal[],
  computation: Computation,
): void {
  const f = scalarFunction(computation);
  const n = xs.length;
  const count = outs[0]?.data.length ?? 0;
  const group = count === 0 ? 0 : (xs[0]?.data.length ?? 0) / count;
  const decoders = xs.map((x) => decoder(x.shape.dtype));
  const args = new Array<Element>(2 * n).fill(0);
  for (let o = 0; o < count; o++) {
    inits.forEach((init, j) => {
      args[j] = init;
    });
    for (let i = o * group; i < (o + 1) * group; i++) {
      for (let j = 0; j < n; j++) args[n + j] = (decoders[j] as (e: Element) => Element)(xs[j]?.data[i] as Element);
      const results = f(args);
      for (let j = 0; j < n; j++) args[j] = results[j] as Element;
    }
    outs.forEach((out, j) => {
      out.data[o] = encoder(out.shape.dtype)(args[j] as Element);
    });
  }
}

/** Calls `visit` with the linear place of each element under the window at `position`; padding and holes are left out. */
function windowPlaces(
  dims: readonly number[],
  window: Window,
): (position: readonly number[], visit: (place: number) => void) => void {
  const strides = rowMajorStrides(dims);
  const sizes = window.map((w) => w.size);
  return (position, visit) => {
    forEachIndex(sizes, (tap) => {
      let place = 0;
      for (let d = 0; d < dims.length; d++) {
        const w = window[d] as WindowDim;
        const at = (position[d] as number) * w.stride + (tap[d] as number) * w.windowDilation - w.padLow;
        const i = at / w.baseDilation;
        if (at < 0 || i >= (dims[d] as number) || !Number.isInteger(i)) return;
        place += i * (strides[d] as number);
      }
      visit(place);
    });
  };
}

export const reduceRules: ArrayRules<ReduceOpcode> = {
  reduce(x, operands) {
    const n = operands.length / 2;
    const { computation, dimensions } = x.attrs;
    const xs = operands.slice(0, n).map((a) => reducedLast(a, dimensions));
    const inits = operands.slice(n).map((a) => elementAt(a, 0));
    if (n === 1) return reduceOne(operandAt(xs, 0), inits[0] as Element, zeroLiteral(shapeOf(x)), computation);
    const dims = operandAt(operands, 0).shape.dims.filter((_, i) => !dimensions.includes(i));
    const outs = xs.map((a) => zeroLiteral(arrayShape(a.shape.dtype, dims)));
    reduceTuple(xs, inits, outs, computation);
    return outs;
  },
  'reduce-window'(x, operands) {
    const a = operandAt(operands, 0);
    const init = elementAt(operandAt(operands, 1), 0);
    const out = zeroLiteral(shapeOf(x));
    const { dtype } = out.shape;
    const f = foldFunction(x.attrs.computation, dtype);
    const [decode, encode] = [decoder(dtype), encoder(dtype)];
    const places = windowPlaces(a.shape.dims, x.attrs.window);
    forEachIndex(out.shape.dims, (position, linear) => {
      let accumulator = init;
      places(position, (place) => {
        accumulator = f(accumulator, decode(a.data[place] as Element));
      });
      out.data[linear] = encode(accumulator);
    });
    return out;
  },
  /** Every source element goes to the place its window selects; ties keep the first for GE. A window wholly in padding gives nothing. */
  'select-and-scatter'(x, operands) {
    const [a, source, init] = [operandAt(operands, 0), operandAt(operands, 1), operandAt(operands, 2)];
    const out = zeroLiteral(shapeOf(x));
    const { dtype } = out.shape;
    const [decode, encode] = [decoder(dtype), encoder(dtype)];
    const [select, combine] = [scalarReducer(x.attrs.select), foldFunction(x.attrs.scatter, dtype)];
    const sums = new Array<Element>(elementCount(dimsOf(x))).fill(elementAt(init, 0));
    const places = windowPlaces(a.shape.dims, x.attrs.window);
    forEachIndex(source.shape.dims, (position, linear) => {
      let best = -1;
      places(position, (place) => {
        const keeps = best >= 0 && select(decode(a.data[best] as Element), decode(a.data[place] as Element));
        if (!keeps) best = place;
      });
      if (best >= 0) sums[best] = combine(sums[best] as Element, decode(source.data[linear] as Element));
    });
    for (let i = 0; i < sums.length; i++) out.data[i] = encode(sums[i] as Element);
    return out;
  },
};
