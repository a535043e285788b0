import { expect, it } from 'vitest';
import { HloBuilder } from './builder.ts';
import { computationsInOrder, computationsOf, mapComputations, postOrder, usersOf } from './graph.ts';
import { arrayShape } from './shape.ts';

const f32 = arrayShape('f32', [4]);

function sample() {
  const b = new HloBuilder('m');
  const x = b.parameter(0, f32, 'x');
  b.log(x); // dead
  const y = b.exp(x);
  const sum = b.reduce([b.multiply(y, y)], [b.scalar(0, 'f32')], [0], b.reducer('add', 'f32'));
  const twice = b.computation('twice', [f32], (c, v) => c.add(v!, v!));
  return { module: b.build([sum, b.call(twice, [y])]), x, y };
}

it('lists live instructions, operands first', () => {
  const { module } = sample();
  const opcodes = postOrder(module.entry).map((i) => i.opcode);
  expect(opcodes).toEqual(['parameter', 'exp', 'multiply', 'constant', 'reduce', 'call', 'tuple']);
});

it('lists each user once', () => {
  const { module, x, y } = sample();
  const users = usersOf(module.entry);
  expect(users.get(x)?.map((u) => u.opcode)).toEqual(['exp']);
  expect(users.get(y)?.map((u) => u.opcode)).toEqual(['multiply', 'call']);
  expect(users.get(module.entry.root)).toEqual([]);
});

it('finds and maps nested computations', () => {
  const { module } = sample();
  expect(computationsInOrder(module).map((c) => c.name)).toEqual(['add.f32', 'twice', 'm']);
  const call = postOrder(module.entry).find((i) => i.opcode === 'call')!;
  const [twice] = computationsOf(call);
  expect(mapComputations(call.attrs, (c) => c)).toBe(call.attrs);
  expect(mapComputations(call.attrs, () => ({ ...twice!, name: 'other' }))).toMatchObject({
    computation: { name: 'other' },
  });
});
