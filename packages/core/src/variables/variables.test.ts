import { afterAll, describe, expect, test } from 'vitest';
import { gradients, toDense } from '../gradients.ts';
import { GraphKeys } from '../graph/collections.ts';
import { Graph } from '../graph/graph.ts';
import { IndexedSlices } from '../graph/indexedSlices.ts';
import type { Tensor } from '../graph/tensor.ts';
import { cast, constant, placeholder } from '../ops/array.ts';
import { gather } from '../ops/arrayIndex.ts';
import { add, multiply, square } from '../ops/math.ts';
import '../ops/operators.ts';
import { reduceSum } from '../ops/reduce.ts';
import { disposeDevices } from '../session/device.ts';
import { Session } from '../session/session.ts';
import { globalVariables, globalVariablesInitializer, trainableVariables } from './collections.ts';
import { glorotUniformInitializer, truncatedNormalInitializer, zerosInitializer } from './initializers.ts';
import { variable } from './variable.ts';
import { getVariable, variableScope } from './variableScope.ts';

afterAll(disposeDevices);

const inGraph = <R>(body: (g: Graph) => R): R => new Graph().asDefault(body);

describe('variable', () => {
  test('makes the nodes that TensorFlow makes', () => {
    inGraph((g) => {
      const v = variable([1, 2], { name: 'W' });
      expect(g.operations.map((op) => `${op.name}: ${op.type}`)).toEqual([
        'W/initial_value: Const',
        'W: VariableV2',
        'W/Assign: Assign',
        'W/read: Identity',
      ]);
      expect(v.name).toBe('W:0');
      expect(variable(1, { name: 'W', trainable: false }).name).toBe('W_1:0');
      expect(globalVariables().map((x) => x.name)).toEqual(['W:0', 'W_1:0']);
      expect(trainableVariables()).toEqual([v]);
    });
  });

  test('needs a known shape', () => {
    inGraph(() => {
      const x = placeholder('float32', { shape: [null] });
      expect(() => variable(x, { name: 'v' })).toThrow(/^VariableV2 "v": the initial value .* has shape \[\?\]/);
    });
  });
});

describe('getVariable', () => {
  test('prefixes, shares and refuses', () => {
    inGraph(() => {
      const make = () => getVariable('w', { shape: [2, 3] });
      const first = variableScope('layer', make);
      expect(first.name).toBe('layer/w:0');
      expect(variableScope('layer', { reuse: true }, make)).toBe(first);
      expect(variableScope('layer', { reuse: 'auto' }, make)).toBe(first);
      expect(() => variableScope('layer', make)).toThrow(/variable "layer\/w" exists already/);
      expect(() => variableScope('other', { reuse: true }, make)).toThrow(/variable "other\/w" does not exist/);
      expect(() => variableScope('layer', { reuse: true }, () => getVariable('w', { shape: [9] }))).toThrow(
        /shape \[2, 3\], but float32 \[9\] was asked for/,
      );
    });
  });

  test('opens a name scope, which is made unique', () => {
    inGraph(() => {
      const op = () => variableScope('a', () => add(1, 2).name);
      expect([op(), op()]).toEqual(['a/Add:0', 'a_1/Add:0']);
      expect(variableScope(null, { defaultName: 'd' }, (s) => s.name)).toBe('d');
      expect(variableScope(null, { defaultName: 'd' }, (s) => s.name)).toBe('d_1');
    });
  });

  test('collects regularization losses', () => {
    inGraph((g) => {
      const regularizer = (w: Tensor) => multiply(0.1, reduceSum(square(w)));
      variableScope('r', { regularizer, initializer: zerosInitializer() }, () => getVariable('w', { shape: [2] }));
      expect(g.getCollection(GraphKeys.REGULARIZATION_LOSSES)).toHaveLength(1);
    });
  });
});

test('initializers stay within their limits', async () => {
  const graph = new Graph();
  const session = new Session({ graph, target: 'interpret' });
  const [g, t] = graph.asDefault(() => [
    glorotUniformInitializer({ seed: 1 })([20, 30], 'float32'),
    truncatedNormalInitializer({ stddev: 0.5, seed: 2 })([500], 'float32'),
  ]);
  const [glorot, truncated] = await session.run([g!, t!]);
  const limit = Math.sqrt(6 / 50);
  for (const v of glorot.toNumbers()) expect(Math.abs(v)).toBeLessThanOrEqual(limit);
  const values = truncated.toNumbers();
  for (const v of values) expect(Math.abs(v)).toBeLessThanOrEqual(1);
  expect(Math.abs(values.reduce((a, b) => a + b, 0) / values.length)).toBeLessThan(0.1);
  await session.close();
});

describe('gradients', () => {
  test('are null where nothing connects, and refuse integers', () => {
    inGraph(() => {
      const x = constant(2);
      const y = square(x);
      expect(gradients(y, [constant(1)])).toEqual([null]);
      expect(gradients(cast(cast(y, 'int32'), 'float32'), [x])).toEqual([null]);
      expect(() => gradients(cast(y, 'int32'), x)).toThrow(/is int32; gradients exist for floats only/);
    });
  });

  test('add up over paths and name their nodes', async () => {
    const graph = new Graph();
    const session = new Session({ graph, target: 'interpret' });
    const [dx] = graph.asDefault(() => {
      const x = constant(3);
      return gradients(add(square(x), multiply(x, 5)), x);
    });
    expect((dx as Tensor).name.startsWith('gradients/')).toBe(true);
    expect((await session.run(dx as Tensor)).item()).toBe(11);
    await session.close();
  });

  test('of gathered rows are sparse and add up when made dense', async () => {
    const graph = new Graph();
    const session = new Session({ graph, target: 'interpret' });
    const { dense, init } = graph.asDefault(() => {
      const w = variable(
        [
          [1, 2],
          [3, 4],
          [5, 6],
        ],
        { name: 'w' },
      );
      const loss = reduceSum(add(gather(w, [0, 2, 0]), multiply(gather(w, [2, 2, 1]), 10)));
      const [g] = gradients(loss, w);
      expect(g).toBeInstanceOf(IndexedSlices);
      return { dense: toDense(g!), init: globalVariablesInitializer() };
    });
    await session.run(init);
    expect((await session.run(dense)).toArray()).toEqual([
      [2, 2],
      [10, 10],
      [21, 21],
    ]);
    await session.close();
  });
});
