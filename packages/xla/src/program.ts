/**
 * @file A compiled module before a backend spells it: kernels, the order of their runs, loops around them, and where every
 * value lives. It is what all emitters receive and what dumps show.
 */
import type { ArrayShape } from './hlo/shape.ts';
import type { Cost, Kernel } from './kernels/ir.ts';

/** Where bytes live. Arena and constant offsets are multiples of 64. */
export type BufferRef =
  | { readonly space: 'parameter'; readonly index: number }
  | { readonly space: 'result'; readonly index: number }
  | { readonly space: 'arena'; readonly offset: number; readonly bytes: number }
  | { readonly space: 'constant'; readonly offset: number; readonly bytes: number };

export type Step =
  /** `args` in the order of kernel.buffers. `barrier`: all threads meet before this step (something it reads or overwrites was touched by other threads). */
  | {
      readonly kind: 'kernel';
      readonly kernel: Kernel;
      readonly args: readonly BufferRef[];
      readonly barrier: boolean;
      readonly opName: string;
    }
  /** Evaluates `condition`, reads the pred byte, runs `body`, repeats. The runtime puts a barrier before every read of the predicate. */
  | {
      readonly kind: 'while';
      readonly condition: readonly Step[];
      readonly predicate: BufferRef;
      readonly body: readonly Step[];
    }
  /** `selector` is a pred byte (branch 0 when true) or an s32 (out of range: last branch). */
  | {
      readonly kind: 'conditional';
      readonly selector: BufferRef;
      readonly selectorType: 'pred' | 's32';
      readonly branches: readonly (readonly Step[])[];
    };

export interface Program {
  readonly name: string;
  readonly parameters: readonly ArrayShape[];
  readonly results: readonly ArrayShape[];
  /** Result i shares the buffer of parameter aliases[i] when set. */
  readonly aliases: ReadonlyMap<number, number>;
  readonly steps: readonly Step[];
  readonly arenaBytes: number;
  /** Image of all large constants. */
  readonly constants: Uint8Array;
  readonly cost: Cost;
}
