import { describe, expect, test } from 'vitest';
import { gradients } from '../gradients.ts';
import { Graph } from '../graph/graph.ts';
import type { Tensor } from '../graph/tensor.ts';
import { call } from '../op/call.ts';
import { cast, constant, group, placeholder } from '../ops/array.ts';
import { multiply, square, subtract } from '../ops/math.ts';
import '../ops/broadcast.ts';
import { matMul } from '../ops/matmul.ts';
import { relu } from '../ops/nn.ts';
import { randomUniform } from '../ops/random.ts';
import { reduceSum } from '../ops/reduce.ts';
import { ApplyGradientDescent } from '../ops/training.ts';
import { globalVariablesInitializer } from '../variables/collections.ts';
import { type Variable, variable } from '../variables/variable.ts';
import { Session, type SessionOptions } from './session.ts';

const target = (process.env['TSFLOW_BACKEND'] ?? 'interpret') as NonNullable<SessionOptions['target']>;

/** Builds a graph and runs it in a session that is closed afterwards. */
async function within<R>(body: (session: Session) => Promise<R>): Promise<R> {
  const graph = new Graph();
  const session = new Session({ graph, target, threads: 1 });
  try {
    return await graph.asDefault(() => body(session));
  } finally {
    await session.close();
  }
}

describe('run', () => {
  test('answers values in the structure of the fetches', async () => {
    const graph = new Graph();
    const session = new Session({ graph, target, threads: 1 });
    const { x, y, op } = graph.asDefault(() => {
      const x = placeholder('float32', { shape: [null, 2], name: 'x' });
      const y = multiply(x, 3, 'y');
      return { x, y, op: group([y]) };
    });
    const result = await session.run({ y, both: [x, 'y:0'], op }, [[x, [[1, 2]]]]);
    expect(result.y.toArray()).toEqual([[3, 6]]);
    expect(result.both[0].toArray()).toEqual([[1, 2]]);
    expect(result.both[1].toArray()).toEqual([[3, 6]]);
    expect(result.op).toBeNull();
    expect((await session.run(y, { x: [[4, 5]] })).toArray()).toEqual([[12, 15]]);
    await session.close();
  });

  test('trains a regression', async () => {
    const graph = new Graph();
    const session = new Session({ graph, target, threads: 1 });
    const m = graph.asDefault(() => {
      const x = placeholder('float32', { shape: [null, 2], name: 'x' });
      const t = placeholder('float32', { shape: [null, 1], name: 't' });
      const w = variable(constant(0, { shape: [2, 1] }), { name: 'w' });
      const b = variable([0], { name: 'b' });
      const loss = reduceSum(square(subtract(matMul(x, w).add(b), t)));
      const grads = gradients(loss, [w, b]) as Tensor[];
      const apply = (v: Variable, delta: Tensor) => call(ApplyGradientDescent, { var: v, alpha: 0.05, delta }).out;
      return {
        x,
        t,
        w,
        b,
        loss,
        step: group([apply(w, grads[0]!), apply(b, grads[1]!)]),
        init: globalVariablesInitializer(),
      };
    });
    await session.run(m.init);
    const xs = [
      [0, 0],
      [1, 0],
      [0, 1],
      [1, 1],
    ];
    const ts = xs.map(([p, q]) => [2 * p! - 3 * q! + 1]);
    const step = session.makeCallable([m.step, m.loss], [m.x, m.t]);
    let loss = 0;
    for (let i = 0; i < 200; i++) loss = (await step(xs, ts))[1].item() as number;
    expect(loss).toBeLessThan(1e-6);
    const [w, b] = await session.run([m.w, m.b]);
    expect(w.toNumbers()[0]).toBeCloseTo(2, 3);
    expect(w.toNumbers()[1]).toBeCloseTo(-3, 3);
    expect(b.toNumbers()[0]).toBeCloseTo(1, 3);
    await session.close();
  });
});
