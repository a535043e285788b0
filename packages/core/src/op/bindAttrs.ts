/**
 * @file Attributes of a node under construction: inferred from its inputs (T from dtypes, N from list lengths), given by the caller,
 * or default; checked against the signature. Used by `call` and by GraphDef import alike.
 */
import type { DType } from '../dtype.ts';
import type { Tensor } from '../graph/tensor.ts';
import { NdArray } from '../ndarray.ts';
import type { AttrDef, AttrKind, AttrValue } from './attr.ts';
import type { OpRecord } from './record.ts';
import { type Arg, isList } from './signature.ts';

export type Fail = (text: string) => never;
export type AttrMap = Record<string, AttrValue>;

/** The tensors of one argument. */
export type BoundArg = { readonly arg: Arg; readonly tensors: readonly Tensor[] };

/** Adds what the bound tensors say about attributes; a contradiction fails. */
export function inferFromInputs(bound: readonly BoundArg[], attrs: AttrMap, fail: Fail): void {
  for (const { arg, tensors } of bound) {
    if (arg.numberAttr !== undefined) agree(attrs, arg.numberAttr, tensors.length, fail);
    if (arg.typeList && arg.typeAttr !== undefined) {
      attrs[arg.typeAttr] = tensors.map((t) => t.dtype);
      continue;
    }
    for (const t of tensors) {
      const want = arg.typeAttr === undefined ? arg.dtype : attrs[arg.typeAttr];
      if (want === undefined && arg.typeAttr !== undefined) attrs[arg.typeAttr] = t.dtype;
      else if (want !== t.dtype) {
        fail(
          `input ${arg.name} is ${t.dtype} ("${t.name}"), but ${describeWant(arg, want)}. Convert it with cast(x, '${String(want)}').`,
        );
      }
      if (arg.isRef && !t.isRef) {
        fail(`input ${arg.name} must be a variable by reference, but "${t.name}" is a value. Pass a Variable.`);
      }
    }
  }
}

function describeWant(arg: Arg, want: AttrValue | undefined): string {
  return arg.typeAttr === undefined
    ? `must be ${String(want)}`
    : `${arg.typeAttr} is ${String(want)} from the other inputs or attributes`;
}

function agree(attrs: AttrMap, name: string, value: number, fail: Fail): void {
  const known = attrs[name];
  if (known !== undefined && known !== value) {
    fail(`attribute ${name} is ${String(known)}, but the list has ${value} tensors. Give lists of one length.`);
  }
  attrs[name] = value;
}

/** Fills defaults and checks every attribute; answers them in the signature's order. */
export function completeAttrs(record: OpRecord, given: AttrMap, fail: Fail): AttrMap {
  const attrs: AttrMap = {};
  for (const [name, def] of Object.entries(record.attrs)) {
    const value = given[name] ?? def.default;
    if (value === undefined && !(def.kind === 'shape' && name in given)) {
      fail(`attribute ${name} (${def.kind}) is missing and cannot be inferred. Give attrs: { ${name}: … }.`);
    }
    attrs[name] = value === undefined ? null : value;
    checkAttr(name, def, attrs[name] as AttrValue, fail);
  }
  for (const name of Object.keys(given)) {
    if (name in attrs) continue;
    if (name.startsWith('_')) attrs[name] = given[name] as AttrValue;
    else fail(`there is no attribute ${name}. Attributes: ${Object.keys(record.attrs).join(', ') || 'none'}.`);
  }
  return attrs;
}

const kindChecks: { readonly [K in AttrKind]?: (v: AttrValue) => boolean } = {
  int: (v) => Number.isSafeInteger(v),
  float: (v) => typeof v === 'number',
  bool: (v) => typeof v === 'boolean',
  string: (v) => typeof v === 'string',
  type: (v) => typeof v === 'string',
  func: (v) => typeof v === 'string',
  shape: (v) => v === null || Array.isArray(v),
  tensor: (v) => v instanceof NdArray,
};

function checkAttr(name: string, def: AttrDef, value: AttrValue, fail: Fail): void {
  const ok = kindChecks[def.kind]?.(value) ?? Array.isArray(value);
  if (!ok) fail(`attribute ${name} must be of kind ${def.kind}, but is ${String(value)}.`);
  if (def.allowed !== undefined && !def.allowed.includes(value)) {
    fail(`attribute ${name} is "${String(value)}". Allowed: ${def.allowed.map((v) => `"${String(v)}"`).join(', ')}.`);
  }
  const measure = Array.isArray(value) ? value.length : value;
  if (def.minimum !== undefined && typeof measure === 'number' && measure < def.minimum) {
    const what = Array.isArray(value) ? `has ${measure} entries` : `is ${measure}`;
    fail(`attribute ${name} ${what}, at least ${def.minimum} needed.`);
  }
  if (def.dtypes !== undefined) checkDtypes(name, def.dtypes, value, fail);
}

function checkDtypes(name: string, allowed: readonly DType[], value: AttrValue, fail: Fail): void {
  for (const dtype of (Array.isArray(value) ? value : [value]) as readonly DType[]) {
    if (!allowed.includes(dtype)) {
      fail(`${name} is ${dtype}, which the op does not take. Allowed: ${allowed.join(', ')}.`);
    }
  }
}

/** dtypes of all outputs in order, list outputs expanded. */
export function outputDtypes(record: OpRecord, attrs: AttrMap): { arg: Arg; dtype: DType }[] {
  return record.outputs.flatMap((arg) => {
    if (arg.typeList) return (attrs[arg.typeAttr as string] as readonly DType[]).map((dtype) => ({ arg, dtype }));
    const dtype = arg.dtype ?? (attrs[arg.typeAttr as string] as DType);
    const n = arg.numberAttr === undefined ? 1 : (attrs[arg.numberAttr] as number);
    return Array.from({ length: n }, () => ({ arg, dtype }));
  });
}

/** Number of tensors of each input argument, from attributes (import knows attributes before inputs). */
export function inputCounts(record: OpRecord, attrs: AttrMap): number[] {
  return record.inputs.map((arg) => {
    if (!isList(arg)) return 1;
    if (arg.numberAttr !== undefined) return attrs[arg.numberAttr] as number;
    return (attrs[arg.typeAttr as string] as readonly DType[]).length;
  });
}
