/** @file Attributes of every opcode in HLO text, in writing order. `parameter` and `constant` write theirs between the parentheses. */
import type {
  DotDimensionNumbers,
  GatherDimensionNumbers,
  OpAttrs,
  Opcode,
  ScatterDimensionNumbers,
} from './opcodes.ts';
import { type ElementType, elementBytes } from './shape.ts';
import {
  type Codec,
  computation,
  convolutionDims,
  flag,
  int,
  ints,
  list,
  padding,
  record,
  shape,
  text,
  window,
  word,
} from './textCodecs.ts';
import { binaryTraits, rulesFor, unaryTraits } from './traits.ts';

const dtype = word<ElementType>(...(Object.keys(elementBytes) as ElementType[]));

const dotDims = record<DotDimensionNumbers>(
  { lhsBatch: ints, rhsBatch: ints, lhsContracting: ints, rhsContracting: ints },
  { lhsBatch: [], rhsBatch: [] },
);

const gatherDims = record<GatherDimensionNumbers>({
  offsetDims: ints,
  collapsedSliceDims: ints,
  startIndexMap: ints,
  indexVectorDim: int,
});

const scatterDims = record<ScatterDimensionNumbers>({
  updateWindowDims: ints,
  insertedWindowDims: ints,
  scatterDimsToOperandDims: ints,
  indexVectorDim: int,
});

type WrittenAttrs<K extends Opcode> = K extends 'constant'
  ? Record<never, never>
  : K extends 'parameter'
    ? { name: string }
    : OpAttrs[K];

export const attrCodecs: {
  readonly [K in Opcode]: { readonly [A in keyof WrittenAttrs<K>]: Codec<WrittenAttrs<K>[A]> };
} = {
  ...rulesFor(unaryTraits, () => ({})),
  ...rulesFor(binaryTraits, () => ({})),
  parameter: { name: text },
  constant: {},
  iota: { dimension: int },
  compare: { direction: word('EQ', 'NE', 'LT', 'LE', 'GT', 'GE') },
  select: {},
  clamp: {},
  convert: { to: dtype },
  'bitcast-convert': { to: dtype },
  broadcast: { dimensions: ints, dims: ints },
  reshape: { dims: ints },
  transpose: { permutation: ints },
  slice: { starts: ints, limits: ints, strides: ints },
  pad: { padding },
  concatenate: { dimension: int },
  reverse: { dimensions: ints },
  gather: { dimensionNumbers: gatherDims, sliceSizes: ints },
  scatter: { dimensionNumbers: scatterDims, computation },
  'dynamic-slice': { sizes: ints },
  'dynamic-update-slice': {},
  copy: {},
  reduce: { dimensions: ints, computation },
  'reduce-window': { window, computation },
  'select-and-scatter': { window, select: computation, scatter: computation },
  dot: { dimensionNumbers: dotDims },
  convolution: { window, dimensionNumbers: convolutionDims, featureGroupCount: int, batchGroupCount: int },
  sort: { dimension: int, stable: flag, comparator: computation },
  'top-k': { k: int },
  'rng-bit-generator': { dtype: word('u32', 'u64'), dims: ints },
  while: { condition: computation, body: computation },
  conditional: { branches: list(computation) },
  call: { computation },
  fusion: { kind: word('loop', 'reduce', 'dot', 'convolution', 'scatter', 'window'), computation },
  'custom-call': { target: text, config: text, hasSideEffect: flag, shape },
  'all-reduce': { computation, replicaGroups: list(ints) },
  tuple: {},
  'get-tuple-element': { index: int },
};

/** Attributes that only repeat the printed shape are neither written nor read: they follow from it. */
export const followsFromShape: { readonly [K in Opcode]?: string } = {
  convert: 'to',
  'bitcast-convert': 'to',
  broadcast: 'dims',
  reshape: 'dims',
  'custom-call': 'shape',
};

export function isOpcode(word: string): word is Opcode {
  return Object.hasOwn(attrCodecs, word);
}

/** The codecs of one opcode by attribute name. */
export function codecsOf(opcode: Opcode): Readonly<Record<string, Codec<unknown>>> {
  return attrCodecs[opcode];
}
