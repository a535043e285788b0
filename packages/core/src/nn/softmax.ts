/** @file Softmax along any axis. The op works on the last one; another is moved there and back. */
import { InvalidArgumentError } from '../errors.ts';
import { nameScope } from '../graph/graph.ts';
import type { Tensor, TensorLike } from '../graph/tensor.ts';
import { convertToTensor } from '../op/call.ts';
import { transpose } from '../ops/arrayShape.ts';
import { logSoftmax as logSoftmaxOp, softmax as softmaxOp } from '../ops/softmax.ts';
import { formatShape, normalizeAxis } from '../shape.ts';

export interface SoftmaxOptions {
  /** Default −1, the last. */
  readonly axis?: number | undefined;
  readonly name?: string | undefined;
}

/**
 * `x` with `axis` as last dimension, and how results of the same rank get it back in its place.
 * @throws InvalidArgument for an axis out of range, or one that is not last when the rank is unknown.
 */
export function axisToLast(x: Tensor, axis: number): { readonly moved: Tensor; readonly back: (y: Tensor) => Tensor } {
  const same = { moved: x, back: (y: Tensor) => y };
  if (axis === -1) return same;
  if (x.shape === null) {
    throw new InvalidArgumentError(
      `axis ${axis} of "${x.name}" needs a known rank. Set it with setShape(…), or use axis −1.`,
    );
  }
  const n = x.shape.length;
  const at = normalizeAxis(axis, n);
  if (at === undefined) {
    throw new InvalidArgumentError(
      `axis ${axis} is outside [${-n}, ${n}) for "${x.name}" of shape ${formatShape(x.shape)}.`,
    );
  }
  if (at === n - 1) return same;
  const perm = [...x.shape.keys()].map((i) => (i === at ? n - 1 : i === n - 1 ? at : i));
  return { moved: transpose(x, { perm }), back: (y) => transpose(y, { perm }) };
}

/** e^x / Σ e^x along `axis`. TF `nn.softmax`. */
export function softmax(logits: TensorLike, options: SoftmaxOptions = {}): Tensor {
  const { moved, back } = axisToLast(convertToTensor(logits), options.axis ?? -1);
  return back(softmaxOp(moved, options.name));
}

/** log softmax along `axis`, without overflow. TF `nn.log_softmax`. */
export function logSoftmax(logits: TensorLike, options: SoftmaxOptions = {}): Tensor {
  const { moved, back } = axisToLast(convertToTensor(logits), options.axis ?? -1);
  return back(logSoftmaxOp(moved, options.name));
}

/** Runs `body` in a name scope and answers its tensor. */
export function scoped(name: string | undefined, fallback: string, body: (scope: string) => Tensor): Tensor {
  return nameScope(name ?? fallback, body);
}
