import { expect, test } from 'vitest';
import { HloBuilder } from '../hlo/builder.ts';
import { arrayShape } from '../hlo/shape.ts';
import { testTarget } from './checkSchedule.ts';
import { rememberSchedules } from './scheduleCache.ts';
import { scheduleInstruction } from './schedules.ts';

const b = new HloBuilder('m');
const [x, y] = [b.parameter(0, arrayShape('f32', [4])), b.parameter(1, arrayShape('f32', [4]))];
const z = b.parameter(2, arrayShape('f32', [5]));

test('schedules equal instructions once', () => {
  const schedule = rememberSchedules(scheduleInstruction);
  expect(schedule(b.exp(x), testTarget)).toBe(schedule(b.exp(y), testTarget));
  expect(schedule(b.add(x, y), testTarget)).toBe(schedule(b.add(y, x), testTarget));
});

test('tells shapes, repeated operands, attributes and scalar constants apart', () => {
  const schedule = rememberSchedules(scheduleInstruction);
  const different = [
    b.exp(x),
    b.exp(z),
    b.add(x, y),
    b.add(x, x),
    b.compare('LT', x, y),
    b.compare('GT', x, y),
    b.clamp(b.scalar(0, 'f32'), x, b.scalar(1, 'f32')),
    b.clamp(b.scalar(0, 'f32'), x, b.scalar(2, 'f32')),
  ];
  expect(new Set(different.map((v) => schedule(v, testTarget))).size).toBe(different.length);
});
