import { expect, test } from 'vitest';
import { HloBuilder } from '../hlo/builder.ts';
import type { Value } from '../hlo/builderApi.ts';
import { arrayShape } from '../hlo/shape.ts';
import { inlineCalls } from './inlineCalls.ts';
import { bodyText, transform } from './passTest.ts';

test('puts bodies where they are called, also calls of calls', () => {
  const b = new HloBuilder('m');
  const f4 = arrayShape('f32', [4]);
  const twice = b.computation('twice', [f4], (c, x) => c.add(x as Value, x as Value));
  const outer = b.computation('outer', [f4, f4], (c, x, y) => c.multiply(c.call(twice, [x as Value]), y as Value));
  const [x, y] = [b.parameter(0, f4, 'x'), b.parameter(1, f4, 'y')];
  const m = b.build([b.call(outer, [x, y])]);
  expect(bodyText(transform(m, inlineCalls))).toMatchInlineSnapshot(`
    "%0 = f32[4] parameter(0), name=x
    %1 = f32[4] parameter(1), name=y
    %2 = f32[4] add(%0, %0)
    %3 = f32[4] multiply(%2, %1)
    root %4 = (f32[4]) tuple(%3)"
  `);
});

test('takes the branch of a known selector', () => {
  const b = new HloBuilder('m');
  const f4 = arrayShape('f32', [4]);
  const branches = [
    b.computation('first', [f4], (c, x) => c.exp(x as Value)),
    b.computation('last', [f4], (c, x) => c.negate(x as Value)),
  ];
  const x = b.parameter(0, f4, 'x');
  const m = b.build([b.conditional(b.scalar(9, 's32'), branches, [x, x])]);
  expect(bodyText(transform(m, inlineCalls))).toMatchInlineSnapshot(`
    "%0 = f32[4] parameter(0), name=x
    %1 = f32[4] negate(%0)
    root %2 = (f32[4]) tuple(%1)"
  `);
});
