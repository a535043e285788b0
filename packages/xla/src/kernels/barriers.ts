/**
 * @file Where threads must meet: before a step that touches memory which another thread touched since the last meeting, when one of
 * the two writes. Two kernels that both run on thread 0 alone never need to. Overlap is judged on addresses, so memory that the arena
 * hands on to another value counts.
 */
import type { BufferRef, Step } from '../program.ts';

/** Memory touched since the last barrier. */
interface Touch {
  readonly ref: BufferRef;
  readonly write: boolean;
  readonly parallel: boolean;
}

/** Sets the `barrier` flags. `aliases` maps results to the parameters whose memory they share. */
export function placeBarriers(steps: readonly Step[], aliases: ReadonlyMap<number, number>): Step[] {
  return new BarrierPlacer(aliases).place(steps, []).steps;
}

class BarrierPlacer {
  private readonly aliases: ReadonlyMap<number, number>;

  constructor(aliases: ReadonlyMap<number, number>) {
    this.aliases = aliases;
  }

  /** Flags `steps`, which start after `touched`; answers what they leave touched. */
  place(
    steps: readonly Step[],
    touched: readonly Touch[],
  ): { readonly steps: Step[]; readonly touched: readonly Touch[] } {
    const out: Step[] = [];
    let pending = touched;
    for (const step of steps) {
      const [placed, left] = this.placeOne(step, pending);
      out.push(placed);
      pending = left;
    }
    return { steps: out, touched: pending };
  }

  private placeOne(step: Step, pending: readonly Touch[]): readonly [Step, readonly Touch[]] {
    switch (step.kind) {
      case 'kernel': {
        const mine = this.touchesOf(step);
        const barrier = mine.some((a) => pending.some((b) => conflict(a, b)));
        return [{ ...step, barrier }, barrier ? mine : [...pending, ...mine]];
      }
      case 'while': {
        // The runtime meets before and after all threads read the predicate: the body starts clean, and so does what follows.
        const body = this.place(step.body, []);
        const condition = this.place(step.condition, [...pending, ...body.touched]);
        return [{ ...step, condition: condition.steps, body: body.steps }, []];
      }
      case 'conditional': {
        // As for predicates.
        const branches = step.branches.map((b) => this.place(b, []));
        return [{ ...step, branches: branches.map((b) => b.steps) }, branches.flatMap((b) => b.touched)];
      }
      default:
        return step satisfies never;
    }
  }

  private touchesOf({ kernel, args }: Extract<Step, { kind: 'kernel' }>): Touch[] {
    return kernel.buffers.map((buffer, i) => ({
      ref: this.memory(args[i] as BufferRef),
      write: buffer.access !== 'read',
      parallel: kernel.parallel,
    }));
  }

  /** A result that shares a parameter's memory is that parameter. */
  private memory(ref: BufferRef): BufferRef {
    const parameter = ref.space === 'result' ? this.aliases.get(ref.index) : undefined;
    return parameter === undefined ? ref : { space: 'parameter', index: parameter };
  }
}

function conflict(a: Touch, b: Touch): boolean {
  return (a.write || b.write) && (a.parallel || b.parallel) && overlap(a.ref, b.ref);
}

function overlap(a: BufferRef, b: BufferRef): boolean {
  if (a.space === 'arena') {
    return b.space === 'arena' && a.offset < b.offset + b.bytes && b.offset < a.offset + a.bytes;
  }
  if (a.space === 'constant' || b.space === 'constant' || b.space === 'arena') return false;
  return a.space === b.space && a.index === b.index;
}
