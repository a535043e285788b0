/** @file Moving blocks of space between dimensions: SpaceToDepth, SpaceToBatch and their inverses. All are a pad, a reshape, a transpose and a slice. */
import { type Builder, dimsOf, dtypeOf, type Value } from '@tsflow/xla';
import { InvalidArgumentError } from '../errors.ts';
import type { Tensor, TensorLike } from '../graph/tensor.ts';
import { indexType, int, oneOf } from '../op/attr.ts';
import { call, convertToTensor } from '../op/call.ts';
import { defineOp } from '../op/defineOp.ts';
import type { LowerContext, ShapeContext } from '../op/record.ts';
import { uniform, values } from '../op/sample.ts';
import { withRank } from '../op/shapeFunctions.ts';
import { type Dimension, formatShape, type PartialShape } from '../shape.ts';

const block = int(undefined, 2);
const dataFormat = oneOf(['NHWC', 'NCHW', 'NCHW_VECT_C'], 'NHWC');
const depthAttrs = { T: 'type', block_size: block, data_format: dataFormat } as const;
type DepthAttrs = typeof depthAttrs;

/** Positions of height, width and channels. */
function axesOf(format: string, fail: (text: string) => never): { h: number; w: number; c: number } {
  if (format === 'NHWC') return { h: 1, w: 2, c: 3 };
  if (format === 'NCHW') return { h: 2, w: 3, c: 1 };
  return fail(`data_format ${format} is not supported. Use NHWC or NCHW.`);
}

function divided(d: Dimension, by: number, what: string, ctx: Pick<ShapeContext, 'fail'>): Dimension {
  if (d === null || d % by === 0) return d === null ? null : d / by;
  return ctx.fail(`${what} ${d} is not a multiple of ${by}.`);
}

export const SpaceToDepth = defineOp('SpaceToDepth', {
  inputs: ['input: T'],
  outputs: ['output: T'],
  attrs: depthAttrs,
  shape: ({ input }, ctx) => {
    const x = withRank(input, 4, 'input', ctx);
    const { h, w, c } = axesOf(ctx.attrs.data_format, (t) => ctx.fail(t));
    const s = ctx.attrs.block_size;
    if (x === null) return { output: [null, null, null, null] };
    const depth = x[c] ?? null;
    const output = x
      .with(h, divided(x[h] ?? null, s, 'height', ctx))
      .with(w, divided(x[w] ?? null, s, 'width', ctx))
      .with(c, depth === null ? null : depth * s * s);
    return { output };
  },
  grad: (_, dy, { attrs }) => ({ input: depthToSpace(dy.output, attrs.block_size, formatOf(attrs.data_format)) }),
  lower: (b, { input }, ctx) => ({ output: b.reshape(toDepth(b, input, ctx), ctx.dims('output')) }),
  sample: [
    { inputs: { input: uniform([1, 4, 2, 3]) }, attrs: { block_size: 2 } },
    { inputs: { input: uniform([1, 3, 4, 2]) }, attrs: { block_size: 2, data_format: 'NCHW' } },
  ],
});

function formatOf(format: string): { dataFormat: 'NHWC' | 'NCHW' } {
  return { dataFormat: format === 'NCHW' ? 'NCHW' : 'NHWC' };
}

function toDepth(b: Builder, x: Value, ctx: LowerContext<DepthAttrs>): Value {
  const [n, p, q, r] = dimsOf(x) as [number, number, number, number];
  const s = ctx.attrs.block_size;
  if (ctx.attrs.data_format === 'NHWC') {
    return b.transpose(b.reshape(x, [n, p / s, s, q / s, s, r]), [0, 1, 3, 2, 4, 5]); // [n, h, w, s, s, c]
  }
  return b.transpose(b.reshape(x, [n, p, q / s, s, r / s, s]), [0, 3, 5, 1, 2, 4]); // [n, s, s, c, h, w]
}

export const DepthToSpace = defineOp('DepthToSpace', {
  inputs: ['input: T'],
  outputs: ['output: T'],
  attrs: depthAttrs,
  shape: ({ input }, ctx) => {
    const x = withRank(input, 4, 'input', ctx);
    const { h, w, c } = axesOf(ctx.attrs.data_format, (t) => ctx.fail(t));
    const s = ctx.attrs.block_size;
    if (x === null) return { output: [null, null, null, null] };
    const times = (d: Dimension | undefined): Dimension => (d === null || d === undefined ? null : d * s);
    const output = x
      .with(h, times(x[h]))
      .with(w, times(x[w]))
      .with(c, divided(x[c] ?? null, s * s, 'depth', ctx));
    return { output };
  },
  grad: (_, dy, { attrs }) => ({ input: spaceToDepth(dy.output, attrs.block_size, formatOf(attrs.data_format)) }),
  lower: (b, { input }, ctx) => ({ output: b.reshape(fromDepth(b, input, ctx), ctx.dims('output')) }),
  sample: [
    { inputs: { input: uniform([1, 2, 1, 8]) }, attrs: { block_size: 2 } },
    { inputs: { input: uniform([1, 8, 1, 2]) }, attrs: { block_size: 2, data_format: 'NCHW' } },
  ],
});

function fromDepth(b: Builder, x: Value, ctx: LowerContext<DepthAttrs>): Value {
  const [n, p, q, r] = dimsOf(x) as [number, number, number, number];
  const s = ctx.attrs.block_size;
  if (ctx.attrs.data_format === 'NHWC') {
    return b.transpose(b.reshape(x, [n, p, q, s, s, r / (s * s)]), [0, 1, 3, 2, 4, 5]); // [n, h, s, w, s, c]
  }
  return b.transpose(b.reshape(x, [n, s, s, p / (s * s), q, r]), [0, 3, 4, 1, 5, 2]); // [n, c, h, s, w, s]
}

export interface DepthOptions {
  /** Default NHWC. */
  readonly dataFormat?: 'NHWC' | 'NCHW';
  readonly name?: string;
}

/** Blocks of blockSize × blockSize pixels become channels. TF `space_to_depth`. */
export function spaceToDepth(input: TensorLike, blockSize: number, options: DepthOptions = {}): Tensor {
  const attrs = { block_size: blockSize, data_format: options.dataFormat ?? 'NHWC' };
  return call(SpaceToDepth, { input }, { attrs, name: options.name }).output;
}

/** Groups of channels become blocks of blockSize × blockSize pixels. TF `depth_to_space`. */
export function depthToSpace(input: TensorLike, blockSize: number, options: DepthOptions = {}): Tensor {
  const attrs = { block_size: blockSize, data_format: options.dataFormat ?? 'NHWC' };
  return call(DepthToSpace, { input }, { attrs, name: options.name }).output;
}

/** Block sizes and the (before, after) pairs of the spatial dimensions. */
interface Blocks {
  readonly sizes: readonly number[];
  readonly edges: readonly (readonly [number, number])[];
}

function blocksOf(sizes: readonly number[], flat: readonly number[], fail: (text: string) => never): Blocks {
  if (flat.length !== 2 * sizes.length)
    fail(`paddings or crops have ${flat.length / 2} rows, but there are ${sizes.length} block sizes.`);
  const edges = sizes.map((_, i) => [flat[2 * i] as number, flat[2 * i + 1] as number] as const);
  if (sizes.some((s) => s < 1)) fail(`block sizes are [${sizes.join(', ')}]. They must be ≥ 1.`);
  if (flat.some((p) => p < 0)) fail(`paddings or crops [${flat.join(', ')}] have a negative entry.`);
  return { sizes, edges };
}

function toBatchShape(x: PartialShape, { sizes, edges }: Blocks, ctx: Pick<ShapeContext, 'fail'>): PartialShape {
  if (x === null) return null;
  if (x.length < sizes.length + 1)
    ctx.fail(`input ${formatShape(x)} has fewer than ${sizes.length} spatial dimensions after the batch.`);
  const volume = sizes.reduce((n, s) => n * s, 1);
  const batch = x[0] ?? null;
  const spatial = sizes.map((s, i) => {
    const [before, after] = edges[i] as readonly [number, number];
    const d = x[i + 1] ?? null;
    return divided(d === null ? null : d + before + after, s, `padded dimension ${i + 1}`, ctx);
  });
  return [batch === null ? null : batch * volume, ...spatial, ...x.slice(sizes.length + 1)];
}

function fromBatchShape(x: PartialShape, { sizes, edges }: Blocks, ctx: Pick<ShapeContext, 'fail'>): PartialShape {
  if (x === null) return null;
  if (x.length < sizes.length + 1)
    ctx.fail(`input ${formatShape(x)} has fewer than ${sizes.length} spatial dimensions after the batch.`);
  const volume = sizes.reduce((n, s) => n * s, 1);
  const spatial = sizes.map((s, i) => {
    const [before, after] = edges[i] as readonly [number, number];
    const d = x[i + 1] ?? null;
    if (d !== null && d * s < before + after)
      ctx.fail(`crops (${before}, ${after}) exceed dimension ${i + 1} of size ${d * s}.`);
    return d === null ? null : d * s - before - after;
  });
  return [divided(x[0] ?? null, volume, 'batch', ctx), ...spatial, ...x.slice(sizes.length + 1)];
}

function toBatch(b: Builder, x: Value, { sizes, edges }: Blocks): Value {
  const m = sizes.length;
  const padding = dimsOf(x).map((_, i) => {
    const [low, high] = edges[i - 1] ?? [0, 0];
    return i === 0 ? { low: 0, high: 0, interior: 0 } : { low, high, interior: 0 };
  });
  const padded = b.pad(x, b.scalar(dtypeOf(x) === 'pred' ? false : 0, dtypeOf(x)), padding);
  const [n, ...rest] = dimsOf(padded) as [number, ...number[]];
  const inner = rest.slice(m);
  const split = sizes.flatMap((s, i) => [(rest[i] as number) / s, s]);
  const wide = b.reshape(padded, [n, ...split, ...inner]); // [n, d0/s0, s0, …, inner]
  const perm = [
    ...sizes.map((_, i) => 2 * i + 2),
    0,
    ...sizes.map((_, i) => 2 * i + 1),
    ...inner.map((_, i) => 2 * m + 1 + i),
  ];
  const volume = sizes.reduce((p, s) => p * s, 1);
  return b.reshape(b.transpose(wide, perm), [n * volume, ...sizes.map((s, i) => (rest[i] as number) / s), ...inner]);
}

function fromBatch(b: Builder, x: Value, { sizes, edges }: Blocks): Value {
  const m = sizes.length;
  const [n, ...rest] = dimsOf(x) as [number, ...number[]];
  const volume = sizes.reduce((p, s) => p * s, 1);
  const inner = rest.slice(m);
  const wide = b.reshape(x, [...sizes, n / volume, ...rest]);
  const perm = [m, ...sizes.flatMap((_, i) => [m + 1 + i, i]), ...inner.map((_, i) => 2 * m + 1 + i)];
  const grown = [n / volume, ...sizes.map((s, i) => (rest[i] as number) * s), ...inner];
  const flat = b.reshape(b.transpose(wide, perm), grown);
  const starts = grown.map((_, i) => (i === 0 ? 0 : (edges[i - 1]?.[0] ?? 0)));
  const limits = grown.map((d, i) => (i === 0 ? d : d - (edges[i - 1]?.[1] ?? 0)));
  return b.slice(flat, starts, limits);
}

/** Known blocks while shapes are inferred; undefined when an operand is computed. */
function knownBlocks(ctx: ShapeContext, sizes: readonly number[] | undefined, edges: string): Blocks | undefined {
  const flat = ctx.constantNumbers(edges);
  return sizes === undefined || flat === undefined ? undefined : blocksOf(sizes, flat, (t) => ctx.fail(t));
}

const unknown = (x: PartialShape): PartialShape => x?.map(() => null) ?? null;

export const SpaceToBatchND = defineOp('SpaceToBatchND', {
  inputs: ['input: T', 'block_shape: Tblock_shape', 'paddings: Tpaddings'],
  outputs: ['output: T'],
  attrs: { T: 'type', Tblock_shape: indexType, Tpaddings: indexType },
  shape: ({ input }, ctx) => {
    const blocks = knownBlocks(ctx, ctx.constantNumbers('block_shape'), 'paddings');
    return { output: blocks === undefined ? unknown(input) : toBatchShape(input, blocks, ctx) };
  },
  grad: ({ block_shape, paddings }, dy) => ({
    input: batchToSpaceNd(dy.output, block_shape, paddings),
    block_shape: null,
    paddings: null,
  }),
  lower: (b, { input, block_shape, paddings }, ctx) => ({
    output: toBatch(
      b,
      input,
      blocksOf(ctx.numbers(block_shape), ctx.numbers(paddings), (t) => ctx.fail(t)),
    ),
  }),
  sample: {
    inputs: {
      input: uniform([2, 3, 4, 2]),
      block_shape: values([2, 2], 'int32'),
      paddings: values(
        [
          [1, 0],
          [0, 2],
        ],
        'int32',
      ),
    },
  },
});

export const BatchToSpaceND = defineOp('BatchToSpaceND', {
  inputs: ['input: T', 'block_shape: Tblock_shape', 'crops: Tcrops'],
  outputs: ['output: T'],
  attrs: { T: 'type', Tblock_shape: indexType, Tcrops: indexType },
  shape: ({ input }, ctx) => {
    const blocks = knownBlocks(ctx, ctx.constantNumbers('block_shape'), 'crops');
    return { output: blocks === undefined ? unknown(input) : fromBatchShape(input, blocks, ctx) };
  },
  grad: ({ block_shape, crops }, dy) => ({
    input: spaceToBatchNd(dy.output, block_shape, crops),
    block_shape: null,
    crops: null,
  }),
  lower: (b, { input, block_shape, crops }, ctx) => ({
    output: fromBatch(
      b,
      input,
      blocksOf(ctx.numbers(block_shape), ctx.numbers(crops), (t) => ctx.fail(t)),
    ),
  }),
  sample: {
    inputs: {
      input: uniform([8, 2, 3, 1]),
      block_shape: values([2, 2], 'int32'),
      crops: values(
        [
          [1, 0],
          [0, 2],
        ],
        'int32',
      ),
    },
  },
});

export const SpaceToBatch = defineOp('SpaceToBatch', {
  inputs: ['input: T', 'paddings: Tpaddings'],
  outputs: ['output: T'],
  attrs: { T: 'type', Tpaddings: indexType, block_size: block },
  shape: ({ input }, ctx) => {
    const s = ctx.attrs.block_size;
    const blocks = knownBlocks(ctx, [s, s], 'paddings');
    return { output: blocks === undefined ? unknown(input) : toBatchShape(input, blocks, ctx) };
  },
  grad: ({ paddings }, dy, { attrs }) => ({
    input: batchToSpaceNd(dy.output, [attrs.block_size, attrs.block_size], paddings),
    paddings: null,
  }),
  lower: (b, { input, paddings }, ctx) => {
    const s = ctx.attrs.block_size;
    return {
      output: toBatch(
        b,
        input,
        blocksOf([s, s], ctx.numbers(paddings), (t) => ctx.fail(t)),
      ),
    };
  },
  sample: {
    inputs: {
      input: uniform([1, 3, 4, 1]),
      paddings: values(
        [
          [1, 0],
          [0, 0],
        ],
        'int32',
      ),
    },
    attrs: { block_size: 2 },
  },
});

export const BatchToSpace = defineOp('BatchToSpace', {
  inputs: ['input: T', 'crops: Tidx'],
  outputs: ['output: T'],
  attrs: { T: 'type', block_size: block, Tidx: indexType },
  shape: ({ input }, ctx) => {
    const s = ctx.attrs.block_size;
    const blocks = knownBlocks(ctx, [s, s], 'crops');
    return { output: blocks === undefined ? unknown(input) : fromBatchShape(input, blocks, ctx) };
  },
  grad: ({ crops }, dy, { attrs }) => ({
    input: spaceToBatchNd(dy.output, [attrs.block_size, attrs.block_size], crops),
    crops: null,
  }),
  lower: (b, { input, crops }, ctx) => {
    const s = ctx.attrs.block_size;
    return {
      output: fromBatch(
        b,
        input,
        blocksOf([s, s], ctx.numbers(crops), (t) => ctx.fail(t)),
      ),
    };
  },
  sample: {
    inputs: {
      input: uniform([4, 2, 2, 1]),
      crops: values(
        [
          [1, 0],
          [0, 1],
        ],
        'int32',
      ),
    },
    attrs: { block_size: 2 },
  },
});

/** Blocks of the padded spatial dimensions (1 …) become batch entries. TF `space_to_batch_nd`. */
export function spaceToBatchNd(input: TensorLike, blockShape: TensorLike, paddings: TensorLike): Tensor {
  return call(SpaceToBatchND, { input: convertToTensor(input), block_shape: blockShape, paddings }).output;
}

/** Batch entries become blocks of the spatial dimensions, which are then cropped. TF `batch_to_space_nd`. */
export function batchToSpaceNd(input: TensorLike, blockShape: TensorLike, crops: TensorLike): Tensor {
  return call(BatchToSpaceND, { input: convertToTensor(input), block_shape: blockShape, crops }).output;
}

/** The form for [batch, height, width, depth] with one block size for both. TF `space_to_batch`. */
export function spaceToBatch(
  input: TensorLike,
  paddings: TensorLike,
  options: { blockSize?: number; blockShape?: readonly number[]; name?: string },
): Tensor {
  const x = convertToTensor(input);
  return call(SpaceToBatchND, { input: x, block_shape: blockShapeOf(options), paddings }, { name: options.name })
    .output;
}

/** The inverse of spaceToBatch. TF `batch_to_space`. */
export function batchToSpace(
  input: TensorLike,
  crops: TensorLike,
  options: { blockSize?: number; blockShape?: readonly number[]; name?: string },
): Tensor {
  const x = convertToTensor(input);
  return call(BatchToSpaceND, { input: x, block_shape: blockShapeOf(options), crops }, { name: options.name }).output;
}

function blockShapeOf({ blockSize, blockShape }: { blockSize?: number; blockShape?: readonly number[] }): number[] {
  if (blockShape !== undefined) return [...blockShape];
  if (blockSize !== undefined) return [blockSize, blockSize];
  throw new InvalidArgumentError('give blockSize (for height and width) or blockShape (one size a spatial dimension).');
}
