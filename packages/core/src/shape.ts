/**
 * @file Partial shapes: `null` for a shape of unknown rank, `null` in a list for an unknown dimension. Everything that shape
 * functions need: merging, broadcasting, element counts. Functions answer undefined where shapes contradict each other; the
 * caller knows the node and says so.
 */
import { InvalidArgumentError } from './errors.ts';

export type Dimension = number | null;
/** A shape known as far as it is: null = unknown rank. */
export type PartialShape = readonly Dimension[] | null;
/** A shape with every dimension known. */
export type Dims = readonly number[];

export function isFullyDefined(shape: PartialShape): shape is Dims {
  return shape?.every((d) => d !== null) ?? false;
}

/** `[?, 784]`, or `<unknown>` for an unknown rank. */
export function formatShape(shape: PartialShape): string {
  return shape === null ? '<unknown>' : `[${shape.map((d) => d ?? '?').join(', ')}]`;
}

/** Element count, null when a dimension is unknown. */
export function sizeOf(shape: PartialShape): number | null {
  if (!isFullyDefined(shape)) return null;
  return shape.reduce((n, d) => n * d, 1);
}

export function sameShape(a: PartialShape, b: PartialShape): boolean {
  if (a === null || b === null) return a === b;
  return a.length === b.length && a.every((d, i) => d === b[i]);
}

/** What both dimensions say together; undefined when they contradict. */
export function mergeDimension(a: Dimension, b: Dimension): Dimension | undefined {
  if (a === null) return b;
  return b === null || a === b ? a : undefined;
}

/** What both shapes say together; undefined when they contradict. */
export function mergeShapes(a: PartialShape, b: PartialShape): PartialShape | undefined {
  if (a === null) return b;
  if (b === null) return a;
  if (a.length !== b.length) return undefined;
  const merged: Dimension[] = [];
  for (const [i, d] of a.entries()) {
    const m = mergeDimension(d, b[i] as Dimension);
    if (m === undefined) return undefined;
    merged.push(m);
  }
  return merged;
}

/** Whether a value of shape `b` may stand where `a` is declared. */
export function isCompatible(a: PartialShape, b: PartialShape): boolean {
  return mergeShapes(a, b) !== undefined;
}

/** NumPy broadcasting of two shapes; undefined when they do not fit. An unknown dimension against 1 stays unknown. */
export function broadcastShapes(a: PartialShape, b: PartialShape): PartialShape | undefined {
  if (a === null || b === null) return null;
  const rank = Math.max(a.length, b.length);
  const result: Dimension[] = [];
  for (let i = 0; i < rank; i++) {
    const x = dimAt(a, i - rank + a.length);
    const y = dimAt(b, i - rank + b.length);
    if (x === 1) result.push(y);
    else if (y === 1) result.push(x);
    else if (x === null) result.push(y);
    else if (y === null || x === y) result.push(x);
    else return undefined;
  }
  return result;
}

function dimAt(shape: readonly Dimension[], i: number): Dimension {
  return i < 0 ? 1 : (shape[i] as Dimension);
}

/**
 * Dimensions of the broadcast result along which an operand of shape `from` was repeated: what its gradient sums over.
 * Both shapes known.
 */
export function broadcastDimensions(from: Dims, to: Dims): number[] {
  const offset = to.length - from.length;
  const axes: number[] = [];
  for (const [i, d] of to.entries()) {
    const own = i < offset ? 1 : (from[i - offset] as number);
    if (i < offset || (own === 1 && d !== 1)) axes.push(i);
  }
  return axes;
}

/** `axis` counted from the front; undefined when it is outside [-rank, rank). */
export function normalizeAxis(axis: number, rank: number): number | undefined {
  const a = axis < 0 ? axis + rank : axis;
  return Number.isInteger(axis) && a >= 0 && a < rank ? a : undefined;
}

/** Checks that a user's shape is a list of non-negative integers or nulls. */
export function checkShape(shape: PartialShape | undefined, what: string): PartialShape {
  if (shape === null || shape === undefined) return null;
  for (const d of shape) {
    if (d !== null && !(Number.isSafeInteger(d) && d >= 0)) {
      throw new InvalidArgumentError(
        `${what}: shape [${shape.join(', ')}] has dimension ${d}. Dimensions are integers ≥ 0, or null when unknown.`,
      );
    }
  }
  return shape;
}
