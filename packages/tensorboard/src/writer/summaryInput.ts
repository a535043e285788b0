/**
 * @file What `FileWriter` takes for a summary, a step and a graph, and how each becomes part of an event.
 */
import { type IGraphDef, type ISummary, type Summary, Summary as SummaryMessage } from '@tsflow/formats';
import { EventFileError } from '../errors.ts';

/** A fetched value, such as the string scalar that a summary op gives. */
export interface FetchedScalar {
  item(): unknown;
}

/** A serialized Summary (bytes, or the string scalar a summary op gives) or a Summary message. */
export type SummaryLike = Uint8Array | FetchedScalar | ISummary;

/** A step: an integer, or an integer scalar as fetched. */
export type StepLike = number | bigint | FetchedScalar;

/** A graph that can describe itself, or its description. */
export type GraphLike =
  | { asGraphDef(options?: { addShapes?: boolean }): IGraphDef }
  | (IGraphDef & { readonly node: NonNullable<IGraphDef['node']> });

const isFetched = (value: object): value is FetchedScalar => 'item' in value && typeof value.item === 'function';

const wrong = (message: string, value: unknown) => new EventFileError('INVALID_ARGUMENT', message, { value });

function parse(bytes: Uint8Array): Summary {
  try {
    return SummaryMessage.decode(bytes);
  } catch (error) {
    throw new EventFileError(
      'INVALID_ARGUMENT',
      `addSummary: the ${bytes.length} bytes are not a Summary message (${error instanceof Error ? error.message : error}). ` +
        'Pass what a summary op such as summary.mergeAll() gives.',
      { bytes: bytes.length },
      error,
    );
  }
}

/** The Summary message for any accepted form. @throws EventFileError (INVALID_ARGUMENT) */
export function toSummary(summary: SummaryLike): ISummary {
  if (summary instanceof Uint8Array) return parse(summary);
  if (typeof summary !== 'object' || summary === null) {
    throw wrong(`addSummary: ${String(summary)} is not a summary. Pass what a summary op gives.`, summary);
  }
  if (!isFetched(summary)) return summary;
  const value = summary.item();
  if (value instanceof Uint8Array) return parse(value);
  throw wrong(
    `addSummary: the fetched value holds ${String(value)} (${typeof value}), not a serialized summary. ` +
      'Fetch a summary op such as summary.mergeAll(), not the tensor it shows.',
    value,
  );
}

/** The step as a number or bigint. @throws EventFileError (INVALID_ARGUMENT) when it is no integer. */
export function toStep(step: StepLike): number | bigint {
  const value = typeof step === 'object' ? step.item() : step;
  if (typeof value === 'bigint' || (typeof value === 'number' && Number.isSafeInteger(value))) return value;
  throw wrong(`globalStep is ${String(value)}; it must be an integer`, value);
}

/** The GraphDef of a graph, with shapes. @throws EventFileError (INVALID_ARGUMENT) when it is neither. */
export function toGraphDef(graph: GraphLike): IGraphDef {
  if ('asGraphDef' in graph) return graph.asGraphDef({ addShapes: true });
  if (Array.isArray(graph.node)) return graph;
  throw wrong(
    'addGraph: neither a graph (with asGraphDef) nor a GraphDef (with node) was given. Pass sess.graph.',
    graph,
  );
}
