import { afterAll, describe, expect, test } from 'vitest';
import { FailedPreconditionError, InvalidArgumentError, NotFoundError, TensorFlowError } from '../errors.ts';
import { gradients } from '../gradients.ts';
import { controlDependencies, Graph } from '../graph/graph.ts';
import { setRandomSeed } from '../graph/seed.ts';
import type { Tensor } from '../graph/tensor.ts';
import { NdArray } from '../ndarray.ts';
import { call } from '../op/call.ts';
import { constant, group, identity, placeholder, range, reshape, shape, stack } from '../ops/array.ts';
import { fill } from '../ops/arrayMake.ts';
import { where } from '../ops/arraySelect.ts';
import { equal } from '../ops/compare.ts';
import { add, multiply, square, subtract } from '../ops/math.ts';
import { matMul } from '../ops/matmul.ts';
import '../ops/operators.ts';
import { randomUniform } from '../ops/random.ts';
import { reduceSum } from '../ops/reduce.ts';
import { ApplyGradientDescent } from '../ops/training.ts';
import { globalVariablesInitializer, isVariableInitialized } from '../variables/collections.ts';
import { type Variable, variable } from '../variables/variable.ts';
import { disposeDevices } from './device.ts';
import { InteractiveSession, Session, type SessionOptions } from './session.ts';

const target = (process.env['TSFLOW_BACKEND'] ?? 'interpret') as NonNullable<SessionOptions['target']>;

afterAll(disposeDevices);

/** Builds a graph and runs it in a session that is closed afterwards. */
async function withSession<M>(build: () => M, body: (session: Session, model: M) => Promise<void>): Promise<void> {
  const graph = new Graph();
  const session = new Session({ graph, target, threads: 1 });
  try {
    await body(session, graph.asDefault(build));
  } finally {
    await session.close();
  }
}

async function errorOf(run: Promise<unknown>): Promise<TensorFlowError> {
  const error = await run.then(
    () => undefined,
    (e: unknown) => e,
  );
  expect(error).toBeInstanceOf(TensorFlowError);
  return error as TensorFlowError;
}

describe('run', () => {
  test('answers values in the structure of the fetches', async () => {
    const build = () => {
      const x = placeholder('float32', { shape: [null, 2], name: 'x' });
      const y = multiply(x, 3, 'y');
      return { x, y, op: group([y]) };
    };
    await withSession(build, async (session, { x, y, op }) => {
      const result = await session.run({ y, both: [x, 'y:0'], op }, [[x, [[1, 2]]]]);
      expect(result.y.toArray()).toEqual([[3, 6]]);
      expect(result.both[0].toArray()).toEqual([[1, 2]]);
      expect(result.both[1].toArray()).toEqual([[3, 6]]);
      expect(result.op).toBeNull();
      expect((await session.run(y, { x: [[4, 5]] })).toArray()).toEqual([[12, 15]]);
      expect(
        (
          await session.run(
            y,
            new Map([
              [
                x,
                [
                  [1, 1],
                  [2, 2],
                ],
              ],
            ]),
          )
        ).toArray(),
      ).toEqual([
        [3, 3],
        [6, 6],
      ]);
    });
  });

  test('takes feeds for inner tensors and flat typed arrays', async () => {
    const build = () => {
      const x = placeholder('float32', { shape: [null, 2] });
      const h = square(x);
      return { x, h, y: add(h, 1) };
    };
    await withSession(build, async (session, { x, h, y }) => {
      expect((await session.run(y, [[h, [[10, 20]]]])).toArray()).toEqual([[11, 21]]);
      expect((await session.run(y, [[x, Float32Array.of(1, 2, 3, 4)]])).toArray()).toEqual([
        [2, 5],
        [10, 17],
      ]);
    });
  });

  test('keeps int64 exact', async () => {
    await withSession(
      () => add(constant(9007199254740993n), constant(2n)),
      async (session, y) => expect((await session.run(y)).item()).toBe(9007199254740995n),
    );
  });

  test('carries strings through array ops', async () => {
    const build = () => {
      const s = placeholder('string', { shape: [2], name: 's' });
      return { s, y: reshape(stack([s, identity(['c', ''])]), [4]), e: equal(s, ['a', 'x']) };
    };
    await withSession(build, async (session, { s, y, e }) => {
      const [joined, same] = await session.run([y, e], [[s, ['a', 'b']]]);
      expect(joined.toArray()).toEqual(['a', 'b', 'c', '']);
      expect(same.toArray()).toEqual([true, false]);
    });
  });

  test('compiles for fed shapes and for counts from host ops', async () => {
    const build = () => {
      const dims = placeholder('int32', { shape: [2], name: 'dims' });
      const flags = placeholder('bool', { shape: [null] });
      const n = shape(where(flags));
      return { dims, flags, y: reshape(range(0, 6), dims), filled: fill(n, 2) };
    };
    await withSession(build, async (session, { dims, flags, y, filled }) => {
      expect((await session.run(y, [[dims, [2, 3]]])).toArray()).toEqual([
        [0, 1, 2],
        [3, 4, 5],
      ]);
      expect((await session.run(y, [[dims, [3, -1]]])).toArray()).toEqual([
        [0, 1],
        [2, 3],
        [4, 5],
      ]);
      expect((await session.run(filled, [[flags, [true, false, true]]])).shape).toEqual([2, 1]);
      expect((await session.run(filled, [[flags, [true, false, false]]])).shape).toEqual([1, 1]);
    });
  });

  test('overlapping runs give each its own values', async () => {
    const build = () => {
      const x = placeholder('float32', { shape: [] });
      return { x, y: multiply(x, 2) };
    };
    await withSession(build, async (session, { x, y }) => {
      const values = await Promise.all(Array.from({ length: 10 }, (_, i) => session.run(y, [[x, i]])));
      expect(values.map((v) => v.item())).toEqual([0, 2, 4, 6, 8, 10, 12, 14, 16, 18]);
    });
  });

  test('tells what ran and how long it took', async () => {
    await withSession(
      () => add(constant(1), 2, 'sum'),
      async (session, y) => {
        const nodes: string[] = [];
        await session.run(y, undefined, {
          onMetadata: ({ stepStats }) => {
            for (const n of stepStats?.devStats?.[0]?.nodeStats ?? []) nodes.push(n.nodeName ?? '');
          },
        });
        expect(nodes).toContain('sum');
        expect(nodes).toContain('_cluster');
      },
    );
  });
});

describe('state', () => {
  test('trains a regression', async () => {
    const build = () => {
      const x = placeholder('float32', { shape: [null, 2], name: 'x' });
      const t = placeholder('float32', { shape: [null, 1], name: 't' });
      const w = variable(constant(0, { shape: [2, 1] }), { name: 'w' });
      const b = variable([0], { name: 'b' });
      const loss = reduceSum(square(subtract(matMul(x, w).add(b), t)));
      const [dw, db] = gradients(loss, [w, b]) as [Tensor, Tensor];
      const apply = (v: Variable, delta: Tensor) => call(ApplyGradientDescent, { var: v, alpha: 0.05, delta }).out;
      return { x, t, w, b, loss, step: group([apply(w, dw), apply(b, db)]), init: globalVariablesInitializer() };
    };
    await withSession(build, async (session, m) => {
      await session.run(m.init);
      const xs = [
        [0, 0],
        [1, 0],
        [0, 1],
        [1, 1],
      ] as const;
      const ts = xs.map(([p, q]) => [2 * p - 3 * q + 1]);
      const step = session.makeCallable([m.step, m.loss], [m.x, m.t]);
      let loss = 0;
      for (let i = 0; i < 200; i++) loss = (await step(xs, ts))[1].item() as number;
      expect(loss).toBeLessThan(1e-6);
      const [w, b] = await session.run([m.w, m.b]);
      expect(w.toNumbers()[0]).toBeCloseTo(2, 3);
      expect(w.toNumbers()[1]).toBeCloseTo(-3, 3);
      expect(b.toNumbers()[0]).toBeCloseTo(1, 3);
    });
  });

  test('a read before an assignment keeps the old value', async () => {
    const build = () => {
      const v = variable([1, 2], { name: 'v' });
      return { v, inc: v.assignAdd([10, 10]), init: globalVariablesInitializer() };
    };
    await withSession(build, async (session, { v, inc, init }) => {
      await session.run(init);
      const [before, after] = await session.run([v, inc]);
      expect(before.toArray()).toEqual([1, 2]);
      expect(after.toArray()).toEqual([11, 12]);
      expect((await session.run(v)).toArray()).toEqual([11, 12]);
    });
  });

  test('a read after an assignment by control dependency sees it', async () => {
    const build = () => {
      const v = variable(1, { name: 'v' });
      const inc = v.assignAdd(1);
      return { later: controlDependencies([inc], () => v.readValue()), init: globalVariablesInitializer() };
    };
    await withSession(build, async (session, { later, init }) => {
      await session.run(init);
      expect((await session.run(later)).item()).toBe(2);
      expect((await session.run(later)).item()).toBe(3);
    });
  });

  test('variables swap in one run', async () => {
    const build = () => {
      const a = variable([1, 2], { name: 'a' });
      const b = variable([3, 4], { name: 'b' });
      return { a, b, swap: group([a.assign(b), b.assign(a)]), init: globalVariablesInitializer() };
    };
    await withSession(build, async (session, { a, b, swap, init }) => {
      await session.run(init);
      await session.run(swap);
      const values = await session.run([a, b]);
      expect(values.map((v) => v.toArray())).toEqual([
        [3, 4],
        [1, 2],
      ]);
    });
  });

  test('variables with one initial value are separate', async () => {
    const build = () => {
      const a = variable(constant(0, { shape: [2] }), { name: 'a' });
      const b = variable(constant(0, { shape: [2] }), { name: 'b' });
      return { a, b, inc: a.assignAdd([1, 1]), init: globalVariablesInitializer() };
    };
    await withSession(build, async (session, { a, b, inc, init }) => {
      await session.run(init);
      await session.run(inc);
      const values = await session.run([a, b]);
      expect(values.map((v) => v.toArray())).toEqual([
        [1, 1],
        [0, 0],
      ]);
      await session.run(init);
      expect((await session.run(a)).toArray()).toEqual([0, 0]);
    });
  });

  test('a variable may change its shape when it is not validated', async () => {
    const build = () => {
      const x = placeholder('float32', { shape: [null] });
      const v = variable(x, { name: 'v', validateShape: false });
      return { x, v, n: shape(v.value()) };
    };
    await withSession(build, async (session, { x, v, n }) => {
      await session.run(v.initializer, [[x, [1, 2]]]);
      expect((await session.run(n)).toArray()).toEqual([2]);
      await session.run(v.initializer, [[x, [1, 2, 3]]]);
      expect((await session.run(v)).toArray()).toEqual([1, 2, 3]);
      expect((await session.run(n)).toArray()).toEqual([3]);
    });
  });

  test('host ops see state in the order of creation', async () => {
    const build = () => {
      const v = variable(5, { name: 'v' });
      return { v, ready: isVariableInitialized(v), init: globalVariablesInitializer() };
    };
    await withSession(build, async (session, { ready, init }) => {
      expect((await session.run(ready)).item()).toBe(false);
      expect((await session.run([init, ready]))[1].item()).toBe(true);
    });
  });

  test('string variables hold their values', async () => {
    const build = () => {
      const v = variable(['a', 'b'], { name: 'v' });
      return { v, init: globalVariablesInitializer() };
    };
    await withSession(build, async (session, { v, init }) => {
      await session.run(init);
      expect((await session.run(v)).toArray()).toEqual(['a', 'b']);
    });
  });

  test('random streams repeat with their seeds and go on from run to run', async () => {
    const build = () => {
      setRandomSeed(1);
      return [randomUniform([4]), randomUniform([4])] as const;
    };
    const runs: unknown[] = [];
    for (let i = 0; i < 2; i++) {
      await withSession(build, async (session, [a, b]) => {
        const first = await session.run([a, b]);
        const second = await session.run([a, b]);
        const all = [...first, ...second].map((v) => v.toNumbers());
        expect(new Set(all.map((v) => v.join())).size).toBe(4);
        for (const v of all.flat()) expect(v >= 0 && v < 1).toBe(true);
        runs.push(all);
      });
    }
    expect(runs[0]).toEqual(runs[1]);
  });
});

describe('errors', () => {
  const build = () => {
    const x = placeholder('float32', { shape: [null, 784], name: 'x' });
    return { x, y: multiply(x, 2, 'y'), w: variable([1], { name: 'W' }) };
  };

  test('name missing feeds, wrong shapes and dtypes', async () => {
    await withSession(build, async (session, { x, y }) => {
      expect((await errorOf(session.run(y))).message).toMatchInlineSnapshot(
        `"Placeholder "x": no value was fed. Give one of dtype float32 and shape [?, 784]: run(fetches, [[x, value]])."`,
      );
      expect((await errorOf(session.run(y, [[x, [[1, 2]]]]))).message).toMatchInlineSnapshot(
        `"Placeholder "x": cannot feed a value of shape [1, 2] for "x:0", whose shape is [?, 784]."`,
      );
      expect((await errorOf(session.run(y, [[x, [['a']]]]))).message).toContain('float32 cannot hold');
      expect((await errorOf(session.run(y, [[x, new NdArray('string', [1], ['a'])]]))).message).toContain(
        'the value is string. Feed float32 values.',
      );
      expect(
        (
          await errorOf(
            session.run(y, [
              [x, new Float32Array(784)],
              ['x', new Float32Array(784)],
            ]),
          )
        ).message,
      ).toContain('fed twice');
    });
  });

  test('name uninitialised variables and their reader', async () => {
    await withSession(build, async (session, { w }) => {
      const error = await errorOf(session.run(w));
      expect(error).toBeInstanceOf(FailedPreconditionError);
      expect(error.message).toMatchInlineSnapshot(
        `"VariableV2 "W": the variable has no value yet (read by Identity "W/read"). Run globalVariablesInitializer() or its initializer, or restore a checkpoint, before."`,
      );
    });
  });

  test('refuse foreign tensors, unknown names and things that are no fetches', async () => {
    const foreign = new Graph().asDefault(() => constant(1, { name: 'other' }));
    await withSession(build, async (session) => {
      expect(await errorOf(session.run(foreign))).toBeInstanceOf(InvalidArgumentError);
      expect((await errorOf(session.run(foreign))).message).toContain(
        'Const "other": the node belongs to another graph',
      );
      expect(await errorOf(session.run('nope:0'))).toBeInstanceOf(NotFoundError);
      expect((await errorOf(session.run(3 as never))).message).toContain('3 cannot be fetched');
      expect(await errorOf(session.run('y:0', { nope: 1 }))).toBeInstanceOf(NotFoundError);
    });
  });

  test('a closed session says so', async () => {
    await withSession(build, async (session, { y }) => {
      await session.close();
      await session.close();
      expect((await errorOf(session.run(y))).code).toBe('FAILED_PRECONDITION');
    });
  });

  test('a failed run leaves variables as they were', async () => {
    const failing = () => {
      const v = variable([1, 2], { name: 'v' });
      const x = placeholder('float32', { shape: null, name: 'x' });
      return { v, x, bad: v.assign(reshape(x, [2])), init: globalVariablesInitializer() };
    };
    await withSession(failing, async (session, { v, x, bad, init }) => {
      await session.run(init);
      expect((await errorOf(session.run(bad, [[x, [1, 2, 3]]]))).message).toContain('Reshape "');
      expect((await session.run(v)).toArray()).toEqual([1, 2]);
    });
  });
});

test('eval uses the default session', async () => {
  const graph = new Graph();
  await graph.asDefault(async () => {
    const y = add(1, 2);
    await expect(async () => y.eval()).rejects.toThrow(/needs a default session/);
    const session = new InteractiveSession({ graph, target });
    expect((await y.eval()).item()).toBe(3);
    await session.close();
  });
});

test('programs are bounded', async () => {
  const graph = new Graph();
  const session = new Session({ graph, target, threads: 1, config: { maxPrograms: 2 } });
  const { x, y } = graph.asDefault(() => {
    const x = placeholder('float32', { shape: [null] });
    return { x, y: reduceSum(x) };
  });
  for (let n = 1; n < 6; n++) {
    expect((await session.run(y, [[x, new Float32Array(n).fill(1)]])).item()).toBe(n);
  }
  expect((await session.run(y, [[x, [1]]])).item()).toBe(1);
  await session.close();
});
