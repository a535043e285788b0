import { expect, test } from 'vitest';
import type { BufferRef, Step } from '../program.ts';
import { placeBarriers } from './barriers.ts';
import { testTarget } from './checkSchedule.ts';
import { copyKernel } from './copyKernel.ts';

const small = copyKernel(4, testTarget);
const shared = { ...small, parallel: true };

const arena = (offset: number): BufferRef => ({ space: 'arena', offset, bytes: 64 });
const parameter = (index: number): BufferRef => ({ space: 'parameter', index });
const result = (index: number): BufferRef => ({ space: 'result', index });

function copy(from: BufferRef, to: BufferRef, kernel = shared): Step {
  return { kind: 'kernel', kernel, args: [from, to], barrier: false, opName: '' };
}

const flags = (steps: readonly Step[]): boolean[] =>
  steps.flatMap((s) => {
    if (s.kind === 'kernel') return [s.barrier];
    return s.kind === 'while' ? [...flags(s.condition), ...flags(s.body)] : s.branches.flatMap(flags);
  });

const place = (steps: readonly Step[], aliases = new Map<number, number>()): boolean[] =>
  flags(placeBarriers(steps, aliases));

test('waits for what other threads write, or still read', () => {
  expect(place([copy(parameter(0), arena(0)), copy(arena(0), arena(64))])).toEqual([false, true]);
  expect(place([copy(arena(0), arena(64)), copy(parameter(0), arena(32))])).toEqual([false, true]);
  expect(place([copy(parameter(0), arena(0)), copy(parameter(0), arena(64))])).toEqual([false, false]);
});

test('does not wait between kernels of one thread', () => {
  const steps = [copy(parameter(0), arena(0), small), copy(arena(0), arena(64), small), copy(arena(64), arena(128))];
  expect(place(steps)).toEqual([false, false, true]);
});

test('knows results that share memory with parameters', () => {
  const steps = [copy(parameter(0), arena(0)), copy(parameter(1), result(0))];
  expect(place(steps)).toEqual([false, false]);
  expect(place(steps, new Map([[0, 0]]))).toEqual([false, true]);
});

test('looks around the back edge of a loop', () => {
  const loop: Step = {
    kind: 'while',
    predicate: arena(192),
    condition: [copy(arena(0), arena(192))],
    body: [copy(parameter(0), arena(0))],
  };
  expect(place([loop])).toEqual([true, false]);
});

test('joins what the branches of a conditional touched', () => {
  const choice: Step = {
    kind: 'conditional',
    selector: parameter(1),
    selectorType: 'pred',
    branches: [[copy(parameter(0), arena(0))], []],
  };
  expect(place([choice, copy(arena(0), result(0))])).toEqual([false, true]);
});
