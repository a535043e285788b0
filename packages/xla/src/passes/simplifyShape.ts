/**
 * @file Algebra on shapes: reshapes, transposes, broadcasts, slices, pads, concatenations and reversals that do nothing or do the work
 * of two. Reshapes cost nothing later, so what only adds, drops or moves dimensions of size 1 becomes a reshape.
 */
import type { HloBuilder } from '../hlo/builder.ts';
import type { Value } from '../hlo/builderApi.ts';
import { dimsOf } from '../hlo/graph.ts';
import type { Instruction } from '../hlo/module.ts';
import { sameDims } from '../hlo/shape.ts';
import { broadcastScalar, isIdentityPermutation, largeDims, sizeOf } from './match.ts';
import { type RuleTable, rulesPass } from './rules.ts';
import type { Pass } from './runner.ts';

const operand = (x: Instruction): Instruction => x.operands[0] as Instruction;

/** The same repeated scalar with other dims, if `x` is one. */
function rescale(b: HloBuilder, x: Instruction, dims: readonly number[]): Value | undefined {
  const scalar = broadcastScalar(x);
  if (!scalar) return undefined;
  return dims.length === 0 ? scalar : b.broadcast(scalar, dims, []);
}

const table: RuleTable = {
  reshape: [
    (x) => (sameDims(dimsOf(operand(x)), x.attrs.dims) ? operand(x) : undefined), // to its own dims → x
    (x, b) => (operand(x).opcode === 'reshape' ? b.reshape(operand(operand(x)), x.attrs.dims) : undefined), // twice → once
    (x, b) => rescale(b, operand(x), x.attrs.dims), // reshape(broadcast s) → broadcast s
    (x, b) => {
      const y = operand(x);
      if (y.opcode !== 'broadcast' || sizeOf(operand(y)) !== 1) return undefined;
      return b.broadcast(b.reshape(operand(y), []), x.attrs.dims, []);
    },
  ],
  transpose: [
    (x) => (isIdentityPermutation(x.attrs.permutation) ? operand(x) : undefined), // nothing moves → x
    (x, b) => {
      const y = operand(x);
      if (y.opcode !== 'transpose') return undefined;
      const inner = y.attrs.permutation;
      return b.transpose(
        operand(y),
        x.attrs.permutation.map((p) => inner[p] as number),
      ); // twice → once
    },
    (x, b) => {
      const dims = dimsOf(operand(x));
      const large = x.attrs.permutation.filter((p) => dims[p] !== 1);
      return large.every((p, i) => i === 0 || p > (large[i - 1] as number))
        ? b.reshape(operand(x), dimsOf(x))
        : undefined;
    }, // only dims of size 1 move → reshape
    (x, b) => rescale(b, operand(x), dimsOf(x)),
  ],
  broadcast: [
    (x) =>
      sameDims(dimsOf(operand(x)), x.attrs.dims) && isIdentityPermutation(x.attrs.dimensions) ? operand(x) : undefined,
    (x, b) => {
      const y = operand(x);
      if (y.opcode !== 'broadcast') return undefined;
      const dimensions = y.attrs.dimensions.map((d) => x.attrs.dimensions[d] as number);
      return b.broadcast(operand(y), x.attrs.dims, dimensions); // twice → once
    },
    (x, b) => {
      const dims = dimsOf(operand(x));
      const large = largeDims(dims);
      if (large.length === dims.length) return undefined;
      const squeezed = b.reshape(
        operand(x),
        large.map((i) => dims[i] as number),
      );
      const dimensions = large.map((i) => x.attrs.dimensions[i] as number);
      return b.broadcast(squeezed, x.attrs.dims, dimensions); // operand dims of size 1 say nothing
    },
    (x, b) => {
      const ascending = x.attrs.dimensions.every((d, i, all) => i === 0 || d > (all[i - 1] as number));
      return sizeOf(x) === sizeOf(operand(x)) && ascending ? b.reshape(operand(x), x.attrs.dims) : undefined;
    }, // only adds dims of size 1 → reshape
  ],
  slice: [
    (x) => (sameDims(dimsOf(x), dimsOf(operand(x))) ? operand(x) : undefined), // everything → x
    (x, b) => {
      const y = operand(x);
      if (y.opcode !== 'slice') return undefined;
      const { starts, strides } = y.attrs;
      const at = (list: readonly number[], i: number): number => list[i] as number;
      const from = x.attrs.starts.map((s, i) => at(starts, i) + s * at(strides, i));
      const step = x.attrs.strides.map((s, i) => s * at(strides, i));
      const to = dimsOf(x).map((d, i) => (d === 0 ? at(from, i) : at(from, i) + (d - 1) * at(step, i) + 1));
      return b.slice(operand(y), from, to, step); // twice → once
    },
    (x, b) => rescale(b, operand(x), dimsOf(x)),
    sliceOfConcatenate,
  ],
  pad: [
    (x) => (x.attrs.padding.every((p) => p.low === 0 && p.high === 0 && p.interior === 0) ? operand(x) : undefined),
    (x, b) => {
      const dims = dimsOf(operand(x));
      const crops = x.attrs.padding.every((p) => p.low <= 0 && p.high <= 0 && p.interior === 0);
      if (!crops) return undefined;
      const starts = x.attrs.padding.map((p) => -p.low);
      const limits = x.attrs.padding.map((p, i) => (dims[i] as number) + p.high);
      return b.slice(operand(x), starts, limits); // only negative padding → slice
    },
  ],
  concatenate: [
    (x, b) => {
      const { dimension } = x.attrs;
      const parts = x.operands.filter((o) => dimsOf(o)[dimension] !== 0);
      if (parts.length === x.operands.length || parts.length === 0) return undefined;
      return b.concatenate(parts, dimension); // without empty parts
    },
    (x) => (x.operands.length === 1 ? operand(x) : undefined), // of one → x
    (x, b) => {
      const { dimension } = x.attrs;
      const nested = (o: Instruction): boolean => o.opcode === 'concatenate' && o.attrs.dimension === dimension;
      if (!x.operands.some(nested)) return undefined;
      return b.concatenate(
        x.operands.flatMap((o) => (nested(o) ? o.operands : [o])),
        dimension,
      ); // of concatenations → one
    },
  ],
  reverse: [
    (x, b) => {
      const dims = dimsOf(x);
      const dimensions = x.attrs.dimensions.filter((d) => dims[d] !== 1);
      if (dimensions.length === 0) return operand(x); // nothing turns → x
      return dimensions.length < x.attrs.dimensions.length ? b.reverse(operand(x), dimensions) : undefined;
    },
    (x) => {
      const y = operand(x);
      return y.opcode === 'reverse' && sameDims(y.attrs.dimensions, x.attrs.dimensions) ? operand(y) : undefined; // twice → x
    },
    (x) => (broadcastScalar(operand(x)) ? operand(x) : undefined),
  ],
  'dynamic-slice': [
    (x, b) => {
      const dims = dimsOf(operand(x));
      if (sameDims(dims, x.attrs.sizes)) return operand(x); // all of it: starts clamp to 0
      const starts = constantStarts(x.operands.slice(1), dims, x.attrs.sizes);
      return (
        starts &&
        b.slice(
          operand(x),
          starts,
          starts.map((s, i) => s + (x.attrs.sizes[i] as number)),
        )
      ); // known starts → slice
    },
  ],
  'dynamic-update-slice': [
    (x) => {
      const update = x.operands[1] as Value;
      return sameDims(dimsOf(update), dimsOf(x)) ? update : undefined; // all of it
    },
  ],
};

/** Starts that are constants, clamped as the operation does. */
function constantStarts(
  xs: readonly Instruction[],
  dims: readonly number[],
  sizes: readonly number[],
): readonly number[] | undefined {
  const starts = xs.map((s, i) => {
    if (s.opcode !== 'constant') return undefined;
    const start = Number(s.attrs.literal.data[0]);
    return Math.min(Math.max(start, 0), (dims[i] as number) - (sizes[i] as number));
  });
  return starts.every((s) => s !== undefined) ? starts : undefined;
}

/** slice(concatenate(a, b)) inside one part → slice of that part */
function sliceOfConcatenate(x: Instruction<'slice'>, b: HloBuilder): Value | undefined {
  const joined = operand(x);
  if (joined.opcode !== 'concatenate') return undefined;
  const { dimension } = joined.attrs;
  const from = x.attrs.starts[dimension] as number;
  const to = x.attrs.limits[dimension] as number;
  let start = 0;
  for (const part of joined.operands) {
    const end = start + (dimsOf(part)[dimension] as number);
    if (from >= start && to <= end) {
      const offset = start;
      const move = (list: readonly number[]): number[] => list.map((v, i) => (i === dimension ? v - offset : v));
      return b.slice(part, move(x.attrs.starts), move(x.attrs.limits), [...x.attrs.strides]);
    }
    start = end;
  }
  return undefined;
}

export const simplifyShape: Pass = rulesPass('simplify-shape', table);
