/**
 * @file The argument language of op signatures, TensorFlow's own (as in REGISTER_OP), parsed at load and typed by the compiler:
 *
 *   'x'               one tensor of type attr T          'pred: bool'           one tensor of a fixed dtype
 *   'shape: Tshape'   one tensor of type attr Tshape     'values: N * T'        N tensors of one type
 *   'input: list(T)'  one tensor per entry of T          'ref: Ref(T)'          a variable by reference
 *   'handle: resource' a resource handle
 */
import { type DType, isDType } from '../dtype.ts';

export type ArgName<S extends string> = S extends `${infer N}:${string}` ? N : S;
type IsList<S extends string> = S extends `${string}*${string}` | `${string}list(${string}` ? true : false;
type IsState<S extends string> = S extends `${string}Ref(${string}` | `${string}: resource` ? true : false;

/** Record of arguments: name → One (or State for references and resources), lists where the spec says so. */
export type Args<Specs extends readonly string[], One, State = One> = {
  readonly [S in Specs[number] as ArgName<S>]: string extends S
    ? One | State | readonly (One | State)[]
    : IsList<S> extends true
      ? readonly (IsState<S> extends true ? State : One)[]
      : IsState<S> extends true
        ? State
        : One;
};

/** A parsed argument. */
export interface Arg {
  readonly name: string;
  /** Fixed dtype, or the attribute that names it. */
  readonly dtype: DType | undefined;
  readonly typeAttr: string | undefined;
  /** Attribute that counts the list, `N * T`. */
  readonly numberAttr: string | undefined;
  /** The type attribute is a list: one tensor per entry. */
  readonly typeList: boolean;
  readonly isRef: boolean;
}

/** Whether the argument is a list of tensors. */
export function isList(arg: Arg): boolean {
  return arg.numberAttr !== undefined || arg.typeList;
}

/** Whether the argument denotes state rather than a value: a reference or a resource. */
export function isState(arg: Arg): boolean {
  return arg.isRef || arg.dtype === 'resource';
}

const pattern = /^(\w+)(?:\s*:\s*(.+))?$/;

export function parseArg(spec: string): Arg {
  const [, name, rest = 'T'] = pattern.exec(spec) ?? [];
  if (name === undefined) throw new TypeError(`internal: bad argument spec "${spec}".`);
  let text = rest.trim();
  const isRef = text.startsWith('Ref(');
  if (isRef) text = text.slice(4, -1).trim();
  const typeList = text.startsWith('list(');
  if (typeList) text = text.slice(5, -1).trim();
  const star = text.indexOf('*');
  const numberAttr = star < 0 ? undefined : text.slice(0, star).trim();
  const typeName = star < 0 ? text : text.slice(star + 1).trim();
  const dtype = isDType(typeName) ? typeName : undefined;
  return { name, dtype, typeAttr: dtype === undefined ? typeName : undefined, numberAttr, typeList, isRef };
}
