import { describe, expect, test } from 'vitest';
import { constant, identity, noOp, placeholder } from '../ops/array.ts';
import { add } from '../ops/math.ts';
import { controlDependencies, device, Graph, getDefaultGraph, nameScope, resetDefaultGraph } from './graph.ts';
import { getSeed, setRandomSeed } from './seed.ts';

const inGraph = <R>(body: (g: Graph) => R): R => new Graph().asDefault(body);

describe('names', () => {
  test('are unique as TensorFlow makes them', () => {
    inGraph(() => {
      const name = (n: string): string => noOp(n).name;
      expect([name('conv'), name('conv'), name('conv'), name('Conv')]).toEqual(['conv', 'conv_1', 'conv_2', 'Conv_3']);
      expect([name('a_1'), name('a'), name('a')]).toEqual(['a_1', 'a', 'a_2']);
    });
  });

  test('scopes nest, repeat with a number, and are re-entered with a slash', () => {
    inGraph((g) => {
      const scope = nameScope('conv', (s) => {
        expect(noOp('W').name).toBe('conv/W');
        expect(nameScope('in', () => noOp('W').name)).toBe('conv/in/W');
        return s;
      });
      expect(scope).toBe('conv/');
      expect(nameScope('conv', () => noOp('W').name)).toBe('conv_1/W');
      expect(nameScope(scope, () => noOp('W').name)).toBe('conv/W_1');
      expect(nameScope('a', () => nameScope(null, () => noOp('root').name))).toBe('root');
      expect(g.getNameScope()).toBe('');
    });
  });

  test('are checked', () => {
    inGraph(() => {
      expect(() => noOp('_hidden')).toThrow(/not a node name/);
      expect(() => nameScope('a b', () => 0)).toThrow(/not a scope name/);
    });
  });
});

describe('scopes', () => {
  test('control dependencies reach new nodes, without duplicates of data inputs', () => {
    inGraph(() => {
      const a = constant(1, { name: 'a' });
      const b = noOp('b');
      const c = controlDependencies([a, b], () => identity(a, 'c'));
      expect(c.op.controlInputs.map((o) => o.name)).toEqual(['b']);
      expect(controlDependencies([a], () => controlDependencies(null, () => noOp('d').controlInputs))).toEqual([]);
    });
  });

  test('devices merge inner over outer', () => {
    inGraph(() => {
      const name = device('/job:ps/task:1', () => device('/gpu:0', () => noOp().device));
      expect(name).toBe('/job:ps/task:1/device:GPU:0');
      expect(() => device('/nowhere:1', () => noOp())).toThrow(/unknown part "nowhere:1"/);
    });
  });
});

describe('look-up', () => {
  test('says what is near a wrong name', () => {
    inGraph((g) => {
      const x = placeholder('float32', { name: 'scope/x' });
      expect(g.getTensorByName('scope/x:0')).toBe(x);
      expect(() => g.getTensorByName('scope/x:1')).toThrow('Placeholder "scope/x": output 1 does not exist');
      expect(() => g.getOperationByName('x')).toThrow('no operation "x" in the graph. Near names: "scope/x".');
      expect(() => g.getTensorByName('x')).toThrow(/is not a tensor name/);
    });
  });

  test('refuses nodes of other graphs', () => {
    const a = inGraph(() => constant(1));
    inGraph(() => expect(() => add(a, constant(2))).toThrow(/belong to different graphs/));
  });

  test('refuses nodes once finalized', () => {
    inGraph((g) => {
      g.finalize();
      expect(() => noOp('late')).toThrow('NoOp "late": the graph is finalized');
    });
  });
});

test('resetDefaultGraph starts over', () => {
  const before = getDefaultGraph();
  noOp('x');
  resetDefaultGraph();
  expect(getDefaultGraph()).not.toBe(before);
  expect(noOp('x').name).toBe('x');
  resetDefaultGraph();
});

test('seeds derive as in TensorFlow 1.x', () => {
  inGraph(() => {
    expect(getSeed()).toEqual([0, 0]);
    expect(getSeed(5)).toEqual([87654321, 5]);
    setRandomSeed(3);
    noOp();
    expect(getSeed()).toEqual([3, 1]);
    expect(getSeed(7)).toEqual([3, 7]);
    setRandomSeed(0);
    expect(getSeed(0)).toEqual([0, 2147483647]);
  });
});
