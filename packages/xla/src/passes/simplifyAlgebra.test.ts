import { expect, test } from 'vitest';
import { rewriteText } from './passTest.ts';
import { simplifyAlgebra } from './simplifyAlgebra.ts';

test('drops neutral elements and double negations', () => {
  const text = rewriteText(
    `%0 = f32[4] parameter(0), name=x
     %1 = f32[] constant(0)
     %2 = f32[4] broadcast(%1), dimensions=[]
     %3 = f32[4] add(%0, %2)
     %4 = f32[] constant(1)
     %5 = f32[4] broadcast(%4), dimensions=[]
     %6 = f32[4] multiply(%5, %3)
     %7 = f32[4] negate(%6)
     %8 = f32[4] negate(%7)
     %9 = f32[4] exp(%8)
     root %10 = (f32[4]) tuple(%9)`,
    simplifyAlgebra,
  );
  expect(text).toMatchInlineSnapshot(`
    "%0 = f32[4] parameter(0), name=x
    %1 = f32[4] exp(%0)
    root %2 = (f32[4]) tuple(%1)"
  `);
});

test('divides by powers of two with a product, by others as written', () => {
  const text = rewriteText(
    `%0 = f32[4] parameter(0), name=x
     %1 = f32[] constant(8)
     %2 = f32[4] broadcast(%1), dimensions=[]
     %3 = f32[4] divide(%0, %2)
     %4 = f32[] constant(10)
     %5 = f32[4] broadcast(%4), dimensions=[]
     %6 = f32[4] divide(%0, %5)
     root %7 = (f32[4], f32[4]) tuple(%3, %6)`,
    simplifyAlgebra,
  );
  expect(text).toMatchInlineSnapshot(`
    "%0 = f32[4] parameter(0), name=x
    %1 = f32[] constant(10)
    %2 = f32[4] broadcast(%1), dimensions=[]
    %3 = f32[4] divide(%0, %2)
    %4 = f32[] constant(0.125)
    %5 = f32[4] broadcast(%4), dimensions=[]
    %6 = f32[4] multiply(%0, %5)
    root %7 = (f32[4], f32[4]) tuple(%6, %3)"
  `);
});

test('computes on the scalar what all elements share', () => {
  const text = rewriteText(
    `%0 = f32[] parameter(0), name=x
     %1 = f32[4] broadcast(%0), dimensions=[]
     %2 = f32[4] exp(%1)
     %3 = f32[4] add(%2, %1)
     root %4 = (f32[4]) tuple(%3)`,
    simplifyAlgebra,
  );
  expect(text).toMatchInlineSnapshot(`
    "%0 = f32[] parameter(0), name=x
    %1 = f32[] exp(%0)
    %2 = f32[] add(%1, %0)
    %3 = f32[4] broadcast(%2), dimensions=[]
    root %4 = (f32[4]) tuple(%3)"
  `);
});

test('keeps float sums of what may be NaN, folds those of integers', () => {
  const text = rewriteText(
    `%0 = f32[4] parameter(0), name=x
     %1 = s32[4] parameter(1), name=n
     %2 = f32[4] subtract(%0, %0)
     %3 = s32[4] subtract(%1, %1)
     root %4 = (f32[4], s32[4]) tuple(%2, %3)`,
    simplifyAlgebra,
  );
  expect(text).toMatchInlineSnapshot(`
    "%0 = f32[4] parameter(0), name=x
    %1 = s32[4] parameter(1), name=n
    %2 = f32[4] subtract(%0, %0)
    %3 = s32[] constant(0)
    %4 = s32[4] broadcast(%3), dimensions=[]
    root %5 = (f32[4], s32[4]) tuple(%2, %4)"
  `);
});

test('selects by known and negated predicates', () => {
  const text = rewriteText(
    `%0 = f32[4] parameter(0), name=x
     %1 = f32[4] parameter(1), name=y
     %2 = pred[4] compare(%0, %1), direction=LT
     %3 = pred[4] not(%2)
     %4 = f32[4] select(%3, %0, %1)
     %5 = pred[] constant(true)
     %6 = pred[4] broadcast(%5), dimensions=[]
     %7 = f32[4] select(%6, %4, %1)
     root %8 = (f32[4]) tuple(%7)`,
    simplifyAlgebra,
  );
  expect(text).toMatchInlineSnapshot(`
    "%0 = f32[4] parameter(0), name=x
    %1 = f32[4] parameter(1), name=y
    %2 = pred[4] compare(%0, %1), direction=LT
    %3 = f32[4] select(%2, %1, %0)
    root %4 = (f32[4]) tuple(%3)"
  `);
});
