/**
 * @file Opcodes that move elements: each says which operand element a result element is, as a rewrite of the index. An answer of
 * undefined means that the lanes of a vector part ways there; the emitter then asks lane by lane.
 */
import type { Instruction } from '../../hlo/module.ts';
import type { Opcode } from '../../hlo/opcodes.ts';
import { type ArrayShape, elementCount } from '../../hlo/shape.ts';
import { computeType, type Expr, type Local } from '../ir.ts';
import type { KernelBuilder } from '../kernelBuilder.ts';
import type { ElementalEmitter } from './elemental.ts';
import { convertElement } from './elementwise.ts';
import {
  boundariesAt,
  dimensionGroup,
  type GridContext,
  type GridIndex,
  type Group,
  mapDimensions,
  reshapeIndex,
  spans,
} from './gridIndex.ts';
import { fromLanes } from './lanes.ts';

type Rule<K extends Opcode> = (
  e: ElementalEmitter,
  x: Instruction<K>,
  index: GridIndex,
  lanes: number,
) => Expr | undefined;

const dimsOf = (x: Instruction | undefined): readonly number[] => ((x as Instruction).shape as ArrayShape).dims;
const operand = (x: Instruction, i = 0): Instruction => x.operands[i] as Instruction;

function moved(e: ElementalEmitter, x: Instruction, index: GridIndex | undefined, lanes: number): Expr | undefined {
  return index && e.operandAt(x, index, lanes);
}

/** How one dimension of a window into an operand is walked: operand position = start + stride · result position. */
interface Walk {
  readonly start: Expr | number;
  readonly stride: number;
}

/**
 * The index into `operandDims` when result dim d walks `walks[d]` (undefined: the whole operand dim, in order). A unit-stride walk of
 * the outermost dim of a group keeps the group.
 */
function walkIndex(
  c: GridContext,
  index: GridIndex,
  operandDims: readonly number[],
  walks: readonly (Walk | undefined)[],
): GridIndex | undefined {
  const cuts = walks.flatMap((w, d) => (w ? (w.stride === 1 ? [d] : [d, d + 1]) : []));
  const split = boundariesAt(c, index, cuts);
  if (!split) return undefined;
  const groups = spans(split).map(({ group, from, to }): Group => {
    const walk = walks[from];
    if (!walk) return group;
    const inner = elementCount(operandDims.slice(from + 1, to));
    const at = c.k.add(c.k.mul(group.at, walk.stride), c.k.mul(c.k.index(walk.start), inner));
    const step = group.step * walk.stride;
    return {
      rank: group.rank,
      size: (operandDims[from] as number) * inner,
      at: c.k.let(at, 'i'),
      step,
      aligned: false,
      root: undefined,
    };
  });
  return { dims: operandDims, groups };
}

const slice: Rule<'slice'> = (e, x, index, lanes) => {
  const dims = dimsOf(x.operands[0]);
  const { starts, strides } = x.attrs;
  const walks = index.dims.map((n, d): Walk | undefined => {
    const start = starts[d] as number;
    const stride = n === 1 ? 1 : (strides[d] as number);
    return start === 0 && stride === 1 && n === dims[d] ? undefined : { start, stride };
  });
  return moved(e, operand(x), walkIndex(e.grid(lanes), index, dims, walks), lanes);
};

/** A start index, clamped so that `size` elements fit into `limit`. */
export function clampedStart(e: ElementalEmitter, start: Instruction, limit: number, size: number): Expr {
  const { k } = e;
  const value = e.uniformAt(start, { dims: [], groups: [] });
  return k.let(clampIndex(e, value, limit - size), 'start');
}

/** An index of any integer type, clamped to 0 … most, as s32. */
export function clampIndex(e: ElementalEmitter, value: Expr, most: number): Expr {
  const { k } = e;
  const { scalar } = value.type;
  if (scalar === 's32') return k.max(k.min(value, most), 0);
  const x = k.let(value, 'index');
  const over = k.select(k.compare('GT', x, k.const(scalar, most)), k.const(scalar, most), x);
  if (scalar === 'u32') return k.bitcast('s32', over);
  if (scalar === 'u64') return k.convert('s32', over);
  const upper = k.let(over, 'index');
  return k.convert('s32', k.select(k.compare('LT', upper, k.const(scalar, 0)), k.const(scalar, 0), upper));
}

const dynamicSlice: Rule<'dynamic-slice'> = (e, x, index, lanes) => {
  const dims = dimsOf(x.operands[0]);
  const walks = dims.map((n, d): Walk | undefined => {
    const size = x.attrs.sizes[d] as number;
    if (size === n) return undefined;
    return { start: clampedStart(e, operand(x, d + 1), n, size), stride: 1 };
  });
  return moved(e, operand(x), walkIndex(e.grid(lanes), index, dims, walks), lanes);
};

const reverse: Rule<'reverse'> = (e, x, index, lanes) => {
  const walks = index.dims.map((n, d): Walk | undefined =>
    n > 1 && x.attrs.dimensions.includes(d) ? { start: n - 1, stride: -1 } : undefined,
  );
  return moved(e, operand(x), walkIndex(e.grid(lanes), index, dimsOf(x.operands[0]), walks), lanes);
};

const iota: Rule<'iota'> = (e, x, index, lanes) => {
  const { k } = e;
  const g = dimensionGroup(e.grid(lanes), index, x.attrs.dimension);
  if (!g) return undefined;
  let at = g.at;
  if (lanes > 1) {
    const base = k.splat(at, lanes);
    const ramp = fromLanes(
      k,
      Array.from({ length: lanes }, (_, i) => k.index(i * g.step)),
    );
    at = g.step === 0 ? base : k.binary('add', base, ramp);
  }
  return convertElement(k, k.let(at, 'iota'), 's32', (x.shape as ArrayShape).dtype);
};

/** A result that is one of several values depending on where it stands: computed in branches, carried in a local. */
function branches(
  e: ElementalEmitter,
  type: Expr['type'],
  choices: readonly { when?: Expr; value: () => Expr }[],
): Expr {
  const { k } = e;
  const result: Local = k.variable(k.const(type.scalar, 0, type.lanes), 'chosen');
  const from = (i: number): void => {
    const choice = choices[i];
    if (!choice) return;
    const set = (): void => e.scoped(() => k.set(result, choice.value()));
    if (choice.when) k.if(choice.when, set, () => from(i + 1));
    else set();
  };
  from(0);
  return k.read(result);
}

/** The group that starts at dimension d, with everything under it in the same group; inner = elements per step of d. */
function leading(
  split: GridIndex,
  d: number,
): { readonly group: Group; readonly inner: number; readonly position: number } {
  const position = spans(split).findIndex((s) => s.from === d);
  const { group, to } = spans(split)[position] as ReturnType<typeof spans>[number];
  return { group, inner: elementCount(split.dims.slice(d + 1, to)), position };
}

/** The least and the greatest position of the lanes of g, when lane 0 stands at `at`. */
function reach(k: KernelBuilder, g: Group, at: Expr, lanes: number): { readonly low: Expr; readonly high: Expr } {
  const end = k.add(at, g.step * (lanes - 1));
  return g.step < 0 ? { low: end, high: at } : { low: at, high: end };
}

/** May the lanes of g lie on both sides of a multiple of `unit`? */
function mayStraddle(g: Group, unit: number, lanes: number): boolean {
  return g.step !== 0 && !(g.step === 1 && g.aligned && unit % lanes === 0);
}

const concatenate: Rule<'concatenate'> = (e, x, index, lanes) => {
  const { k } = e;
  const d = x.attrs.dimension;
  const split = boundariesAt(e.grid(lanes), index, [d]);
  if (!split) return undefined;
  const { group, inner, position } = leading(split, d);
  const { low, high } = reach(k, group, group.at, lanes);
  let offset = 0;
  let straddles = false;
  const type = { scalar: computeType[(x.shape as ArrayShape).dtype], lanes };
  const choices = x.operands.flatMap((o) => {
    const dims = dimsOf(o);
    const size = (dims[d] as number) * inner;
    const from = offset;
    offset += size;
    if (size === 0) return [];
    straddles ||= offset < group.size && mayStraddle(group, offset, lanes);
    const at = (): GridIndex => ({
      dims,
      groups: split.groups.with(position, {
        ...group,
        size,
        at: k.let(k.sub(group.at, from), 'i'),
        aligned: group.aligned && from % lanes === 0,
        root: undefined,
      }),
    });
    const below = k.compare('LT', high, offset);
    const when = from > 0 && straddles ? k.binary('and', k.compare('GE', low, from), below) : below;
    return [{ when, value: () => e.operandAt(o, at(), lanes) }];
  });
  if (!straddles) {
    const final = choices[choices.length - 1];
    if (final) return branches(e, type, [...choices.slice(0, -1), { value: final.value }]);
    return k.const(type.scalar, 0, lanes);
  }
  return branches(e, type, [...choices, { value: () => laneByLane(e, x, index, lanes) }]);
};

/** The value of x, each lane on its own. */
function laneByLane(e: ElementalEmitter, x: Instruction, index: GridIndex, lanes: number): Expr {
  return fromLanes(
    e.k,
    Array.from({ length: lanes }, (_, lane) => {
      const groups = index.groups.map((g) => ({ ...g, at: e.k.add(g.at, g.step * lane), step: 0, aligned: false }));
      return e.emitAt(x, { dims: index.dims, groups }, 1);
    }),
  );
}

const pad: Rule<'pad'> = (e, x, index, lanes) => {
  const { k } = e;
  const dims = dimsOf(x.operands[0]);
  const padded = x.attrs.padding.map((p) => p.low !== 0 || p.high !== 0 || p.interior !== 0);
  const cuts = x.attrs.padding.flatMap((p, d) => (p.interior > 0 ? [d, d + 1] : padded[d] ? [d] : []));
  const split = boundariesAt(e.grid(lanes), index, cuts);
  if (!split) return undefined;
  const inside: Expr[] = []; // all true: every lane is an operand's element
  let straddles = false;
  const groups = spans(split).map(({ group, from, to }): Group => {
    if (!padded[from]) return group;
    const { low, interior } = x.attrs.padding[from] as (typeof x.attrs.padding)[number];
    const inner = elementCount(dims.slice(from + 1, to));
    const n = dims[from] as number;
    const first = k.let(k.sub(group.at, low * inner), 'i');
    const extent = n === 0 ? 0 : (n + (n - 1) * interior) * inner;
    straddles ||= mayStraddle(group, low * inner, lanes) || mayStraddle(group, low * inner + extent, lanes);
    straddles ||= interior > 0 && group.step !== 0;
    const ends = reach(k, group, first, lanes);
    inside.push(k.compare('GE', ends.low, 0), k.compare('LT', ends.high, extent));
    if (interior > 0) inside.push(k.compare('EQ', k.rem(first, interior + 1), 0));
    const at = interior > 0 ? k.let(k.div(first, interior + 1), 'i') : first;
    return { rank: group.rank, size: n * inner, at, step: group.step, aligned: false, root: undefined };
  });
  if (inside.length === 0) return moved(e, operand(x), { dims, groups }, lanes);
  if (
    straddles &&
    spans(split).some(({ group, from }) => group.step !== 0 && (x.attrs.padding[from]?.interior ?? 0) > 0)
  ) {
    return undefined; // holes between the lanes
  }
  const all = inside.reduce((a, b) => k.binary('and', a, b));
  const type = { scalar: computeType[(x.shape as ArrayShape).dtype], lanes };
  const value = (): Expr => e.operandAt(operand(x), { dims, groups }, lanes);
  const padding = (): Expr => e.operandAt(operand(x, 1), { dims: [], groups: [] }, lanes);
  return branches(e, type, [
    { when: all, value },
    { value: straddles ? () => laneByLane(e, x, index, lanes) : padding },
  ]);
};

/** Start positions of a gather along operand dims, clamped; `batch` are the positions along the result's batch dims. */
function gatherStarts(
  e: ElementalEmitter,
  x: Instruction<'gather'>,
  batch: readonly Expr[],
): ReadonlyMap<number, Expr> {
  const { k } = e;
  const { startIndexMap, indexVectorDim } = x.attrs.dimensionNumbers;
  const indices = operand(x, 1);
  const dims = dimsOf(indices);
  const limits = dimsOf(x.operands[0]);
  return new Map(
    startIndexMap.map((d, i) => {
      const most = (limits[d] as number) - (x.attrs.sliceSizes[d] as number);
      if (most === 0) return [d, k.index(0)];
      const at = indexVectorDim < dims.length ? batch.toSpliced(indexVectorDim, 0, k.index(i)) : batch;
      const groups = dims.map(
        (size, j): Group => ({ rank: 1, size, at: at[j] as Expr, step: 0, aligned: true, root: undefined }),
      );
      return [d, k.let(clampIndex(e, e.uniformAt(indices, { dims, groups }), most), 'start')];
    }),
  );
}

const gather: Rule<'gather'> = (e, x, index, lanes) => {
  const { k } = e;
  const { offsetDims, collapsedSliceDims } = x.attrs.dimensionNumbers;
  const dims = dimsOf(x.operands[0]);
  const kept = dims.flatMap((_, d) => (collapsedSliceDims.includes(d) ? [] : [d]));
  const operandDim = new Map(offsetDims.map((r, i) => [r, kept[i] as number]));
  // Result dims that walk whole neighbouring operand dims may stay merged.
  const merges = (r: number): boolean => {
    const [a, b] = [operandDim.get(r - 1), operandDim.get(r)];
    return a !== undefined && b === a + 1 && x.attrs.sliceSizes[b] === dims[b];
  };
  const split = boundariesAt(
    e.grid(lanes),
    index,
    index.dims.flatMap((_, r) => (merges(r) ? [] : [r])),
  );
  if (!split) return undefined;
  const list = spans(split);
  const batch = list.filter((s) => !operandDim.has(s.from));
  if (batch.some((s) => s.group.step !== 0)) return undefined;
  const starts = gatherStarts(
    e,
    x,
    batch.map((s) => s.group.at),
  );
  const groups: Group[] = [];
  for (let d = 0; d < dims.length; ) {
    const span = list.find((s) => operandDim.get(s.from) === d);
    const rank = span ? span.to - span.from : 1;
    const inner = elementCount(dims.slice(d + 1, d + rank));
    const start = k.mul(starts.get(d) ?? k.index(0), inner);
    const at = span ? k.let(k.add(start, span.group.at), 'i') : start;
    groups.push({
      rank,
      size: (dims[d] as number) * inner,
      at,
      step: span?.group.step ?? 0,
      aligned: false,
      root: undefined,
    });
    d += rank;
  }
  return e.operandAt(operand(x), { dims, groups }, lanes);
};

/** Opcodes computed by moving the index; all others are element-wise, leaves, or no business of the emitter. */
export const shapeRules: { readonly [K in Opcode]?: Rule<K> } = {
  broadcast: (e, x, index, lanes) => {
    const dims = dimsOf(x.operands[0]);
    const source = index.dims.map((_, d) => x.attrs.dimensions.indexOf(d));
    return moved(e, operand(x), mapDimensions(e.grid(lanes), index, source, dims), lanes);
  },
  transpose: (e, x, index, lanes) => {
    const dims = dimsOf(x.operands[0]);
    return moved(e, operand(x), mapDimensions(e.grid(lanes), index, x.attrs.permutation, dims), lanes);
  },
  reshape: (e, x, index, lanes) =>
    moved(e, operand(x), reshapeIndex(e.grid(lanes), index, dimsOf(x.operands[0])), lanes),
  slice,
  'dynamic-slice': dynamicSlice,
  reverse,
  iota,
  concatenate,
  pad,
  gather,
};
