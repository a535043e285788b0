/** @file Long training does not grow: neither the backend's memory nor the JavaScript heap, whatever the batch sizes. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, expect, test } from 'vitest';
import { Graph } from '../graph/graph.ts';
import { constant, placeholder } from '../ops/array.ts';
import { exp, log, multiply, negative } from '../ops/math.ts';
import { matMul } from '../ops/matmul.ts';
import '../ops/operators.ts';
import { reduceMean } from '../ops/reduce.ts';
import { AdamOptimizer } from '../train/optimizers.ts';
import { globalVariablesInitializer } from '../variables/collections.ts';
import { variable } from '../variables/variable.ts';
import { acquireDevice, disposeDevices } from './device.ts';
import { Session } from './session.ts';

afterAll(disposeDevices);

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

function heapBytes(): number {
  for (let i = 0; i < 4; i++) collect();
  return process.memoryUsage().heapUsed;
}

/** Bytes that buffers, constants and temporaries of the backend hold. */
async function backendBytes(): Promise<number> {
  const { backend } = await acquireDevice('wasm', 1);
  return 'usedBytes' in backend ? Number(backend.usedBytes) : Number.NaN;
}

/** A logistic regression of [batch, 4] rows, labels ±1. */
function logistic() {
  const x = placeholder('float32', { shape: [null, 4], name: 'x' });
  const sign = placeholder('float32', { shape: [null, 1], name: 'sign' });
  const w = variable(constant([[0.5], [-0.5], [0.25], [0]]), { name: 'W' });
  const margin = multiply(sign, matMul(x, w));
  const loss = reduceMean(log(exp(negative(margin)).add(1)));
  return { x, sign, w, loss, train: new AdamOptimizer(0.01).minimize(loss), init: globalVariablesInitializer() };
}

function batch(n: number): { readonly rows: Float32Array; readonly signs: Float32Array } {
  const rows = Float32Array.from({ length: 4 * n }, (_, i) => Math.sin(i + 1));
  return { rows, signs: Float32Array.from({ length: n }, (_, i) => (Math.sin(4 * i + 1) > 0 ? 1 : -1)) };
}

test('20,000 training steps leave memory as it was', async () => {
  const graph = new Graph();
  const { x, sign, loss, train, init } = graph.asDefault(logistic);
  const session = new Session({ graph, target: 'wasm', threads: 1 });
  await session.run(init);
  const step = session.makeCallable([train, loss], [x, sign]);
  const { rows, signs } = batch(8);
  const run = async (count: number): Promise<number> => {
    let last = Number.NaN;
    for (let i = 0; i < count; i++) last = Number((await step(rows, signs))[1].item());
    return last;
  };
  const first = await run(2_000);
  const [bytes, heap] = [await backendBytes(), heapBytes()];
  expect(bytes).toBeGreaterThan(0);
  const last = await run(20_000);
  expect(last).toBeLessThan(first);
  expect(await backendBytes()).toBe(bytes);
  // 50 bytes kept of each step would be 1 MB.
  expect(heapBytes() - heap).toBeLessThan(2 ** 20);
  await session.close();
});

test('many batch sizes stay within the bound of programs, and closing gives all back', async () => {
  /** Runs batches of 1 to 40 rows twice; answers the bytes after each round. */
  const rounds = async (): Promise<number[]> => {
    const graph = new Graph();
    const { x, sign, w, loss, init } = graph.asDefault(logistic);
    const session = new Session({ graph, target: 'wasm', threads: 1, config: { maxPrograms: 6 } });
    await session.run(init);
    const weights = (await session.run(w)).toNumbers();
    const bytes: number[] = [];
    for (let round = 0; round < 2; round++) {
      for (let n = 1; n <= 40; n++) {
        const { rows, signs } = batch(n);
        const want = [...signs].map((s, i) => {
          const margin = weights.reduce((sum, wj, j) => sum + wj * (rows[4 * i + j] as number), 0);
          return Math.log(1 + Math.exp(-s * margin));
        });
        const got = (
          await session.run(loss, [
            [x, rows],
            [sign, signs],
          ])
        ).item();
        expect(got).toBeCloseTo(want.reduce((a, b) => a + b) / n, 5);
      }
      bytes.push(await backendBytes());
    }
    await session.close();
    return bytes;
  };
  const [a, b] = await rounds();
  expect(b).toBe(a);
  expect(a).toBeGreaterThan(0);
  const closed = await backendBytes();
  await rounds();
  expect(await backendBytes()).toBe(closed);
});
