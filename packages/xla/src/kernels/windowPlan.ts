/** @file Loops of window operations: windowed dims stand alone, the others merge, vectors run along the last dim if it has no window. */
import type { Instruction } from '../hlo/module.ts';
import type { Window, WindowDim } from '../hlo/opcodes.ts';
import { type ArrayShape, elementCount } from '../hlo/shape.ts';
import type { ElementalContext } from './elemental/elemental.ts';
import type { GridIndex, Group } from './elemental/gridIndex.ts';
import { lanesFor } from './elemental/lanes.ts';
import type { Fused } from './fused.ts';
import type { Expr } from './ir.ts';
import type { KernelBuilder } from './kernelBuilder.ts';
import { findLoops, type LoopSpace, loopPieces } from './loop.ts';
import type { Target } from './target.ts';
import { isPlain, type TapDim, tapsAt } from './windowTaps.ts';

/** Two arrays related by a window: the one it slides over and the one with an element per place. */
export interface WindowPlan {
  readonly window: Window;
  /** Dims of the array under the window. */
  readonly arrayDims: readonly number[];
  /** Dims of the places. */
  readonly placeDims: readonly number[];
  /** Loops over the places, cut so that the same cuts loop over the array. */
  readonly space: LoopSpace;
  /** The windowed dim that a loop walks alone, or undefined. */
  readonly windowed: readonly (number | undefined)[];
  readonly lanes: number;
}

/** `arrays` and `places`: the values computed at positions of the array, and at places; `leaf`: what they may read. */
export function planWindow(
  fused: Fused,
  target: Target,
  { window, arrayDims, placeDims }: Pick<WindowPlan, 'window' | 'arrayDims' | 'placeDims'>,
  values: {
    readonly arrays: readonly Instruction[];
    readonly places: readonly Instruction[];
    readonly leaf: ElementalContext['leaf'];
  },
): WindowPlan {
  const rank = window.length;
  const cuts = window.flatMap((w, d) => (isPlain(w) ? [] : [d, d + 1])).filter((d) => d > 0 && d < rank);
  const first = findLoops(fused, values.arrays, arrayDims, cuts, values.leaf);
  const space = findLoops(fused, values.places, placeDims, first.cuts, values.leaf);
  const list = loopPieces(space);
  const windowed = list.map(({ from, to }) => {
    const dims = window.slice(from, to);
    return dims.every(isPlain) ? undefined : from;
  });
  const types = fused.body.flatMap((x) => (x.shape.kind === 'array' ? [x.shape.dtype] : []));
  const lanes = lanesFor(types, target);
  const last = list[list.length - 1];
  const room = last !== undefined && windowed[windowed.length - 1] === undefined && last.size >= lanes;
  return { window, arrayDims, placeDims, space, windowed, lanes: room ? lanes : 1 };
}

/** The index into the array at `positions` of the windowed loops and `index` of the others. */
export function arrayIndex(
  plan: WindowPlan,
  index: readonly Expr[],
  positions: readonly Expr[],
  lanes: number,
): GridIndex {
  const list = loopPieces(plan.space);
  let next = 0;
  const groups = list.map((p, i): Group => {
    const rank = p.to - p.from;
    const size = elementCount(plan.arrayDims.slice(p.from, p.to));
    const own = plan.windowed[i] === undefined;
    const at = (own ? index[i] : positions[next++]) as Expr;
    const vector = own && lanes > 1 && i === list.length - 1;
    return { rank, size, at, step: vector ? 1 : 0, aligned: vector, root: undefined };
  });
  return { dims: plan.arrayDims, groups };
}

/** Sizes of the loops over the array. */
export function arrayLoopSizes(plan: WindowPlan): number[] {
  return loopPieces(plan.space).map((p) => elementCount(plan.arrayDims.slice(p.from, p.to)));
}

/** The windowed loops: loop number and dim. */
export function windowedLoops(
  plan: WindowPlan,
): { readonly loop: number; readonly dim: number; readonly window: WindowDim }[] {
  return plan.windowed.flatMap((dim, loop) =>
    dim === undefined ? [] : [{ loop, dim, window: plan.window[dim] as WindowDim }],
  );
}

/** Walks of all windowed dims with the window at the place `index`. */
export function tapDims(k: KernelBuilder, plan: WindowPlan, index: readonly Expr[]): TapDim[] {
  return windowedLoops(plan).map(({ loop, dim, window }) => {
    const size = plan.arrayDims[dim] as number;
    return { window, size, taps: tapsAt(k, window, size, plan.placeDims[dim] as number, index[loop] as Expr) };
  });
}

export const dimsOf = (x: Instruction): readonly number[] => (x.shape as ArrayShape).dims;
