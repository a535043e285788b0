import { GraphDef } from '@tsflow/formats';
import { describe, expect, test } from 'vitest';
import type { INodeDef } from './graph/exportGraph.ts';
import { Graph } from './graph/graph.ts';
import type { Tensor } from './graph/tensor.ts';
import { importGraphDef } from './importGraph.ts';
import { constant, placeholder } from './ops/array.ts';
import { add } from './ops/math.ts';
import { matMul } from './ops/matmul.ts';
import { relu } from './ops/nn.ts';
import { Session } from './session/session.ts';
import { variable } from './variables/variable.ts';

function model(): Graph {
  const graph = new Graph();
  graph.asDefault(() => {
    const x = placeholder('float32', { shape: [null, 2], name: 'x' });
    const w = variable(
      constant([
        [1, 2],
        [3, 4],
      ]),
      { name: 'w' },
    );
    relu(add(matMul(x, w), [1, -100]), 'y');
  });
  return graph;
}

const node = (name: string, op: string, input: string[] = [], attr: INodeDef['attr'] = {}): INodeDef => ({
  name,
  op,
  input,
  attr,
});
const T = { T: { type: 1 } };
const load = (...nodes: INodeDef[]): unknown =>
  new Graph().asDefault(() => importGraphDef({ node: nodes }, { name: '' }));

describe('importGraphDef', () => {
  test('runs what was exported', async () => {
    const bytes = GraphDef.encode(model().asGraphDef()).finish();
    const graph = new Graph();
    const [y, init] = graph.asDefault(() =>
      importGraphDef(GraphDef.decode(bytes), { name: 'copy', returnElements: ['y:0', 'w/Assign'] }),
    );
    const session = new Session({ graph, target: 'interpret' });
    await session.run(init!);
    expect((await session.run(y as Tensor, { 'copy/x': [[1, 1]] })).toArray()).toEqual([[5, 0]]);
    await session.close();
  });

  test('replaces inputs by inputMap', () => {
    const def = model().asGraphDef();
    const graph = new Graph();
    graph.asDefault(() => {
      const mine = placeholder('float32', { shape: [7, 2], name: 'mine' });
      const [y] = importGraphDef(def, { inputMap: { 'x:0': mine }, returnElements: ['y:0'] });
      expect((y as Tensor).shape).toEqual([7, 2]);
    });
  });

  test('names what is wrong', () => {
    expect(() =>
      load(node('a', 'Identity', ['b'], T), node('b', 'Identity', ['a'], T)),
    ).toThrowErrorMatchingInlineSnapshot(
      `[InvalidArgumentError: Identity "a": the graph is cyclic: "a" → "b" → "a". Loops are not supported in GraphDefs.]`,
    );
    expect(() => load(node('a', 'Frobnicate'))).toThrow(/^Frobnicate "a": the op is not registered/);
    expect(() => load(node('a', 'Identity', ['gone'], T))).toThrow(
      /^Identity "a": its input "gone" is not in the GraphDef/,
    );
    expect(() => load(node('p', 'Placeholder', [], { dtype: { type: 1 } }), node('a', 'Add', ['p'], T))).toThrow(
      /^Add "a": Add takes 2 inputs \(x, y\), the node has 1/,
    );
    expect(() => load(node('a', 'Placeholder'))).toThrow(/^Placeholder "a": attribute dtype \(type\) is missing/);
    expect(() => load(node('a', 'NoOp'), node('a', 'NoOp'))).toThrow(
      /^NoOp "a": the GraphDef has two nodes of this name/,
    );
    expect(() => load(node('a', 'NoOp', [], { color: { i: 1 } }))).toThrow(/^NoOp "a": attribute color is unknown/);
  });
});
