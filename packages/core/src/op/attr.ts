/**
 * @file Attributes of ops: their kinds, the TypeScript type of each kind, and the short constructors that signatures are
 * written with. Names, defaults and allowed values are TensorFlow's own.
 */
import { type DType, floating, real } from '../dtype.ts';
import type { NdArray } from '../ndarray.ts';
import type { PartialShape } from '../shape.ts';

/** TypeScript type of a value of each attribute kind. Integers beyond 2⁵³ do not occur in attributes. */
export interface AttrTypes {
  int: number;
  float: number;
  bool: boolean;
  string: string;
  type: DType;
  shape: PartialShape;
  tensor: NdArray;
  func: string;
  ints: readonly number[];
  floats: readonly number[];
  bools: readonly boolean[];
  strings: readonly string[];
  types: readonly DType[];
  shapes: readonly PartialShape[];
  tensors: readonly NdArray[];
  funcs: readonly string[];
}
export type AttrKind = keyof AttrTypes;
export type AttrValue = AttrTypes[AttrKind];

/** An attribute's declaration. `V` narrows the value type (string attributes with allowed values). */
export interface AttrDef<V = AttrValue> {
  readonly kind: AttrKind;
  readonly default?: V;
  readonly allowed?: readonly V[];
  /** Least value of an int, least length of a list. */
  readonly minimum?: number;
  /** dtypes that TensorFlow allows; ours are among them. Only for kinds `type` and `types`. */
  readonly dtypes?: readonly DType[];
}

/** A kind's name is a declaration without default. */
export type AttrSpec = AttrKind | AttrDef<never>;
export type AttrSpecs = Readonly<Record<string, AttrKind | AttrDef<never> | AttrDef>>;

export type AttrValueOf<S> = S extends AttrKind ? AttrTypes[S] : S extends AttrDef<infer V> ? V : never;
export type AttrValues<A extends AttrSpecs> = { readonly [K in keyof A]: AttrValueOf<A[K]> };

type Def<V> = AttrDef<V>;

const def =
  <K extends AttrKind>(kind: K) =>
  (fallback?: AttrTypes[K], minimum?: number): Def<AttrTypes[K]> => ({
    kind,
    ...(fallback === undefined ? {} : { default: fallback }),
    ...(minimum === undefined ? {} : { minimum }),
  });

/** `int(0)`, `int(undefined, 1)`: default, minimum. */
export const int = def('int');
export const float = def('float');
export const bool = def('bool');
export const string = def('string');
export const shape = def('shape');
/** List attributes: default, least length. */
export const ints = def('ints');
export const floats = def('floats');
export const strings = def('strings');
export const shapes = def('shapes');

/** A string attribute that takes one of `allowed`: `oneOf(['SAME', 'VALID'])`. */
export function oneOf<const S extends string>(allowed: readonly S[], fallback?: NoInfer<S>): Def<S> {
  return fallback === undefined ? { kind: 'string', allowed } : { kind: 'string', allowed, default: fallback };
}

/** A type attribute: `type(floating)`, `type(indexTypes, 'int32')`. No list = any dtype. */
export function type(dtypes?: readonly DType[], fallback?: DType): Def<DType> {
  return {
    kind: 'type',
    ...(dtypes === undefined ? {} : { dtypes }),
    ...(fallback === undefined ? {} : { default: fallback }),
  };
}

/** A list of types, at least `minimum` long (1 by default). */
export function types(minimum = 1): Def<readonly DType[]> {
  return { kind: 'types', minimum };
}

/** Number of tensors in a list input or output, at least `minimum`. */
export function count(minimum = 1): Def<number> {
  return { kind: 'int', minimum };
}

export const indexTypes: readonly DType[] = ['int32', 'int64'];
/** TensorFlow's usual index type attribute: int32 (default) or int64. */
export const indexType: Def<DType> = type(indexTypes, 'int32');
export const anyType: Def<DType> = type();
export const floatType: Def<DType> = type(floating);
export const realType: Def<DType> = type(real);

export function attrDef(spec: AttrKind | AttrDef<never> | AttrDef): AttrDef {
  return typeof spec === 'string' ? { kind: spec } : (spec as AttrDef);
}
