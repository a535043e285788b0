import { expect, test } from 'vitest';
import { HloBuilder } from '../hlo/builder.ts';
import type { Value } from '../hlo/builderApi.ts';
import type { Module } from '../hlo/module.ts';
import { arrayShape } from '../hlo/shape.ts';
import { fuse } from './fuse.ts';
import { FusionGraph } from './fusionGraph.ts';
import { transform } from './passTest.ts';

const f32 = arrayShape('f32', []);

test('sees a path that enters a merged group at a young member and leaves it at an old one', () => {
  const b = new HloBuilder('m');
  const p = b.parameter(0, f32);
  const old = b.negate(p);
  const target = b.exp(old);
  const start = b.log(p);
  const young = b.sqrt(start);
  const { entry } = b.build([target, young]);
  const graph = new FusionGraph(entry, () => false);
  const [oldOp, targetOp, startOp, youngOp] = [old, target, start, young].map((v) => {
    const found = graph.order.find((x) => x === v);
    if (found === undefined) throw new Error('not in the graph');
    return found;
  }) as [typeof entry.root, typeof entry.root, typeof entry.root, typeof entry.root];
  const path = (): boolean => graph.hasPathAround(graph.groupOf(startOp), graph.groupOf(targetOp));
  expect(path()).toBe(false);
  graph.merge(graph.groupOf(youngOp), graph.groupOf(oldOp));
  // start → {young, old} → target: start and target in one group would be a cycle.
  expect(path()).toBe(true);
  expect(graph.hasPathAround(graph.groupOf(targetOp), graph.groupOf(startOp))).toBe(false);
});

/** Scalars computed from two parameters by a random network. */
function randomScalars(seed: number): Module {
  let state = seed;
  const next = (n: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  };
  const b = new HloBuilder('m');
  const values: Value[] = [b.parameter(0, f32), b.parameter(1, f32)];
  const sum = b.computation('sum', [f32, f32], (c, x, y) => c.add(x as Value, y as Value));
  const pick = (): Value => values[Math.max(0, values.length - 1 - next(12))] as Value;
  for (let i = 0; i < 80; i++) {
    const make = [
      () => b.add(pick(), pick()),
      () => b.multiply(pick(), b.scalar(0.5, 'f32')),
      () => b.tanh(pick()),
      () => b.exp(b.negate(b.abs(pick()))),
      () => b.reduce([b.broadcast(b.tanh(pick()), [4], [])], [b.scalar(0, 'f32')], [0], sum),
    ][next(5)] as () => Value;
    values.push(make());
  }
  return b.build(values.slice(-20));
}

test.each(Array.from({ length: 30 }, (_, i) => i + 1))('tiny kernels merge without cycles: network %i', (seed) => {
  transform(randomScalars(seed), fuse);
});
