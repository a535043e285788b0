/**
 * @file Addresses of slots: one arena for all temporaries, planned from first and last uses over the order of steps. A slot that is
 * touched inside a loop and outside it lives through the whole loop. Larger slots are placed first, each in the tightest gap that is
 * free during its life. Nothing is allocated at run time.
 */
import type { BufferRef } from '../program.ts';
import type { LogicalStep, Slot } from './slots.ts';

const alignment = 64;

export interface Assignment {
  readonly refOf: (slot: Slot) => BufferRef;
  readonly arenaBytes: number;
}

/** [first, last] step numbers, inclusive. */
interface Life {
  readonly slot: Slot;
  first: number;
  last: number;
}

interface Loop {
  readonly first: number;
  readonly last: number;
}

/** Plans the arena of a whole program. */
export function assignBuffers(steps: readonly LogicalStep[]): Assignment {
  const lives = livesOf(steps);
  const offsets = placeAll(lives);
  const end = lives.reduce((n, { slot }) => Math.max(n, (offsets.get(slot) as number) + slot.bytes), 0);
  const refOf = (slot: Slot): BufferRef => {
    const { home, bytes } = slot;
    if (home.space === 'parameter' || home.space === 'result') return home;
    if (home.space === 'constant') return { space: 'constant', offset: home.offset, bytes };
    return { space: 'arena', offset: offsets.get(slot) ?? 0, bytes };
  };
  return { refOf, arenaBytes: alignUp(end) };
}

const alignUp = (n: number): number => Math.ceil(n / alignment) * alignment;

/** Lives of the arena's slots. */
function livesOf(steps: readonly LogicalStep[]): Life[] {
  const lives = new Map<Slot, Life>();
  const loops: Loop[] = [];
  let now = 0;
  const touch = (slot: Slot, at: number): void => {
    if (slot.home.space !== 'arena') return;
    const life = lives.get(slot);
    if (!life) lives.set(slot, { slot, first: at, last: at });
    else {
      life.first = Math.min(life.first, at);
      life.last = Math.max(life.last, at);
    }
  };
  const walk = (list: readonly LogicalStep[]): void => {
    for (const step of list) {
      const first = now++;
      if (step.kind === 'kernel') for (const slot of step.args) touch(slot, first);
      else if (step.kind === 'while') {
        walk(step.condition);
        walk(step.body);
        const last = now++;
        loops.push({ first, last });
        touch(step.predicate, first);
        touch(step.predicate, last);
      } else {
        touch(step.selector, first);
        for (const branch of step.branches) walk(branch);
      }
    }
  };
  walk(steps);
  // Inner loops end first, so they come first: a life grown to an inner loop may then have to grow to the outer one.
  for (const life of lives.values()) for (const loop of loops) coverLoop(life, loop);
  return [...lives.values()];
}

/** A slot touched inside and outside of a loop keeps its content during all of it. */
function coverLoop(life: Life, loop: Loop): void {
  const inside = life.first > loop.first && life.last < loop.last;
  const apart = life.last < loop.first || life.first > loop.last;
  if (inside || apart) return;
  life.first = Math.min(life.first, loop.first);
  life.last = Math.max(life.last, loop.last);
}

/** Offsets: larger first (longer first among equals), in the tightest gap between slots alive at the same time. */
function placeAll(lives: readonly Life[]): Map<Slot, number> {
  const offsets = new Map<Slot, number>();
  const placed: { readonly life: Life; readonly offset: number; readonly end: number }[] = [];
  const order = [...lives].sort(
    (a, b) => b.slot.bytes - a.slot.bytes || b.last - b.first - (a.last - a.first) || a.slot.id - b.slot.id,
  );
  for (const life of order) {
    const size = alignUp(life.slot.bytes);
    const busy = placed.filter((p) => p.life.first <= life.last && life.first <= p.life.last);
    const offset = tightestGap(busy, size);
    offsets.set(life.slot, offset);
    const entry = { life, offset, end: offset + size };
    const at = placed.findIndex((p) => p.offset > offset);
    placed.splice(at < 0 ? placed.length : at, 0, entry);
  }
  return offsets;
}

/** `busy` is sorted by offset; ranges may overlap each other. */
function tightestGap(busy: readonly { readonly offset: number; readonly end: number }[], size: number): number {
  let best = -1;
  let bestGap = Number.POSITIVE_INFINITY;
  let end = 0;
  for (const p of busy) {
    const gap = p.offset - end;
    if (gap >= size && gap < bestGap) [best, bestGap] = [end, gap];
    end = Math.max(end, p.end);
  }
  return best < 0 ? end : best;
}
