/** @file Every record's arguments and attributes are TensorFlow's: compared with its op registry where that artefact is present. */
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type DType, dataTypeNumbers } from '../dtype.ts';
import { NdArray } from '../ndarray.ts';
import type { AttrDef } from '../op/attr.ts';
import type { OpRecord } from '../op/record.ts';
import type { Arg } from '../op/signature.ts';
import { registry } from './registry.ts';

/** Text protobuf as nested lists of fields. */
type Fields = Map<string, (string | Fields)[]>;

function parse(text: string): Fields {
  const tokens = text.match(/"(?:[^"\\]|\\.)*"|[{}:]|[^\s{}:"]+/g) ?? [];
  let at = 0;
  const message = (): Fields => {
    const fields: Fields = new Map();
    while (at < tokens.length && tokens[at] !== '}') {
      const name = tokens[at++] as string;
      let value: string | Fields;
      if (tokens[at] === ':') {
        at++;
        value = tokens[at++] as string;
      } else {
        at++;
        value = message();
        at++;
      }
      const list = fields.get(name);
      if (list === undefined) fields.set(name, [value]);
      else list.push(value);
    }
    return fields;
  };
  return message();
}

const one = (f: Fields, name: string): string | undefined => {
  const v = f.get(name)?.[0];
  return typeof v === 'string' ? v.replace(/^"|"$/g, '') : undefined;
};
const many = (f: Fields, name: string): Fields[] =>
  (f.get(name) ?? []).filter((x): x is Fields => typeof x !== 'string');

const protoTypes: Readonly<Record<string, DType>> = {
  DT_FLOAT: 'float32',
  DT_DOUBLE: 'float64',
  DT_HALF: 'float16',
  DT_BFLOAT16: 'bfloat16',
  DT_BOOL: 'bool',
  DT_STRING: 'string',
};
function dtypeOf(name: string): DType {
  const simple = name.replace(/^DT_/, '').toLowerCase();
  return protoTypes[name] ?? (Object.hasOwn(dataTypeNumbers, simple) ? (simple as DType) : 'variant');
}

/** `values: N * T`, `ref: Ref(T)` … as TensorFlow declares it. */
function argText(f: Fields): string {
  const base = one(f, 'type_attr') ?? (one(f, 'type_list_attr') === undefined ? dtypeOf(one(f, 'type') ?? '') : '');
  const list = one(f, 'type_list_attr');
  const number = one(f, 'number_attr');
  const type = list !== undefined ? `list(${list})` : number === undefined ? base : `${number} * ${base}`;
  return `${one(f, 'name')}: ${one(f, 'is_ref') === 'true' ? `Ref(${type})` : type}`;
}

function ourArg(arg: Arg): string {
  const base = arg.dtype ?? arg.typeAttr ?? '';
  const type = arg.typeList ? `list(${base})` : arg.numberAttr === undefined ? base : `${arg.numberAttr} * ${base}`;
  return `${arg.name}: ${arg.isRef ? `Ref(${type})` : type}`;
}

const kinds: Readonly<Record<string, string>> = {
  int: 'int',
  float: 'float',
  bool: 'bool',
  string: 'string',
  type: 'type',
  shape: 'shape',
  tensor: 'tensor',
  func: 'func',
  'list(int)': 'ints',
  'list(float)': 'floats',
  'list(bool)': 'bools',
  'list(string)': 'strings',
  'list(type)': 'types',
  'list(shape)': 'shapes',
  'list(tensor)': 'tensors',
  'list(func)': 'funcs',
};

function defaultText(f: Fields): string | undefined {
  const [value] = many(f, 'default_value');
  if (value === undefined) return undefined;
  const [list] = many(value, 'list');
  if (list !== undefined)
    return `[${[...list.values()]
      .flat()
      .map((x) => scalarText(String(x)))
      .join()}]`;
  const [shape] = many(value, 'shape');
  if (shape !== undefined) return one(shape, 'unknown_rank') === 'true' ? 'null' : '[]';
  const [tensor] = many(value, 'tensor');
  if (tensor !== undefined) return `[${(tensor.get('int_val') ?? []).map((x) => scalarText(String(x))).join()}]`;
  return scalarText(String([...value.values()].flat()[0]));
}

function scalarText(x: string): string {
  if (x.startsWith('DT_')) return dtypeOf(x);
  if (x.startsWith('"')) return x.slice(1, -1);
  const n = Number(x);
  return Number.isNaN(n) ? x : String(Math.fround(n));
}

function ourDefault({ default: value }: AttrDef): string | undefined {
  if (value === undefined) return undefined;
  const text = (x: unknown): string => (typeof x === 'number' ? String(Math.fround(x)) : String(x));
  if (value instanceof NdArray) return `[${value.toNumbers().map(text).join()}]`;
  return Array.isArray(value) ? `[${value.map(text).join()}]` : text(value);
}

function attrLine(name: string, kind: string, fallback: string | undefined): string {
  return fallback === undefined ? `${name}: ${kind}` : `${name}: ${kind} = ${fallback}`;
}

/** Attributes that TensorFlow 2 added after 1.x; graphs of 1.x do not have them. */
const later = new Set([
  'grad_a',
  'grad_b',
  'debug_name',
  'bad_indices_policy',
  'use_ragged_tensors',
  'allowed_devices',
]);

function ourAttrs(record: OpRecord): string[] {
  return Object.entries(record.attrs)
    .filter(([name]) => !later.has(name))
    .map(([name, def]) => attrLine(name, def.kind, ourDefault(def)));
}

function theirAttrs(op: Fields): string[] {
  return many(op, 'attr')
    .filter((a) => !later.has(one(a, 'name') ?? ''))
    .map((a) => attrLine(one(a, 'name') ?? '', kinds[one(a, 'type') ?? ''] ?? '?', defaultText(a)));
}

const file = new URL('../../../../../shared/data/tf-artefacts/op_registry/ops.pbtxt', import.meta.url);

describe.skipIf(!existsSync(file))('signatures (skipped where TensorFlow’s op registry is absent)', () => {
  const ops = existsSync(file) ? many(parse(readFileSync(file, 'utf8')), 'op') : [];
  const theirs = new Map(ops.map((op) => [one(op, 'name') ?? '', op]));
  for (const record of registry.list()) {
    test(record.type, () => {
      const op = theirs.get(record.type);
      expect(op, `${record.type} is an op of TensorFlow`).toBeDefined();
      if (op === undefined) return;
      expect(record.inputs.map(ourArg)).toEqual(many(op, 'input_arg').map(argText));
      expect(record.outputs.map(ourArg)).toEqual(many(op, 'output_arg').map(argText));
      expect(ourAttrs(record).sort()).toEqual(theirAttrs(op).sort());
    });
  }
});
