/**
 * @file What a schedule answers: the kernels that compute one instruction (or fusion), with arguments that name the instruction's
 * operands, outputs and scratch instead of addresses. The lowering gives them memory; a schedule knows nothing of the arena.
 */
import type { Instruction } from '../hlo/module.ts';
import type { Kernel } from './ir.ts';
import type { Target } from './target.ts';

/** What a kernel argument denotes. */
export type ArgRef =
  /** Operand of the instruction (of the fusion): an array. */
  | { readonly kind: 'operand'; readonly index: number }
  /** Array i of the instruction's result; 0 when the result is an array. */
  | { readonly kind: 'output'; readonly index: number }
  /** Entry of `scratch`. */
  | { readonly kind: 'scratch'; readonly index: number }
  /** A small table, kept in the constant segment. */
  | { readonly kind: 'constant'; readonly data: Uint8Array };

export interface Launch {
  readonly kernel: Kernel;
  /** In the order of `kernel.buffers`. */
  readonly args: readonly ArgRef[];
}

export interface Scheduled {
  /** In order; a barrier is put between dependent ones. */
  readonly launches: readonly Launch[];
  /** Bytes of temporary buffers that live during this instruction only. */
  readonly scratch: readonly number[];
  /** Output o may share memory with operand p: every index is read before it is written, by the same thread, in every launch. */
  readonly inPlace: readonly { readonly operand: number; readonly output: number }[];
  /** Output o starts as a copy of operand p, which costs nothing when they share memory: updates of a part of an array. */
  readonly copied?: readonly { readonly operand: number; readonly output: number }[];
}

export type Schedule = (instruction: Instruction, target: Target) => Scheduled;

/** Shorthands for argument lists. */
export const operandArg = (index: number): ArgRef => ({ kind: 'operand', index });
export const outputArg = (index = 0): ArgRef => ({ kind: 'output', index });
export const scratchArg = (index: number): ArgRef => ({ kind: 'scratch', index });
export const constantArg = (data: Uint8Array): ArgRef => ({ kind: 'constant', data });
