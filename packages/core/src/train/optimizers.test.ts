/** @file Optimizers against TensorFlow's own runs and graphs, which tools/oracle/train_golden.py records. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { Graph } from '../graph/graph.ts';
import type { NestedArray } from '../ndarray.ts';
import { constant } from '../ops/array.ts';
import { gather } from '../ops/arrayIndex.ts';
import { add, multiply, square } from '../ops/math.ts';
import '../ops/operators.ts';
import { reduceSum } from '../ops/reduce.ts';
import { Session, type SessionOptions } from '../session/session.ts';
import { globalVariables, globalVariablesInitializer } from '../variables/collections.ts';
import { type Variable, variable } from '../variables/variable.ts';
import { getOrCreateGlobalStep } from './globalStep.ts';
import type { Optimizer } from './optimizer.ts';
import {
  AdadeltaOptimizer,
  AdagradOptimizer,
  AdamOptimizer,
  FtrlOptimizer,
  GradientDescentOptimizer,
  MomentumOptimizer,
  RMSPropOptimizer,
} from './optimizers.ts';

interface Golden {
  readonly train: string;
  /** Values of variables and slots by name, after each step. */
  readonly values: readonly Readonly<Record<string, NestedArray>>[];
  readonly slots: readonly (readonly [variable: string, slot: string, name: string])[];
  readonly globals: readonly string[];
  readonly nodes: readonly (readonly [name: string, type: string])[];
}

const golden = (
  JSON.parse(readFileSync(new URL('./generated/trainGolden.json', import.meta.url), 'utf8')) as {
    readonly optimizers: Readonly<Record<string, Golden>>;
  }
).optimizers;
const target = (process.env['TSFLOW_BACKEND'] ?? 'interpret') as NonNullable<SessionOptions['target']>;

const optimizers: Readonly<Record<string, () => Optimizer>> = {
  GradientDescent: () => new GradientDescentOptimizer(0.1),
  Momentum: () => new MomentumOptimizer(0.1, 0.9),
  Nesterov: () => new MomentumOptimizer(0.1, 0.9, { useNesterov: true }),
  Adagrad: () => new AdagradOptimizer(0.1),
  Adadelta: () => new AdadeltaOptimizer({ learningRate: 0.5 }),
  Adam: () => new AdamOptimizer(0.05),
  RMSProp: () => new RMSPropOptimizer(0.05, { momentum: 0.5 }),
  CenteredRMSProp: () => new RMSPropOptimizer(0.05, { momentum: 0.5, centered: true }),
  Ftrl: () => new FtrlOptimizer(0.1),
  FtrlL1L2: () => new FtrlOptimizer(0.3, { l1RegularizationStrength: 0.4, l2RegularizationStrength: 0.2 }),
  FtrlShrinkage: () =>
    new FtrlOptimizer(0.1, { l2RegularizationStrength: 0.1, l2ShrinkageRegularizationStrength: 0.3 }),
};

function build(make: () => Optimizer) {
  const w = variable(
    constant([
      [0.5, -1],
      [2, 0.25],
      [-0.75, 1.5],
    ]),
    { name: 'W' },
  );
  const e = variable(
    constant([
      [1, -2],
      [0.5, 0.25],
      [-1.5, 3],
      [0.1, -0.2],
    ]),
    { name: 'layer/E' },
  );
  const rows = gather(e, constant([1, 3, 1], { dtype: 'int32' }), { name: 'rows' });
  const scale = constant([
    [1, 2],
    [-0.5, 1],
    [0.75, -1],
  ]);
  const dense = reduceSum(multiply(square(w), 0.5));
  const loss = add(dense, reduceSum(multiply(square(add(rows, 1)), scale)), 'loss');
  const step = getOrCreateGlobalStep();
  const optimizer = make();
  const train = optimizer.minimize(loss, { globalStep: step });
  return { w, e, step, optimizer, train, globals: globalVariables(), init: globalVariablesInitializer() };
}

/**
 * Not compared: how rows of a sparse gradient are summed, Adam's sparse rule (many nodes there, one here), and what later
 * TensorFlow releases added to Ftrl (beta, and accumulators made by a product).
 */
const ownWays =
  /\/update_layer\/E\/(Unique|Shape|strided_slice.*|UnsortedSegmentSum)$|^Adam\/update_layer\/E\/|^Ftrl\/(Maximum|add|mul|truediv|beta|l2_)|\/Ftrl\/Initializer\//;

/** Nodes of slots and updates. */
function optimizerNodes(nodes: readonly (readonly [string, string])[], name: string): string[] {
  const mine = new RegExp(`^((W|layer/E)/${name}|${name}|beta\\d_power|global_step)(_\\d+)?(/|$)`);
  return nodes
    .filter(([node]) => mine.test(node) && !ownWays.test(node))
    .map(([node, type]) => `${node} ${type}`)
    .sort();
}

describe.each(Object.entries(optimizers))('%s', (name, make) => {
  const want = golden[name] as Golden;

  test('moves variables and slots as TensorFlow does, dense and sparse', async () => {
    const graph = new Graph();
    const model = graph.asDefault(() => build(make));
    const session = new Session({ graph, target, threads: 1 });
    try {
      await session.run(model.init);
      const byName = new Map(model.globals.map((v) => [v.name, v]));
      for (const values of want.values) {
        await session.run(model.train);
        for (const [key, value] of Object.entries(values)) {
          const got = (await session.run(byName.get(key) as Variable)).toNumbers();
          const wanted = [value].flat(8).map(Number);
          expect(got).toHaveLength(wanted.length);
          for (const [i, x] of got.entries()) expect(x, `${key}[${i}]`).toBeCloseTo(wanted[i] as number, 5);
        }
      }
      expect((await session.run(model.step)).item()).toBe(BigInt(want.values.length));
    } finally {
      await session.close();
    }
  });

  test('names slots, variables and nodes as TensorFlow does', () => {
    const graph = new Graph();
    const { w, e, optimizer, train, globals } = graph.asDefault(() => build(make));
    expect(train.name).toBe(want.train);
    expect(globals.map((v) => v.name).sort()).toEqual([...want.globals].sort());
    const slots = [w, e].flatMap((v) =>
      optimizer.getSlotNames().map((slot) => [v.name, slot, optimizer.getSlot(v, slot)?.name]),
    );
    expect(slots).toEqual(want.slots);
    const nodes = graph.operations.map((op) => [op.name, op.type] as const);
    const sorted = (list: readonly (readonly [string, string])[]): string[] => optimizerNodes(list, want.train);
    expect(sorted(nodes)).toEqual(sorted(want.nodes));
  });
});
