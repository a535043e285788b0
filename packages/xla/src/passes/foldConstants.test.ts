import { expect, test } from 'vitest';
import { HloBuilder } from '../hlo/builder.ts';
import { arrayShape } from '../hlo/shape.ts';
import { foldConstants } from './foldConstants.ts';
import { bodyText, rewriteText, transform } from './passTest.ts';

test('computes on constants, not on repeated ones', () => {
  const text = rewriteText(
    `%0 = f32[3] constant([1, 2, 3])
     %1 = f32[3] multiply(%0, %0)
     %2 = f32[] constant(2)
     %3 = f32[1000] broadcast(%2), dimensions=[]
     %4 = f32[1000] add(%3, %3)
     root %5 = (f32[3], f32[1000]) tuple(%1, %4)`,
    foldConstants,
  );
  expect(text).toMatchInlineSnapshot(`
    "%0 = f32[] constant(2)
    %1 = f32[1000] broadcast(%0), dimensions=[]
    %2 = f32[1000] add(%1, %1)
    %3 = f32[3] constant([1, 4, 9])
    root %4 = (f32[3], f32[1000]) tuple(%3, %2)"
  `);
});

test('does not blow a small constant up', () => {
  const b = new HloBuilder('m');
  const table = b.array(Float32Array.of(1, 2), 'f32', [2]);
  const padded = b.pad(table, b.scalar(0, 'f32'), [{ low: 0, high: 5000, interior: 0 }]);
  const m = b.build([padded, b.parameter(0, arrayShape('f32', []))]);
  expect(transform(m, foldConstants)).toBe(m);
  const small = b.build([b.pad(table, b.scalar(0, 'f32'), [{ low: 1, high: 0, interior: 0 }])]);
  expect(bodyText(transform(small, foldConstants))).toMatchInlineSnapshot(`
    "%0 = f32[] parameter(0), name=arg0
    %1 = f32[3] constant([0, 1, 2])
    root %2 = (f32[3]) tuple(%1)"
  `);
});
