/** @file Fetches: the structure a user asks for, flattened to graph elements and rebuilt with their values. */
import { InvalidArgumentError } from '../errors.ts';
import type { Graph } from '../graph/graph.ts';
import { IndexedSlices } from '../graph/indexedSlices.ts';
import { Operation } from '../graph/operation.ts';
import { isConvertible, Tensor, type TensorConvertible } from '../graph/tensor.ts';
import type { NdArray } from '../ndarray.ts';

export type FetchLeaf = Tensor | Operation | TensorConvertible | string;
/** A tensor, operation, variable or name, or a list or record of fetches. */
export type Fetches = FetchLeaf | readonly Fetches[] | { readonly [key: string]: Fetches };

/** Values in the structure of the fetches: operations answer null. */
export type FetchResult<F> = F extends Operation
  ? null
  : F extends Tensor | TensorConvertible
    ? NdArray
    : F extends `${string}:${number}`
      ? NdArray
      : F extends string
        ? NdArray | null
        : F extends readonly unknown[]
          ? { -readonly [K in keyof F]: FetchResult<F[K]> }
          : F extends object
            ? { -readonly [K in keyof F]: FetchResult<F[K]> }
            : never;

export interface ResolvedFetches {
  readonly elements: readonly (Tensor | Operation)[];
  /** Builds the answer from the values of tensors in `elements` (null for operations). */
  readonly rebuild: (values: readonly (NdArray | null)[]) => unknown;
}

type Build = (values: readonly (NdArray | null)[]) => unknown;

export function resolveFetches(graph: Graph, fetches: Fetches): ResolvedFetches {
  const elements: (Tensor | Operation)[] = [];
  const positions = new Map<Tensor | Operation, number>();
  const leaf = (element: Tensor | Operation): Build => {
    let at = positions.get(element);
    if (at === undefined) {
      at = elements.push(element) - 1;
      positions.set(element, at);
    }
    const i = at;
    return (values) => values[i];
  };
  const visit = (f: Fetches): Build => {
    if (typeof f === 'string' || f instanceof Tensor || f instanceof Operation) return leaf(graph.asGraphElement(f));
    if (f instanceof IndexedSlices) return visit({ values: f.values, indices: f.indices });
    if (isConvertible(f)) return leaf(graph.asGraphElement(f));
    if (Array.isArray(f)) return list(f.map(visit));
    if (typeof f === 'object' && f !== null) return record(Object.entries(f).map(([k, x]) => [k, visit(x)] as const));
    throw new InvalidArgumentError(
      `${String(f)} cannot be fetched. Fetch a tensor, operation, variable or name, or lists and records of them.`,
    );
  };
  return { rebuild: visit(fetches), elements };
}

const list =
  (parts: readonly Build[]): Build =>
  (values) =>
    parts.map((p) => p(values));

const record =
  (parts: readonly (readonly [string, Build])[]): Build =>
  (values) =>
    Object.fromEntries(parts.map(([k, p]) => [k, p(values)]));
