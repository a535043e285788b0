/**
 * @file Walking windows: which positions of the windowed array lie under the window at a place, skipping padding and holes, in row-major
 * order of the window.
 */
import type { WindowDim } from '../hlo/opcodes.ts';
import type { Expr } from './ir.ts';
import type { KernelBuilder } from './kernelBuilder.ts';

/** The dim is copied through: one tap, no padding, no stride. */
export function isPlain(w: WindowDim): boolean {
  return w.size === 1 && w.stride === 1 && w.padLow === 0 && w.padHigh === 0 && w.baseDilation === 1;
}

const isDense = (w: WindowDim): boolean => w.baseDilation === 1 && w.windowDilation === 1;

/** Every tap of every window lies inside the array of `size` elements. */
export function isInterior(w: WindowDim, size: number, places: number): boolean {
  return isDense(w) && w.padLow <= 0 && (places - 1) * w.stride - w.padLow + w.size <= size;
}

/** The taps of one windowed dim at one place of the window. */
export interface Taps {
  /** Array position of tap 0, before dilation of the array. */
  readonly start: Expr;
  /** Taps [from, to) lie inside; undefined: each must be looked at. */
  readonly inside: { readonly from: Expr; readonly to: Expr } | undefined;
}

/** Prepares the walk along one dim of `size` elements with the window at `place`. */
export function tapsAt(k: KernelBuilder, w: WindowDim, size: number, places: number, place: Expr): Taps {
  const start = k.let(k.sub(k.mul(place, w.stride), w.padLow), 'start');
  if (!isDense(w)) return { start, inside: undefined };
  if (isInterior(w, size, places)) return { start, inside: { from: k.index(0), to: k.index(w.size) } };
  const from = k.let(k.max(k.sub(k.index(0), start), 0), 'from');
  return { start, inside: { from, to: k.let(k.min(k.sub(k.index(size), start), w.size), 'to') } };
}

/** At most this many taps are written out instead of looped over. */
const unrolledTaps = 16;

/** One windowed dim with everything to walk it. */
export interface TapDim {
  readonly window: WindowDim;
  readonly size: number;
  readonly taps: Taps;
}

/**
 * Calls `visit` for every tap inside, with the tap numbers and array positions along the dims. Loops are unrolled when there are few taps
 * and no borders.
 */
export function forEachTap(
  k: KernelBuilder,
  dims: readonly TapDim[],
  visit: (taps: readonly Expr[], positions: readonly Expr[]) => void,
): void {
  walk(k, dims, isUnrolled(dims), { taps: [], positions: [] }, visit);
}

/** `forEachTap` visits straight on, without loops or branches around a visit. */
export function isUnrolled(dims: readonly TapDim[]): boolean {
  const count = dims.reduce((n, d) => n * d.window.size, 1);
  const fixed = dims.every(({ taps }) => taps.inside?.from.kind === 'const' && taps.inside.to.kind === 'const');
  return fixed && count <= unrolledTaps;
}

interface Walked {
  readonly taps: readonly Expr[];
  readonly positions: readonly Expr[];
}

function walk(
  k: KernelBuilder,
  dims: readonly TapDim[],
  unroll: boolean,
  done: Walked,
  visit: (taps: readonly Expr[], positions: readonly Expr[]) => void,
): void {
  const [first, ...rest] = dims;
  if (!first) {
    visit(done.taps, done.positions);
    return;
  }
  const { window, size, taps } = first;
  const { start, inside } = taps;
  const enter = (tap: Expr, position: Expr): void =>
    walk(k, rest, unroll, { taps: [...done.taps, tap], positions: [...done.positions, position] }, visit);
  if (unroll && inside?.from.kind === 'const' && inside.to.kind === 'const') {
    for (let t = Number(inside.from.value); t < Number(inside.to.value); t++) enter(k.index(t), k.add(start, t));
    return;
  }
  if (inside) {
    k.for(inside.from, inside.to, (t) => enter(t, k.let(k.add(start, t), 'position')));
    return;
  }
  k.for(0, window.size, (t) => {
    const at = k.let(k.add(start, k.mul(t, window.windowDilation)), 'at');
    const { baseDilation } = window;
    const reach = k.compare('LT', at, (size - 1) * baseDilation + 1);
    const ok = k.binary('and', k.compare('GE', at, 0), reach);
    const whole = baseDilation === 1 ? ok : k.binary('and', ok, k.compare('EQ', k.rem(at, baseDilation), 0));
    k.if(whole, () => enter(t, k.let(k.div(at, baseDilation), 'position')));
  });
}
