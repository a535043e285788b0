import { expect, test } from 'vitest';
import { HloBuilder } from '../hlo/builder.ts';
import { arrayShape } from '../hlo/shape.ts';
import { orderInstructions } from './order.ts';

const f4 = arrayShape('f32', [4]);

test('reads an old value before it is overwritten', () => {
  const b = new HloBuilder('m');
  const [v, g] = [b.parameter(0, f4), b.parameter(1, f4)];
  const next = b.add(v, g);
  const late = b.exp(b.reshape(v, [2, 2]));
  const { entry } = b.build([next, late]);
  const plain = orderInstructions(entry, []).map((x) => x.opcode);
  const inPlace = orderInstructions(entry, [{ output: 0, parameter: 0 }]).map((x) => x.opcode);
  expect(plain.indexOf('add')).toBeLessThan(plain.indexOf('exp'));
  expect(inPlace.indexOf('exp')).toBeLessThan(inPlace.indexOf('add'));
});

test('drops a wish that would close a cycle', () => {
  const b = new HloBuilder('m');
  const [v, w] = [b.parameter(0, f4), b.parameter(1, f4)];
  const { entry } = b.build([b.add(v, w), b.subtract(v, w)]);
  const both = [
    { output: 0, parameter: 0 },
    { output: 1, parameter: 1 },
  ];
  expect(orderInstructions(entry, both).map((x) => x.opcode)).toEqual(['add', 'subtract', 'tuple']);
});

test('frees memory early when that lowers the peak', () => {
  const b = new HloBuilder('m');
  const big = arrayShape('f32', [1000]);
  const x = b.parameter(0, big);
  const sum = b.reducer('add', 'f32');
  const wide = [b.exp(x), b.tanh(x), b.negate(x)];
  const narrow = wide.map((y) => b.reduce([y], [b.scalar(0, 'f32')], [0], sum));
  const { entry } = b.build([b.add(b.add(narrow[0]!, narrow[1]!), narrow[2]!)]);
  const order = orderInstructions(entry, []).map((y) => y.opcode);
  const kinds = order.filter((o) => o !== 'constant' && o !== 'add' && o !== 'tuple');
  expect(kinds).toEqual(['exp', 'reduce', 'tanh', 'reduce', 'negate', 'reduce']);
});
