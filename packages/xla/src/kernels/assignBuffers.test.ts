import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { assignBuffers } from './assignBuffers.ts';
import { testTarget } from './checkSchedule.ts';
import { copyKernel } from './copyKernel.ts';
import { type LogicalStep, type Slot, SlotFactory } from './slots.ts';

const kernel = copyKernel(4, testTarget);

function touch(...args: Slot[]): LogicalStep {
  return { kind: 'kernel', kernel, args, opName: '' };
}

function offsetOf(a: ReturnType<typeof assignBuffers>, slot: Slot): number {
  const ref = a.refOf(slot);
  if (ref.space !== 'arena') throw new Error('not in the arena');
  return ref.offset;
}

test('gives the memory of dead values to later ones', () => {
  const slots = new SlotFactory();
  const [x, y, z] = [slots.make(100), slots.make(100), slots.make(100)];
  const a = assignBuffers([touch(x), touch(x, y), touch(y, z)]);
  expect(a.arenaBytes).toBe(256);
  expect(offsetOf(a, z)).toBe(offsetOf(a, x));
  expect(offsetOf(a, y)).not.toBe(offsetOf(a, x));
});

test('keeps what a loop reads alive through all of it', () => {
  const slots = new SlotFactory();
  const [outside, inside, predicate] = [slots.make(64), slots.make(64), slots.make(1)];
  const a = assignBuffers([
    touch(outside),
    { kind: 'while', condition: [touch(predicate)], predicate, body: [touch(outside), touch(inside)] },
  ]);
  const places = [outside, inside, predicate].map((s) => offsetOf(a, s));
  expect(new Set(places).size).toBe(3);
});

test('leaves parameters, results and constants where they are', () => {
  const slots = new SlotFactory();
  const p = slots.make(8, { space: 'parameter', index: 3 });
  const c = slots.make(8, { space: 'constant', offset: 128 });
  const a = assignBuffers([touch(p, c)]);
  expect(a.arenaBytes).toBe(0);
  expect(a.refOf(p)).toEqual({ space: 'parameter', index: 3 });
  expect(a.refOf(c)).toEqual({ space: 'constant', offset: 128, bytes: 8 });
});

test('values alive at the same time never overlap', async () => {
  const life = fc.record({ first: fc.nat(20), length: fc.nat(8), bytes: fc.integer({ min: 1, max: 500 }) });
  const property = fc.property(fc.array(life, { minLength: 1, maxLength: 30 }), (lives) => {
    const slots = new SlotFactory();
    const all = lives.map((l) => ({ ...l, last: l.first + l.length, slot: slots.make(l.bytes) }));
    const steps = Array.from({ length: 30 }, (_, t) =>
      touch(...all.filter((l) => l.first === t || l.last === t).map((l) => l.slot)),
    );
    const a = assignBuffers(steps);
    for (const p of all) {
      expect(offsetOf(a, p.slot) % 64).toBe(0);
      for (const q of all) {
        if (p === q || p.last < q.first || q.last < p.first) continue;
        const [x, y] = [offsetOf(a, p.slot), offsetOf(a, q.slot)];
        expect(x + p.bytes <= y || y + q.bytes <= x).toBe(true);
      }
    }
  });
  await fc.assert(property, { numRuns: 100 });
});
