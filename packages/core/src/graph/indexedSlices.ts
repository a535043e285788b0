/**
 * @file A sparse gradient: rows `values[i]` belong at `indices[i]` of a tensor of shape `denseShape`; repeated indices add up.
 * Gathers produce it, and optimizers apply it without making the dense tensor.
 */
import { FailedPreconditionError } from '../errors.ts';
import { operator } from './operators.ts';
import type { Tensor } from './tensor.ts';

export class IndexedSlices {
  /** [n, …row] */
  readonly values: Tensor;
  /** [n], int32 or int64 */
  readonly indices: Tensor;
  /** 1-D shape of the dense tensor, when known to the graph. */
  readonly denseShape: Tensor | undefined;

  constructor(values: Tensor, indices: Tensor, denseShape?: Tensor) {
    this.values = values;
    this.indices = indices;
    this.denseShape = denseShape;
  }

  /** The dense tensor. Throws FailedPrecondition without a dense shape. */
  toTensor(): Tensor {
    if (this.denseShape === undefined) {
      throw new FailedPreconditionError(
        `the slices "${this.values.name}" have no dense shape. Give one to IndexedSlices.`,
      );
    }
    return operator('densify')(this.values, this.indices, this.denseShape);
  }
}
