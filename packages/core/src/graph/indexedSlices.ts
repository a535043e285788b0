/**
 * @file A sparse gradient: rows `values[i]` belong at `indices[i]` of a tensor of shape `denseShape`; repeated indices add up.
 * Gathers produce it, and optimizers apply it without making the dense tensor.
 */
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
}
