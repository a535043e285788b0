/** @file Shape functions that many ops share. They take the context's `fail` and state facts with shapes. */
import {
  broadcastShapes,
  type Dimension,
  formatShape,
  isFullyDefined,
  mergeShapes,
  normalizeAxis,
  type PartialShape,
} from '../shape.ts';
import type { ShapeContext } from './record.ts';

type Ctx = Pick<ShapeContext, 'fail' | 'constantNumbers'>;

/** Shape of an element-wise result of two broadcast operands. */
export function broadcastShape(x: PartialShape, y: PartialShape, ctx: Pick<Ctx, 'fail'>): PartialShape {
  const shape = broadcastShapes(x, y);
  if (shape !== undefined) return shape;
  return ctx.fail(
    `shapes ${formatShape(x)} and ${formatShape(y)} do not broadcast. Dimensions, aligned at the end, must be equal or 1.`,
  );
}

/** Both shapes must be the same. */
export function sameShapes(x: PartialShape, y: PartialShape, ctx: Pick<Ctx, 'fail'>): PartialShape {
  const shape = mergeShapes(x, y);
  if (shape !== undefined) return shape;
  return ctx.fail(`shapes ${formatShape(x)} and ${formatShape(y)} differ. Both must be the same.`);
}

/** Checks a rank and answers the dims; null when the rank is unknown. */
export function withRank(
  shape: PartialShape,
  rank: number,
  what: string,
  ctx: Pick<Ctx, 'fail'>,
): readonly Dimension[] | null {
  if (shape === null || shape.length === rank) return shape;
  return ctx.fail(`${what} must have rank ${rank}, but has shape ${formatShape(shape)} (rank ${shape.length}).`);
}

/** `axis` from the front; fails when it is out of range. */
export function checkAxis(axis: number, rank: number, ctx: Pick<Ctx, 'fail'>): number {
  const a = normalizeAxis(axis, rank);
  if (a !== undefined) return a;
  return ctx.fail(`axis ${axis} is outside [${-rank}, ${rank}) for rank ${rank}.`);
}

/** Shape after reducing the axes that the input named `axesInput` holds. */
export function reducedShape(
  input: PartialShape,
  options: { axes: number[] | undefined; keepDims: boolean },
  ctx: Pick<Ctx, 'fail'>,
): PartialShape {
  if (input === null) return null;
  if (options.axes === undefined) return options.keepDims ? input.map(() => null) : null;
  const axes = new Set(options.axes.map((a) => checkAxis(a, input.length, ctx)));
  if (options.keepDims) return input.map((d, i) => (axes.has(i) ? 1 : d));
  return input.filter((_, i) => !axes.has(i));
}

/** Shape of the tensor that an integer vector input describes; unknown entries stay unknown. */
export function shapeFromVector(value: PartialShape, vector: PartialShape): PartialShape {
  if (value !== null) return value;
  if (vector === null || vector.length !== 1 || vector[0] === null) return null;
  return new Array<null>(vector[0] as number).fill(null);
}

export { isFullyDefined };
