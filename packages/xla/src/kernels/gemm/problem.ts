/**
 * @file A contraction, out[b, m, n] = Σₖ lhs[b, m, k] · rhs[b, k, n], with each side described by the loop dimensions that address
 * its operand. Dots are affine; a convolution's patches are too, up to `couples`: positions shared by an output and a window index.
 */

import type { ElementType } from '../../hlo/shape.ts';
import { type Buffer, computeType, type Expr, type IrScalar } from '../ir.ts';
import type { Index, KernelBuilder } from '../kernelBuilder.ts';

/** One loop dimension: its extent and how far one step moves in the operand (0: broadcast; negative: reversed). */
export interface Dim {
  readonly size: number;
  readonly stride: number;
}

/**
 * position = free·freeStep + k·kStep + offset must lie in [0, limit) and, with dilation > 1, be a multiple of it; elsewhere the
 * side reads zero. With dilation 1 the strides of the two dims already say where the element is; else it is at
 * (position / dilation) · stride and the two dims have stride 0.
 */
export interface Couple {
  /** Index into `free`. */
  readonly free: number;
  /** Index into `k`. */
  readonly k: number;
  readonly freeStep: number;
  readonly kStep: number;
  readonly offset: number;
  readonly limit: number;
  readonly dilation: number;
  readonly stride: number;
}

export interface Side {
  /** Operand of the instruction. */
  readonly operand: number;
  readonly memory: ElementType;
  /** Offset of the first element. */
  readonly base: number;
  readonly batch: readonly Dim[];
  readonly free: readonly Dim[];
  readonly k: readonly Dim[];
  readonly couples: readonly Couple[];
}

/** Where results go: offset = base + Σ batch + Σ row + col·colStride, in elements of the dense output. */
export interface OutputMap {
  readonly base: number;
  readonly batch: readonly Dim[];
  readonly rows: readonly Dim[];
  /** 1 for the blocked form. */
  readonly colStride: number;
}

/** A result by its loop indices. */
export interface OutputPoint {
  readonly batch: Expr;
  readonly row: Expr;
  readonly col: Expr;
}

export interface Contraction {
  readonly lhs: Side;
  readonly rhs: Side;
  readonly out: OutputMap;
  /** Elements of the whole output array. */
  readonly outCount: number;
  /** Index in each dimension of the output array, as unbound expressions: what is not read is never computed. */
  readonly outIndex: (k: KernelBuilder, at: OutputPoint) => readonly Expr[];
  readonly batch: number;
  readonly rows: number;
  readonly cols: number;
  readonly depth: number;
  /** Type in which products are summed. */
  readonly scalar: IrScalar;
  /** Memory type of partial sums: the widest that stores `scalar` exactly. */
  readonly partial: ElementType;
}

/** The memory type that keeps a compute type as it is. */
export function partialType(scalar: IrScalar): ElementType {
  return scalar === 'pred' ? 's32' : scalar;
}

export function sizeOf(dims: readonly Dim[]): number {
  return dims.reduce((n, d) => n * d.size, 1);
}

/**
 * Merges neighbours that all `parts` step through as one, and drops extents of 1. `keep` marks indices that must stay themselves.
 * parts[i][d] is dimension d as part i sees it; all parts have the same sizes.
 */
export function collapse(parts: readonly (readonly Dim[])[], keep: ReadonlySet<number> = new Set()): Collapsed {
  const count = parts[0]?.length ?? 0;
  const out: Dim[][] = parts.map(() => []);
  const moved = new Map<number, number>();
  let lastKept = true;
  for (let d = 0; d < count; d++) {
    const size = (parts[0] as readonly Dim[])[d]!.size;
    const kept = keep.has(d);
    if (size === 1 && !kept) continue;
    const joins =
      !kept && !lastKept && parts.every((p, i) => (out[i] as Dim[]).at(-1)!.stride === p[d]!.stride * p[d]!.size);
    parts.forEach((p, i) => {
      const o = out[i] as Dim[];
      if (joins) o[o.length - 1] = { size: o.at(-1)!.size * size, stride: p[d]!.stride };
      else o.push(p[d] as Dim);
    });
    moved.set(d, (out[0] as Dim[]).length - 1);
    lastKept = kept;
  }
  for (const o of out) if (o.length === 0) o.push({ size: 1, stride: 0 });
  return { parts: out, moved };
}

export interface Collapsed {
  readonly parts: readonly (readonly Dim[])[];
  /** Old index of a kept dimension → new index. */
  readonly moved: ReadonlyMap<number, number>;
}

/** The index of each dimension from a row-major linear index, outer first. */
export function digits(k: KernelBuilder, linear: Index, dims: readonly Dim[]): Expr[] {
  const out: Expr[] = dims.map(() => k.index(0));
  let rest: Expr = k.let(linear);
  const outer = dims.findIndex((d) => d.size !== 1);
  for (let i = dims.length - 1; i >= 0; i--) {
    const { size } = dims[i] as Dim;
    if (size === 1) continue;
    if (i === outer) {
      out[i] = rest;
      break;
    }
    out[i] = k.let(k.rem(rest, size));
    rest = k.let(k.div(rest, size));
  }
  return out;
}

/** Digits of a row-major index as unbound expressions. */
export function split(k: KernelBuilder, linear: Expr, sizes: readonly number[]): Expr[] {
  let inner = 1;
  const strides = sizes.map(() => 1);
  for (let i = sizes.length - 1; i >= 0; i--) {
    strides[i] = inner;
    inner *= sizes[i] as number;
  }
  const first = sizes.findIndex((s) => s !== 1);
  return sizes.map((size, i) => {
    if (size === 1) return k.index(0);
    const q = k.div(linear, strides[i] as number);
    return i === first ? q : k.rem(q, size);
  });
}

/** Σ digit·stride */
export function offsetOf(k: KernelBuilder, at: readonly Expr[], dims: readonly Dim[]): Expr {
  return dims.reduce<Expr>((sum, d, i) => k.add(sum, k.mul(at[i] as Expr, d.stride)), k.index(0));
}

/** Loads and widens to the type of the sums. */
export function loadAs(k: KernelBuilder, buffer: Buffer, index: Index, lanes: number, scalar: IrScalar): Expr {
  return k.convert(scalar, k.load(buffer, index, lanes));
}

const widthOf: { readonly [T in IrScalar]: number } = { pred: 4, s32: 4, u32: 4, s64: 8, u64: 8, f32: 4, f64: 8 };

export function scalarBytes(scalar: IrScalar): number {
  return widthOf[scalar];
}

/** Vectors of `memory` load and convert to `scalar` lane by lane. */
export function loadsVectors(memory: ElementType, scalar: IrScalar): boolean {
  const from = computeType[memory];
  return from !== 'pred' && widthOf[from] === widthOf[scalar];
}
