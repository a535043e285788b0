/**
 * @file TensorFlow's element types: names, DataType numbers of the wire formats, the HLO type that computes them, and the sets
 * that op signatures constrain type attributes with. A name ending in `_ref` is a reference to a variable of that type.
 */
import type { ElementType } from '@tsflow/xla';

/** Name → DataType number (tensorflow/core/framework/types.proto). */
export const dataTypeNumbers = {
  float32: 1,
  float64: 2,
  int32: 3,
  uint8: 4,
  int16: 5,
  int8: 6,
  string: 7,
  complex64: 8,
  int64: 9,
  bool: 10,
  qint8: 11,
  quint8: 12,
  qint32: 13,
  bfloat16: 14,
  qint16: 15,
  quint16: 16,
  uint16: 17,
  complex128: 18,
  float16: 19,
  resource: 20,
  variant: 21,
  uint32: 22,
  uint64: 23,
} as const;

/** Element type of a tensor value. */
export type DType = keyof typeof dataTypeNumbers;

/** dtypes that values of this library can have; the others are names that GraphDefs may carry. */
export type ValueDType = Exclude<
  DType,
  'complex64' | 'complex128' | 'qint8' | 'quint8' | 'qint16' | 'quint16' | 'qint32' | 'resource' | 'variant'
>;

const names = new Map<number, DType>(
  Object.entries(dataTypeNumbers).map(([name, number]) => [number, name as DType] as const),
);

/** References to variables have DataType number + 100. */
export const refOffset = 100;

/** The dtype of a DataType number; reference types answer their base. Undefined for numbers TensorFlow does not have. */
export function dtypeFromNumber(n: number): DType | undefined {
  return names.get(n > refOffset ? n - refOffset : n);
}

/** DataType number of a dtype. */
export function dtypeNumber(dtype: DType): number {
  return dataTypeNumbers[dtype];
}

export function isDType(name: string): name is DType {
  return Object.hasOwn(dataTypeNumbers, name);
}

const elementTypes: { readonly [T in DType]?: ElementType } = {
  float32: 'f32',
  float64: 'f64',
  int32: 's32',
  uint8: 'u8',
  int16: 's16',
  int8: 's8',
  int64: 's64',
  bool: 'pred',
  bfloat16: 'bf16',
  uint16: 'u16',
  float16: 'f16',
  uint32: 'u32',
  uint64: 'u64',
};

/** The HLO type that holds `dtype`, or undefined when it never reaches the compiler (string, resource, complex …). */
export function elementTypeOf(dtype: DType): ElementType | undefined {
  return elementTypes[dtype];
}

const dtypeByElement = new Map(Object.entries(elementTypes).map(([d, e]) => [e, d as ValueDType] as const));

/** The dtype whose values the HLO type `type` holds. */
export function dtypeOfElement(type: ElementType): ValueDType {
  return dtypeByElement.get(type) as ValueDType;
}

export const floating: readonly DType[] = ['bfloat16', 'float16', 'float32', 'float64'];
export const signedIntegers: readonly DType[] = ['int8', 'int16', 'int32', 'int64'];
export const unsignedIntegers: readonly DType[] = ['uint8', 'uint16', 'uint32', 'uint64'];
export const integers: readonly DType[] = [...signedIntegers, ...unsignedIntegers];
/** Real numbers. */
export const real: readonly DType[] = [...floating, ...integers];

export function isFloating(dtype: DType): boolean {
  return floating.includes(dtype);
}
export function isInteger(dtype: DType): boolean {
  return integers.includes(dtype);
}
/** Whether gradients flow through values of this type. */
export function isDifferentiable(dtype: DType): boolean {
  return isFloating(dtype) || dtype === 'resource' || dtype === 'variant' || dtype.startsWith('complex');
}
