/**
 * @file The loop IR: what schedules write and emitters spell. A kernel is a structured program over buffers, locals, scalar and
 * vector arithmetic; every thread runs it with its own `tid`. Tiling, vector width and fusion are decided before, here is only how
 * to say them. Index arithmetic is 32-bit (`s32`) and counts elements, never bytes.
 */
import type { CompareDirection } from '../hlo/opcodes.ts';
import type { ElementType } from '../hlo/shape.ts';

/** Arithmetic types. Narrow memory types (pred, s8, u8, s16, u16 → s32/u32; f16, bf16 → f32) widen on load and narrow on store. */
export type IrScalar = 'pred' | 's32' | 'u32' | 's64' | 'u64' | 'f32' | 'f64';

/**
 * A value's type. lanes = 1 is a scalar. A vector `pred` is a lane mask as wide as the data it was compared from
 * (lanes 4: 32-bit lanes; lanes 2: 64-bit lanes on a 128-bit target).
 */
export interface IrType {
  readonly scalar: IrScalar;
  readonly lanes: number;
}

/** The arithmetic type that a memory type computes in. */
export const computeType: { readonly [T in ElementType]: IrScalar } = {
  pred: 'pred',
  s8: 's32',
  s16: 's32',
  s32: 's32',
  s64: 's64',
  u8: 'u32',
  u16: 'u32',
  u32: 'u32',
  u64: 'u64',
  f16: 'f32',
  bf16: 'f32',
  f32: 'f32',
  f64: 'f64',
};

/** A pointer argument of a kernel, or a pointer made inside it by `view`. */
export interface Buffer {
  readonly id: number;
  readonly name: string;
  readonly memory: ElementType;
  readonly access: 'read' | 'write' | 'readwrite';
}

/** A mutable variable of one thread. */
export interface Local {
  readonly id: number;
  readonly name: string;
  readonly type: IrType;
}

/** Element-wise on lanes; integer ops wrap; `divide`/`remainder` truncate (callers guard zero divisors, see kernels/elemental). */
export type IrUnary = 'negate' | 'abs' | 'sqrt' | 'floor' | 'ceil' | 'trunc' | 'nearest' | 'not' | 'popcnt' | 'clz';
export type IrBinary =
  | 'add'
  | 'subtract'
  | 'multiply'
  | 'divide'
  | 'remainder'
  /** IEEE minimum/maximum: NaN if either is NaN. */
  | 'minimum'
  | 'maximum'
  | 'and'
  | 'or'
  | 'xor'
  /** Shift amounts are scalars or same-lane vectors, taken as they are (callers guard ≥ width). Right shift: arithmetic for s32/s64, logical for u32/u64. */
  | 'shift-left'
  | 'shift-right';

/** Scalar library functions for types without a vector expansion (f64). WASM imports them from Math, C from libm. */
export type MathFunction =
  | 'exp'
  | 'expm1'
  | 'log'
  | 'log1p'
  | 'sin'
  | 'cos'
  | 'tan'
  | 'tanh'
  | 'atan2'
  | 'pow'
  | 'cbrt'
  | 'fmod';

export type Expr =
  | { readonly kind: 'const'; readonly type: IrType; readonly value: number | bigint }
  | { readonly kind: 'local'; readonly type: IrType; readonly local: Local }
  | { readonly kind: 'thread'; readonly type: IrType; readonly what: 'tid' | 'threads' }
  /** `lanes` consecutive elements from `index`. Unaligned is allowed. */
  | { readonly kind: 'load'; readonly type: IrType; readonly buffer: Buffer; readonly index: Expr }
  | { readonly kind: 'unary'; readonly type: IrType; readonly op: IrUnary; readonly x: Expr }
  | { readonly kind: 'binary'; readonly type: IrType; readonly op: IrBinary; readonly a: Expr; readonly b: Expr }
  /** a·b + c, with one rounding where the target has it, else two. */
  | { readonly kind: 'fma'; readonly type: IrType; readonly a: Expr; readonly b: Expr; readonly c: Expr }
  | {
      readonly kind: 'compare';
      readonly type: IrType;
      readonly direction: CompareDirection;
      readonly a: Expr;
      readonly b: Expr;
    }
  /** Evaluates both sides. */
  | { readonly kind: 'select'; readonly type: IrType; readonly pred: Expr; readonly a: Expr; readonly b: Expr }
  /** Numeric conversion to type.scalar, same lanes. Float → integer truncates and saturates, NaN → 0. pred → 0/1; number → pred is `≠ 0`. */
  | { readonly kind: 'convert'; readonly type: IrType; readonly x: Expr }
  /** Same bits, other scalar of the same width. */
  | { readonly kind: 'bitcast'; readonly type: IrType; readonly x: Expr }
  /** Scalar → all lanes. `splat(load)` is one instruction where the target has it. */
  | { readonly kind: 'splat'; readonly type: IrType; readonly x: Expr }
  | { readonly kind: 'extract'; readonly type: IrType; readonly x: Expr; readonly lane: number }
  /** x with one lane replaced by a scalar. */
  | { readonly kind: 'insert'; readonly type: IrType; readonly x: Expr; readonly lane: number; readonly value: Expr }
  /** Lanes picked from a (0 … n−1) and b (n … 2n−1). */
  | {
      readonly kind: 'shuffle';
      readonly type: IrType;
      readonly a: Expr;
      readonly b: Expr;
      readonly lanes: readonly number[];
    }
  | { readonly kind: 'math'; readonly type: IrType; readonly fn: MathFunction; readonly args: readonly Expr[] };

export type Stmt =
  | { readonly kind: 'set'; readonly local: Local; readonly value: Expr }
  /** Narrow memory types take the low bits (integers) or round to nearest even (f16, bf16). A vector stores consecutive elements. */
  | { readonly kind: 'store'; readonly buffer: Buffer; readonly index: Expr; readonly value: Expr }
  /** pointer := base + index elements, from here to the end of the block; `as` may change the memory type (reinterpret). */
  | { readonly kind: 'view'; readonly view: Buffer; readonly base: Buffer; readonly index: Expr }
  /** for (local = from; local < to; local += step), step > 0 and constant; `to` is evaluated once. */
  | {
      readonly kind: 'for';
      readonly local: Local;
      readonly from: Expr;
      readonly to: Expr;
      readonly step: number;
      readonly body: readonly Stmt[];
    }
  | { readonly kind: 'while'; readonly condition: Expr; readonly body: readonly Stmt[] }
  | {
      readonly kind: 'if';
      readonly condition: Expr;
      readonly then: readonly Stmt[];
      readonly otherwise: readonly Stmt[];
    }
  /** All threads of the program meet; only at the top level of a kernel or where every thread surely arrives. */
  | { readonly kind: 'barrier' };

/** Work of one run, for the choice of threads. */
export interface Cost {
  readonly flops: number;
  readonly bytes: number;
}

export interface Kernel {
  readonly name: string;
  /** Pointer arguments in order. */
  readonly buffers: readonly Buffer[];
  readonly body: readonly Stmt[];
  /** false: only thread 0 runs it (and `tid` = 0, `threads` = 1 inside). true: SPMD over all threads. */
  readonly parallel: boolean;
  readonly cost: Cost;
}
