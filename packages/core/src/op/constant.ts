/** @file The Const op, and how plain values become constants: the dtype they take beside the other inputs of a node. */
import type { DType } from '../dtype.ts';
import { InvalidArgumentError } from '../errors.ts';
import { getDefaultGraph } from '../graph/graph.ts';
import { Tensor, type TensorLike } from '../graph/tensor.ts';
import { inferDtype, NdArray, type NdArrayLike, toLiteral, toNdArray } from '../ndarray.ts';
import type { Dims } from '../shape.ts';
import type { AttrMap } from './bindAttrs.ts';
import { captureSite } from './callSite.ts';
import { defineOp } from './defineOp.ts';
import type { OpRecord } from './record.ts';
import type { Arg } from './signature.ts';

export const Const = defineOp('Const', {
  inputs: [],
  outputs: ['output: dtype'],
  attrs: { value: 'tensor', dtype: 'type' },
  shape: (_, { attrs }) => ({ output: attrs.value.shape }),
  grad: null,
  lower: (b, _, { attrs }) => ({ output: b.constant(toLiteral(attrs.value)) }),
});

/** Makes a Const node. Without a dtype: see ndarray.ts (numbers are float32). */
export function constantTensor(value: TensorLike, dtype: DType | undefined, name = 'Const', shape?: Dims): Tensor {
  const array = toNdArray(value as NdArrayLike, {
    ...(dtype === undefined ? {} : { dtype }),
    ...(shape === undefined ? {} : { shape }),
  });
  const op = getDefaultGraph().createOperation({
    record: Const,
    name,
    inputs: [],
    attrs: { value: array, dtype: array.dtype },
    outputs: [{ dtype: array.dtype, isRef: false, shape: array.shape }],
    site: captureSite(),
  });
  return op.outputs[0] as Tensor;
}

/** dtype of the constant for one input: the signature's, the other inputs', the value's own, the attribute's default. */
export function dtypeForConstant(value: TensorLike, arg: Arg, attrs: AttrMap, record: OpRecord): DType {
  if (arg.dtype !== undefined) return arg.dtype;
  const name = arg.typeAttr as string;
  const known = attrs[name];
  if (typeof known === 'string') return known as DType;
  const def = record.attrs[name];
  const own = inferDtype(value as NdArrayLike);
  const allowed = arg.typeList ? undefined : def?.dtypes;
  const fits = (d: DType) => allowed === undefined || allowed.includes(d);
  const isPlain = own === undefined || isPlainNumbers(value);
  if (!isPlain && own !== undefined) return own;
  if (!arg.typeList && typeof def?.default === 'string') return def.default as DType;
  const preferred = (['float32', 'int32'] as const).find(fits) ?? allowed?.[0];
  if (preferred === undefined) {
    throw new InvalidArgumentError(`no dtype for input ${arg.name}.`, { opType: record.type });
  }
  return preferred;
}

/** Numbers, or nested lists of numbers: their dtype is open. */
function isPlainNumbers(value: TensorLike): boolean {
  if (value instanceof NdArray || value instanceof Tensor || ArrayBuffer.isView(value)) return false;
  if (Array.isArray(value)) return value.length === 0 || isPlainNumbers(value[0] as TensorLike);
  return typeof value === 'number';
}
