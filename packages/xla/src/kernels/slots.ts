/**
 * @file A program on logical memory: the steps of `Program`, with slots where addresses will be. Lowering decides which values share
 * a slot; buffer assignment then gives each slot an address by its first and last use.
 */
import type { Kernel } from './ir.ts';

/** Where a slot must live; arena slots are placed by `assignBuffers`. */
export type Home =
  | { readonly space: 'arena' }
  | { readonly space: 'parameter'; readonly index: number }
  | { readonly space: 'result'; readonly index: number }
  | { readonly space: 'constant'; readonly offset: number };

/** A piece of memory that one value after the other may occupy. */
export interface Slot {
  readonly id: number;
  readonly bytes: number;
  readonly home: Home;
}

export interface LogicalKernel {
  readonly kind: 'kernel';
  readonly kernel: Kernel;
  readonly args: readonly Slot[];
  readonly opName: string;
}

export interface LogicalWhile {
  readonly kind: 'while';
  readonly condition: readonly LogicalStep[];
  readonly predicate: Slot;
  readonly body: readonly LogicalStep[];
}

export interface LogicalConditional {
  readonly kind: 'conditional';
  readonly selector: Slot;
  readonly selectorType: 'pred' | 's32';
  readonly branches: readonly (readonly LogicalStep[])[];
}

export type LogicalStep = LogicalKernel | LogicalWhile | LogicalConditional;

/** Makes slots; sizes are at least one byte, so every slot has an address. */
export class SlotFactory {
  private nextId = 0;

  make(bytes: number, home: Home = { space: 'arena' }): Slot {
    return { id: this.nextId++, bytes: Math.max(bytes, 1), home };
  }
}
