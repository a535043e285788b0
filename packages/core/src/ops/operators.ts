/** @file Loads every family, so that all operator methods of Tensor work, and installs those that need several families. */
import { installOperators } from '../graph/operators.ts';
import { cast } from './array.ts';
import { scatterNd } from './arrayIndex.ts';
import { concat } from './arrayJoin.ts';
import { expandDims } from './arrayShape.ts';

export { families } from './index.ts';

installOperators({
  concat: (list, axis) => concat(list, axis),
  // Rows of equal index add up.
  densify: (values, indices, denseShape) =>
    scatterNd(expandDims(indices, 1), values, { shape: cast(denseShape, indices.dtype) }),
});
