/** @file The computations that reductions and windows fold with: which are a plain monoid, and how to combine with them. */
import type { Computation, Instruction } from '../hlo/module.ts';
import type { BinaryOpcode } from '../hlo/opcodes.ts';
import { type ArrayShape, type ElementType, isFloat } from '../hlo/shape.ts';
import { identityOf, isAssociative, isBinary } from '../hlo/traits.ts';
import { applyComputation } from './elemental/elemental.ts';
import { computeType, type Expr } from './ir.ts';
import type { KernelBuilder } from './kernelBuilder.ts';

/** A fold over n arrays at once: n accumulators, n values. */
export interface Reducer {
  readonly computation: Computation;
  /** Types of the accumulators. */
  readonly dtypes: readonly ElementType[];
  /** Set when it is one associative, commutative opcode with a neutral element, so that the order of folding is free. */
  readonly monoid: { readonly opcode: BinaryOpcode; readonly identity: number | bigint } | undefined;
  /** A sum of floats: partial sums keep it accurate. */
  readonly isFloatSum: boolean;
}

export function reducerOf(computation: Computation): Reducer {
  const { parameters, root } = computation;
  const n = parameters.length / 2;
  const dtypes = parameters.slice(0, n).map((p) => (p.shape as ArrayShape).dtype);
  const [dtype] = dtypes as [ElementType];
  const monoid = n === 1 ? monoidOf(parameters, root, dtype) : undefined;
  return { computation, dtypes, monoid, isFloatSum: monoid?.opcode === 'add' && isFloat(dtype) };
}

function monoidOf(parameters: readonly Instruction[], root: Instruction, dtype: ElementType): Reducer['monoid'] {
  const [p, q] = parameters;
  const { opcode } = root;
  if (!isBinary(opcode) || !isAssociative(opcode)) return undefined;
  const [a, b] = root.operands;
  if (!((a === p && b === q) || (a === q && b === p))) return undefined;
  const identity = identityOf(opcode, dtype);
  return identity === undefined ? undefined : { opcode, identity };
}

/** The neutral element as a value. */
export function identityExpr(k: KernelBuilder, r: Reducer, lanes: number): Expr {
  const [dtype] = r.dtypes as [ElementType];
  return k.const(computeType[dtype], r.monoid?.identity ?? 0, lanes);
}

/** accumulators ∘ values */
export function combine(
  k: KernelBuilder,
  r: Reducer,
  accumulators: readonly Expr[],
  values: readonly Expr[],
): readonly Expr[] {
  return applyComputation(k, r.computation, [...accumulators, ...values]);
}

/** Combines the lanes of a monoid's accumulator, halves first: (0∘2) ∘ (1∘3). */
export function combineLanes(k: KernelBuilder, r: Reducer, accumulator: Expr): Expr {
  let values = Array.from({ length: accumulator.type.lanes }, (_, lane) => k.extract(accumulator, lane));
  while (values.length > 1) {
    const half = values.length / 2;
    values = values.slice(0, half).map((v, i) => combine(k, r, [v], [values[i + half] as Expr])[0] as Expr);
  }
  return values[0] as Expr;
}

/** Combines several accumulators of a monoid pairwise. */
export function combineTree(k: KernelBuilder, r: Reducer, accumulators: readonly Expr[]): Expr {
  if (accumulators.length === 1) return accumulators[0] as Expr;
  const half = Math.ceil(accumulators.length / 2);
  const left = combineTree(k, r, accumulators.slice(0, half));
  const right = combineTree(k, r, accumulators.slice(half));
  return combine(k, r, [left], [right])[0] as Expr;
}
