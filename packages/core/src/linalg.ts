/** @file `tf.linalg` and its names at the root: contractions, norms, traces and identity matrices, made of other ops. */
import type { DType } from './dtype.ts';
import { InvalidArgumentError, UnimplementedError } from './errors.ts';
import { nameScope } from './graph/graph.ts';
import type { Tensor, TensorLike } from './graph/tensor.ts';
import { convertToTensor } from './op/call.ts';
import { cast, range, shapeLike, zerosLike } from './ops/array.ts';
import { expandDims } from './ops/arrayShape.ts';
import { getItem } from './ops/arraySlice.ts';
import { broadcastToShape } from './ops/broadcast.ts';
import { equal } from './ops/compare.ts';
import { einsum } from './ops/einsum.ts';
import { sqrt, square } from './ops/math.ts';
import { pow } from './ops/mathBinary.ts';
import { abs } from './ops/mathUnary.ts';
import { reduceMax, reduceSum } from './ops/reduce.ts';
import { where } from './ops/select.ts';
import { formatShape, normalizeAxis } from './shape.ts';

export { matrixTranspose, matrixTranspose as transpose } from './ops/arrayShape.ts';
export { einsum } from './ops/einsum.ts';
export { cross } from './ops/mathBinary.ts';
export { matMul } from './ops/matmul.ts';

const alphabet = 'abcdefghijklmnopqrstuvwxyz';

function knownRank(x: Tensor, what: string): number {
  if (x.shape !== null) return x.shape.length;
  throw new InvalidArgumentError(
    `${what} needs a known rank, but "${x.name}" has shape <unknown>. Set it with setShape(…).`,
  );
}

function axesOf(x: Tensor, axes: readonly number[]): number[] {
  const n = knownRank(x, 'tensordot');
  return axes.map((a) => {
    const at = normalizeAxis(a, n);
    if (at !== undefined) return at;
    throw new InvalidArgumentError(`tensordot: axis ${a} is outside [${-n}, ${n}) for ${formatShape(x.shape)}.`);
  });
}

/**
 * Sums products over axes: `axes` n = the last n axes of a with the first n of b, or lists of axes of a and b. The result has the
 * other dimensions of a, then those of b. TF `tensordot`.
 */
export function tensordot(
  a: TensorLike,
  b: TensorLike,
  axes: number | readonly [number | readonly number[], number | readonly number[]],
): Tensor {
  return nameScope('Tensordot', () => {
    const [p, q] = [convertToTensor(a, { name: 'a' }), convertToTensor(b, { name: 'b' })];
    const [n, m] = [knownRank(p, 'tensordot'), knownRank(q, 'tensordot')];
    const list = (x: number | readonly number[]): readonly number[] => (typeof x === 'number' ? [x] : x);
    const counted = typeof axes === 'number' ? axes : undefined;
    const left = axesOf(
      p,
      counted === undefined
        ? list((axes as readonly [number, number])[0])
        : [...(p.shape?.keys() ?? [])].slice(n - counted),
    );
    const right = axesOf(
      q,
      counted === undefined ? list((axes as readonly [number, number])[1]) : [...new Array(counted).keys()],
    );
    if (left.length !== right.length) {
      throw new InvalidArgumentError(
        `tensordot: ${left.length} axes of a meet ${right.length} axes of b. Give as many of both.`,
      );
    }
    const first = [...alphabet.slice(0, n)];
    const second = Array.from({ length: m }, (_, i) => {
      const pair = right.indexOf(i);
      return pair < 0 ? alphabet.toUpperCase()[i] : first[left[pair] as number];
    });
    const output = [...first.filter((_, i) => !left.includes(i)), ...second.filter((_, i) => !right.includes(i))];
    return einsum(`${first.join('')},${second.join('')}->${output.join('')}`, p, q);
  });
}

export interface NormOptions {
  /** 'euclidean' (default; the Frobenius norm of matrices), 'fro', 1, 2, Infinity, or any p > 0 for vectors. */
  readonly ord?: 'euclidean' | 'fro' | number;
  /** One axis: norms of vectors; two: of matrices. Default: all elements as one vector. */
  readonly axis?: number | readonly [number, number];
  readonly keepDims?: boolean;
  readonly name?: string;
}

/** Norm of vectors, matrices or all elements. TF `norm`. */
export function norm(tensor: TensorLike, options: NormOptions = {}): Tensor {
  const { ord = 'euclidean', axis, keepDims = false } = options;
  return nameScope(options.name ?? 'norm', () => {
    const x = convertToTensor(tensor);
    const matrix = axis !== undefined && typeof axis !== 'number';
    const reduced = axis === undefined ? {} : { axis };
    if (ord === 'euclidean' || ord === 'fro' || (ord === 2 && !matrix)) {
      if (ord === 'fro' && !matrix)
        throw new InvalidArgumentError("norm: ord 'fro' is for matrices. Give two axes, or 'euclidean'.");
      return sqrt(reduceSum(square(x), { ...reduced, keepDims }));
    }
    if (matrix) return matrixNorm(abs(x), { ord, axis: axis as readonly [number, number], keepDims });
    if (ord === Number.POSITIVE_INFINITY) return reduceMax(abs(x), { ...reduced, keepDims });
    if (!(ord > 0))
      throw new InvalidArgumentError(`norm: ord ${ord} is not supported. Vectors have p-norms for p > 0.`);
    if (ord === 1) return reduceSum(abs(x), { ...reduced, keepDims });
    return pow(reduceSum(pow(abs(x), ord), { ...reduced, keepDims }), 1 / ord);
  });
}

/** Greatest sum of absolute values of a column (ord 1) or a row (∞). */
function matrixNorm(
  x: Tensor,
  { ord, axis, keepDims }: { ord: number; axis: readonly [number, number]; keepDims: boolean },
): Tensor {
  if (ord !== 1 && ord !== Number.POSITIVE_INFINITY) {
    throw new UnimplementedError(`norm: matrices have ord 'euclidean', 'fro', 1 and Infinity here, not ${ord}.`);
  }
  const [rows, columns] = axis;
  const [sum, max] = ord === 1 ? [rows, columns] : [columns, rows];
  const kept = reduceMax(reduceSum(x, { axis: [sum], keepDims: true }), { axis: [max], keepDims: true });
  return keepDims ? kept : reduceSum(kept, { axis: [...axis] });
}

/** True on the diagonal of [rows, columns]. */
function diagonal(rows: TensorLike, columns: TensorLike): Tensor {
  return equal(expandDims(range(0, rows), 1), expandDims(range(0, columns), 0));
}

/** Sum of the diagonal of the last two dimensions. TF `trace`. */
export function trace(x: TensorLike, name?: string): Tensor {
  return nameScope(name ?? 'Trace', () => {
    const t = convertToTensor(x);
    const n = knownRank(t, 'trace');
    if (n < 2)
      throw new InvalidArgumentError(`trace needs matrices, but "${t.name}" has shape ${formatShape(t.shape)}.`);
    const size = (i: number): TensorLike => t.shape?.[i] ?? getItem(shapeLike(t), i);
    const onDiagonal = where(diagonal(size(n - 2), size(n - 1)), t, zerosLike(t));
    return reduceSum(onDiagonal, { axis: [-2, -1] });
  });
}

/** The identity matrix [numRows, numColumns], repeated to [...batchShape, numRows, numColumns]. TF `eye`. */
export function eye(
  numRows: TensorLike,
  options: { numColumns?: TensorLike; batchShape?: readonly number[]; dtype?: DType; name?: string } = {},
): Tensor {
  return nameScope(options.name ?? 'eye', () => {
    const matrix = cast(diagonal(numRows, options.numColumns ?? numRows), options.dtype ?? 'float32');
    if (options.batchShape === undefined || options.batchShape.length === 0) return matrix;
    const sizes = [0, 1].map((i) => matrix.shape?.[i] ?? getItem(shapeLike(matrix), i));
    return broadcastToShape(matrix, [...options.batchShape, ...sizes]);
  });
}
