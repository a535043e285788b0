import { expect, test } from 'vitest';
import { HloBuilder } from '../hlo/builder.ts';
import type { Value } from '../hlo/builderApi.ts';
import { postOrder } from '../hlo/graph.ts';
import type { Module } from '../hlo/module.ts';
import { arrayShape, shapeText, tupleShape } from '../hlo/shape.ts';
import { dce } from './dce.ts';
import { transform } from './passTest.ts';
import { simplifyAlgebra } from './simplifyAlgebra.ts';

/** Counts, sums, and keeps a product that nobody may ask for. */
function loop(results: readonly number[]): Module {
  const b = new HloBuilder('m');
  const [s32, f4] = [arrayShape('s32', []), arrayShape('f32', [4])];
  const state = tupleShape([s32, f4, f4, f4]);
  const at = (c: HloBuilder, s: Value | undefined, i: number) => c.getTupleElement(s as Value, i);
  const condition = b.computation('condition', [state], (c, s) => c.compare('LT', at(c, s, 0), c.scalar(3, 's32')));
  const body = b.computation('body', [state], (c, s) =>
    c.tuple([
      c.add(at(c, s, 0), c.scalar(1, 's32')),
      c.add(at(c, s, 1), at(c, s, 3)),
      c.multiply(at(c, s, 2), at(c, s, 1)),
      at(c, s, 3),
    ]),
  );
  const x = b.parameter(0, f4);
  const end = b.while(b.tuple([b.scalar(0, 's32'), x, x, x]), condition, body);
  return b.build(results.map((i) => b.getTupleElement(end, i)));
}

const stateOf = (m: Module): string => {
  const found = postOrder(m.entry).find((x) => x.opcode === 'while');
  return found ? shapeText(found.shape) : 'no loop';
};

test('drops state that only feeds itself', () => {
  expect(stateOf(transform(loop([1]), dce, simplifyAlgebra))).toBe('(s32[], f32[4], f32[4])');
});

test('keeps state that a wanted one reads', () => {
  const m = loop([2]);
  expect(stateOf(transform(m, dce))).toBe('(s32[], f32[4], f32[4], f32[4])');
});
