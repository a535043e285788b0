/** @file Opcodes of the interpreter that read or write at computed places: gather, scatter and the dynamic slices. */
import { dimsOf, shapeOf } from './graph.ts';
import { viewed } from './interpretArray.ts';
import { scalarReducer } from './interpretComputation.ts';
import type { Element } from './interpretScalar.ts';
import { type ArrayRules, operandAt } from './interpretTypes.ts';
import type { Literal } from './literal.ts';
import { decoder, encoder, zeroLiteral } from './literals.ts';
import { rowMajorStrides } from './shape.ts';
import { copyStrided, denseView, dotProduct, forEachIndex } from './strided.ts';

type IndexedOpcode = 'gather' | 'scatter' | 'dynamic-slice' | 'dynamic-update-slice';

export const indexedRules: ArrayRules<IndexedOpcode> = {
  /** out[batch, offset] = x[clamp(start(batch)) + offset] (StableHLO `gather`). */
  gather(x, operands) {
    const [a, indices] = [operandAt(operands, 0), operandAt(operands, 1)];
    const { offsetDims, collapsedSliceDims, startIndexMap, indexVectorDim } = x.attrs.dimensionNumbers;
    const { sliceSizes } = x.attrs;
    const out = zeroLiteral(shapeOf(x));
    const kept = a.shape.dims.map((_, i) => i).filter((i) => !collapsedSliceDims.includes(i));
    const most = a.shape.dims.map((d, i) => d - (sliceSizes[i] as number));
    const own = rowMajorStrides(a.shape.dims);
    const start = startReader(indices, indexVectorDim, startIndexMap, a.shape.dims.length);
    const batchOf = out.shape.dims.map((_, i) => i).filter((i) => !offsetDims.includes(i));
    forEachIndex(out.shape.dims, (index, linear) => {
      const at = start(batchOf.map((d) => index[d] as number)).map((s, i) => clampStart(s, most[i] as number));
      kept.forEach((d, i) => {
        at[d] = (at[d] as number) + (index[offsetDims[i] as number] as number);
      });
      out.data[linear] = a.data[dotProduct(at, own)] as Element;
    });
    return out;
  },
  /** out = x; out[start(batch) + window] = f(out[…], updates[batch, window]), in row-major order of updates, skipping elements outside (StableHLO `scatter`). */
  scatter(x, operands) {
    const [a, indices, updates] = [operandAt(operands, 0), operandAt(operands, 1), operandAt(operands, 2)];
    const { updateWindowDims, insertedWindowDims, scatterDimsToOperandDims, indexVectorDim } = x.attrs.dimensionNumbers;
    const out: Literal = { shape: a.shape, data: a.data.slice() };
    const { dims, dtype } = a.shape;
    const kept = dims.map((_, i) => i).filter((i) => !insertedWindowDims.includes(i));
    const own = rowMajorStrides(dims);
    const start = startReader(indices, indexVectorDim, scatterDimsToOperandDims, dims.length);
    const batchOf = updates.shape.dims.map((_, i) => i).filter((i) => !updateWindowDims.includes(i));
    const combine = scalarReducer(x.attrs.computation);
    const [decode, encode] = [decoder(dtype), encoder(dtype)];
    forEachIndex(updates.shape.dims, (index, linear) => {
      const at = start(batchOf.map((d) => index[d] as number));
      kept.forEach((d, i) => {
        at[d] = (at[d] as number) + (index[updateWindowDims[i] as number] as number);
      });
      if (at.some((c, i) => c < 0 || c >= (dims[i] as number))) return;
      const place = dotProduct(at, own);
      out.data[place] = encode(combine(decode(out.data[place] as Element), decode(updates.data[linear] as Element)));
    });
    return out;
  },
  'dynamic-slice'(x, operands) {
    const { data, shape } = operandAt(operands, 0);
    const strides = rowMajorStrides(shape.dims);
    const starts = clampedStarts(operands.slice(1), shape.dims, x.attrs.sizes);
    return viewed(x, { data, offset: dotProduct(starts, strides), strides });
  },
  'dynamic-update-slice'(x, operands) {
    const [a, update] = [operandAt(operands, 0), operandAt(operands, 1)];
    const data = a.data.slice();
    const strides = rowMajorStrides(dimsOf(x));
    const starts = clampedStarts(operands.slice(2), a.shape.dims, update.shape.dims);
    copyStrided(update.shape.dims, denseView(update.data, update.shape.dims), {
      data,
      offset: dotProduct(starts, strides),
      strides,
    });
    return { shape: a.shape, data };
  },
};

function clampStart(start: number, most: number): number {
  return Math.max(0, Math.min(start, most));
}

function clampedStarts(starts: readonly Literal[], dims: readonly number[], sizes: readonly number[]): number[] {
  return starts.map((s, i) => clampStart(Number(s.data[0]), (dims[i] as number) - (sizes[i] as number)));
}

/** Reads the start vector of a batch index, one entry per operand dimension (0 where not mapped). */
function startReader(
  indices: Literal,
  vectorDim: number,
  map: readonly number[],
  rank: number,
): (batch: readonly number[]) => number[] {
  const strides = rowMajorStrides(indices.shape.dims);
  const step = strides[vectorDim] ?? 0;
  const batchStrides = strides.filter((_, i) => i !== vectorDim);
  return (batch) => {
    const offset = dotProduct(batch, batchStrides);
    const start = new Array<number>(rank).fill(0);
    map.forEach((d, i) => {
      start[d] = Number(indices.data[offset + i * step]);
    });
    return start;
  };
}
