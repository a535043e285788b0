/** @file Choosing elements by a condition: Select, Where, boolean masks. */
import { dimsOf } from '@tsflow/xla';
import { type DType, real } from '../dtype.ts';
import { InvalidArgumentError } from '../errors.ts';
import type { Tensor, TensorLike } from '../graph/tensor.ts';
import { NdArray } from '../ndarray.ts';
import { type as typeAttr } from '../op/attr.ts';
import { call, convertToTensor } from '../op/call.ts';
import { defineOp } from '../op/defineOp.ts';
import type { ShapeContext } from '../op/record.ts';
import { uniform, values } from '../op/sample.ts';
import { sameShapes } from '../op/shapeFunctions.ts';
import { formatShape, mergeShapes, type PartialShape } from '../shape.ts';
import { reshape, shape, zerosLike } from './array.ts';
import { gather } from './arrayIndex.ts';
import { concat } from './arrayJoin.ts';
import { squeeze } from './arrayShape.ts';
import { getItem } from './arraySlice.ts';
import { reduceProd } from './reduce.ts';

/** The condition has the shape of the values, is a scalar, or has one entry a row. */
function selectedShape(condition: PartialShape, t: PartialShape, e: PartialShape, ctx: ShapeContext): PartialShape {
  const both = sameShapes(t, e, ctx);
  if (condition === null || both === null || condition.length === 0) return both;
  const same = mergeShapes(condition, both);
  if (same !== undefined) return same;
  if (condition.length === 1 && both.length > 0 && mergeShapes(condition, [both[0] ?? null]) !== undefined) return both;
  return ctx.fail(
    `condition is ${formatShape(condition)}, but the values are ${formatShape(both)}. Give a scalar, one entry a row, or one an element.`,
  );
}

export const Select = defineOp('Select', {
  inputs: ['condition: bool', 't: T', 'e: T'],
  outputs: ['output: T'],
  attrs: { T: 'type' },
  shape: ({ condition, t, e }, ctx) => ({ output: selectedShape(condition, t, e, ctx) }),
  grad: ({ condition, t }, dy) => {
    const zeros = zerosLike(t);
    return { condition: null, t: select(condition, dy.output, zeros), e: select(condition, zeros, dy.output) };
  },
  lower: (b, { condition, t, e }) => {
    const dims = dimsOf(t);
    const own = dimsOf(condition);
    const pred = own.length === 1 && dims.length !== 1 ? b.broadcast(condition, dims, [0]) : condition;
    return { output: b.select(pred, t, e) };
  },
  sample: [
    { inputs: { condition: values([true, false]), t: uniform([2, 3]), e: uniform([2, 3]) } },
    { inputs: { condition: values([[true, false]]), t: uniform([1, 2]), e: uniform([1, 2]) } },
  ],
});

function select(condition: TensorLike, t: TensorLike, e: TensorLike, name?: string): Tensor {
  return call(Select, { condition, t, e }, { name: name ?? 'Select' }).output;
}

const testable: readonly DType[] = [...real, 'bool'];

export const Where = defineOp('Where', {
  inputs: ['input: T'],
  outputs: ['index: int64'],
  attrs: { T: typeAttr(testable, 'bool') },
  shape: ({ input }) => ({ index: [null, input === null ? null : input.length] }),
  grad: null,
  host: ({ input }) => {
    const dims = input.shape;
    const found: bigint[] = [];
    let rows = 0;
    for (let i = 0; i < input.size; i++) {
      const x = input.at(i);
      if (x === false || x === 0 || x === 0n) continue;
      rows++;
      let rest = i;
      const at = dims.map((_, d) => {
        const inner = dims.slice(d + 1).reduce((n, m) => n * m, 1);
        const c = Math.floor(rest / inner);
        rest -= c * inner;
        return BigInt(c);
      });
      found.push(...at);
    }
    return { index: new NdArray('int64', [rows, dims.length], BigInt64Array.from(found)) };
  },
  sample: {
    inputs: {
      input: values([
        [true, false],
        [true, true],
      ]),
    },
  },
});

/**
 * With `x` and `y`: elements (or, with a condition of one entry a row, rows) of `x` where `condition` holds, else of `y`.
 * Alone: the index vectors of true (non-zero) elements, int64 [count, rank]. TF 1 `where`.
 */
export function where(condition: TensorLike, x?: TensorLike, y?: TensorLike): Tensor {
  if (x === undefined && y === undefined) return call(Where, { input: convertToTensor(condition) }).index;
  if (x !== undefined && y !== undefined) return select(condition, x, y);
  throw new InvalidArgumentError('where takes the condition alone, or with both x and y. One of them is missing.', {
    opType: 'Select',
  });
}

/** `where` of three operands with broadcasting among all. TF 2 `where`, TF 1 `where_v2`. */
export { where as whereV2 } from './select.ts';

/**
 * The entries of `tensor` where `mask` is true, as one new first dimension; the mask covers dimensions from `axis` (default 0) on.
 * Throws InvalidArgument when the rank of the mask is unknown or 0, or shapes differ. TF `boolean_mask`.
 */
export function booleanMask(
  tensor: TensorLike,
  mask: TensorLike,
  options: { axis?: number; name?: string } = {},
): Tensor {
  const x = convertToTensor(tensor);
  const m = convertToTensor(mask);
  const axis = options.axis ?? 0;
  const covered = m.shape;
  if (covered === null || covered.length === 0) {
    throw new InvalidArgumentError(
      `the mask has shape ${formatShape(covered)}; a known rank of at least 1 is needed. Set it with setShape(…).`,
      { opType: 'booleanMask', nodeName: m.op.name },
    );
  }
  const own = x.shape?.slice(axis, axis + covered.length);
  if (own !== undefined && mergeShapes(own, covered) === undefined) {
    throw new InvalidArgumentError(
      `the mask is ${formatShape(covered)}, but covers dimensions ${formatShape(own)} of the tensor ${formatShape(x.shape)}.`,
      { opType: 'booleanMask', nodeName: m.op.name },
    );
  }
  const dims = shape(x);
  const size = reshape(reduceProd(getItem(dims, [axis, axis + covered.length])), [1]);
  const flat = reshape(x, concat([getItem(dims, [0, axis]), size, getItem(dims, [axis + covered.length, null])], 0));
  const rows = squeeze(where(reshape(m, [-1])), { axis: 1 });
  return gather(flat, rows, { axis, name: options.name ?? 'boolean_mask' });
}
