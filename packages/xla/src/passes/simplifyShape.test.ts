import { expect, test } from 'vitest';
import { rewriteText } from './passTest.ts';
import { simplifyShape } from './simplifyShape.ts';

test('merges reshapes and transposes, and drops those that move nothing', () => {
  const text = rewriteText(
    `%0 = f32[2,3,1] parameter(0), name=x
     %1 = f32[6] reshape(%0)
     %2 = f32[3,2] reshape(%1)
     %3 = f32[2,3] transpose(%2), permutation=[1,0]
     %4 = f32[3,2] transpose(%3), permutation=[1,0]
     %5 = f32[1,3,2] reshape(%4)
     %6 = f32[3,1,2] transpose(%5), permutation=[1,0,2]
     root %7 = (f32[3,1,2]) tuple(%6)`,
    simplifyShape,
  );
  expect(text).toMatchInlineSnapshot(`
    "%0 = f32[2,3,1] parameter(0), name=x
    %1 = f32[3,1,2] reshape(%0)
    root %2 = (f32[3,1,2]) tuple(%1)"
  `);
});

test('broadcasts once, of operands without dims of size 1', () => {
  const text = rewriteText(
    `%0 = f32[1,3] parameter(0), name=x
     %1 = f32[2,3] broadcast(%0), dimensions=[0,1]
     %2 = f32[4,2,3] broadcast(%1), dimensions=[1,2]
     %3 = f32[1,3,1] broadcast(%0), dimensions=[0,1]
     root %4 = (f32[4,2,3], f32[1,3,1]) tuple(%2, %3)`,
    simplifyShape,
  );
  expect(text).toMatchInlineSnapshot(`
    "%0 = f32[1,3] parameter(0), name=x
    %1 = f32[3] reshape(%0)
    %2 = f32[4,2,3] broadcast(%1), dimensions=[2]
    %3 = f32[1,3,1] reshape(%0)
    root %4 = (f32[4,2,3], f32[1,3,1]) tuple(%2, %3)"
  `);
});

test('slices slices, concatenations and crops', () => {
  const text = rewriteText(
    `%0 = f32[8] parameter(0), name=x
     %1 = f32[4] parameter(1), name=y
     %2 = f32[12] concatenate(%0, %1), dimension=0
     %3 = f32[3] slice(%2), starts=[8], limits=[11], strides=[1]
     %4 = f32[3] slice(%0), starts=[1], limits=[7], strides=[2]
     %5 = f32[1] slice(%4), starts=[1], limits=[3], strides=[2]
     %6 = f32[] constant(0)
     %7 = f32[6] pad(%0, %6), padding=[{low=-1, high=-1, interior=0}]
     root %8 = (f32[3], f32[1], f32[6]) tuple(%3, %5, %7)`,
    simplifyShape,
  );
  expect(text).toMatchInlineSnapshot(`
    "%0 = f32[8] parameter(0), name=x
    %1 = f32[4] parameter(1), name=y
    %2 = f32[3] slice(%1), starts=[0], limits=[3], strides=[1]
    %3 = f32[1] slice(%0), starts=[3], limits=[4], strides=[4]
    %4 = f32[6] slice(%0), starts=[1], limits=[7], strides=[1]
    root %5 = (f32[3], f32[1], f32[6]) tuple(%2, %3, %4)"
  `);
});

test('concatenates once and reverses only what turns', () => {
  const text = rewriteText(
    `%0 = f32[1,2] parameter(0), name=x
     %1 = f32[2,2] concatenate(%0, %0), dimension=0
     %2 = f32[3,2] concatenate(%1, %0), dimension=0
     %3 = f32[1,2] reverse(%0), dimensions=[0]
     root %4 = (f32[3,2], f32[1,2]) tuple(%2, %3)`,
    simplifyShape,
  );
  expect(text).toMatchInlineSnapshot(`
    "%0 = f32[1,2] parameter(0), name=x
    %1 = f32[3,2] concatenate(%0, %0, %0), dimension=0
    root %2 = (f32[3,2], f32[1,2]) tuple(%1, %0)"
  `);
});
