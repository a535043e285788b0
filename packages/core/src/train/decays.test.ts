/** @file Learning rates against TensorFlow's, which tools/oracle/train_golden.py records. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { Graph } from '../graph/graph.ts';
import type { Tensor } from '../graph/tensor.ts';
import { constant, placeholder } from '../ops/array.ts';
import '../ops/operators.ts';
import { Session, type SessionOptions } from '../session/session.ts';
import { globalVariablesInitializer } from '../variables/collections.ts';
import { variable } from '../variables/variable.ts';
import {
  cosineDecay,
  cosineDecayRestarts,
  exponentialDecay,
  inverseTimeDecay,
  linearCosineDecay,
  naturalExpDecay,
  noisyLinearCosineDecay,
  piecewiseConstant,
  polynomialDecay,
} from './decays.ts';
import { createGlobalStep, getGlobalStep, getOrCreateGlobalStep, globalStep } from './globalStep.ts';
import { GradientDescentOptimizer } from './optimizers.ts';

const golden = (
  JSON.parse(readFileSync(new URL('./generated/trainGolden.json', import.meta.url), 'utf8')) as {
    readonly decays: {
      readonly steps: readonly number[];
      readonly values: Readonly<Record<string, readonly number[]>>;
    };
  }
).decays;
const target = (process.env['TSFLOW_BACKEND'] ?? 'interpret') as NonNullable<SessionOptions['target']>;

const decays: Readonly<Record<string, (step: Tensor) => Tensor>> = {
  exponentialDecay: (s) => exponentialDecay(0.1, s, 10, 0.5),
  exponentialDecayStaircase: (s) => exponentialDecay(0.1, s, 10, 0.5, { staircase: true }),
  naturalExpDecay: (s) => naturalExpDecay(0.1, s, 10, 0.5),
  naturalExpDecayStaircase: (s) => naturalExpDecay(0.1, s, 10, 0.5, { staircase: true }),
  inverseTimeDecay: (s) => inverseTimeDecay(0.1, s, 10, 0.5),
  inverseTimeDecayStaircase: (s) => inverseTimeDecay(0.1, s, 10, 0.5, { staircase: true }),
  polynomialDecay: (s) => polynomialDecay(0.1, s, 10, { endLearningRate: 0.01, power: 2 }),
  polynomialDecayCycle: (s) => polynomialDecay(0.1, s, 10, { endLearningRate: 0.01, power: 0.5, cycle: true }),
  piecewiseConstant: (s) => piecewiseConstant(s, [5, 12, 20], [1, 0.5, 0.25, 0.125]),
  cosineDecay: (s) => cosineDecay(0.1, s, 20, { alpha: 0.1 }),
  cosineDecayRestarts: (s) => cosineDecayRestarts(0.1, s, 5, { tMul: 2, mMul: 0.5, alpha: 0.1 }),
  cosineDecayRestartsEqual: (s) => cosineDecayRestarts(0.1, s, 7, { tMul: 1, mMul: 0.9 }),
  linearCosineDecay: (s) => linearCosineDecay(0.1, s, 20),
  noisyLinearCosineDecay: (s) => noisyLinearCosineDecay(0.1, s, 20, { initialVariance: 1e-30 }),
};

test('decays answer what TensorFlow answers', async () => {
  expect(Object.keys(decays)).toEqual(Object.keys(golden.values));
  const graph = new Graph();
  const { step, rates } = graph.asDefault(() => {
    const step = placeholder('int64', { shape: [], name: 'step' });
    return { step, rates: Object.fromEntries(Object.entries(decays).map(([name, make]) => [name, make(step)])) };
  });
  const session = new Session({ graph, target, threads: 1 });
  try {
    for (const [i, at] of golden.steps.entries()) {
      const values = await session.run(rates, [[step, at]]);
      for (const [name, value] of Object.entries(values)) {
        expect(value.shape).toEqual([]);
        expect(value.item(), `${name} at ${at}`).toBeCloseTo(golden.values[name]?.[i] as number, 6);
      }
    }
  } finally {
    await session.close();
  }
});

test('noise moves the rate about the line', async () => {
  const graph = new Graph();
  const rate = graph.asDefault(() => noisyLinearCosineDecay(1, 0, 20, { beta: 0 }));
  const session = new Session({ graph, target, threads: 1 });
  const values: number[] = [];
  for (let i = 0; i < 200; i++) values.push(Number((await session.run(rate)).item()));
  await session.close();
  const mean = values.reduce((a, b) => a + b) / values.length;
  const variance = values.reduce((a, x) => a + (x - mean) ** 2, 0) / values.length;
  expect(Math.abs(mean - 1)).toBeLessThan(0.4); // five deviations of the mean of 200
  expect(Math.abs(variance - 1)).toBeLessThan(0.5);
});

test('a decayed rate follows the global step of training', async () => {
  const graph = new Graph();
  const { v, step, train, init } = graph.asDefault(() => {
    const v = variable(constant(0), { name: 'v' });
    const step = getOrCreateGlobalStep();
    const rate = piecewiseConstant(step, [1], [1, 0.25]);
    const train = new GradientDescentOptimizer(rate).minimize(v.toTensor(), { globalStep: step });
    return { v, step, train, init: globalVariablesInitializer() };
  });
  const session = new Session({ graph, target, threads: 1 });
  try {
    await session.run(init);
    expect(await globalStep(session, step)).toBe(0);
    for (const wanted of [-1, -2, -2.25]) {
      await session.run(train);
      expect((await session.run(v)).item()).toBe(wanted);
    }
    expect(await globalStep(session, step)).toBe(3);
  } finally {
    await session.close();
  }
});

test('a graph has one global step', () => {
  new Graph().asDefault((graph) => {
    expect(getGlobalStep()).toBe(null);
    const step = createGlobalStep();
    expect([step.name, step.dtype, step.trainable]).toEqual(['global_step:0', 'int64', false]);
    expect(getOrCreateGlobalStep(graph)).toBe(step);
    expect(() => createGlobalStep()).toThrowErrorMatchingInlineSnapshot(
      `[InvalidArgumentError: createGlobalStep "global_step": the graph has the global step "global_step:0" already. Use getOrCreateGlobalStep().]`,
    );
  });
  new Graph().asDefault(() => {
    const wrong = variable(constant([1, 2]), { name: 'global_step' });
    expect(() => getGlobalStep()).toThrowErrorMatchingInlineSnapshot(
      `[InvalidArgumentError: VariableV2 "global_step": the global step is float32. Give an int64 or int32 variable.]`,
    );
    expect(wrong.dtype).toBe('float32');
  });
});

test('wrong quantities are refused', () => {
  new Graph().asDefault(() => {
    expect(() => exponentialDecay(Number.NaN, 0, 10, 0.5)).toThrowErrorMatchingInlineSnapshot(
      `[InvalidArgumentError: ExponentialDecay: learningRate is NaN. Give a finite number.]`,
    );
    expect(() => cosineDecay(0.1, 0, 0)).toThrowErrorMatchingInlineSnapshot(
      `[InvalidArgumentError: CosineDecay: decaySteps is 0. Give a positive number.]`,
    );
    expect(() => piecewiseConstant(0, [1, 2], [1, 2])).toThrowErrorMatchingInlineSnapshot(
      `[InvalidArgumentError: PiecewiseConstant: 2 boundaries and 2 values were given. Give one value more than boundaries.]`,
    );
    expect(() => piecewiseConstant([0, 1], [1], [1, 2])).toThrowErrorMatchingInlineSnapshot(
      `[InvalidArgumentError: PiecewiseConstant: x "PiecewiseConstant/Const:0" has shape [2]. Give a scalar.]`,
    );
  });
});
