/** @file What users get wrong, and what they are told: the code, the node, the shapes and the repair. */
import { afterAll, expect, test } from 'vitest';
import { TensorFlowError } from '../errors.ts';
import { gradients } from '../gradients.ts';
import { Graph } from '../graph/graph.ts';
import { importGraphDef } from '../importGraph.ts';
import { NdArray, type NdArrayLike } from '../ndarray.ts';
import { argMax } from '../ops/argReduce.ts';
import { cast, constant, group, noOp, placeholder, reshape } from '../ops/array.ts';
import { concat } from '../ops/arrayJoin.ts';
import { conv2d } from '../ops/conv.ts';
import { add, multiply, square } from '../ops/math.ts';
import { matMul } from '../ops/matmul.ts';
import '../ops/operators.ts';
import { reduceSum } from '../ops/reduce.ts';
import { AdamOptimizer, FtrlOptimizer, GradientDescentOptimizer } from '../train/optimizers.ts';
import { globalVariablesInitializer } from '../variables/collections.ts';
import { variable } from '../variables/variable.ts';
import { getVariable, variableScope } from '../variables/variableScope.ts';
import { disposeDevices } from './device.ts';
import { Session, type SessionOptions } from './session.ts';

const target = (process.env['TSFLOW_BACKEND'] ?? 'interpret') as NonNullable<SessionOptions['target']>;
afterAll(disposeDevices);

function model() {
  const x = placeholder('float32', { shape: [null, 3], name: 'x' });
  const labels = placeholder('int32', { shape: [null], name: 'labels' });
  const w = variable(constant([[1], [2], [3]]), { name: 'layer/W' });
  const y = matMul(x, w, { name: 'layer/y' });
  const anything = placeholder('float32', { name: 'anything' });
  return {
    x,
    labels,
    w,
    y,
    anything,
    product: matMul(reshape(anything, [2, -1]), w, { name: 'product' }),
    grow: w.assign(anything, { name: 'grow' }),
    sum: add(x, anything, 'sum'),
    done: noOp('done'),
    init: globalVariablesInitializer(),
  };
}

type Model = ReturnType<typeof model>;
type Case = (session: Session, m: Model) => unknown;

/** `CODE message` of what a case throws. */
async function said(act: Case, options: { readonly initialized?: boolean } = {}): Promise<string> {
  const graph = new Graph();
  const m = graph.asDefault(model);
  const session = new Session({ graph, target, threads: 1 });
  try {
    if (options.initialized !== false) await session.run(m.init);
    await graph.asDefault(() => act(session, m));
    return 'no error';
  } catch (error) {
    if (!(error instanceof TensorFlowError)) throw error;
    // Places in files and the number of ops change with every edit.
    return `${error.code} ${error.message.replace(/ \(made at .*?\d\)\)?/, '').replace(/\d+ ops are/, 'N ops are')}`;
  } finally {
    await session.close();
  }
}

async function table(cases: Readonly<Record<string, Case>>): Promise<string> {
  const lines: string[] = [];
  for (const [name, act] of Object.entries(cases)) lines.push(`${name}: ${await said(act)}`);
  return lines.join('\n');
}

const rows: NdArrayLike = [[1, 2, 3]];

test('feeds', async () => {
  expect(
    await table({
      missing: (s, { y }) => s.run(y),
      'missing among others': (s, { sum, x }) => s.run(sum, [[x, rows]]),
      'wrong shape': (s, { y, x }) => s.run(y, [[x, [[1, 2]]]]),
      'wrong rank': (s, { y, x }) => s.run(y, [[x, [1, 2, 3, 4]]]),
      'wrong dtype': (s, { y, x }) => s.run(y, [[x, [['a', 'b', 'c']]]]),
      'fractions for integers': (s, { labels }) => s.run(labels, [[labels, [0.5]]]),
      'floats for integers': (s, { labels }) =>
        s.run(labels, [[labels, new NdArray('float32', [1], Float32Array.of(0.5))]]),
      ragged: (s, { y, x }) =>
        s.run(y, [
          [
            x,
            [
              [1, 2, 3],
              [4, 5],
            ],
          ],
        ]),
      'a tensor as value': (s, { y, x }) => s.run(y, [[x, y as never]]),
      'unknown name': (s, { y }) => s.run(y, { 'X:0': rows }),
      'wrong output': (s, { y }) => s.run(y, { 'x:1': rows }),
      'an operation': (s, { y }) => s.run(y, { done: 1 }),
      'a foreign tensor': (s, { y }) => s.run(y, [[new Graph().asDefault(() => constant(1, { name: 'other' })), 1]]),
      'number of values': (s, { y, x }) => s.makeCallable(y, [x])(),
      'callable of wrong shape': (s, { y, x }) => s.makeCallable(y, [x])([[1]]),
      'callable of an unknown name': (s, { y }) => s.makeCallable(y, ['nope:0'])(1),
    }),
  ).toMatchInlineSnapshot(`
    "missing: INVALID_ARGUMENT Placeholder "x": no value was fed. Give one of dtype float32 and shape [?, 3]: run(fetches, [[x, value]]).
    missing among others: INVALID_ARGUMENT Placeholder "anything": no value was fed. Give one of dtype float32 and shape <unknown>: run(fetches, [[anything, value]]).
    wrong shape: INVALID_ARGUMENT Placeholder "x": cannot feed a value of shape [1, 2] for "x:0", whose shape is [?, 3].
    wrong rank: INVALID_ARGUMENT Placeholder "x": cannot feed a value of shape [4] for "x:0", whose shape is [?, 3].
    wrong dtype: INVALID_ARGUMENT Placeholder "x": cannot feed "x:0" (float32): element 0 is "a", which float32 cannot hold. Give numbers.
    fractions for integers: INVALID_ARGUMENT Placeholder "labels": cannot feed "labels:0" (int32): 0.5 does not fit int32. Round it, or give another dtype.
    floats for integers: INVALID_ARGUMENT Placeholder "labels": cannot feed "labels:0" (int32): 0.5 does not fit int32. Round it, or give another dtype.
    ragged: INVALID_ARGUMENT Placeholder "x": cannot feed "x:0" (float32): the nested list is ragged: at depth 1 it has a list of 2 where a list of 3 is expected.
    a tensor as value: INVALID_ARGUMENT the feed for "x:0" is the tensor "layer/y:0". Feed its value: run it first.
    unknown name: NOT_FOUND no operation "X" for tensor "X:0". Near names: "x".
    wrong output: NOT_FOUND Placeholder "x": output 1 does not exist; the operation has 1 outputs.
    an operation: INVALID_ARGUMENT NoOp "done": the operation has no output, so nothing can be fed for it.
    a foreign tensor: INVALID_ARGUMENT Const "other": the node belongs to another graph. Build and run it inside graph.asDefault(…) of one graph.
    number of values: INVALID_ARGUMENT the callable takes 1 values, 0 were given.
    callable of wrong shape: INVALID_ARGUMENT Placeholder "x": cannot feed a value of shape [1, 1] for "x:0", whose shape is [?, 3].
    callable of an unknown name: NOT_FOUND no operation "nope" for tensor "nope:0"."
  `);
});

test('fetches and sessions', async () => {
  expect(
    await table({
      'unknown operation': (s) => s.run('layer/w'),
      'unknown output': (s) => s.run('layer/y:3'),
      'foreign tensor': (s) => s.run(new Graph().asDefault(() => constant(1, { name: 'other' }))),
      nothing: (s) => s.run(null as never),
      closed: async (s, { w }) => {
        await s.close();
        await s.run(w);
      },
      'closed callable': async (s, { w }) => {
        const get = s.makeCallable(w);
        await s.close();
        await get();
      },
    }),
  ).toMatchInlineSnapshot(`
    "unknown operation: NOT_FOUND "layer/w": no operation "layer/w" in the graph. Near names: "layer/W", "layer/W/Assign", "layer/W/read".
    unknown output: NOT_FOUND MatMul "layer/y": output 3 does not exist; the operation has 1 outputs.
    foreign tensor: INVALID_ARGUMENT Const "other": the node belongs to another graph. Build and run it inside graph.asDefault(…) of one graph.
    nothing: INVALID_ARGUMENT null cannot be fetched. Fetch a tensor, operation, variable or name, or lists and records of them.
    closed: FAILED_PRECONDITION the session is closed. Make a new Session.
    closed callable: FAILED_PRECONDITION the session is closed. Make a new Session."
  `);
  expect(await said((s, { y, x }) => s.run(y, [[x, rows]]), { initialized: false })).toMatchInlineSnapshot(
    `"FAILED_PRECONDITION VariableV2 "layer/W": the variable has no value yet (read by Identity "layer/W/read"). Run globalVariablesInitializer() or its initializer, or restore a checkpoint, before."`,
  );
});

test('shapes that only a run knows', async () => {
  expect(
    await table({
      product: (s, { product, anything }) => s.run(product, [[anything, [1, 2, 3, 4]]]),
      reshape: (s, { product, anything }) => s.run(product, [[anything, [1, 2, 3]]]),
      broadcast: (s, { sum, x, anything }) =>
        s.run(sum, [
          [x, rows],
          [anything, [1, 2]],
        ]),
      assign: (s, { grow, anything }) => s.run(grow, [[anything, [[1], [2]]]]),
    }),
  ).toMatchInlineSnapshot(`
    "product: INVALID_ARGUMENT MatMul "product": inner dimensions differ: a is [2, 2], b is [3, 1] (2 ≠ 3). Transpose one with { transposeA: true } or { transposeB: true }, or change a layer's size.
    reshape: INVALID_ARGUMENT Reshape "Reshape": input [3] has 3 elements, which is not a multiple of 2 as shape [2, ?] needs.
    broadcast: INVALID_ARGUMENT Add "sum": shapes [1, 3] and [2] do not broadcast. Dimensions, aligned at the end, must be equal or 1.
    assign: INVALID_ARGUMENT Assign "grow": the value has shape [2, 1], the variable [3, 1]. Assign a value of the variable's shape, or pass validateShape: false."
  `);
});

test('graphs under construction', async () => {
  const shared = (name: string) => getVariable(name, { shape: [2] });
  expect(
    await table({
      'inner dimensions': (_, { x }) => matMul(x, constant([[1, 2]]), { name: 'dense/MatMul' }),
      'dtypes that differ': (_, { x, labels }) => add(x, labels, 'sum'),
      'graphs that differ': (_, { x }) => new Graph().asDefault(() => add(constant(1, { name: 'other' }), x)),
      'assigned shape': (_, { w }) => w.assign([1, 2]),
      'assigned dtype': (_, { w }) => w.assign(constant([[1], [2], [3]], { dtype: 'int32' })),
      'unknown initial shape': (_, { x }) => variable(x, { name: 'v' }),
      'duplicate variable': () => [shared('twice'), shared('twice')],
      'variable without reuse': () => variableScope('s', { reuse: true }, () => shared('none')),
      'duplicate node': () => [constant(1, { name: 'one/' }), constant(1, { name: 'one/' })],
      'invalid name': () => constant(1, { name: 'a b' }),
      concat: (_, { x }) => concat([x, constant([[1, 2]])], 0),
      filter: () =>
        conv2d(placeholder('float32', { shape: [1, 8, 8, 3] }), constant(0, { shape: [3, 3, 4, 8] }), {
          strides: [1, 1, 1, 1],
          padding: 'SAME',
        }),
      finalized: (s, { x }) => {
        s.graph.finalize();
        return multiply(x, 2);
      },
    }),
  ).toMatchInlineSnapshot(`
    "inner dimensions: INVALID_ARGUMENT MatMul "dense/MatMul": inner dimensions differ: a is [?, 3], b is [1, 2] (3 ≠ 1). Transpose one with { transposeA: true } or { transposeB: true }, or change a layer's size.
    dtypes that differ: INVALID_ARGUMENT Add "sum_1": input y is int32 ("labels:0"), but T is float32 from the other inputs or attributes. Convert it with cast(x, 'float32').
    graphs that differ: INVALID_ARGUMENT Add: inputs "other:0" and "x:0" belong to different graphs. Build them in one graph.
    assigned shape: INVALID_ARGUMENT Assign "Assign": the value has shape [2], the variable [3, 1]. Assign a value of the variable's shape, or pass validateShape: false.
    assigned dtype: INVALID_ARGUMENT Assign "Assign": input value is int32 ("Const_1:0"), but T is float32 from the other inputs or attributes. Convert it with cast(x, 'float32').
    unknown initial shape: INVALID_ARGUMENT VariableV2 "v": the initial value "x:0" has shape [?, 3]; a variable's shape must be known. Give a value of known shape, or validateShape: false.
    duplicate variable: INVALID_ARGUMENT VariableV2 "twice": variable "twice" exists already. Use another name, or share it with variableScope(…, { reuse: true }, …).
    variable without reuse: INVALID_ARGUMENT "s/none": variable "s/none" does not exist, or was not made with getVariable. Make it first in a scope without reuse, or use reuse: 'auto'.
    duplicate node: INVALID_ARGUMENT Const "one": a node of this name exists already. Choose another name, or leave the trailing slash out.
    invalid name: INVALID_ARGUMENT Const: "a b" is not a node name. Names start with a letter, digit or dot and continue with letters, digits and _ . - / \\ >.
    concat: INVALID_ARGUMENT ConcatV2 "concat": value 1 is [1, 2], the values before it [?, 3]. All dimensions but axis 0 must agree.
    filter: INVALID_ARGUMENT Conv2D "Conv2D": input has 3 channels, but filter [3, 3, 4, 8] takes 4. Input channels must be a multiple of the filter's third dimension, and its fourth a multiple of that factor.
    finalized: FAILED_PRECONDITION Const "Mul/y": the graph is finalized and takes no more nodes. Build all ops before training starts."
  `);
});

test('gradients and training', async () => {
  expect(
    await table({
      'no variables': () =>
        new Graph().asDefault(() => new AdamOptimizer().minimize(reduceSum(placeholder('float32', { shape: [2] })))),
      'not differentiable': (_, { y }) =>
        new AdamOptimizer().minimize(reduceSum(cast(argMax(y, { axis: 1 }), 'float32'))),
      'not connected': (_, { x }) => new AdamOptimizer().minimize(reduceSum(square(x))),
      'integer loss': (_, { labels }) => new AdamOptimizer().minimize(reduceSum(labels)),
      'integer gradients': (_, { labels, x }) => gradients(labels, x),
      'gradient of wrong shape': (_, { y, w }) => gradients(y, w, { gradYs: [constant([1, 2])] }),
      'NaN learning rate': () => new GradientDescentOptimizer(Number.NaN),
      'infinite learning rate': () => new AdamOptimizer(Number.POSITIVE_INFINITY),
      'negative strength': () => new FtrlOptimizer(0.1, { l1RegularizationStrength: -1 }),
      'nothing to apply': (_, { w }) => new AdamOptimizer().applyGradients([[null, w]]),
      'gradient of another shape': (_, { w }) => new AdamOptimizer().applyGradients([[constant([1, 2]), w]]),
    }),
  ).toMatchInlineSnapshot(`
    "no variables: INVALID_ARGUMENT Adam: there are no variables to optimize. Make trainable variables first, or pass varList.
    not differentiable: INVALID_ARGUMENT Adam "Sum_1": no gradient reaches any variable (layer/W:0) from the loss "Sum_1:0". Not differentiable on the way: "ArgMax" (ArgMax).
    not connected: INVALID_ARGUMENT Adam "Sum_1": no gradient reaches any variable (layer/W:0) from the loss "Sum_1:0". The loss does not depend on them.
    integer loss: INVALID_ARGUMENT "Sum_1": the loss "Sum_1:0" is int32. Give a floating-point loss.
    integer gradients: INVALID_ARGUMENT Placeholder "labels": "labels:0" is int32; gradients exist for floats only. Convert it with cast(x, 'float32') before the computation.
    gradient of wrong shape: INVALID_ARGUMENT MatMul "layer/y": the given gradient has shape [2], "layer/y:0" has [?, 1]. Give one of y's shape.
    NaN learning rate: INVALID_ARGUMENT GradientDescent: learningRate is NaN. Give a finite number.
    infinite learning rate: INVALID_ARGUMENT Adam: learningRate is Infinity. Give a finite number.
    negative strength: INVALID_ARGUMENT Ftrl: l1 is -1. Give a number of at least 0.
    nothing to apply: INVALID_ARGUMENT Adam: no gradients were given for any variable: layer/W:0.
    gradient of another shape: INVALID_ARGUMENT ApplyAdam "Adam/update_layer/W/ApplyAdam": shapes [3, 1] and [2] differ. Both must be the same."
  `);
});

test('imported graphs', async () => {
  const T = { type: 1 };
  const value = { tensor: { dtype: 1, tensorShape: {}, floatVal: [1] } };
  const one = { name: 'one', op: 'Const', attr: { dtype: T, value } };
  const neg = (name: string, input: string[]) => ({ name, op: 'Neg', input, attr: { T } });
  expect(
    await table({
      cycle: () => importGraphDef({ node: [one, neg('a', ['b']), neg('b', ['c']), neg('c', ['a'])] }),
      'missing input': () => importGraphDef({ node: [neg('a', ['gone'])] }),
      'missing output': () => importGraphDef({ node: [one, neg('a', ['one:2'])] }),
      duplicate: () => importGraphDef({ node: [one, one] }),
      'unknown op': () => importGraphDef({ node: [{ name: 'z', op: 'Zap', input: [] }] }),
      'number of inputs': () => importGraphDef({ node: [one, neg('a', ['one', 'one'])] }),
      'wrong dtype': () => importGraphDef({ node: [one, { ...neg('a', ['one']), attr: { T: { type: 3 } } }] }),
      'missing element': () => importGraphDef({ node: [one] }, { returnElements: ['two:0'] }),
    }),
  ).toMatchInlineSnapshot(`
    "cycle: INVALID_ARGUMENT Neg "a": the graph is cyclic: "a" → "b" → "c" → "a". Loops are not supported in GraphDefs.
    missing input: INVALID_ARGUMENT Neg "a": its input "gone" is not in the GraphDef. Map it with inputMap: { 'gone': tensor }.
    missing output: INVALID_ARGUMENT Neg "a": its input "one:2" does not exist: Const has 1 outputs.
    duplicate: INVALID_ARGUMENT Const "one": the GraphDef has two nodes of this name. Rename one.
    unknown op: NOT_FOUND Zap "z": the op is not registered; N ops are.
    number of inputs: INVALID_ARGUMENT Neg "a": Neg takes 1 inputs (x), the node has 2.
    wrong dtype: INVALID_ARGUMENT Neg "a": input x is float32 ("import/one:0"), but T is int32 from the other inputs or attributes. Convert it with cast(x, 'int32').
    missing element: NOT_FOUND no operation "import/two" for tensor "import/two:0"."
  `);
});

test('a failed run leaves the session usable', async () => {
  const graph = new Graph();
  const { x, y, w, grow, anything, init } = graph.asDefault(model);
  const session = new Session({ graph, target, threads: 1 });
  await session.run(init);
  await expect(
    session.run(
      [y, grow],
      [
        [x, rows],
        [anything, [1]],
      ],
    ),
  ).rejects.toBeInstanceOf(TensorFlowError);
  expect((await session.run(y, [[x, rows]])).toArray()).toEqual([[14]]);
  expect((await session.run(w)).toArray()).toEqual([[1], [2], [3]]);
  expect(
    await session.run(
      graph.asDefault(() => group([y])),
      [[x, rows]],
    ),
  ).toBe(null);
  // A variable may be fed: the run sees the value, the variable keeps its own.
  expect(
    (
      await session.run(y, [
        [x, rows],
        [w.refTensor, [[0], [0], [1]]],
      ])
    ).toArray(),
  ).toEqual([[3]]);
  expect((await session.run(w)).toArray()).toEqual([[1], [2], [3]]);
  await session.close();
});
