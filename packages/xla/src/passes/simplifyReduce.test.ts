import { expect, test } from 'vitest';
import { HloBuilder } from '../hlo/builder.ts';
import type { Value } from '../hlo/builderApi.ts';
import type { Module } from '../hlo/module.ts';
import { arrayShape } from '../hlo/shape.ts';
import { bodyText, transform } from './passTest.ts';
import { simplifyReduce } from './simplifyReduce.ts';
import { simplifyShape } from './simplifyShape.ts';

function module(body: (b: HloBuilder, x: Value, sum: (x: Value, dimensions: number[]) => Value) => Value): Module {
  const b = new HloBuilder('m');
  const x = b.parameter(0, arrayShape('f32', [3, 1, 4]), 'x');
  const sum = (y: Value, dimensions: number[]) =>
    b.reduce([y], [b.scalar(0, 'f32')], dimensions, b.reducer('add', 'f32'));
  return b.build([body(b, x, sum)]);
}

test('reduces over dims of size 1 by a reshape', () => {
  const m = module((_, x, sum) => sum(x, [1]));
  expect(bodyText(transform(m, simplifyReduce))).toMatchInlineSnapshot(`
    "%0 = f32[3,1,4] parameter(0), name=x
    %1 = f32[3,4] reshape(%0)
    root %2 = (f32[3,4]) tuple(%1)"
  `);
});

test('squeezes before it reduces, and reduces once', () => {
  const m = module((_, x, sum) => sum(sum(x, [0]), [1]));
  expect(bodyText(transform(m, simplifyReduce, simplifyShape, simplifyReduce))).toMatchInlineSnapshot(`
    "%0 = f32[3,1,4] parameter(0), name=x
    %1 = f32[] constant(0)
    %2 = f32[3,4] reshape(%0)
    %3 = f32[] reduce(%2, %1), dimensions=[0,1], computation=@add.f32
    %4 = f32[1] reshape(%3)
    root %5 = (f32[1]) tuple(%4)"
  `);
});

test('reads through transposes that keep the order of what stays', () => {
  const m = module((b, x, sum) => sum(b.transpose(b.reshape(x, [3, 4]), [1, 0]), [0]));
  expect(bodyText(transform(m, simplifyReduce))).toMatchInlineSnapshot(`
    "%0 = f32[3,1,4] parameter(0), name=x
    %1 = f32[3,4] reshape(%0)
    %2 = f32[] constant(0)
    %3 = f32[3] reduce(%1, %2), dimensions=[1], computation=@add.f32
    root %4 = (f32[3]) tuple(%3)"
  `);
});

test('keeps a reduction that starts from something', () => {
  const m = module((b, x) => b.reduce([x], [b.scalar(2, 'f32')], [1], b.reducer('add', 'f32')));
  expect(transform(m, simplifyReduce)).toBe(m);
});
