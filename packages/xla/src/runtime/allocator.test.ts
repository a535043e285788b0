import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Allocator, alignment } from './allocator.ts';

test('allocations never overlap, are aligned, and all space comes back', () => {
  const actions = fc.array(
    fc.record({ size: fc.integer({ min: 0, max: 5000 }), release: fc.boolean(), which: fc.nat() }),
    {
      maxLength: 200,
    },
  );
  fc.assert(
    fc.property(actions, (steps) => {
      const space = 1 << 18;
      const a = new Allocator(alignment);
      a.extend(space);
      const live = new Map<number, number>();
      for (const { size, release, which } of steps) {
        if (release && live.size) {
          const address = [...live.keys()][which % live.size] as number;
          live.delete(address);
          a.release(address);
          continue;
        }
        const address = a.allocate(size);
        if (address === undefined) continue;
        expect(address % alignment).toBe(0);
        expect(address).toBeGreaterThanOrEqual(alignment);
        expect(address + size).toBeLessThanOrEqual(space);
        for (const [other, bytes] of live) expect(address + size <= other || other + bytes <= address).toBe(true);
        live.set(address, Math.max(size, 1));
      }
      for (const address of live.keys()) a.release(address);
      expect(a.usedBytes).toBe(0);
      expect(a.allocate(space - alignment)).toBe(alignment);
    }),
  );
});

test('takes the smallest segment that fits, and knows what is missing at the end', () => {
  const a = new Allocator(0);
  a.extend(1024);
  const [x, , z] = [a.allocate(256), a.allocate(64), a.allocate(128), a.allocate(64)];
  a.release(x as number);
  a.release(z as number);
  expect(a.allocate(100)).toBe(z);
  expect(a.missing(1000)).toBe(1024 - 512);
  a.extend(2048);
  expect(a.allocate(1100)).toBe(512);
});

test('refuses to release what is not allocated', () => {
  const a = new Allocator(0);
  expect(() => a.release(64)).toThrow('internal: address 64 is not allocated');
});
