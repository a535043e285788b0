/** @file NdArray ↔ TensorProto, TensorFlow's serialized tensor: raw little-endian content or typed value lists, exact for all dtypes. */
import {
  fromBigInt,
  type Int64Like,
  type TensorProto,
  type TensorShapeProto,
  toBigInt,
  toNumberChecked,
} from '@tsflow/formats';
import { type Storage, storageConstructors } from '@tsflow/xla';
import { dtypeFromNumber, dtypeNumber, elementTypeOf, type ValueDType } from './dtype.ts';
import { DataLossError, UnimplementedError } from './errors.ts';
import { bytesOf, isValueDType, NdArray, type TfString } from './ndarray.ts';
import type { Dims, PartialShape } from './shape.ts';

type ITensorProto = TensorProto.$Properties;
type ITensorShapeProto = TensorShapeProto.$Properties;

export function shapeToProto(shape: PartialShape): ITensorShapeProto {
  if (shape === null) return { unknownRank: true };
  return { dim: shape.map((d) => ({ size: fromBigInt(d ?? -1) })) };
}

/** A missing proto is an unknown rank; sizes of −1 are unknown dimensions. */
export function shapeFromProto(proto: ITensorShapeProto | null | undefined): PartialShape {
  if (proto === null || proto === undefined || proto.unknownRank === true) return null;
  return (proto.dim ?? []).map((d) => {
    const size = toNumberChecked(d.size ?? 0, 'a dimension');
    return size < 0 ? null : size;
  });
}

/** Serialized form. Scalars use the value lists, arrays raw content, strings a list of bytes, as TensorFlow writes them. */
export function tensorProtoOf(array: NdArray): ITensorProto {
  const proto: ITensorProto = { dtype: dtypeNumber(array.dtype), tensorShape: shapeToProto(array.shape) };
  if (array.dtype === 'string') return { ...proto, stringVal: (array.data as readonly TfString[]).map(bytesOf) };
  const data = array.data as Storage;
  if (data.length === 1) return { ...proto, ...scalarField(array.dtype, data[0] as number | bigint) };
  return { ...proto, tensorContent: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) };
}

function scalarField(dtype: ValueDType, value: number | bigint): ITensorProto {
  switch (dtype) {
    case 'float32':
      return { floatVal: [value as number] };
    case 'float64':
      return { doubleVal: [value as number] };
    case 'float16':
    case 'bfloat16':
      return { halfVal: [value as number] };
    case 'int64':
      return { int64Val: [fromBigInt(value)] };
    case 'uint64':
      return { uint64Val: [fromBigInt(value, true)] };
    case 'uint32':
      return { uint32Val: [value as number] };
    case 'bool':
      return { boolVal: [value !== 0] };
    default:
      return { intVal: [value as number] };
  }
}

function listField(proto: ITensorProto, dtype: ValueDType): readonly (Int64Like | boolean)[] {
  switch (dtype) {
    case 'float32':
      return proto.floatVal ?? [];
    case 'float64':
      return proto.doubleVal ?? [];
    case 'float16':
    case 'bfloat16':
      return proto.halfVal ?? [];
    case 'int64':
      return proto.int64Val ?? [];
    case 'uint64':
      return proto.uint64Val ?? [];
    case 'uint32':
      return proto.uint32Val ?? [];
    case 'bool':
      return proto.boolVal ?? [];
    default:
      return proto.intVal ?? [];
  }
}

/**
 * The value of a TensorProto. A value list shorter than the tensor repeats its last entry, as in TensorFlow.
 * @throws Unimplemented for dtypes without host values, DataLoss when the content has the wrong length.
 */
export function ndArrayOf(proto: ITensorProto): NdArray {
  const dtype = dtypeFromNumber(proto.dtype ?? 0);
  if (dtype === undefined || !isValueDType(dtype)) {
    throw new UnimplementedError(
      `tensors of ${dtype ?? `DataType ${proto.dtype}`} are not supported; numeric dtypes, bool and string are.`,
    );
  }
  const shape = (shapeFromProto(proto.tensorShape) ?? []).map((d) => d ?? 0);
  const count = shape.reduce((n, d) => n * d, 1);
  if (dtype === 'string') return stringArray(proto.stringVal ?? [], shape, count);
  const content = proto.tensorContent;
  return content !== null && content !== undefined && content.length > 0
    ? new NdArray(dtype, shape, fromContent(content, dtype, count))
    : new NdArray(dtype, shape, fromList(listField(proto, dtype), dtype, count));
}

function fromContent(content: Uint8Array, dtype: ValueDType, count: number): Storage {
  const type = elementTypeOf(dtype);
  if (type === undefined) throw new UnimplementedError(`raw content of ${dtype} tensors is not supported.`);
  const data = new storageConstructors[type](count);
  if (data.byteLength !== content.length) {
    throw new DataLossError(
      `a ${dtype} tensor of ${count} elements has ${content.length} bytes, ${data.byteLength} expected.`,
    );
  }
  new Uint8Array(data.buffer).set(content);
  return data;
}

function fromList(list: readonly (Int64Like | boolean)[], dtype: ValueDType, count: number): Storage {
  const type = elementTypeOf(dtype);
  if (type === undefined) throw new UnimplementedError(`value lists of ${dtype} tensors are not supported.`);
  if (list.length > count) {
    throw new DataLossError(`a ${dtype} tensor of ${count} elements has ${list.length} values.`);
  }
  const data = new storageConstructors[type](count);
  const wide = dtype === 'int64' || dtype === 'uint64';
  for (let i = 0; i < count && list.length > 0; i++) {
    const v = list[Math.min(i, list.length - 1)] as Int64Like | boolean;
    data[i] = wide ? toBigInt(v as Int64Like) : Number(v);
  }
  return data;
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Text where the bytes are valid UTF-8, else the bytes. */
export function stringOfBytes(bytes: Uint8Array): TfString {
  try {
    return strictUtf8.decode(bytes);
  } catch {
    return bytes.slice();
  }
}

function stringArray(list: readonly Uint8Array[], shape: Dims, count: number): NdArray {
  if (list.length > count) throw new DataLossError(`a string tensor of ${count} elements has ${list.length} values.`);
  const strings = list.map(stringOfBytes);
  while (strings.length < count) strings.push(strings.at(-1) ?? '');
  return new NdArray('string', shape, strings);
}
