import { expect, test } from 'vitest';
import { busyProcessors, parseTicks } from './quiet.ts';

test('adds up the ticks of /proc/stat', () => {
  const stat = 'cpu  100 1 20 1000 30 2 3 4 0 0\ncpu0 50 0 10 500 15 1 1 2 0 0\n';
  expect(parseTicks(stat)).toEqual({ busy: 130, total: 1160 });
});

test('says how many processors were busy', () => {
  expect(busyProcessors({ busy: 100, total: 1000 }, { busy: 150, total: 1200 }, 4)).toBe(1);
});
