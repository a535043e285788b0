/**
 * @file `tf.summary`: nodes whose value is a serialized Summary. Tags are node names (with their name scopes), every summary joins
 * the collection SUMMARIES, and mergeAll makes one node of them. FileWriter lives in @tsflow/tensorboard.
 */
import { SummaryMetadata } from '@tsflow/formats';
import { FailedPreconditionError, InvalidArgumentError } from './errors.ts';
import { GraphKeys } from './graph/collections.ts';
import { getCollection, getDefaultGraph, nameScope } from './graph/graph.ts';
import { Tensor, type TensorLike } from './graph/tensor.ts';
import { call } from './op/call.ts';
import {
  AudioSummaryV2,
  HistogramSummary,
  ImageSummary,
  MergeSummary,
  ScalarSummary,
  TensorSummaryV2,
} from './ops/summary.ts';

/** Options of all summary functions. */
export interface SummaryOptions {
  /** Collections the summary joins. Default: [GraphKeys.SUMMARIES]. */
  readonly collections?: readonly string[];
  /** Prefix of the tag; groups summaries of different scopes in one tab section. */
  readonly family?: string;
}

interface Scope {
  readonly tag: string;
  /** Node name, with the trailing slash that takes the scope's name as it is. */
  readonly scope: string;
}

/** Opens the scope that names node and tag. Characters that node names cannot have become `_`. */
function summaryScope(name: string, options: SummaryOptions, make: (scope: Scope) => Tensor): Tensor {
  const clean = cleanName(name);
  const family = options.family === undefined ? undefined : cleanName(options.family);
  return nameScope(family === undefined ? clean : `${family}/${clean}`, (scope) => {
    const path = scope.replace(/\/$/, '');
    const summary = make({ tag: family === undefined ? path : `${family}/${path}`, scope });
    getDefaultGraph().addToCollections(options.collections ?? [GraphKeys.SUMMARIES], summary);
    return summary;
  });
}

function cleanName(name: string): string {
  const clean = name.replace(/[^-/\w.]/g, '_').replace(/^\/+/, '');
  if (clean === '')
    throw new InvalidArgumentError(`the summary name "${name}" is empty. Give it a name; it becomes the tag.`);
  return clean;
}

/** One number a step. `tensor`: a real scalar. TF op ScalarSummary. */
export function scalar(name: string, tensor: TensorLike, options: SummaryOptions = {}): Tensor {
  return summaryScope(
    name,
    options,
    ({ tag, scope }) => call(ScalarSummary, { tags: tag, values: tensor }, { name: scope }).summary,
  );
}

/** Distribution of all elements of `values`, any shape, real. TF op HistogramSummary. */
export function histogram(name: string, values: TensorLike, options: SummaryOptions = {}): Tensor {
  return summaryScope(
    name,
    options,
    ({ tag, scope }) => call(HistogramSummary, { tag, values }, { name: scope }).summary,
  );
}

/**
 * Images of `tensor` [batch, height, width, channels], channels 1, 3 or 4: uint8 as they are, floats rescaled to 0 … 255.
 * `maxOutputs` (default 3) of them are kept. TF op ImageSummary.
 */
export function image(
  name: string,
  tensor: TensorLike,
  options: SummaryOptions & { readonly maxOutputs?: number } = {},
): Tensor {
  return summaryScope(name, options, ({ tag, scope }) => {
    const attrs = { max_images: options.maxOutputs ?? 3 };
    return call(ImageSummary, { tag, tensor }, { attrs, name: scope }).summary;
  });
}

/**
 * Sound clips of `tensor` [batch, frames] or [batch, frames, channels], float32 in [−1, 1], at `sampleRate` Hz.
 * `maxOutputs` (default 3) of them are kept. TF op AudioSummaryV2.
 */
export function audio(
  name: string,
  tensor: TensorLike,
  options: SummaryOptions & { readonly sampleRate: TensorLike; readonly maxOutputs?: number },
): Tensor {
  return summaryScope(name, options, ({ tag, scope }) => {
    const attrs = { max_outputs: options.maxOutputs ?? 3 };
    return call(AudioSummaryV2, { tag, tensor, sample_rate: options.sampleRate }, { attrs, name: scope }).summary;
  });
}

/** Text (Markdown) of any shape; TensorBoard shows ranks up to 2 as tables. TF op TensorSummaryV2 with the text plugin. */
export function text(name: string, tensor: TensorLike, options: SummaryOptions = {}): Tensor {
  return tensorSummary(name, tensor, { ...options, pluginName: 'text', pluginContent: new Uint8Array(0) });
}

export interface TensorSummaryOptions extends SummaryOptions {
  /** The TensorBoard plugin that shows the tensor. */
  readonly pluginName?: string;
  /** The plugin's own serialized metadata. */
  readonly pluginContent?: Uint8Array;
  /** Default: the name. */
  readonly displayName?: string;
  /** Markdown. */
  readonly summaryDescription?: string;
}

/** A tensor of any type with metadata for a plugin. TF op TensorSummaryV2. */
export function tensorSummary(name: string, tensor: TensorLike, options: TensorSummaryOptions = {}): Tensor {
  const metadata = SummaryMetadata.encode({
    ...(options.pluginName === undefined
      ? {}
      : { pluginData: { pluginName: options.pluginName, content: options.pluginContent ?? new Uint8Array(0) } }),
    displayName: options.displayName ?? name,
    ...(options.summaryDescription === undefined ? {} : { summaryDescription: options.summaryDescription }),
  }).finish();
  return summaryScope(name, options, ({ tag, scope }) => {
    const inputs = { tag, tensor, serialized_summary_metadata: metadata };
    return call(TensorSummaryV2, inputs, { name: scope }).summary;
  });
}

export interface MergeOptions {
  readonly collections?: readonly string[];
  readonly name?: string;
}

/** One summary with all values of `inputs` (summary tensors). TF op MergeSummary. */
export function merge(inputs: readonly Tensor[], options: MergeOptions = {}): Tensor {
  if (inputs.length === 0)
    throw new InvalidArgumentError('merge was given no summaries. Give at least one, or use mergeAll.');
  const merged = nameScope(
    options.name ?? 'Merge',
    (scope) => call(MergeSummary, { inputs: inputs.map(cleanSummary) }, { name: scope }).summary,
  );
  getDefaultGraph().addToCollections(options.collections ?? [], merged);
  return merged;
}

function cleanSummary(input: Tensor): Tensor {
  if (input.dtype === 'string') return input;
  throw new InvalidArgumentError(
    `"${input.name}" is ${input.dtype}, not a summary. Merge what summary.scalar, histogram … answer.`,
  );
}

/**
 * One summary of everything in a collection (default SUMMARIES), optionally only names that begin with the regular expression
 * `scope`. Where TensorFlow answers None for an empty collection, this throws FailedPrecondition: a null would only fail later, in run.
 */
export function mergeAll(
  key: string = GraphKeys.SUMMARIES,
  options: { readonly scope?: string; readonly name?: string } = {},
): Tensor {
  const summaries = getCollection(key, options.scope).filter((x) => x instanceof Tensor);
  if (summaries.length === 0) {
    throw new FailedPreconditionError(
      `collection "${key}" holds no summaries. Make some with summary.scalar, histogram … before mergeAll.`,
    );
  }
  return merge(summaries, { name: options.name ?? 'Merge' });
}
