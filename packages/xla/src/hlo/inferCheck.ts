/**
 * @file Checks shared by the shape rules. A rule states a fact and the repair by throwing `Mismatch`; `infer.ts` turns it into
 * an InvalidArgument error that names the opcode and the source node.
 */
import type { Computation } from './module.ts';
import { type ArrayShape, arrayShape, type Shape, sameDims, sameShape, shapeText } from './shape.ts';

/** A broken shape rule: `<fact>. <repair>`. */
export class Mismatch extends Error {}

export function fail(message: string): never {
  throw new Mismatch(message);
}

export function checkThat(condition: boolean, message: () => string): void {
  if (!condition) fail(message());
}

/** Operand i as an array. */
export function array(operands: readonly Shape[], i: number): ArrayShape {
  const shape = operands[i];
  if (shape === undefined) fail(`operand ${i} is missing: ${operands.length} operands were given.`);
  if (shape.kind !== 'array') {
    fail(`operand ${i} is a tuple ${shapeText(shape)}, an array is needed. Take an element with getTupleElement.`);
  }
  return shape;
}

export function checkArity(operands: readonly Shape[], count: number): void {
  checkThat(operands.length === count, () => `it has ${operands.length} operands, ${count} are needed.`);
}

/** Operands `from`… are rank-0 integers of one type. */
export function checkScalarIndices(operands: readonly Shape[], from: number, count: number): void {
  checkArity(operands, from + count);
  const first = count > 0 ? array(operands, from) : undefined;
  for (let i = from; i < operands.length; i++) {
    const s = array(operands, i);
    const ok = s.dims.length === 0 && isIndexType(s) && s.dtype === first?.dtype;
    checkThat(ok, () => `start index ${i - from} is ${shapeText(s)}; all must be s32[] or all s64[] scalars.`);
  }
}

export function isIndexType({ dtype }: ArrayShape): boolean {
  return dtype === 's32' || dtype === 's64' || dtype === 'u32' || dtype === 'u64';
}

export function checkDim(dimension: number, rank: number, what: string): void {
  const ok = Number.isInteger(dimension) && dimension >= 0 && dimension < rank;
  checkThat(ok, () => `${what} is ${dimension}, but the operand has ${rank} dimensions (0 to ${rank - 1}).`);
}

/** All in range, none twice. */
export function checkDistinctDims(dimensions: readonly number[], rank: number, what: string): void {
  for (const d of dimensions) checkDim(d, rank, `an entry of ${what} [${dimensions.join(',')}]`);
  checkThat(
    new Set(dimensions).size === dimensions.length,
    () => `${what} [${dimensions.join(',')}] repeats a dimension.`,
  );
}

export function checkAscending(values: readonly number[], what: string): void {
  const ok = values.every((v, i) => i === 0 || v > (values[i - 1] as number));
  checkThat(ok, () => `${what} [${values.join(',')}] must ascend.`);
}

export function checkDims(dims: readonly number[]): void {
  const ok = dims.every((d) => Number.isSafeInteger(d) && d >= 0);
  checkThat(ok, () => `dims [${dims.join(',')}] are not all whole numbers ≥ 0.`);
}

export function checkLength(list: readonly unknown[], length: number, what: string): void {
  checkThat(
    list.length === length,
    () => `${what} has ${list.length} entries, ${length} are needed (one per dimension).`,
  );
}

export function checkSame(a: Shape, b: Shape): void {
  checkThat(sameShape(a, b), () => `operands differ: ${shapeText(a)} and ${shapeText(b)}. ${repairFor(a, b)}`);
}

function repairFor(a: Shape, b: Shape): string {
  if (a.kind === 'array' && b.kind === 'array' && sameDims(a.dims, b.dims)) return 'Convert one of them.';
  return 'Nothing broadcasts by itself: broadcast one to the dims of the other.';
}

export function scalarOf(shape: ArrayShape): ArrayShape {
  return arrayShape(shape.dtype, []);
}

/** `computation` maps `parameters` to `result`. */
export function checkSignature(
  computation: Computation,
  parameters: readonly Shape[],
  result: Shape | undefined,
  role: string,
): void {
  const got = computation.parameters.map((p) => p.shape);
  const ok =
    got.length === parameters.length &&
    got.every((s, i) => sameShape(s, parameters[i] as Shape)) &&
    (result === undefined || sameShape(computation.root.shape, result));
  checkThat(ok, () => {
    const has = `(${got.map(shapeText).join(', ')}) → ${shapeText(computation.root.shape)}`;
    const needs = `(${parameters.map(shapeText).join(', ')}) → ${result === undefined ? 'any' : shapeText(result)}`;
    return `${role} "${computation.name}" is ${has}, but ${needs} is needed.`;
  });
}
