/**
 * @file Tensor's operator methods need op families, which need tensors: the families install their functions here when
 * loaded (ops/operators.ts, a declared side effect of the package), so graph/ imports no op.
 */
import { InternalError } from '../errors.ts';
import type { Tensor, TensorLike } from './tensor.ts';

type Binary = (a: TensorLike, b: TensorLike) => Tensor;
type Unary = (x: TensorLike) => Tensor;

export interface Operators {
  readonly add: Binary;
  readonly sub: Binary;
  readonly mul: Binary;
  readonly div: Binary;
  readonly floorDiv: Binary;
  readonly mod: Binary;
  readonly pow: Binary;
  readonly matMul: Binary;
  readonly equal: Binary;
  readonly notEqual: Binary;
  readonly less: Binary;
  readonly lessEqual: Binary;
  readonly greater: Binary;
  readonly greaterEqual: Binary;
  readonly logicalAnd: Binary;
  readonly logicalOr: Binary;
  readonly logicalNot: Unary;
  readonly neg: Unary;
  readonly abs: Unary;
  /** Sums a gradient over the dimensions along which `x` was broadcast, so it has x's shape again. */
  readonly sumToShape: (dy: Tensor, x: Tensor) => Tensor;
  readonly addN: (list: readonly Tensor[]) => Tensor;
  readonly concat: (list: readonly Tensor[], axis: number) => Tensor;
  /** A tensor of shape `denseShape` with rows `values` added at `indices`. */
  readonly densify: (values: Tensor, indices: Tensor, denseShape: Tensor) => Tensor;
  /** The `count` slices of x along `axis`. */
  readonly unstack: (x: Tensor, axis: number, count: number) => readonly Tensor[];
}

let installed: Partial<Operators> = {};

/** Adds operator functions; families call it once when loaded. */
export function installOperators(operators: Partial<Operators>): void {
  installed = { ...installed, ...operators };
}

export function operator<K extends keyof Operators>(name: K): Operators[K] {
  const found = installed[name];
  if (found === undefined)
    throw new InternalError(`operator ${name} is not loaded; import @tsflow/core, not its parts.`);
  return found as Operators[K];
}
