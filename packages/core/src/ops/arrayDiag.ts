/**
 * @file Diagonals and bands of matrices. One map says which diagonal element belongs to which matrix element; taking diagonals out
 * and putting them in are both a gather through it.
 */
import { type Builder, dimsOf, dtypeOf, type Value } from '@tsflow/xla';
import type { DType } from '../dtype.ts';
import type { Tensor, TensorLike } from '../graph/tensor.ts';
import { oneOf, type } from '../op/attr.ts';
import { call, convertToTensor } from '../op/call.ts';
import { defineOp } from '../op/defineOp.ts';
import type { ShapeContext } from '../op/record.ts';
import { uniform, values } from '../op/sample.ts';
import { type Dimension, formatShape, mergeShapes, type PartialShape } from '../shape.ts';
import { zerosLike } from './array.ts';
import { subtract } from './math.ts';
import { reduceSum } from './reduce.ts';

type Align = 'LEFT_RIGHT' | 'RIGHT_LEFT' | 'LEFT_LEFT' | 'RIGHT_RIGHT';
const align = oneOf(['LEFT_RIGHT', 'RIGHT_LEFT', 'LEFT_LEFT', 'RIGHT_RIGHT'], 'RIGHT_LEFT');

interface Band {
  readonly rows: number;
  readonly cols: number;
  /** Lowest and highest diagonal, negative below the main one. */
  readonly low: number;
  readonly high: number;
  readonly align: Align;
}

const main = (rows: number, cols: number): Band => ({ rows, cols, low: 0, high: 0, align: 'RIGHT_LEFT' });

function diagonalLength(rows: number, cols: number, k: number): number {
  return Math.min(rows + Math.min(k, 0), cols - Math.max(k, 0));
}

/** Length of the longest diagonal of a band: the last dimension of its diagonals. */
function longest({ rows, cols, low, high }: Omit<Band, 'align'>): number {
  return Math.min(rows + Math.min(high, 0), cols - Math.max(low, 0));
}

/** Calls `visit(row, col, diagonal, position)` for every element of the band; diagonals count from the highest. */
function forEachOfBand(band: Band, visit: (row: number, col: number, d: number, at: number) => void): void {
  const length = longest(band);
  const leftAbove = band.align.startsWith('LEFT');
  const leftBelow = band.align.endsWith('LEFT');
  for (let k = band.high; k >= band.low; k--) {
    const own = diagonalLength(band.rows, band.cols, k);
    const left = (k >= 0 && leftAbove) || (k <= 0 && leftBelow);
    const offset = left ? 0 : length - own;
    for (let i = 0; i < own; i++) visit(i + Math.max(-k, 0), i + Math.max(k, 0), band.high - k, offset + i);
  }
}

/** Gathers the last two dimensions of `x` at constant index pairs laid out as `dims`: [...batch, ...dims]. */
function takePairs(b: Builder, x: Value, pairs: Int32Array<ArrayBuffer>, dims: readonly number[]): Value {
  const batch = dimsOf(x).slice(0, -2);
  const n = batch.length;
  return b.gather(
    x,
    b.array(pairs, 's32', [...dims, 2]),
    {
      offsetDims: batch.map((_, i) => i),
      collapsedSliceDims: [n, n + 1],
      startIndexMap: [n, n + 1],
      indexVectorDim: dims.length,
    },
    [...batch, 1, 1],
  );
}

/** `onTrue` where the constant mask (over the last dimensions) is 1, else `onFalse`. */
function choose(
  b: Builder,
  mask: Uint8Array<ArrayBuffer>,
  maskDims: readonly number[],
  onTrue: Value,
  onFalse: Value,
): Value {
  const dims = dimsOf(onTrue);
  const from = maskDims.map((_, i) => dims.length - maskDims.length + i);
  return b.select(b.broadcast(b.array(mask, 'pred', maskDims), dims, from), onTrue, onFalse);
}

/** The diagonals of a band: [...batch, diagonals, longest], shorter ones padded. */
function diagonalsOf(b: Builder, x: Value, band: Band, padding: Value): Value {
  const dims = [band.high - band.low + 1, longest(band)];
  const [count, length] = dims as [number, number];
  const pairs = new Int32Array(count * length * 2);
  const mask = new Uint8Array(count * length);
  forEachOfBand(band, (row, col, d, at) => {
    pairs.set([row, col], (d * length + at) * 2);
    mask[d * length + at] = 1;
  });
  const taken = takePairs(b, x, pairs, dims);
  if (mask.every((m) => m === 1)) return taken;
  return choose(b, mask, dims, taken, b.broadcast(padding, dimsOf(taken), []));
}

/** `base` [...batch, rows, cols] with the band's elements from `diagonals` [...batch, diagonals, longest]. */
function withDiagonals(b: Builder, base: Value, diagonals: Value, band: Band): Value {
  const dims = [band.rows, band.cols];
  const pairs = new Int32Array(band.rows * band.cols * 2);
  const mask = new Uint8Array(band.rows * band.cols);
  forEachOfBand(band, (row, col, d, at) => {
    pairs.set([d, at], (row * band.cols + col) * 2);
    mask[row * band.cols + col] = 1;
  });
  return choose(b, mask, dims, takePairs(b, diagonals, pairs, dims), base);
}

function lastTwo(x: Value): [number, number] {
  return dimsOf(x).slice(-2) as [number, number];
}

function matrixDims(x: PartialShape, what: string, ctx: Pick<ShapeContext, 'fail'>): readonly Dimension[] | null {
  if (x !== null && x.length < 2) ctx.fail(`${what} must have rank ≥ 2, but has shape ${formatShape(x)}.`);
  return x;
}

function leastOf(rows: Dimension | undefined, cols: Dimension | undefined): Dimension {
  if (rows === 0 || cols === 0) return 0;
  return typeof rows === 'number' && typeof cols === 'number' ? Math.min(rows, cols) : null;
}

function zeroOf(b: Builder, x: Value): Value {
  return b.scalar(dtypeOf(x) === 'pred' ? false : 0, dtypeOf(x));
}

/** Diagonals of one length as a list of one diagonal. */
function asList(b: Builder, diagonal: Value): Value {
  const dims = dimsOf(diagonal);
  return b.reshape(diagonal, [...dims.slice(0, -1), 1, dims.at(-1) as number]);
}

export const MatrixDiag = defineOp('MatrixDiag', {
  inputs: ['diagonal: T'],
  outputs: ['output: T'],
  attrs: { T: 'type' },
  shape: ({ diagonal }, ctx) => {
    if (diagonal?.length === 0) ctx.fail('diagonal is a scalar. Give a vector, or a batch of vectors.');
    return { output: diagonal === null ? null : [...diagonal, diagonal.at(-1) ?? null] };
  },
  grad: (_, dy) => ({ diagonal: matrixDiagPart(dy.output) }),
  lower: (b, { diagonal }, ctx) => {
    const n = dimsOf(diagonal).at(-1) as number;
    const zeros = b.broadcast(zeroOf(b, diagonal), ctx.dims('output'), []);
    return { output: n === 0 ? zeros : withDiagonals(b, zeros, asList(b, diagonal), main(n, n)) };
  },
  sample: { inputs: { diagonal: uniform([2, 3]) } },
});

export const MatrixDiagPart = defineOp('MatrixDiagPart', {
  inputs: ['input: T'],
  outputs: ['diagonal: T'],
  attrs: { T: 'type' },
  shape: ({ input }, ctx) => {
    const x = matrixDims(input, 'input', ctx);
    return { diagonal: x === null ? null : [...x.slice(0, -2), leastOf(x.at(-2), x.at(-1))] };
  },
  grad: ({ input }, dy) => ({ input: matrixSetDiag(zerosLike(input), dy.diagonal) }),
  lower: (b, { input }, ctx) => {
    const taken = diagonalsOf(b, input, main(...lastTwo(input)), zeroOf(b, input));
    return { diagonal: b.reshape(taken, ctx.dims('diagonal')) };
  },
  sample: [{ inputs: { input: uniform([2, 2, 3]) } }, { inputs: { input: uniform([3, 2]) } }],
});

export const MatrixSetDiag = defineOp('MatrixSetDiag', {
  inputs: ['input: T', 'diagonal: T'],
  outputs: ['output: T'],
  attrs: { T: 'type' },
  shape: ({ input, diagonal }, ctx) => {
    const x = matrixDims(input, 'input', ctx);
    const wanted = x === null ? null : [...x.slice(0, -2), leastOf(x.at(-2), x.at(-1))];
    if (mergeShapes(wanted, diagonal) === undefined) {
      ctx.fail(
        `diagonal is ${formatShape(diagonal)}, but that of input ${formatShape(input)} is ${formatShape(wanted)}.`,
      );
    }
    return { output: input };
  },
  grad: ({ diagonal }, dy) => ({
    input: matrixSetDiag(dy.output, zerosLike(diagonal)),
    diagonal: matrixDiagPart(dy.output),
  }),
  lower: (b, { input, diagonal }) => {
    if (dimsOf(diagonal).at(-1) === 0) return { output: input };
    return { output: withDiagonals(b, input, asList(b, diagonal), main(...lastTwo(input))) };
  },
  sample: { inputs: { input: uniform([2, 3, 2]), diagonal: uniform([2, 2]) } },
});

/** Lowest and highest diagonal of operand `k`: a scalar, or a pair. */
function bandOf(k: readonly number[]): { low: number; high: number } {
  return { low: k[0] as number, high: (k[1] ?? k[0]) as number };
}

/** [...batch, diagonals?, longest] of matrices [...batch, rows, cols]. */
function diagonalsShape(
  x: PartialShape,
  k: readonly number[] | undefined,
  ctx: Pick<ShapeContext, 'fail'>,
): PartialShape {
  const [rows, cols] = [x?.at(-2) ?? null, x?.at(-1) ?? null];
  if (x === null || k === undefined) return null;
  const { low, high } = bandOf(k);
  if (low > high) ctx.fail(`k is [${low}, ${high}]. Give the lower diagonal first.`);
  if (rows !== null && cols !== null && (low <= -rows || high >= cols) && rows * cols > 0) {
    ctx.fail(`diagonals [${low}, ${high}] leave a ${rows}×${cols} matrix. They lie in (${-rows}, ${cols}).`);
  }
  const length = rows === null || cols === null ? null : longest({ rows, cols, low, high });
  return [...x.slice(0, -2), ...(low === high ? [] : [high - low + 1]), length];
}

export const MatrixDiagPartV3 = defineOp('MatrixDiagPartV3', {
  inputs: ['input: T', 'k: int32', 'padding_value: T'],
  outputs: ['diagonal: T'],
  attrs: { T: 'type', align },
  shape: ({ input }, ctx) => ({
    diagonal: diagonalsShape(matrixDims(input, 'input', ctx), ctx.constantNumbers('k'), ctx),
  }),
  grad: ({ input, k }, dy, { attrs }) => {
    const spread = setBand({ input: zerosLike(input), diagonal: dy.diagonal, k }, attrs.align);
    return { input: spread, k: null, padding_value: subtract(reduceSum(dy.diagonal), reduceSum(spread)) };
  },
  lower: (b, { input, k, padding_value }, ctx) => {
    const [rows, cols] = lastTwo(input);
    const band = { rows, cols, ...bandOf(ctx.numbers(k)), align: ctx.attrs.align };
    return { diagonal: b.reshape(diagonalsOf(b, input, band, padding_value), ctx.dims('diagonal')) };
  },
  sample: {
    inputs: { input: uniform([2, 3, 4]), k: values([-1, 1], 'int32'), padding_value: values(7) },
    attrs: { align: 'LEFT_RIGHT' },
  },
});

/** Rows and columns that fit the diagonals, where the operands leave them open (−1). */
function diagMatrixSize(
  length: number,
  { low, high, rows, cols }: { low: number; high: number; rows: number; cols: number },
): [number, number] {
  const leastRows = length - Math.min(high, 0);
  const leastCols = length + Math.max(low, 0);
  if (rows < 0 && cols < 0) return [Math.max(leastRows, leastCols), Math.max(leastRows, leastCols)];
  return [rows < 0 ? leastRows : rows, cols < 0 ? leastCols : cols];
}

export const MatrixDiagV3 = defineOp('MatrixDiagV3', {
  inputs: ['diagonal: T', 'k: int32', 'num_rows: int32', 'num_cols: int32', 'padding_value: T'],
  outputs: ['output: T'],
  attrs: { T: 'type', align },
  shape: ({ diagonal }, ctx) => {
    const [k, rows, cols] = [
      ctx.constantNumbers('k'),
      ctx.constantNumbers('num_rows'),
      ctx.constantNumbers('num_cols'),
    ];
    const length = diagonal?.at(-1) ?? null;
    if (diagonal === null || k === undefined || rows === undefined || cols === undefined) return { output: null };
    const { low, high } = bandOf(k);
    const batch = diagonal.slice(0, low === high ? -1 : -2);
    if (length === null) return { output: [...batch, null, null] };
    return {
      output: [...batch, ...diagMatrixSize(length, { low, high, rows: rows[0] as number, cols: cols[0] as number })],
    };
  },
  grad: ({ k, padding_value }, dy, { attrs }) => {
    const part = bandPart({ input: dy.output, k, padding: zerosLike(padding_value) }, attrs.align);
    return {
      diagonal: part,
      k: null,
      num_rows: null,
      num_cols: null,
      padding_value: subtract(reduceSum(dy.output), reduceSum(part)),
    };
  },
  lower: (b, { diagonal, k, padding_value }, ctx) => {
    const dims = ctx.dims('output');
    const [rows, cols] = dims.slice(-2) as [number, number];
    const band = { rows, cols, ...bandOf(ctx.numbers(k)), align: ctx.attrs.align };
    const own = band.low === band.high ? asList(b, diagonal) : diagonal;
    if (longest(band) !== dimsOf(own).at(-1)) {
      return ctx.fail(
        `diagonals of length ${dimsOf(own).at(-1)} do not fit a ${rows}×${cols} matrix, whose longest is ${longest(band)}.`,
      );
    }
    return { output: withDiagonals(b, b.broadcast(padding_value, dims, []), own, band) };
  },
  sample: {
    inputs: {
      diagonal: uniform([3, 3]),
      k: values([-1, 1], 'int32'),
      num_rows: values(3, 'int32'),
      num_cols: values(4, 'int32'),
      padding_value: values(2),
    },
  },
});

export const MatrixSetDiagV3 = defineOp('MatrixSetDiagV3', {
  inputs: ['input: T', 'diagonal: T', 'k: int32'],
  outputs: ['output: T'],
  attrs: { T: 'type', align },
  shape: ({ input, diagonal }, ctx) => {
    const wanted = diagonalsShape(matrixDims(input, 'input', ctx), ctx.constantNumbers('k'), ctx);
    if (mergeShapes(wanted, diagonal) === undefined) {
      ctx.fail(
        `diagonal is ${formatShape(diagonal)}, but those of input ${formatShape(input)} are ${formatShape(wanted)}.`,
      );
    }
    return { output: input };
  },
  grad: ({ k, diagonal }, dy, { attrs }) => ({
    input: setBand({ input: dy.output, diagonal: zerosLike(diagonal), k }, attrs.align),
    diagonal: bandPart({ input: dy.output, k, padding: 0 }, attrs.align),
    k: null,
  }),
  lower: (b, { input, diagonal, k }, ctx) => {
    const [rows, cols] = lastTwo(input);
    const band = { rows, cols, ...bandOf(ctx.numbers(k)), align: ctx.attrs.align };
    return { output: withDiagonals(b, input, band.low === band.high ? asList(b, diagonal) : diagonal, band) };
  },
  sample: { inputs: { input: uniform([3, 4]), diagonal: uniform([2, 3]), k: values([0, 1], 'int32') } },
});

function setBand(x: Record<'input' | 'diagonal' | 'k', Tensor>, how: Align): Tensor {
  return call(MatrixSetDiagV3, x, { attrs: { align: how } }).output;
}

function bandPart(x: { input: Tensor; k: Tensor; padding: TensorLike }, how: Align): Tensor {
  const inputs = { input: x.input, k: x.k, padding_value: x.padding };
  return call(MatrixDiagPartV3, inputs, { attrs: { align: how } }).diagonal;
}

export const MatrixBandPart = defineOp('MatrixBandPart', {
  inputs: ['input: T', 'num_lower: Tindex', 'num_upper: Tindex'],
  outputs: ['band: T'],
  attrs: { T: 'type', Tindex: type(['int32', 'int64'], 'int64') },
  shape: ({ input }, ctx) => ({ band: matrixDims(input, 'input', ctx) }),
  grad: ({ num_lower, num_upper }, dy) => ({
    input: bandOnly(dy.band, num_lower, num_upper),
    num_lower: null,
    num_upper: null,
  }),
  lower: (b, { input, num_lower, num_upper }) => {
    const dims = dimsOf(input);
    const index = dtypeOf(num_lower);
    const below = b.subtract(b.iota(index, dims, dims.length - 2), b.iota(index, dims, dims.length - 1)); // row − column
    const within = (distance: Value, limit: Value): Value => {
      const wide = b.broadcast(limit, dims, []);
      const open = b.compare('LT', wide, b.full(0, index, dims));
      return b.or(open, b.compare('LE', distance, wide));
    };
    const inBand = b.and(within(below, num_lower), within(b.negate(below), num_upper));
    return { band: b.select(inBand, input, b.broadcast(zeroOf(b, input), dims, [])) };
  },
  sample: {
    inputs: { input: uniform([2, 3, 4]), num_lower: values(1, 'int64'), num_upper: values(-1, 'int64') },
  },
});

function bandOnly(input: Tensor, lower: Tensor, upper: Tensor): Tensor {
  return call(MatrixBandPart, { input, num_lower: lower, num_upper: upper }).band;
}

const diagTypes: readonly DType[] = ['bfloat16', 'float16', 'float32', 'float64', 'int32', 'int64'];

export const Diag = defineOp('Diag', {
  inputs: ['diagonal: T'],
  outputs: ['output: T'],
  attrs: { T: type(diagTypes) },
  shape: ({ diagonal }, ctx) => {
    if (diagonal?.length === 0) ctx.fail('diagonal is a scalar. Give an array of rank ≥ 1.');
    return { output: diagonal === null ? null : [...diagonal, ...diagonal] };
  },
  grad: (_, dy) => ({ diagonal: diagPart(dy.output) }),
  lower: (b, { diagonal }, ctx) => {
    const n = dimsOf(diagonal).reduce((p, d) => p * d, 1);
    const zeros = b.broadcast(zeroOf(b, diagonal), [n, n], []);
    const square = n === 0 ? zeros : withDiagonals(b, zeros, b.reshape(diagonal, [1, n]), main(n, n));
    return { output: b.reshape(square, ctx.dims('output')) };
  },
  sample: { inputs: { diagonal: uniform([2, 2]) } },
});

export const DiagPart = defineOp('DiagPart', {
  inputs: ['input: T'],
  outputs: ['diagonal: T'],
  attrs: { T: type(diagTypes) },
  shape: ({ input }, ctx) => {
    if (input === null) return { diagonal: null };
    const half = input.length / 2;
    const merged =
      Number.isInteger(half) && half > 0 ? mergeShapes(input.slice(0, half), input.slice(half)) : undefined;
    if (merged !== undefined) return { diagonal: merged };
    return ctx.fail(`input is ${formatShape(input)}; the second half of its dimensions must repeat the first.`);
  },
  grad: (_, dy) => ({ input: diag(dy.diagonal) }),
  lower: (b, { input }, ctx) => {
    const dims = ctx.dims('diagonal');
    const n = dims.reduce((p, d) => p * d, 1);
    const square = b.reshape(input, [n, n]);
    return { diagonal: b.reshape(diagonalsOf(b, square, main(n, n), zeroOf(b, input)), dims) };
  },
  sample: { inputs: { input: uniform([2, 2, 2, 2]) } },
});

/** Element i… of `diagonal` at i…, i…; 0 elsewhere: shape s → [...s, ...s]. TF `diag`. */
export function diag(diagonal: TensorLike, name?: string): Tensor {
  return call(Diag, { diagonal: convertToTensor(diagonal) }, { name }).output;
}

/** Elements of `input` at i…, i…: shape [...s, ...s] → s. TF `diag_part`. */
export function diagPart(input: TensorLike, name?: string): Tensor {
  return call(DiagPart, { input: convertToTensor(input) }, { name }).diagonal;
}

export interface DiagOptions {
  /** Diagonal (0 = main, positive above it), or the lowest and highest of a band. Default 0. */
  readonly k?: number | readonly [low: number, high: number];
  /** Where shorter diagonals of a band stand: above-below. Default RIGHT_LEFT. */
  readonly align?: Align;
  readonly name?: string;
}

/** The operand k, or undefined for the main diagonal. */
function bandOperand(options: DiagOptions): Tensor | undefined {
  const { k = 0 } = options;
  return k === 0 ? undefined : convertToTensor(k as TensorLike, { dtype: 'int32', name: 'k' });
}

/** Matrices with the last dimension of `diagonal` on the diagonal and `paddingValue` (0) elsewhere. TF `matrix_diag`. */
export function matrixDiag(
  diagonal: TensorLike,
  options: DiagOptions & { numRows?: number; numCols?: number; paddingValue?: TensorLike } = {},
): Tensor {
  const x = convertToTensor(diagonal);
  const { name, numRows = -1, numCols = -1, paddingValue = 0 } = options;
  const k = bandOperand(options);
  if (k === undefined && numRows < 0 && numCols < 0 && paddingValue === 0) {
    return call(MatrixDiag, { diagonal: x }, { name: name ?? 'diag' }).output;
  }
  const inputs = { diagonal: x, k: k ?? 0, num_rows: numRows, num_cols: numCols, padding_value: paddingValue };
  return call(MatrixDiagV3, inputs, { attrs: { align: options.align ?? 'RIGHT_LEFT' }, name: name ?? 'diag' }).output;
}

/** Diagonals of the matrices in the last two dimensions. TF `matrix_diag_part`. */
export function matrixDiagPart(input: TensorLike, options: DiagOptions & { paddingValue?: TensorLike } = {}): Tensor {
  const x = convertToTensor(input);
  const name = options.name ?? 'diag_part';
  const k = bandOperand(options);
  if (k === undefined) return call(MatrixDiagPart, { input: x }, { name }).diagonal;
  const inputs = { input: x, k, padding_value: options.paddingValue ?? 0 };
  return call(MatrixDiagPartV3, inputs, { attrs: { align: options.align ?? 'RIGHT_LEFT' }, name }).diagonal;
}

/** `input` with its diagonals replaced. TF `matrix_set_diag`. */
export function matrixSetDiag(input: TensorLike, diagonal: TensorLike, options: DiagOptions = {}): Tensor {
  const name = options.name ?? 'set_diag';
  const k = bandOperand(options);
  if (k === undefined) return call(MatrixSetDiag, { input, diagonal }, { name }).output;
  return call(MatrixSetDiagV3, { input, diagonal, k }, { attrs: { align: options.align ?? 'RIGHT_LEFT' }, name })
    .output;
}

/** `input` with 0 outside the band of `numLower` diagonals below and `numUpper` above the main one (negative: all). TF `matrix_band_part`. */
export function matrixBandPart(input: TensorLike, numLower: TensorLike, numUpper: TensorLike): Tensor {
  return call(MatrixBandPart, { input: convertToTensor(input), num_lower: numLower, num_upper: numUpper }).band;
}
