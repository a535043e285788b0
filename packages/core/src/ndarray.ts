/**
 * @file Host values: a dense row-major typed array with its dtype and shape. It is what feeds take, what fetches answer and what
 * constants hold. 64-bit integers are BigInt arrays (exact), 16-bit floats are bit patterns, bool is one byte, string is a list
 * of JavaScript strings (UTF-8 text) or Uint8Arrays (bytes).
 *
 * Inference without a dtype: number → float32 (JavaScript cannot tell 1 from 1.0), bigint → int64, boolean → bool, string and
 * Uint8Array elements of nested lists → string; a typed array keeps its own type.
 */
import { decoder, encodeScalar, type Literal, type Storage, storageConstructors } from '@tsflow/xla';
import { type DType, dtypeOfElement, elementTypeOf, type ValueDType } from './dtype.ts';
import { InvalidArgumentError } from './errors.ts';
import type { Dims } from './shape.ts';

/** One element of a string tensor: text, or bytes that need not be text. */
export type TfString = string | Uint8Array;
export type NdData = Storage | readonly TfString[];
/** One element as users read it. */
export type NdElement = number | bigint | boolean | TfString;
export type NestedArray = NdElement | readonly NestedArray[];

type TypedArray = Exclude<NdData, readonly TfString[]>;
/** What converts to an NdArray. A bare typed array is a vector; with a `shape` it is read row by row. */
export type NdArrayLike = NdArray | NestedArray | TypedArray;

export class NdArray {
  readonly dtype: ValueDType;
  readonly shape: Dims;
  /** Row-major elements; see the file's head for the storage of each dtype. */
  readonly data: NdData;

  constructor(dtype: ValueDType, shape: Dims, data: NdData) {
    const count = shape.reduce((n, d) => n * d, 1);
    if (data.length !== count) {
      throw new InvalidArgumentError(
        `${dtype} array of shape [${shape.join(', ')}] has ${count} elements, but ${data.length} were given.`,
      );
    }
    checkStorage(dtype, data);
    this.dtype = dtype;
    this.shape = shape;
    this.data = data;
  }

  get size(): number {
    return this.data.length;
  }

  /** Element at a flat row-major position, decoded: a number, bigint, boolean, string or bytes. */
  at(i: number): NdElement {
    const stored = this.data[i];
    if (stored === undefined) {
      throw new InvalidArgumentError(`element ${i} is outside an array of ${this.size} elements.`);
    }
    if (typeof stored === 'string' || stored instanceof Uint8Array) return stored;
    if (this.dtype === 'bool') return stored !== 0;
    const type = elementTypeOf(this.dtype);
    return type === undefined ? stored : decoder(type)(stored);
  }

  /**
   * The only element. The caller says of which type it is: number by default; bigint for int64, boolean for bool, string for string.
   * Throws InvalidArgument when there are more elements or none.
   */
  item<T extends NdElement = number>(): T {
    if (this.size !== 1) {
      throw new InvalidArgumentError(
        `item() needs one element, but the array has shape [${this.shape.join(', ')}]. Use toArray() or data.`,
      );
    }
    return this.at(0) as T;
  }

  /** Nested lists of decoded elements; a scalar answers its element. */
  toArray(): NestedArray {
    let next = 0;
    const build = (axis: number): NestedArray => {
      if (axis === this.shape.length) return this.at(next++);
      return Array.from({ length: this.shape[axis] as number }, () => build(axis + 1));
    };
    return build(0);
  }

  /** Elements as JavaScript numbers (64-bit integers lose exactness above 2⁵³). Throws for strings. */
  toNumbers(): number[] {
    return Array.from({ length: this.size }, (_, i) => {
      const v = this.at(i);
      if (typeof v === 'string' || v instanceof Uint8Array) {
        throw new InvalidArgumentError('toNumbers() was called on an array of strings. Use toArray().');
      }
      return Number(v);
    });
  }
}

function checkStorage(dtype: ValueDType, data: NdData): void {
  const type = elementTypeOf(dtype);
  const fits = type === undefined ? Array.isArray(data) : data instanceof storageConstructors[type];
  if (fits) return;
  const want = type === undefined ? 'a list of strings or Uint8Arrays' : storageConstructors[type].name;
  throw new InvalidArgumentError(`${dtype} data is stored as ${want}, not ${data.constructor.name}.`);
}

const typedArrayDtypes: readonly [new (n: number) => TypedArray, ValueDType][] = [
  [Float32Array, 'float32'],
  [Float64Array, 'float64'],
  [Int8Array, 'int8'],
  [Int16Array, 'int16'],
  [Int32Array, 'int32'],
  [BigInt64Array, 'int64'],
  [Uint8Array, 'uint8'],
  [Uint16Array, 'uint16'],
  [Uint32Array, 'uint32'],
  [BigUint64Array, 'uint64'],
];

function isTypedArray(value: NdArrayLike): value is TypedArray {
  return ArrayBuffer.isView(value);
}

function typedArrayDtype(value: unknown): ValueDType | undefined {
  if (!ArrayBuffer.isView(value)) return undefined;
  return typedArrayDtypes.find(([type]) => value instanceof type)?.[1];
}

/** dtype that a value has by itself (see the file's head). Undefined for an empty list. */
export function inferDtype(value: NdArrayLike): ValueDType | undefined {
  if (value instanceof NdArray) return value.dtype;
  const typed = typedArrayDtype(value);
  if (typed !== undefined) return typed;
  switch (typeof value) {
    case 'number':
      return 'float32';
    case 'bigint':
      return 'int64';
    case 'boolean':
      return 'bool';
    case 'string':
      return 'string';
    default:
      return Array.isArray(value) ? inferListDtype(value) : undefined;
  }
}

function inferListDtype(values: readonly NestedArray[]): ValueDType | undefined {
  for (const v of values) {
    const dtype = v instanceof Uint8Array ? 'string' : inferDtype(v);
    if (dtype !== undefined) return dtype;
  }
  return undefined;
}

export function isValueDType(dtype: DType): dtype is ValueDType {
  return dtype === 'string' || elementTypeOf(dtype) !== undefined;
}

/** Storage of `n` zero elements (empty strings). */
export function zeroData(dtype: ValueDType, n: number): NdData {
  const type = elementTypeOf(dtype);
  return type === undefined ? new Array<TfString>(n).fill('') : new storageConstructors[type](n);
}

export interface ArrayOptions {
  /** Default: inferred from the value. */
  readonly dtype?: DType;
  /** Default: the value's own shape. A single element fills it; otherwise the element count must agree. */
  readonly shape?: Dims;
}

/**
 * Converts numbers, nested lists, typed arrays and NdArrays to an NdArray.
 * @throws InvalidArgumentError for ragged lists, elements that the dtype cannot hold, and shapes that do not fit.
 */
export function toNdArray(value: NdArrayLike, options: ArrayOptions = {}): NdArray {
  const dtype = options.dtype ?? inferDtype(value) ?? 'float32';
  if (!isValueDType(dtype)) {
    throw new InvalidArgumentError(`${dtype} has no host values. Give a numeric dtype, bool or string.`);
  }
  const base = toOwnShape(value, dtype);
  return options.shape === undefined ? base : withShape(base, options.shape);
}

function toOwnShape(value: NdArrayLike, dtype: ValueDType): NdArray {
  if (value instanceof NdArray) return value.dtype === dtype ? value : castElements(value, dtype);
  if (value instanceof Uint8Array && dtype === 'string') return new NdArray('string', [], [value]);
  if (isTypedArray(value)) {
    const own = storageView(value, dtype) ?? encodeAll(Array.from<number | bigint>(value), dtype);
    return new NdArray(dtype, [value.length], own);
  }
  const shape: number[] = [];
  for (let v: NestedArray = value; Array.isArray(v); v = v[0] as NestedArray) {
    shape.push(v.length);
    if (v.length === 0) break;
  }
  const flat: NdElement[] = [];
  flatten(value, shape, 0, flat);
  return new NdArray(dtype, shape, encodeAll(flat, dtype));
}

/** The array itself where it already is the storage of `dtype` (bool is stored as bytes). */
function storageView(value: TypedArray, dtype: ValueDType): TypedArray | undefined {
  const type = elementTypeOf(dtype);
  return type !== undefined && dtype !== 'float16' && dtype !== 'bfloat16' && value instanceof storageConstructors[type]
    ? value
    : undefined;
}

function flatten(value: NestedArray, shape: Dims, axis: number, out: NdElement[]): void {
  if (axis === shape.length) {
    if (Array.isArray(value)) throw ragged(value, shape, axis);
    out.push(value as NdElement);
    return;
  }
  if (!Array.isArray(value) || value.length !== shape[axis]) throw ragged(value, shape, axis);
  for (const v of value) flatten(v, shape, axis + 1, out);
}

function ragged(value: NestedArray, shape: Dims, axis: number): InvalidArgumentError {
  const got = Array.isArray(value) ? `a list of ${value.length}` : `the element ${String(value)}`;
  const want = axis === shape.length ? 'an element' : `a list of ${shape[axis]}`;
  return new InvalidArgumentError(
    `the nested list is ragged: at depth ${axis} it has ${got} where ${want} is expected.`,
  );
}

function encodeAll(values: readonly NdElement[], dtype: ValueDType): NdData {
  if (dtype === 'string') return values.map(encodeString);
  const type = elementTypeOf(dtype);
  const out = zeroData(dtype, values.length) as TypedArray;
  if (type === undefined) return out;
  for (const [i, v] of values.entries()) {
    if (typeof v === 'string' || v instanceof Uint8Array || v === undefined || v === null) {
      throw new InvalidArgumentError(`element ${i} is ${describe(v)}, which ${dtype} cannot hold. Give numbers.`);
    }
    if (dtype === 'bool') out[i] = v ? 1 : 0;
    else out[i] = encodeElement(v, type, dtype);
  }
  return out;
}

function encodeElement(
  v: number | bigint | boolean,
  type: Parameters<typeof encodeScalar>[1],
  dtype: DType,
): number | bigint {
  try {
    return encodeScalar(v, type);
  } catch (cause) {
    throw new InvalidArgumentError(`${describe(v)} does not fit ${dtype}. Round it, or give another dtype.`, { cause });
  }
}

function encodeString(v: NdElement): TfString {
  if (typeof v === 'string' || v instanceof Uint8Array) return v;
  throw new InvalidArgumentError(`${describe(v)} is not a string. Convert it with String(…).`);
}

function describe(v: unknown): string {
  if (v instanceof Uint8Array) return `${v.length} bytes`;
  return typeof v === 'string' ? `"${v}"` : `${String(v)}`;
}

function castElements(value: NdArray, dtype: ValueDType): NdArray {
  const elements = Array.from({ length: value.size }, (_, i) => value.at(i));
  return new NdArray(dtype, value.shape, encodeAll(elements, dtype));
}

function withShape(value: NdArray, shape: Dims): NdArray {
  const count = shape.reduce((n, d) => n * d, 1);
  if (value.size === count) return new NdArray(value.dtype, shape, value.data);
  if (value.size !== 1) {
    throw new InvalidArgumentError(
      `a value of shape [${value.shape.join(', ')}] (${value.size} elements) does not fill shape [${shape.join(', ')}] (${count}).`,
    );
  }
  return new NdArray(value.dtype, shape, filled(value, count));
}

function filled(value: NdArray, count: number): NdData {
  const first = value.data[0];
  if (typeof first === 'string' || first instanceof Uint8Array) return new Array<TfString>(count).fill(first);
  const out = zeroData(value.dtype, count) as TypedArray;
  for (let i = 0; i < count; i++) out[i] = first as number | bigint;
  return out;
}

/** The compiler's form of a numeric array (shares its data). */
export function toLiteral(value: NdArray): Literal {
  const dtype = elementTypeOf(value.dtype);
  if (dtype === undefined || Array.isArray(value.data)) {
    throw new InvalidArgumentError(`a ${value.dtype} array cannot enter a compiled program.`);
  }
  return { shape: { kind: 'array', dtype, dims: value.shape }, data: value.data as Storage };
}

export function fromLiteral(literal: Literal): NdArray {
  return new NdArray(dtypeOfElement(literal.shape.dtype), literal.shape.dims, literal.data);
}

const utf8 = new TextEncoder();
const utf8Decoder = new TextDecoder();

/** UTF-8 bytes of a string element. */
export function bytesOf(s: TfString): Uint8Array {
  return typeof s === 'string' ? utf8.encode(s) : s;
}

/** Text of a string element; bytes are read as UTF-8. */
export function textOf(s: TfString): string {
  return typeof s === 'string' ? s : utf8Decoder.decode(s);
}
