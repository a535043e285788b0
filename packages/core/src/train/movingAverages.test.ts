/** @file Moving averages against TensorFlow's, which tools/oracle/train_golden.py records. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { controlDependencies, Graph } from '../graph/graph.ts';
import type { NestedArray } from '../ndarray.ts';
import { constant, placeholder } from '../ops/array.ts';
import { multiply } from '../ops/math.ts';
import '../ops/operators.ts';
import { Session, type SessionOptions } from '../session/session.ts';
import {
  globalVariables,
  globalVariablesInitializer,
  movingAverageVariables,
  trainableVariables,
} from '../variables/collections.ts';
import { type Variable, variable } from '../variables/variable.ts';
import { ExponentialMovingAverage, type MovingAverageOptions } from './movingAverages.ts';

interface Golden {
  readonly values: readonly (readonly NestedArray[])[];
  readonly names: readonly string[];
  readonly restore: readonly (readonly [string, string])[];
  readonly globals: readonly string[];
  readonly update: string;
}

const golden = (
  JSON.parse(readFileSync(new URL('./generated/trainGolden.json', import.meta.url), 'utf8')) as {
    readonly averages: readonly Golden[];
  }
).averages;
const target = (process.env['TSFLOW_BACKEND'] ?? 'interpret') as NonNullable<SessionOptions['target']>;

const settings: readonly MovingAverageOptions[] = [{}, { numUpdates: 3 }, { zeroDebias: true }];

function build(options: MovingAverageOptions) {
  const w = variable(constant([1, -2]), { name: 'W' });
  const x = multiply(w, 2, 'twice');
  const average = new ExponentialMovingAverage(0.8, options);
  const move = w.assignAdd([1, 0.5], { name: 'move' });
  const update = average.apply([w, x]);
  return { w, x, average, move, update, init: globalVariablesInitializer() };
}

describe.each(settings.map((options, i) => ({ options, want: golden[i] as Golden })))(
  '$options',
  ({ options, want }) => {
    test('follows variables and tensors as TensorFlow does', async () => {
      const graph = new Graph();
      const { w, x, average, move, update, init } = graph.asDefault(() => build(options));
      const session = new Session({ graph, target, threads: 1 });
      try {
        await session.run(init);
        for (const values of want.values) {
          await session.run(move);
          await session.run(update);
          for (const [i, v] of [w, x].entries()) {
            const got = (await session.run(average.average(v) as Variable)).toNumbers();
            const wanted = [values[i] as NestedArray].flat(8).map(Number);
            expect(got).toHaveLength(wanted.length);
            for (const [j, y] of got.entries()) expect(y).toBeCloseTo(wanted[j] as number, 5);
          }
        }
      } finally {
        await session.close();
      }
    });

    test("has TensorFlow's names", () => {
      new Graph().asDefault(() => {
        const { w, x, average, update } = build(options);
        expect(update.name).toBe(want.update);
        expect(globalVariables().map((v) => v.name)).toEqual(want.globals);
        const names = [
          average.average(w)?.name,
          average.average(x)?.name,
          average.averageName(w),
          average.averageName(x),
        ];
        expect(names).toEqual(want.names);
        const restored = [...average.variablesToRestore()].map(([name, v]) => [name, v.name]);
        expect(restored.sort()).toEqual(want.restore);
        expect(movingAverageVariables()).toEqual([w]);
        expect(trainableVariables()).toEqual([w]);
      });
    });
  },
);

test('under control dependencies the average follows what the step left', async () => {
  const graph = new Graph();
  const { average, update, init } = graph.asDefault(() => {
    const w = variable(constant([0]), { name: 'W' });
    const ema = new ExponentialMovingAverage(0.75);
    const step = w.assignAdd([4]);
    const update = controlDependencies([step], () => ema.apply([w]));
    return { average: ema.average(w) as Variable, update, init: globalVariablesInitializer() };
  });
  const session = new Session({ graph, target, threads: 1 });
  await session.run(init);
  await session.run(update);
  expect((await session.run(average)).toArray()).toEqual([1]); // 0 + ¼·(4 − 0)
  await session.run(update);
  expect((await session.run(average)).toArray()).toEqual([2.75]); // 1 + ¼·(8 − 1)
  await session.close();
});

test('names and refuses before apply', () => {
  new Graph().asDefault(() => {
    const ema = new ExponentialMovingAverage(0.9, { name: 'Slow' });
    const w = variable(constant([1]), { name: 'layer/W' });
    expect(ema.average(w)).toBe(undefined);
    expect(ema.averageName(w)).toBe('layer/W/Slow');
    const count = variable(constant(0, { dtype: 'int64' }), { name: 'count', trainable: false });
    expect(() => ema.apply([count])).toThrowErrorMatchingInlineSnapshot(
      `[InvalidArgumentError: Slow "count": "count:0" is int64. Averages are kept of floats only.]`,
    );
    const x = placeholder('float32', { shape: [null, 2], name: 'x' });
    expect(() => ema.apply([x])).toThrowErrorMatchingInlineSnapshot(
      `[InvalidArgumentError: Slow "x": "x:0" has shape [?, 2]; the average of a tensor needs a known shape. Set it with setShape(…).]`,
    );
    expect(() => new ExponentialMovingAverage(1.5)).toThrowErrorMatchingInlineSnapshot(
      `[InvalidArgumentError: ExponentialMovingAverage: decay is 1.5. Give a number from 0 to 1, such as 0.999.]`,
    );
  });
});
