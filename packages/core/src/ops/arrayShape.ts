/** @file Array ops that keep all elements and change how they are arranged or passed on: axes added, dropped, permuted, reversed. */
import { type Builder, dimsOf, dtypeOf, elementCount, type Value } from '@tsflow/xla';
import { InvalidArgumentError } from '../errors.ts';
import type { Tensor, TensorLike } from '../graph/tensor.ts';
import { count, indexType, indexTypes, int, ints, string, type, types } from '../op/attr.ts';
import { call, convertToTensor } from '../op/call.ts';
import { constantTensor } from '../op/constant.ts';
import { constantValue } from '../op/constantValue.ts';
import { defineOp } from '../op/defineOp.ts';
import { fullLike } from '../op/hlo.ts';
import { unary } from '../op/makers.ts';
import type { ShapeContext } from '../op/record.ts';
import { uniform, values } from '../op/sample.ts';
import { checkAxis } from '../op/shapeFunctions.ts';
import { formatShape, mergeDimension, mergeShapes, normalizeAxis, type PartialShape, sizeOf } from '../shape.ts';
import { range, rank, reshape, shapeLike } from './array.ts';
import { subtract } from './math.ts';

type Fail = Pick<ShapeContext, 'fail'>;

export const ExpandDims = defineOp('ExpandDims', {
  inputs: ['input: T', 'dim: Tdim'],
  outputs: ['output: T'],
  attrs: { T: 'type', Tdim: indexType },
  shape: ({ input }, ctx) => {
    const axis = ctx.constantNumbers('dim')?.[0];
    if (input === null) return { output: null };
    if (axis === undefined) return { output: new Array<null>(input.length + 1).fill(null) };
    const at = normalizeAxis(axis, input.length + 1);
    if (at !== undefined) return { output: input.toSpliced(at, 0, 1) };
    return ctx.fail(
      `axis ${axis} is outside [${-input.length - 1}, ${input.length}] for the input ${formatShape(input)}.`,
    );
  },
  grad: ({ input }, dy) => ({ input: reshape(dy.output, shapeLike(input)), dim: null }),
  partialValue: ({ input }) => (input.shape?.length === 0 ? input.value : null),
  lower: (b, { input }, ctx) => ({ output: b.reshape(input, ctx.dims('output')) }),
  sample: [
    { inputs: { input: uniform([2, 3]), dim: values(1, 'int32') } },
    { inputs: { input: uniform([2, 3]), dim: values(-1, 'int32') } },
  ],
});

/** `input` with a dimension of 1 inserted before `axis`; −1 (counted in the result) appends it. TF `expand_dims`. */
export function expandDims(input: TensorLike, axis: number | Tensor = 0, name?: string): Tensor {
  return call(ExpandDims, { input, dim: axis }, { name }).output;
}

function squeezedShape(input: PartialShape, axes: readonly number[], ctx: Fail): PartialShape {
  if (input === null) return null;
  if (axes.length === 0) return input.some((d) => d === null) ? null : input.filter((d) => d !== 1);
  const dropped = new Set(axes.map((a) => checkAxis(a, input.length, ctx)));
  for (const a of dropped) {
    if (mergeDimension(input[a] ?? null, 1) === undefined) {
      ctx.fail(`dimension ${a} of ${formatShape(input)} is ${input[a]}; only dimensions of 1 can be squeezed.`);
    }
  }
  return input.filter((_, i) => !dropped.has(i));
}

export const Squeeze = defineOp('Squeeze', {
  inputs: ['input: T'],
  outputs: ['output: T'],
  attrs: { T: 'type', squeeze_dims: ints([]) },
  shape: ({ input }, ctx) => ({ output: squeezedShape(input, ctx.attrs.squeeze_dims, ctx) }),
  grad: ({ input }, dy) => ({ input: reshape(dy.output, shapeLike(input)) }),
  partialValue: ({ input }) => input.value,
  lower: (b, { input }, ctx) => ({ output: b.reshape(input, ctx.dims('output')) }),
  sample: [
    { inputs: { input: uniform([1, 2, 1]) } },
    { inputs: { input: uniform([1, 2, 1]) }, attrs: { squeeze_dims: [-1] } },
  ],
});

/** `input` without its dimensions of 1, or without those in `axis` only. TF `squeeze`. */
export function squeeze(input: TensorLike, options: { axis?: number | readonly number[]; name?: string } = {}): Tensor {
  const axis = options.axis ?? [];
  const attrs = { squeeze_dims: typeof axis === 'number' ? [axis] : axis };
  return call(Squeeze, { input }, { attrs, name: options.name }).output;
}

function transposedShape(x: PartialShape, perm: number[] | undefined, vector: PartialShape, ctx: Fail): PartialShape {
  const size = vector?.[0] ?? perm?.length ?? null;
  if (x !== null && size !== null && size !== x.length) {
    return ctx.fail(`perm has ${size} entries, but x is ${formatShape(x)} of rank ${x.length}. Name every axis once.`);
  }
  const n = x?.length ?? size;
  if (n === null) return null;
  if (perm === undefined) return new Array<null>(n).fill(null);
  const axes = perm.map((p) => checkAxis(p, n, ctx));
  if (new Set(axes).size !== n)
    ctx.fail(`perm [${perm.join(', ')}] is no permutation of [0, ${n}). Name every axis once.`);
  return axes.map((a) => (x === null ? null : (x[a] ?? null)));
}

function permutation(perm: readonly number[]): number[] {
  return perm.map((p) => normalizeAxis(p, perm.length) as number);
}

export const Transpose = defineOp('Transpose', {
  inputs: ['x: T', 'perm: Tperm'],
  outputs: ['y: T'],
  attrs: { T: 'type', Tperm: indexType },
  shape: ({ x, perm }, ctx) => ({ y: transposedShape(x, ctx.constantNumbers('perm'), perm, ctx) }),
  grad: ({ perm }, dy) => ({ x: transpose(dy.y, { perm: invertPermutation(perm) }), perm: null }),
  lower: (b, { x, perm }, ctx) => ({ y: b.transpose(x, permutation(ctx.numbers(perm))) }),
  sample: { inputs: { x: uniform([2, 3, 4]), perm: values([2, 0, 1], 'int32') } },
});

/** Values are real, so nothing is conjugated: the same as Transpose. */
export const ConjugateTranspose = defineOp('ConjugateTranspose', {
  inputs: ['x: T', 'perm: Tperm'],
  outputs: ['y: T'],
  attrs: { T: 'type', Tperm: indexType },
  shape: ({ x, perm }, ctx) => ({ y: transposedShape(x, ctx.constantNumbers('perm'), perm, ctx) }),
  grad: ({ perm }, dy) => ({ x: transpose(dy.y, { perm: invertPermutation(perm) }), perm: null }),
  lower: (b, { x, perm }, ctx) => ({ y: b.transpose(x, permutation(ctx.numbers(perm))) }),
  sample: { inputs: { x: uniform([2, 3]), perm: values([1, 0], 'int32') } },
});

/** Dimension i of the result is dimension `perm[i]` of `a`; default: all dimensions reversed. TF `transpose`. */
export function transpose(a: TensorLike, options: { perm?: TensorLike; name?: string } = {}): Tensor {
  const x = convertToTensor(a);
  return call(Transpose, { x, perm: options.perm ?? reversedAxes(x) }, { name: options.name ?? 'transpose' }).y;
}

function reversedAxes(x: Tensor): Tensor {
  if (x.shape !== null)
    return constantTensor([...x.shape.keys()].reverse(), 'int32', 'transpose/perm', [x.shape.length]);
  const n = rank(x);
  return subtract(subtract(n, 1), range(0, n));
}

/** `a` with its last two dimensions exchanged. TF `matrix_transpose`. Throws InvalidArgument for an unknown rank or one below 2. */
export function matrixTranspose(a: TensorLike, name = 'matrix_transpose'): Tensor {
  const x = convertToTensor(a);
  const n = x.shape?.length;
  if (n === undefined || n < 2) {
    throw new InvalidArgumentError(
      `matrixTranspose needs a known rank ≥ 2, but "${x.name}" has shape ${formatShape(x.shape)}. Set it with setShape(…), or use transpose with perm.`,
    );
  }
  const perm = [...new Array<number>(n - 2).keys(), n - 1, n - 2];
  return transpose(x, { perm, name });
}

export const InvertPermutation = defineOp('InvertPermutation', {
  inputs: ['x: T'],
  outputs: ['y: T'],
  attrs: { T: indexType },
  shape: ({ x }) => ({ y: x }),
  grad: null,
  lower: (b, { x }) => {
    const [n = 0] = dimsOf(x);
    const scalar = { kind: 'array', dtype: dtypeOf(x), dims: [] } as const;
    const y = b.scatter(fullLike(b, x, 0), x, b.iota(dtypeOf(x), [n], 0), {
      dimensionNumbers: {
        updateWindowDims: [],
        insertedWindowDims: [0],
        scatterDimsToOperandDims: [0],
        indexVectorDim: 1,
      },
      computation: b.computation('replace', [scalar, scalar], (_, _old, update) => update as Value),
    });
    return { y };
  },
  sample: { inputs: { x: values([2, 0, 3, 1], 'int32') } },
});

/** y with y[x[i]] = i. A constant permutation gives a constant. */
export function invertPermutation(x: TensorLike, name?: string): Tensor {
  const t = convertToTensor(x, typeof x === 'object' && 'op' in x ? {} : { dtype: 'int32' });
  const known = constantValue(t)?.toNumbers();
  if (known === undefined || known.some((p) => p < 0)) return call(InvertPermutation, { x: t }, { name }).y;
  const inverse = new Array<number>(known.length).fill(0);
  for (const [i, p] of known.entries()) inverse[p] = i;
  return constantTensor(inverse, t.dtype, name ?? 'InvertPermutation', [inverse.length]);
}

export const ReverseV2 = defineOp('ReverseV2', {
  inputs: ['tensor: T', 'axis: Tidx'],
  outputs: ['output: T'],
  attrs: { Tidx: indexType, T: 'type' },
  shape: ({ tensor }, ctx) => {
    const axes = ctx.constantNumbers('axis');
    if (tensor !== null && axes !== undefined) {
      const found = axes.map((a) => checkAxis(a, tensor.length, ctx));
      if (new Set(found).size !== found.length) ctx.fail(`axis [${axes.join(', ')}] names an axis twice.`);
    }
    return { output: tensor };
  },
  grad: ({ axis }, dy) => ({ tensor: reverse(dy.output, axis), axis: null }),
  lower: (b, { tensor, axis }, ctx) => {
    const n = dimsOf(tensor).length;
    return {
      output: b.reverse(
        tensor,
        ctx.numbers(axis).map((a) => normalizeAxis(a, n) as number),
      ),
    };
  },
  sample: { inputs: { tensor: uniform([2, 3]), axis: values([-1], 'int32') } },
});

/** `tensor` with the order of elements along each axis of the list `axis` reversed. TF `reverse`. */
export function reverse(tensor: TensorLike, axis: TensorLike, name?: string): Tensor {
  return call(ReverseV2, { tensor, axis }, { name }).output;
}

export const ReverseSequence = defineOp('ReverseSequence', {
  inputs: ['input: T', 'seq_lengths: Tlen'],
  outputs: ['output: T'],
  attrs: { seq_dim: 'int', batch_dim: int(0), T: 'type', Tlen: type(indexTypes, 'int64') },
  shape: ({ input, seq_lengths }, ctx) => {
    if (seq_lengths !== null && seq_lengths.length !== 1)
      ctx.fail(`seq_lengths must be 1-D, got ${formatShape(seq_lengths)}.`);
    if (input === null) return { output: null };
    const batch = checkAxis(ctx.attrs.batch_dim, input.length, ctx);
    if (checkAxis(ctx.attrs.seq_dim, input.length, ctx) === batch) ctx.fail(`seq_dim and batch_dim are both ${batch}.`);
    const size = mergeDimension(input[batch] ?? null, seq_lengths?.[0] ?? null);
    if (size !== undefined) return { output: input.with(batch, size) };
    return ctx.fail(
      `input ${formatShape(input)} has ${input[batch]} sequences along axis ${batch}, but seq_lengths has ${seq_lengths?.[0]}.`,
    );
  },
  grad: ({ seq_lengths }, dy, { attrs }) => ({
    input: reverseSequence(dy.output, seq_lengths, { seqAxis: attrs.seq_dim, batchAxis: attrs.batch_dim }),
    seq_lengths: null,
  }),
  lower: (b, x, { attrs }) => {
    const n = dimsOf(x.input).length;
    const axes = { seq: normalizeAxis(attrs.seq_dim, n) as number, batch: normalizeAxis(attrs.batch_dim, n) as number };
    return { output: reverseRows(b, x.input, b.convert(x.seq_lengths, 's32'), axes) };
  },
  sample: { inputs: { input: uniform([3, 4, 2]), seq_lengths: values([2, 0, 4], 'int64') }, attrs: { seq_dim: 1 } },
});

/** out[…t…] = x[… length − 1 − t …] while t < length, else x[…t…]: one gather with computed positions. */
function reverseRows(b: Builder, x: Value, lengths: Value, { seq, batch }: { seq: number; batch: number }): Value {
  const dims = dimsOf(x);
  const grid = [dims[batch] as number, dims[seq] as number];
  const t = b.iota('s32', grid, 1);
  const length = b.broadcast(lengths, grid, [0]);
  const flipped = b.subtract(b.subtract(length, b.full(1, 's32', grid)), t);
  const from = b.select(b.compare('LT', t, length), flipped, t);
  const parts = [b.iota('s32', grid, 0), from].map((p) => b.reshape(p, [...grid, 1]));
  const rest = dims.map((_, i) => i).filter((i) => i !== seq && i !== batch);
  const rows = b.gather(
    x,
    b.concatenate(parts, 2),
    {
      offsetDims: rest.map((_, i) => i + 2),
      collapsedSliceDims: [batch, seq].sort((p, q) => p - q),
      startIndexMap: [batch, seq],
      indexVectorDim: 2,
    },
    dims.map((d, i) => (i === seq || i === batch ? 1 : d)),
  ); // [batch, seq, …rest]
  const order = [batch, seq, ...rest];
  return b.transpose(
    rows,
    dims.map((_, i) => order.indexOf(i)),
  );
}

/** Reverses the first `seqLengths[i]` elements along `seqAxis` of each entry i of `batchAxis` (default 0). TF `reverse_sequence`. */
export function reverseSequence(
  input: TensorLike,
  seqLengths: TensorLike,
  options: { seqAxis: number; batchAxis?: number; name?: string },
): Tensor {
  const attrs = { seq_dim: options.seqAxis, batch_dim: options.batchAxis ?? 0 };
  return call(ReverseSequence, { input, seq_lengths: seqLengths }, { attrs, name: options.name }).output;
}

export const Size = defineOp('Size', {
  inputs: ['input: T'],
  outputs: ['output: out_type'],
  attrs: { T: 'type', out_type: indexType },
  shape: () => ({ output: [] }),
  grad: null,
  partialValue: ({ input }) => [sizeOf(input.shape)],
  lower: (b, { input }, { attrs }) => ({
    output: b.scalar(elementCount(dimsOf(input)), attrs.out_type === 'int64' ? 's64' : 's32'),
  }),
  sample: { inputs: { input: uniform([2, 3]) } },
});

/** Number of elements as a scalar. TF `size`. */
export function size(input: TensorLike, options: { outType?: 'int32' | 'int64'; name?: string } = {}): Tensor {
  return call(Size, { input }, { attrs: { out_type: options.outType ?? 'int32' }, name: options.name }).output;
}

export const ShapeN = defineOp('ShapeN', {
  inputs: ['input: N * T'],
  outputs: ['output: N * out_type'],
  attrs: { N: count(1), T: 'type', out_type: indexType },
  shape: ({ input }) => ({ output: input.map((s) => [s === null ? null : s.length]) }),
  grad: null,
  lower: (b, { input }, { attrs }) => ({
    output: input.map((x) => {
      const dims = dimsOf(x);
      return attrs.out_type === 'int64'
        ? b.array(BigInt64Array.from(dims, BigInt), 's64', [dims.length])
        : b.array(Int32Array.from(dims), 's32', [dims.length]);
    }),
  }),
  sample: { inputs: { input: [uniform([2, 3]), uniform([4])] } },
});

/** Shapes of several tensors of one dtype. TF `shape_n`. */
export function shapeN(
  input: readonly TensorLike[],
  options: { outType?: 'int32' | 'int64'; name?: string } = {},
): readonly Tensor[] {
  return call(ShapeN, { input }, { attrs: { out_type: options.outType ?? 'int32' }, name: options.name }).output;
}

export const StopGradient = defineOp('StopGradient', {
  inputs: ['input: T'],
  outputs: ['output: T'],
  attrs: { T: 'type' },
  shape: ({ input }) => ({ output: input }),
  grad: null,
  partialValue: ({ input }) => input.value,
  lower: (_, { input }) => ({ output: input }),
  sample: { inputs: { input: uniform([2]) } },
});

/** The same value, which gradients take for a constant. TF `stop_gradient`. */
export function stopGradient(input: TensorLike, name?: string): Tensor {
  return call(StopGradient, { input }, { name }).output;
}

export const PreventGradient = defineOp('PreventGradient', {
  inputs: ['input: T'],
  outputs: ['output: T'],
  attrs: { T: 'type', message: string('') },
  shape: ({ input }) => ({ output: input }),
  grad: (_io, _dy, { attrs, op }) => {
    const reason = attrs.message === '' ? '' : ` Reason: ${attrs.message}`;
    throw new InvalidArgumentError(`a gradient was asked for where it is declared wrong.${reason}`, {
      opType: op.type,
      nodeName: op.name,
    });
  },
  lower: (_, { input }) => ({ output: input }),
  sample: { inputs: { input: uniform([2]) }, grad: false },
});

/** The same value; asking for a gradient through it throws InvalidArgument with `message`. */
export function preventGradient(input: TensorLike, options: { message?: string; name?: string } = {}): Tensor {
  return call(PreventGradient, { input }, { attrs: { message: options.message ?? '' }, name: options.name }).output;
}

export const IdentityN = defineOp('IdentityN', {
  inputs: ['input: list(T)'],
  outputs: ['output: list(T)'],
  attrs: { T: types() },
  shape: ({ input }) => ({ output: input }),
  grad: (_, dy) => ({ input: dy.output }),
  lower: (_, { input }) => ({ output: input }),
  sample: { inputs: { input: [uniform([2]), uniform([3])] } },
});

/** The same values under one new node: all are there before any is used. TF `identity_n`. */
export function identityN(input: readonly TensorLike[], name?: string): readonly Tensor[] {
  return call(IdentityN, { input }, { name }).output;
}

/** What graph rewriters insert for copies that hold a value still. */
export const Snapshot = defineOp('Snapshot', {
  inputs: ['input: T'],
  outputs: ['output: T'],
  attrs: { T: 'type' },
  shape: ({ input }) => ({ output: input }),
  grad: (_, dy) => ({ input: dy.output }),
  lower: (_, { input }) => ({ output: input }),
  sample: { inputs: { input: uniform([2]) } },
});

export const EnsureShape = defineOp('EnsureShape', {
  inputs: ['input: T'],
  outputs: ['output: T'],
  attrs: { shape: 'shape', T: 'type' },
  shape: ({ input }, { attrs, fail }) => {
    const merged = mergeShapes(input, attrs.shape);
    if (merged !== undefined) return { output: merged };
    return fail(`the input has shape ${formatShape(input)}, but ${formatShape(attrs.shape)} is required.`);
  },
  grad: (_, dy) => ({ input: dy.output }),
  lower: (_b, { input }, ctx) => {
    ctx.dims('output'); // checks the concrete shape
    return { output: input };
  },
  sample: { inputs: { input: uniform([2, 3]) }, attrs: { shape: [null, 3] } },
});

/** `x`, whose shape is checked against `shape` in every run. TF `ensure_shape`. */
export function ensureShape(x: TensorLike, shape: PartialShape, name?: string): Tensor {
  return call(EnsureShape, { input: x }, { attrs: { shape }, name }).output;
}

export const OnesLike = unary('OnesLike', {
  T: [
    'bfloat16',
    'float16',
    'float32',
    'float64',
    'int8',
    'uint8',
    'int16',
    'uint16',
    'int32',
    'uint32',
    'int64',
    'uint64',
    'bool',
  ],
  grad: null,
  lower: (b, x) => fullLike(b, x, dtypeOf(x) === 'pred' ? true : 1),
});

/** Ones of the shape and dtype of x. TF `ones_like`. */
export function onesLike(x: TensorLike, name?: string): Tensor {
  return call(OnesLike, { x }, { name: name ?? 'ones_like' }).y;
}
