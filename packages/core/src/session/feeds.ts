/** @file Feeds: what users give to a run, checked against the tensors it stands for. */
import { InvalidArgumentError, TensorFlowError } from '../errors.ts';
import type { Graph } from '../graph/graph.ts';
import { Operation } from '../graph/operation.ts';
import type { Feeds } from '../graph/sessionStack.ts';
import { Tensor } from '../graph/tensor.ts';
import { NdArray, type NdArrayLike, toNdArray } from '../ndarray.ts';
import { formatShape, isCompatible } from '../shape.ts';

export type { Feeds } from '../graph/sessionStack.ts';

/** A fed tensor by itself or by name (`x:0`, or `x` for output 0). */
export function resolveFeed(graph: Graph, key: Tensor | string): Tensor {
  const element =
    typeof key === 'string' && !/:\d+$/.test(key) ? graph.getOperationByName(key) : graph.asGraphElement(key);
  const tensor = element instanceof Operation ? element.outputs[0] : element;
  if (!(tensor instanceof Tensor)) {
    throw new InvalidArgumentError('the operation has no output, so nothing can be fed for it.', {
      opType: (element as Operation).type,
      nodeName: (element as Operation).name,
    });
  }
  return tensor;
}

/** All feeds as tensor → value. */
export function resolveFeeds(graph: Graph, feeds: Feeds | undefined): Map<Tensor, NdArray> {
  const resolved = new Map<Tensor, NdArray>();
  for (const [key, value] of feedEntries(feeds)) {
    const tensor = resolveFeed(graph, key);
    if (resolved.has(tensor)) throw new InvalidArgumentError(`"${tensor.name}" is fed twice. Give one value.`);
    resolved.set(tensor, convertFeed(tensor, value));
  }
  return resolved;
}

function feedEntries(feeds: Feeds | undefined): Iterable<readonly [Tensor | string, NdArrayLike]> {
  if (feeds === undefined) return [];
  if (feeds instanceof Map) return feeds.entries();
  if (Array.isArray(feeds)) return feeds as readonly (readonly [Tensor, NdArrayLike])[];
  return Object.entries(feeds as Readonly<Record<string, NdArrayLike>>);
}

/**
 * The value for a fed tensor, in its dtype. A flat typed array may stand for any fully known shape, or one with one unknown
 * dimension, which it decides. Throws InvalidArgument naming the tensor, its dtype and both shapes.
 */
export function convertFeed(tensor: Tensor, value: NdArrayLike): NdArray {
  if (value instanceof NdArray && value.dtype === tensor.dtype && fits(tensor, value)) return value;
  if (value instanceof Tensor) {
    throw new InvalidArgumentError(
      `the feed for "${tensor.name}" is the tensor "${value.name}". Feed its value: run it first.`,
    );
  }
  let array: NdArray;
  try {
    checkFeedDtype(tensor, value);
    array = shapedLike(tensor, toNdArray(value, { dtype: tensor.dtype }), value);
  } catch (error) {
    if (!(error instanceof TensorFlowError)) throw error;
    throw new InvalidArgumentError(`cannot feed "${tensor.name}" (${tensor.dtype}): ${error.message}`, {
      opType: tensor.op.type,
      nodeName: tensor.op.name,
      cause: error,
    });
  }
  if (fits(tensor, array)) return array;
  throw new InvalidArgumentError(
    `cannot feed a value of shape ${formatShape(array.shape)} for "${tensor.name}", whose shape is ${formatShape(tensor.shape)}.`,
    { opType: tensor.op.type, nodeName: tensor.op.name, details: { expected: tensor.shape, received: array.shape } },
  );
}

/** Arrays with a dtype of their own convert only where nothing is lost in kind: floats do not become integers. */
function checkFeedDtype(tensor: Tensor, value: NdArrayLike): void {
  const own = value instanceof NdArray ? value.dtype : undefined;
  if (own === undefined || own === tensor.dtype) return;
  if ((own === 'string') !== (tensor.dtype === 'string')) {
    throw new InvalidArgumentError(`the value is ${own}. Feed ${tensor.dtype} values.`);
  }
}

function shapedLike(tensor: Tensor, array: NdArray, value: NdArrayLike): NdArray {
  const { shape } = tensor;
  if (!ArrayBuffer.isView(value) || shape === null || shape.length === 1) return array;
  const unknown = shape.filter((d) => d === null).length;
  const known = shape.reduce<number>((n, d) => n * (d ?? 1), 1);
  if (unknown > 1 || known === 0 || array.size % known !== 0 || (unknown === 0 && array.size !== known)) return array;
  return new NdArray(
    array.dtype,
    shape.map((d) => d ?? array.size / known),
    array.data,
  );
}

function fits(tensor: Tensor, array: NdArray): boolean {
  return isCompatible(tensor.shape, array.shape);
}
