/** @file Distributions of the random ops: moments and limits of large samples, and repeatability by seeds. */
import { afterAll, expect, test } from 'vitest';
import { Graph } from '../graph/graph.ts';
import { setRandomSeed } from '../graph/seed.ts';
import type { Tensor } from '../graph/tensor.ts';
import { disposeDevices } from '../session/device.ts';
import { Session, type SessionOptions } from '../session/session.ts';
import { range } from './array.ts';
import './operators.ts';
import { multinomial, randomNormal, randomShuffle, randomUniform, truncatedNormal } from './random.ts';

const target = (process.env['TSFLOW_BACKEND'] ?? 'interpret') as NonNullable<SessionOptions['target']>;
afterAll(disposeDevices);

async function sample(build: () => Tensor): Promise<number[]> {
  const graph = new Graph();
  const y = graph.asDefault(() => {
    setRandomSeed(42);
    return build();
  });
  const session = new Session({ graph, target, threads: 1 });
  const result = (await session.run(y)).toNumbers();
  await session.close();
  return result;
}

function moment(x: readonly number[], k: number, centre = 0): number {
  return x.reduce((s, v) => s + (v - centre) ** k, 0) / x.length;
}

const n = 20000;

test('normal values have the moments of a normal distribution', async () => {
  const x = await sample(() => randomNormal([n], { mean: 1, stddev: 2 }));
  expect(moment(x, 1)).toBeCloseTo(1, 1);
  expect(moment(x, 2, 1) / 4).toBeCloseTo(1, 1);
  expect(Math.abs(moment(x, 4, 1) / 16 - 3)).toBeLessThan(0.25);
  expect(x.some((v) => Math.abs(v - 1) > 6)).toBe(true); // three deviations occur
});

test('truncated normal values stay within two deviations', async () => {
  const x = await sample(() => truncatedNormal([n], { stddev: 0.1 }));
  expect(Math.max(...x)).toBeLessThanOrEqual(0.2);
  expect(Math.min(...x)).toBeGreaterThanOrEqual(-0.2);
  // variance of a normal distribution cut at ±2: 1 − 4φ(2)/(2Φ(2) − 1)
  expect(Math.abs(moment(x, 2) / 0.01 - 0.7737)).toBeLessThan(0.02);
  expect(Math.abs(moment(x, 1))).toBeLessThan(0.003);
});

test('uniform values fill their range evenly', async () => {
  const x = await sample(() => randomUniform([n], { minval: -1, maxval: 3 }));
  expect(Math.min(...x)).toBeGreaterThanOrEqual(-1);
  expect(Math.max(...x)).toBeLessThan(3);
  expect(Math.abs(moment(x, 1) - 1)).toBeLessThan(0.04);
  expect(Math.abs(moment(x, 2, 1) - 16 / 12)).toBeLessThan(0.04);
});

test('uniform integers take every value of their range', async () => {
  const x = await sample(() => randomUniform([1000], { minval: -2, maxval: 3, dtype: 'int32' }));
  expect([...new Set(x)].sort((a, b) => a - b)).toEqual([-2, -1, 0, 1, 2]);
});

test('integers without an upper limit are refused', () => {
  expect(() => new Graph().asDefault(() => randomUniform([2], { dtype: 'int32' }))).toThrow(
    'randomUniform of int32 needs maxval. Give { minval, maxval }.',
  );
});

test('a shuffle is a permutation', async () => {
  const x = await sample(() => randomShuffle(range(0, 50)));
  expect(x).not.toEqual([...new Array(50).keys()]);
  expect(x.sort((a, b) => a - b)).toEqual([...new Array(50).keys()]);
});

test('draws follow the logits and leave impossible classes out', async () => {
  const logits = [[Math.log(0.5), Math.log(0.3), Number.NEGATIVE_INFINITY, Math.log(0.2)]];
  const x = await sample(() => multinomial(logits, 4000));
  const share = (c: number) => x.filter((v) => v === c).length / x.length;
  expect(share(2)).toBe(0);
  expect(Math.abs(share(0) - 0.5)).toBeLessThan(0.03);
  expect(Math.abs(share(3) - 0.2)).toBeLessThan(0.03);
});

test('equal seeds give equal values, every run new ones', async () => {
  const graph = new Graph();
  const y = graph.asDefault(() => randomNormal([4], { seed: 7 }));
  const runs: number[][] = [];
  for (let i = 0; i < 2; i++) {
    const session = new Session({ graph, target, threads: 1 });
    runs.push((await session.run(y)).toNumbers(), (await session.run(y)).toNumbers());
    await session.close();
  }
  expect(runs[0]).toEqual(runs[2]);
  expect(runs[1]).toEqual(runs[3]);
  expect(runs[0]).not.toEqual(runs[1]);
});
