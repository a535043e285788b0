import { expect, test } from 'vitest';
import { HloBuilder } from '../hlo/builder.ts';
import { arrayShape } from '../hlo/shape.ts';
import { canonicalizeDot } from './canonicalizeDot.ts';
import { bodyText, transform } from './passTest.ts';

const matmul = { lhsBatch: [], rhsBatch: [], lhsContracting: [1], rhsContracting: [0] };

test('reads transposed operands the other way round, and swaps under a transposition', () => {
  const b = new HloBuilder('m');
  const [x, y] = [b.parameter(0, arrayShape('f32', [5, 2]), 'x'), b.parameter(1, arrayShape('f32', [3, 5]), 'y')];
  const z = b.dot(b.transpose(x, [1, 0]), b.transpose(y, [1, 0]), matmul);
  const m = b.build([b.transpose(z, [1, 0])]);
  expect(bodyText(transform(m, canonicalizeDot))).toMatchInlineSnapshot(`
    "%0 = f32[5,2] parameter(0), name=x
    %1 = f32[3,5] parameter(1), name=y
    %2 = f32[3,2] dot(%1, %0), dimensionNumbers={lhsContracting=[1], rhsContracting=[0]}
    root %3 = (f32[3,2]) tuple(%2)"
  `);
});

test('keeps a transposition that reorders free dims', () => {
  const b = new HloBuilder('m');
  const x = b.transpose(b.parameter(0, arrayShape('f32', [5, 2, 4])), [1, 0, 2]);
  const y = b.parameter(1, arrayShape('f32', [4, 3]));
  const m = b.build([b.dot(x, y, { ...matmul, lhsContracting: [2] })]);
  expect(transform(m, canonicalizeDot)).toBe(m);
});

test('makes products of contractions over one element', () => {
  const b = new HloBuilder('m');
  const [x, y] = [b.parameter(0, arrayShape('f32', [2, 1]), 'x'), b.parameter(1, arrayShape('f32', [1, 3]), 'y')];
  expect(bodyText(transform(b.build([b.dot(x, y, matmul)]), canonicalizeDot))).toMatchInlineSnapshot(`
    "%0 = f32[2,1] parameter(0), name=x
    %1 = f32[1,3] parameter(1), name=y
    %2 = f32[2] reshape(%0)
    %3 = f32[2,3] broadcast(%2), dimensions=[0]
    %4 = f32[3] reshape(%1)
    %5 = f32[2,3] broadcast(%4), dimensions=[1]
    %6 = f32[2,3] multiply(%3, %5)
    root %7 = (f32[2,3]) tuple(%6)"
  `);
});

test('batched products over one element keep their dims in order', () => {
  const b = new HloBuilder('m');
  const x = b.parameter(0, arrayShape('f32', [4, 1, 2]), 'x');
  const y = b.parameter(1, arrayShape('f32', [3, 2, 1]), 'y');
  const m = b.build([b.dot(x, y, { lhsBatch: [2], rhsBatch: [1], lhsContracting: [1], rhsContracting: [2] })]);
  expect(bodyText(transform(m, canonicalizeDot))).toMatchInlineSnapshot(`
    "%0 = f32[4,1,2] parameter(0), name=x
    %1 = f32[3,2,1] parameter(1), name=y
    %2 = f32[4,2] reshape(%0)
    %3 = f32[2,4,3] broadcast(%2), dimensions=[1,0]
    %4 = f32[3,2] reshape(%1)
    %5 = f32[2,4,3] broadcast(%4), dimensions=[2,0]
    %6 = f32[2,4,3] multiply(%3, %5)
    root %7 = (f32[2,4,3]) tuple(%6)"
  `);
});
