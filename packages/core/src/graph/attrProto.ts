/** @file Attribute values ↔ AttrValue messages, by the kind that the op's signature declares. */
import { type AttrValue as AttrProto, fromBigInt, toNumberChecked } from '@tsflow/formats';
import { type DType, dtypeFromNumber, dtypeNumber } from '../dtype.ts';
import { InvalidArgumentError } from '../errors.ts';
import type { NdArray } from '../ndarray.ts';
import type { AttrKind, AttrTypes, AttrValue } from '../op/attr.ts';
import type { PartialShape } from '../shape.ts';
import { ndArrayOf, shapeFromProto, shapeToProto, tensorProtoOf } from '../tensorProto.ts';

export type IAttrValue = AttrProto.$Properties;
type IList = AttrProto.ListValue.$Properties;

const utf8 = new TextEncoder();
const utf8Decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

type Codec<V> = { readonly to: (v: V) => IAttrValue; readonly from: (p: IAttrValue) => V };

function textOf(bytes: Uint8Array | null | undefined): string {
  try {
    return utf8Decoder.decode(bytes ?? new Uint8Array());
  } catch {
    throw new InvalidArgumentError(
      'a string attribute holds bytes that are not UTF-8 text; such attributes are not supported.',
    );
  }
}

function dtypeOf(n: number): DType {
  const dtype = dtypeFromNumber(n);
  if (dtype === undefined) throw new InvalidArgumentError(`DataType ${n} is unknown.`);
  return dtype;
}

const listOf = (p: IAttrValue): IList => p.list ?? {};

const codecs: { readonly [K in AttrKind]: Codec<AttrTypes[K]> } = {
  int: { to: (v) => ({ i: fromBigInt(v) }), from: (p) => toNumberChecked(p.i ?? 0, 'an attribute') },
  float: { to: (v) => ({ f: v }), from: (p) => p.f ?? 0 },
  bool: { to: (v) => ({ b: v }), from: (p) => p.b ?? false },
  string: { to: (v) => ({ s: utf8.encode(v) }), from: (p) => textOf(p.s) },
  type: { to: (v) => ({ type: dtypeNumber(v) }), from: (p) => dtypeOf(p.type ?? 0) },
  shape: { to: (v) => ({ shape: shapeToProto(v) }), from: (p) => shapeFromProto(p.shape) },
  tensor: { to: (v) => ({ tensor: tensorProtoOf(v) }), from: (p) => ndArrayOf(p.tensor ?? {}) },
  func: { to: (v) => ({ func: { name: v } }), from: (p) => p.func?.name ?? '' },
  ints: {
    to: (v) => ({ list: { i: v.map((x) => fromBigInt(x)) } }),
    from: (p) => (listOf(p).i ?? []).map((x) => toNumberChecked(x, 'an attribute')),
  },
  floats: { to: (v) => ({ list: { f: [...v] } }), from: (p) => listOf(p).f ?? [] },
  bools: { to: (v) => ({ list: { b: [...v] } }), from: (p) => listOf(p).b ?? [] },
  strings: { to: (v) => ({ list: { s: v.map((x) => utf8.encode(x)) } }), from: (p) => (listOf(p).s ?? []).map(textOf) },
  types: { to: (v) => ({ list: { type: v.map(dtypeNumber) } }), from: (p) => (listOf(p).type ?? []).map(dtypeOf) },
  shapes: {
    to: (v: readonly PartialShape[]) => ({ list: { shape: v.map(shapeToProto) } }),
    from: (p) => (listOf(p).shape ?? []).map(shapeFromProto),
  },
  tensors: {
    to: (v: readonly NdArray[]) => ({ list: { tensor: v.map(tensorProtoOf) } }),
    from: (p) => (listOf(p).tensor ?? []).map(ndArrayOf),
  },
  funcs: {
    to: (v) => ({ list: { func: v.map((name) => ({ name })) } }),
    from: (p) => (listOf(p).func ?? []).map((f) => f.name ?? ''),
  },
};

export function attrToProto(kind: AttrKind, value: AttrValue): IAttrValue {
  return (codecs[kind] as Codec<AttrValue>).to(value);
}

export function attrFromProto(kind: AttrKind, proto: IAttrValue): AttrValue {
  return (codecs[kind] as Codec<AttrValue>).from(proto);
}

/** Kind of an attribute that no signature declares (`_class`, `_output_shapes` …), from the field that is set. */
export function kindOfProto(proto: IAttrValue): AttrKind {
  const scalar: readonly (readonly [keyof IAttrValue, AttrKind])[] = [
    ['s', 'string'],
    ['i', 'int'],
    ['f', 'float'],
    ['b', 'bool'],
    ['type', 'type'],
    ['shape', 'shape'],
    ['tensor', 'tensor'],
    ['func', 'func'],
  ];
  const set = (x: unknown): boolean => x !== null && x !== undefined;
  const hit = scalar.find(([field]) => Object.hasOwn(proto, field) && set(proto[field]));
  if (hit !== undefined) return hit[1];
  const list = listOf(proto);
  const kinds: readonly (readonly [keyof IList, AttrKind])[] = [
    ['s', 'strings'],
    ['i', 'ints'],
    ['f', 'floats'],
    ['b', 'bools'],
    ['type', 'types'],
    ['shape', 'shapes'],
    ['tensor', 'tensors'],
    ['func', 'funcs'],
  ];
  return (
    kinds.find(([field]) => ((list[field] as readonly unknown[] | null | undefined)?.length ?? 0) > 0)?.[1] ?? 'ints'
  );
}

/** Kind of an undeclared attribute's value, for export. */
export function kindOfValue(value: AttrValue): AttrKind {
  if (typeof value === 'string') return 'string';
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'number') return Number.isInteger(value) ? 'int' : 'float';
  if (value === null) return 'shape';
  if (!Array.isArray(value)) return 'tensor';
  const [first] = value as readonly unknown[];
  if (typeof first === 'string') return 'strings';
  if (typeof first === 'boolean') return 'bools';
  if (typeof first === 'number') return 'ints';
  return first === undefined ? 'ints' : 'shapes';
}
