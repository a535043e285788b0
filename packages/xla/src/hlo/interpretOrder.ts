/** @file Sort, top-k and random bits of the interpreter. */
import { scalarFunction } from './interpretComputation.ts';
import { reader } from './interpretElementwise.ts';
import type { Element } from './interpretScalar.ts';
import { type ArrayRules, operandAt } from './interpretTypes.ts';
import type { Literal } from './literal.ts';
import { zeroLiteral } from './literals.ts';
import { blockCount, philoxWords } from './philox.ts';
import { arrayShape, elementCount, rowMajorStrides } from './shape.ts';
import { dotProduct, forEachIndex } from './strided.ts';

export const orderRules: ArrayRules<'sort' | 'top-k' | 'rng-bit-generator'> = {
  /** Always stable. The comparator must be a strict weak order ("comes before"); for NaN, compare keys that order it. */
  sort(x, operands) {
    const { dims } = operandAt(operands, 0).shape;
    const { dimension } = x.attrs;
    const before = beforeFunction(x.attrs.comparator, operands);
    const outs = operands.map((a) => zeroLiteral(a.shape));
    const strides = rowMajorStrides(dims);
    const [size, step] = [dims[dimension] as number, strides[dimension] as number];
    forEachIndex(dims.with(dimension, Math.min(size, 1)), (index) => {
      const base = dotProduct(index, strides);
      const order = Array.from({ length: size }, (_, i) => base + i * step);
      order.sort((i, j) => (before(i, j) ? -1 : before(j, i) ? 1 : 0));
      outs.forEach((out, o) => {
        const from = operandAt(operands, o).data;
        for (let i = 0; i < size; i++) out.data[base + i * step] = from[order[i] as number] as Element;
      });
    });
    return outs.length === 1 ? operandAt(outs, 0) : outs;
  },
  'top-k'(x, operands) {
    const a = operandAt(operands, 0);
    const size = a.shape.dims.at(-1) as number;
    const dims = a.shape.dims.with(-1, x.attrs.k);
    const [values, indices] = [zeroLiteral(arrayShape(a.shape.dtype, dims)), zeroLiteral(arrayShape('s32', dims))];
    const read = reader(a);
    const rows = size === 0 ? 0 : a.data.length / size;
    for (let row = 0; row < rows; row++) {
      const order = Array.from({ length: size }, (_, i) => row * size + i);
      order.sort((i, j) => compareDown(read(i), read(j)));
      for (let i = 0; i < x.attrs.k; i++) {
        const at = order[i] as number;
        values.data[row * x.attrs.k + i] = a.data[at] as Element;
        indices.data[row * x.attrs.k + i] = at - row * size;
      }
    }
    return [values, indices];
  },
  'rng-bit-generator'(x, operands) {
    const state = operandAt(operands, 0);
    const [key, counter] = [state.data[0] as bigint, state.data[1] as bigint];
    const { dtype, dims } = x.attrs;
    const count = elementCount(dims);
    const words = philoxWords(key, counter, dtype === 'u32' ? count : count * 2);
    const next = zeroLiteral(state.shape);
    next.data[0] = key;
    next.data[1] = BigInt.asUintN(64, counter + BigInt(blockCount(count, dtype)));
    const bits = zeroLiteral(arrayShape(dtype, dims));
    for (let i = 0; i < count; i++) bits.data[i] = dtype === 'u32' ? (words[i] as number) : pair(words, i);
    return [next, bits];
  },
};

const pair = (words: Uint32Array, i: number): bigint =>
  BigInt(words[2 * i] as number) | (BigInt(words[2 * i + 1] as number) << 32n);

/** Downwards, NaN first, equal ones left in place. */
function compareDown(a: Element, b: Element): number {
  if (a > b) return -1;
  if (a < b) return 1;
  return Number(Number.isNaN(b)) - Number(Number.isNaN(a));
}

/** Whether the elements at place i come before those at place j. */
function beforeFunction(
  comparator: Parameters<typeof scalarFunction>[0],
  operands: readonly Literal[],
): (i: number, j: number) => boolean {
  const f = scalarFunction(comparator);
  const readers = operands.map(reader);
  const args = new Array<Element>(2 * operands.length).fill(0);
  return (i, j) => {
    readers.forEach((read, o) => {
      args[2 * o] = read(i);
      args[2 * o + 1] = read(j);
    });
    return f(args)[0] !== 0;
  };
}
