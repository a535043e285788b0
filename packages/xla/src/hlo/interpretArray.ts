/** @file Opcodes of the interpreter that make or move elements at static places. */
import { dimsOf, shapeOf } from './graph.ts';
import { fill } from './interpretElementwise.ts';
import { convertFunction } from './interpretScalar.ts';
import { type ArrayRules, operandAt } from './interpretTypes.ts';
import type { Literal } from './literal.ts';
import { zeroLiteral } from './literals.ts';
import type { Instruction } from './module.ts';
import { elementCount, rowMajorStrides } from './shape.ts';
import { copyStrided, denseView, type View } from './strided.ts';

type MoveOpcode =
  | 'constant'
  | 'iota'
  | 'broadcast'
  | 'reshape'
  | 'transpose'
  | 'slice'
  | 'pad'
  | 'concatenate'
  | 'reverse';

/** A literal of x's shape read from a strided view of its operand. */
export function viewed(x: Instruction, from: View): Literal {
  const out = zeroLiteral(shapeOf(x));
  copyStrided(out.shape.dims, from, denseView(out.data, out.shape.dims));
  return out;
}

export const moveRules: ArrayRules<MoveOpcode> = {
  constant: (x) => x.attrs.literal,
  iota(x) {
    const { dims, dtype } = shapeOf(x);
    const inner = elementCount(dims.slice(x.attrs.dimension + 1));
    const size = dims[x.attrs.dimension] as number;
    const convert = convertFunction('s32', dtype);
    return fill(x, (i) => convert(Math.floor(i / inner) % size));
  },
  broadcast(x, operands) {
    const { data, shape } = operandAt(operands, 0);
    const own = rowMajorStrides(shape.dims);
    const strides = x.attrs.dims.map(() => 0);
    x.attrs.dimensions.forEach((d, i) => {
      strides[d] = shape.dims[i] === 1 ? 0 : (own[i] as number);
    });
    return viewed(x, { data, offset: 0, strides });
  },
  reshape(x, operands) {
    return { shape: shapeOf(x), data: operandAt(operands, 0).data };
  },
  transpose(x, operands) {
    const { data, shape } = operandAt(operands, 0);
    const own = rowMajorStrides(shape.dims);
    return viewed(x, { data, offset: 0, strides: x.attrs.permutation.map((p) => own[p] as number) });
  },
  slice(x, operands) {
    const { data, shape } = operandAt(operands, 0);
    const own = rowMajorStrides(shape.dims);
    const { starts, strides } = x.attrs;
    const offset = starts.reduce((sum, s, i) => sum + s * (own[i] as number), 0);
    return viewed(x, { data, offset, strides: strides.map((s, i) => s * (own[i] as number)) });
  },
  pad(x, operands) {
    const [a, value] = [operandAt(operands, 0), operandAt(operands, 1)];
    const out = viewed(x, { data: value.data, offset: 0, strides: dimsOf(x).map(() => 0) });
    const kept = a.shape.dims.map((size, i) => keptRange(x.attrs.padding[i] as Padding, size, dimsOf(x)[i] as number));
    const [own, outer] = [rowMajorStrides(a.shape.dims), rowMajorStrides(out.shape.dims)];
    const step = x.attrs.padding.map((p) => p.interior + 1);
    const at = (i: number) => (x.attrs.padding[i] as Padding).low + (kept[i]?.first ?? 0) * (step[i] as number);
    copyStrided(
      kept.map((k) => k.count),
      { data: a.data, offset: kept.reduce((s, k, i) => s + k.first * (own[i] as number), 0), strides: own },
      {
        data: out.data,
        offset: kept.reduce((s, _, i) => s + at(i) * (outer[i] as number), 0),
        strides: outer.map((s, i) => s * (step[i] as number)),
      },
    );
    return out;
  },
  concatenate(x, operands) {
    const out = zeroLiteral(shapeOf(x));
    const strides = rowMajorStrides(out.shape.dims);
    let offset = 0;
    for (const { data, shape } of operands) {
      copyStrided(shape.dims, denseView(data, shape.dims), { data: out.data, offset, strides });
      offset += (shape.dims[x.attrs.dimension] as number) * (strides[x.attrs.dimension] as number);
    }
    return out;
  },
  reverse(x, operands) {
    const { data, shape } = operandAt(operands, 0);
    const strides = rowMajorStrides(shape.dims);
    let offset = 0;
    for (const d of x.attrs.dimensions) {
      offset += Math.max(0, (shape.dims[d] as number) - 1) * (strides[d] as number);
      strides[d] = -(strides[d] as number);
    }
    return viewed(x, { data, offset, strides });
  },
};

type Padding = Instruction<'pad'>['attrs']['padding'][number];

/** Which of `size` elements land inside a padded dimension of `padded` elements: element i lands at low + i·(interior + 1). */
function keptRange({ low, interior }: Padding, size: number, padded: number): { first: number; count: number } {
  const step = interior + 1;
  const first = Math.max(0, Math.ceil(-low / step));
  const end = Math.min(size, Math.ceil((padded - low) / step));
  return { first: Math.min(first, size), count: Math.max(0, end - first) };
}
