/** @file Embeddings of sparse ids, several a row, combined to one vector a row. */
import { nameScope } from '../graph/graph.ts';
import type { Tensor, TensorLike } from '../graph/tensor.ts';
import { convertToTensor } from '../op/call.ts';
import { cast, reshape } from '../ops/array.ts';
import { segmentMean, segmentSum } from '../ops/arraySegment.ts';
import { onesLike } from '../ops/arrayShape.ts';
import { slice } from '../ops/arraySlice.ts';
import { multiply, sqrt, square } from '../ops/math.ts';
import { divNoNan } from '../ops/mathBinary.ts';
import { type EmbeddingOptions, embeddingLookup } from './embedding.ts';

/** The parts of a sparse matrix: entry i is `values[i]` at row `indices[i][0]`; rows ascend. */
export interface SparseEntries {
  /** [n, rank], integers. */
  readonly indices: TensorLike;
  /** [n] */
  readonly values: TensorLike;
}

export interface SparseEmbeddingOptions extends EmbeddingOptions {
  /** 'mean' (default) divides the sum of a row by its weights' sum, 'sqrtn' by the root of their squares' sum, 'sum' by nothing. */
  readonly combiner?: 'mean' | 'sqrtn' | 'sum';
  /** A weight for each id, in the order of the ids. Default: 1. */
  readonly spWeights?: SparseEntries;
}

/**
 * One vector for each row of sparse ids: the combined rows of `params`, [last row + 1, …row shape]. Rows without ids are 0.
 * TF `nn.embedding_lookup_sparse`.
 */
export function embeddingLookupSparse(
  params: TensorLike | readonly TensorLike[],
  spIds: SparseEntries,
  options: SparseEmbeddingOptions = {},
): Tensor {
  const { combiner = 'mean', spWeights, ...lookup } = options;
  return nameScope(options.name ?? 'embedding_lookup_sparse', () => {
    const indices = convertToTensor(spIds.indices, Array.isArray(spIds.indices) ? { dtype: 'int32' } : {});
    const rows = cast(reshape(slice(indices, [0, 0], [-1, 1]), [-1]), 'int32');
    const found = embeddingLookup(params, spIds.values, { ...lookup, name: 'embedding_lookup' });
    if (spWeights === undefined && combiner === 'mean') return segmentMean(found, rows);
    if (spWeights === undefined && combiner === 'sum') return segmentSum(found, rows);
    const column = [-1, ...(found.shape ?? [null, null]).slice(1).map(() => 1)];
    const ones = onesLike(cast(rows, found.dtype));
    const given = spWeights === undefined ? ones : cast(convertToTensor(spWeights.values), found.dtype);
    const weights = reshape(given, column);
    const sums = segmentSum(multiply(found, weights), rows);
    if (combiner === 'sum') return sums;
    if (combiner === 'mean') return divNoNan(sums, segmentSum(weights, rows));
    return divNoNan(sums, sqrt(segmentSum(square(weights), rows)));
  });
}
