/**
 * @file Follows a dot's or convolution's operand through shape operations inside its fusion down to the fusion parameter, as strides:
 * transposes, broadcasts, reshapes and widening conversions cost nothing once folded into packing.
 */
import type { Instruction } from '../../hlo/module.ts';
import { type ArrayShape, type ElementType, rowMajorStrides, sameDims } from '../../hlo/shape.ts';

export interface StridedOperand {
  /** The parameter (or, outside fusions, the operand itself) that holds the data. */
  readonly source: Instruction;
  readonly memory: ElementType;
  readonly dims: readonly number[];
  /** Elements of the source per step of each dimension; 0 where it is broadcast. */
  readonly strides: readonly number[];
}

const wider: Partial<Record<ElementType, readonly ElementType[]>> = {
  f16: ['f32', 'f64'],
  bf16: ['f32', 'f64'],
  f32: ['f64'],
  s8: ['s32', 's64', 'f32', 'f64', 's16'],
  u8: ['u32', 's32', 's64', 'u64', 'f32', 'f64', 's16', 'u16'],
  s16: ['s32', 's64', 'f32', 'f64'],
  u16: ['u32', 's32', 's64', 'u64', 'f32', 'f64'],
  s32: ['s64', 'f64'],
  u32: ['u64', 's64', 'f64'],
  pred: ['s32', 'f32', 'f64', 'u8', 's8', 's64'],
};

/** Every value of `from` is a value of `to`. */
export function isWidening(from: ElementType, to: ElementType): boolean {
  return wider[from]?.includes(to) ?? false;
}

function shapeOf(x: Instruction): ArrayShape {
  return x.shape as ArrayShape;
}

/** The strided view of a source that `x` is, or undefined when it is more than that. `isSource` stops the walk. */
export function stridedOperand(x: Instruction, isSource: (x: Instruction) => boolean): StridedOperand | undefined {
  const { dims, dtype } = shapeOf(x);
  if (isSource(x)) return { source: x, memory: dtype, dims, strides: rowMajorStrides(dims) };
  const from = x.operands[0] && stridedOperand(x.operands[0], isSource);
  if (!from) return undefined;
  switch (x.opcode) {
    case 'copy':
      return from;
    case 'convert':
      return isWidening(shapeOf(x.operands[0] as Instruction).dtype, dtype) ? from : undefined;
    case 'transpose':
      return { ...from, dims, strides: x.attrs.permutation.map((p) => from.strides[p] as number) };
    case 'broadcast': {
      const strides = dims.map(() => 0);
      x.attrs.dimensions.forEach((d, i) => {
        if (from.dims[i] === dims[d]) strides[d] = from.strides[i] as number;
      });
      return { ...from, dims, strides };
    }
    case 'reshape':
      return reshaped(from, dims);
    default:
      return undefined;
  }
}

/** A reshape of a dense array is dense; else only dimensions of 1 may come and go. */
function reshaped(from: StridedOperand, dims: readonly number[]): StridedOperand | undefined {
  const dense = rowMajorStrides(from.dims);
  if (from.dims.every((d, i) => d === 1 || from.strides[i] === dense[i])) {
    return { ...from, dims, strides: rowMajorStrides(dims) };
  }
  const big = from.dims.map((d, i) => ({ d, stride: from.strides[i] as number })).filter(({ d }) => d !== 1);
  if (
    !sameDims(
      big.map(({ d }) => d),
      dims.filter((d) => d !== 1),
    )
  )
    return undefined;
  let next = 0;
  return { ...from, dims, strides: dims.map((d) => (d === 1 ? 0 : (big[next++]?.stride ?? 0))) };
}
