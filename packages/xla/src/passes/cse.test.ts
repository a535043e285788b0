import { expect, test } from 'vitest';
import { HloBuilder } from '../hlo/builder.ts';
import { arrayShape } from '../hlo/shape.ts';
import { cse } from './cse.ts';
import { transform } from './passTest.ts';

test('merges large constants of equal content, and what reads them', () => {
  const b = new HloBuilder('m');
  const x = b.parameter(0, arrayShape('f32', [1000]));
  const table = (last: number) => Float32Array.from({ length: 1000 }, (_, i) => (i === 999 ? last : i));
  const sums = [5, 5, 6].map((last) => b.add(x, b.array(table(last), 'f32', [1000])));
  expect(new Set(sums).size).toBe(3);
  const after = transform(b.build(sums), cse);
  const [p, q, r] = after.entry.root.operands;
  expect(p).toBe(q);
  expect(r).not.toBe(q);
});
