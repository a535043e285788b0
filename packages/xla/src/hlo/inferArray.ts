/** @file Shape rules of opcodes that move elements: broadcast, reshape, transpose, slices, pad, concatenate, gather, scatter … */
import type { ShapeRules } from './infer.ts';
import {
  array,
  checkArity,
  checkAscending,
  checkDim,
  checkDims,
  checkDistinctDims,
  checkLength,
  checkScalarIndices,
  checkSignature,
  checkThat,
  isIndexType,
  scalarOf,
} from './inferCheck.ts';
import { type ArrayShape, arrayShape, elementCount, sameDims, shapeText } from './shape.ts';

type ArrayOpcode =
  | 'broadcast'
  | 'reshape'
  | 'transpose'
  | 'slice'
  | 'pad'
  | 'concatenate'
  | 'reverse'
  | 'gather'
  | 'scatter'
  | 'dynamic-slice'
  | 'dynamic-update-slice';

export const arrayRules: ShapeRules<ArrayOpcode> = {
  broadcast(operands, { dimensions, dims }) {
    checkArity(operands, 1);
    const x = array(operands, 0);
    checkDims(dims);
    checkLength(dimensions, x.dims.length, 'dimensions');
    checkDistinctDims(dimensions, dims.length, 'dimensions');
    for (const [i, d] of dimensions.entries()) {
      const ok = x.dims[i] === 1 || x.dims[i] === dims[d];
      checkThat(
        ok,
        () =>
          `dimension ${i} of ${shapeText(x)} is ${x.dims[i]}, result dimension ${d} of [${dims.join(',')}] is ${dims[d]}. Sizes must agree, or the operand's be 1.`,
      );
    }
    return arrayShape(x.dtype, dims);
  },
  reshape(operands, { dims }) {
    checkArity(operands, 1);
    const x = array(operands, 0);
    checkDims(dims);
    const [from, to] = [elementCount(x.dims), elementCount(dims)];
    checkThat(from === to, () => `${shapeText(x)} has ${from} elements, [${dims.join(',')}] has ${to}.`);
    return arrayShape(x.dtype, dims);
  },
  transpose(operands, { permutation }) {
    checkArity(operands, 1);
    const x = array(operands, 0);
    checkLength(permutation, x.dims.length, 'permutation');
    checkDistinctDims(permutation, x.dims.length, 'permutation');
    return arrayShape(
      x.dtype,
      permutation.map((p) => x.dims[p] as number),
    );
  },
  slice(operands, { starts, limits, strides }) {
    checkArity(operands, 1);
    const x = array(operands, 0);
    for (const [list, what] of [
      [starts, 'starts'],
      [limits, 'limits'],
      [strides, 'strides'],
    ] as const)
      checkLength(list, x.dims.length, what);
    const dims = x.dims.map((size, i) => {
      const [start, limit, stride] = [starts[i] as number, limits[i] as number, strides[i] as number];
      const ok = Number.isInteger(start) && Number.isInteger(limit) && start >= 0 && start <= limit && limit <= size;
      checkThat(
        ok,
        () =>
          `[${start}, ${limit}) is not a range of dimension ${i} of ${shapeText(x)}; 0 ≤ start ≤ limit ≤ ${size} is needed.`,
      );
      checkThat(
        Number.isInteger(stride) && stride >= 1,
        () => `stride ${stride} of dimension ${i} is not a whole number ≥ 1.`,
      );
      return Math.ceil((limit - start) / stride);
    });
    return arrayShape(x.dtype, dims);
  },
  pad(operands, { padding }) {
    checkArity(operands, 2);
    const [x, value] = [array(operands, 0), array(operands, 1)];
    checkThat(
      value.dims.length === 0 && value.dtype === x.dtype,
      () => `the padding value is ${shapeText(value)}, a scalar ${x.dtype}[] is needed.`,
    );
    checkLength(padding, x.dims.length, 'padding');
    const dims = x.dims.map((size, i) => {
      const { low, high, interior } = padding[i] as (typeof padding)[number];
      checkThat(
        Number.isInteger(low) && Number.isInteger(high),
        () => `padding of dimension ${i} is (${low}, ${high}); whole numbers are needed.`,
      );
      checkThat(
        Number.isInteger(interior) && interior >= 0,
        () => `interior padding of dimension ${i} is ${interior}; a whole number ≥ 0 is needed.`,
      );
      const padded = low + size + Math.max(0, size - 1) * interior + high;
      checkThat(padded >= 0, () => `padding (${low}, ${high}) crops dimension ${i} of ${shapeText(x)} below 0.`);
      return padded;
    });
    return arrayShape(x.dtype, dims);
  },
  concatenate(operands, { dimension }) {
    const x = array(operands, 0);
    checkDim(dimension, x.dims.length, 'dimension');
    let size = 0;
    for (let i = 0; i < operands.length; i++) {
      const y = array(operands, i);
      const ok =
        y.dtype === x.dtype &&
        y.dims.length === x.dims.length &&
        y.dims.every((d, j) => j === dimension || d === x.dims[j]);
      checkThat(ok, () => `operands differ outside dimension ${dimension}: ${shapeText(x)} and ${shapeText(y)}.`);
      size += y.dims[dimension] as number;
    }
    return arrayShape(x.dtype, x.dims.with(dimension, size));
  },
  reverse(operands, { dimensions }) {
    checkArity(operands, 1);
    const x = array(operands, 0);
    checkDistinctDims(dimensions, x.dims.length, 'dimensions');
    return x;
  },
  gather(operands, { dimensionNumbers, sliceSizes }) {
    checkArity(operands, 2);
    const [x, indices] = [array(operands, 0), array(operands, 1)];
    const { offsetDims, collapsedSliceDims, startIndexMap, indexVectorDim } = dimensionNumbers;
    const batch = indexBatchDims(indices, startIndexMap.length, indexVectorDim);
    checkDistinctDims(startIndexMap, x.dims.length, 'startIndexMap');
    checkDistinctDims(collapsedSliceDims, x.dims.length, 'collapsedSliceDims');
    checkAscending(collapsedSliceDims, 'collapsedSliceDims');
    checkLength(sliceSizes, x.dims.length, 'sliceSizes');
    checkThat(
      sliceSizes.every((s, i) => Number.isInteger(s) && s >= 0 && s <= (x.dims[i] as number)),
      () => `sliceSizes [${sliceSizes.join(',')}] do not fit in ${shapeText(x)}.`,
    );
    checkThat(
      collapsedSliceDims.every((d) => sliceSizes[d] === 1 || sliceSizes[d] === 0),
      () =>
        `collapsed dimensions [${collapsedSliceDims.join(',')}] need slice size 1, sliceSizes are [${sliceSizes.join(',')}].`,
    );
    const window = sliceSizes.filter((_, i) => !collapsedSliceDims.includes(i));
    return arrayShape(x.dtype, interleave(batch, window, offsetDims, 'offsetDims'));
  },
  scatter(operands, { dimensionNumbers, computation }) {
    checkArity(operands, 3);
    const [x, indices, updates] = [array(operands, 0), array(operands, 1), array(operands, 2)];
    const { updateWindowDims, insertedWindowDims, scatterDimsToOperandDims, indexVectorDim } = dimensionNumbers;
    const batch = indexBatchDims(indices, scatterDimsToOperandDims.length, indexVectorDim);
    checkDistinctDims(scatterDimsToOperandDims, x.dims.length, 'scatterDimsToOperandDims');
    checkDistinctDims(insertedWindowDims, x.dims.length, 'insertedWindowDims');
    checkAscending(insertedWindowDims, 'insertedWindowDims');
    const window = x.dims.filter((_, i) => !insertedWindowDims.includes(i));
    const most = interleave(batch, window, updateWindowDims, 'updateWindowDims');
    const fits =
      updates.dims.length === most.length &&
      updates.dims.every((d, i) => (updateWindowDims.includes(i) ? d <= (most[i] as number) : d === most[i]));
    checkThat(
      fits && updates.dtype === x.dtype,
      () =>
        `updates are ${shapeText(updates)}, at most ${x.dtype}[${most.join(',')}] is needed for operand ${shapeText(x)} and indices ${shapeText(indices)}.`,
    );
    const s = scalarOf(x);
    checkSignature(computation, [s, s], s, 'computation');
    return x;
  },
  'dynamic-slice'(operands, { sizes }) {
    const x = array(operands, 0);
    checkScalarIndices(operands, 1, x.dims.length);
    checkLength(sizes, x.dims.length, 'sizes');
    checkThat(
      sizes.every((s, i) => Number.isInteger(s) && s >= 0 && s <= (x.dims[i] as number)),
      () => `sizes [${sizes.join(',')}] do not fit in ${shapeText(x)}.`,
    );
    return arrayShape(x.dtype, sizes);
  },
  'dynamic-update-slice'(operands) {
    const [x, update] = [array(operands, 0), array(operands, 1)];
    checkScalarIndices(operands, 2, x.dims.length);
    const ok =
      update.dtype === x.dtype &&
      update.dims.length === x.dims.length &&
      update.dims.every((s, i) => s <= (x.dims[i] as number));
    checkThat(ok, () => `the update ${shapeText(update)} does not fit in ${shapeText(x)}.`);
    return x;
  },
};

/** Dims of `indices` without the index vector's; `components` numbers are read at each. */
function indexBatchDims(indices: ArrayShape, components: number, indexVectorDim: number): number[] {
  checkThat(isIndexType(indices), () => `indices are ${shapeText(indices)}; s32 or s64 is needed.`);
  const rank = indices.dims.length;
  checkThat(
    Number.isInteger(indexVectorDim) && indexVectorDim >= 0 && indexVectorDim <= rank,
    () => `indexVectorDim is ${indexVectorDim}, but indices have ${rank} dimensions.`,
  );
  const length = indexVectorDim === rank ? 1 : indices.dims[indexVectorDim];
  checkThat(
    length === components,
    () => `an index vector of ${shapeText(indices)} has ${length} components, the dimension numbers map ${components}.`,
  );
  return indices.dims.filter((_, i) => i !== indexVectorDim);
}

/** Result dims: `window` sizes at positions `windowDims`, `batch` sizes in order at the others. */
function interleave(
  batch: readonly number[],
  window: readonly number[],
  windowDims: readonly number[],
  what: string,
): number[] {
  const rank = batch.length + window.length;
  checkThat(
    windowDims.length === window.length,
    () => `${what} has ${windowDims.length} entries, a slice has ${window.length} dimensions left.`,
  );
  checkDistinctDims(windowDims, rank, what);
  checkAscending(windowDims, what);
  let b = 0;
  let w = 0;
  return Array.from({ length: rank }, (_, i) => (windowDims.includes(i) ? window[w++] : batch[b++]) as number);
}

/** Shared by select and clamp: `part` has x's dims or is a scalar. */
export function checkScalarOrSame(part: ArrayShape, x: ArrayShape, what: string): void {
  const ok = part.dims.length === 0 || sameDims(part.dims, x.dims);
  checkThat(ok, () => `${what} is ${shapeText(part)}; the dims of ${shapeText(x)} or a scalar is needed.`);
}
