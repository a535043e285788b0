import { afterEach, describe, expect, test } from 'vitest';
import { arrayShape } from '../hlo/shape.ts';
import type { Program } from '../program.ts';
import { arena, kernelOf, mapKernel, parameter, programOf, result, step } from './testPrograms.ts';
import { WasmBackend } from './wasmBackend.ts';

const backends: WasmBackend[] = [];
afterEach(async () => {
  await Promise.all(backends.splice(0).map((b) => b.dispose()));
});

function backend(threads: number): WasmBackend {
  const b = new WasmBackend(
    () => {
      throw new Error('programs here are lowered by hand');
    },
    { threads },
  );
  backends.push(b);
  return b;
}

async function run(b: WasmBackend, program: Program, input: readonly number[]): Promise<number[]> {
  const executable = await b.load(program);
  const shape = arrayShape('s32', [input.length]);
  const [x, y] = [b.createBuffer(shape), b.createBuffer(shape)];
  x.write(Int32Array.from(input));
  await executable.run([x], [y]);
  const out = Array.from(y.read() as Int32Array);
  executable.dispose();
  x.dispose();
  y.dispose();
  return out;
}

const n = 100;
const iota = Array.from({ length: n }, (_, i) => i);
const s32 = { memory: 's32' } as const;

describe.each([1, 2, 3])('%i threads', (threads) => {
  test('runs kernels in order with barriers between', async () => {
    const twice = mapKernel(n, true, (k, x) => k.mul(x, 2));
    const reversed = kernelOf(
      true,
      [
        { name: 'x', ...s32 },
        { name: 'y', ...s32 },
      ],
      (k, x, y) => {
        const { lo, hi } = k.share(n);
        k.for(lo, hi, (i) => k.store(y, i, k.load(x, k.sub(n - 1, i))));
      },
    );
    const alone = mapKernel(n, false, (k, x, i) => k.add(x, i));
    const program = programOf(
      n,
      [
        step(twice, [parameter(0), arena(0, 4 * n)]),
        step(reversed, [arena(0, 4 * n), arena(448, 4 * n)]),
        step(alone, [arena(448, 4 * n), result(0)]),
      ],
      { large: true, arenaBytes: 1024 },
    );
    expect(await run(backend(threads), program, iota)).toEqual(iota.map((i) => 2 * (n - 1 - i) + i));
  });

  test('while: counts in memory, all threads leave together', async () => {
    const counter = arena(0, 4);
    const predicate = arena(64, 1);
    const start = kernelOf(false, [{ name: 'c', ...s32 }], (k, c) => k.store(c, 0, k.index(0)));
    const test7 = kernelOf(
      false,
      [
        { name: 'c', ...s32 },
        { name: 'p', memory: 'pred' },
      ],
      (k, c, p) => k.store(p, 0, k.compare('LT', k.load(c, 0), 7)),
    );
    const next = kernelOf(false, [{ name: 'c', ...s32 }], (k, c) => k.store(c, 0, k.add(k.load(c, 0), 1)));
    const copy = mapKernel(n, true, (_, x) => x);
    const increment = mapKernel(n, true, (k, x) => k.add(x, 3));
    const program = programOf(
      n,
      [
        step(start, [counter]),
        step(copy, [parameter(0), result(0)]),
        {
          kind: 'while',
          condition: [step(test7, [counter, predicate])],
          predicate,
          body: [step(increment, [result(0), result(0)]), step(next, [counter])],
        },
      ],
      { large: true, arenaBytes: 128 },
    );
    expect(await run(backend(threads), program, iota)).toEqual(iota.map((i) => i + 21));
  });

  test.each([
    [-1, 30],
    [0, 10],
    [1, 20],
    [2, 30],
    [9, 30],
  ])('conditional: selector %i', async (selector, added) => {
    const choose = kernelOf(false, [{ name: 's', ...s32 }], (k, s) => k.store(s, 0, k.index(selector)));
    const branches = [10, 20, 30].map((v) => [
      step(
        mapKernel(n, true, (k, x) => k.add(x, v)),
        [parameter(0), result(0)],
      ),
    ]);
    const program = programOf(
      n,
      [step(choose, [arena(0, 4)]), { kind: 'conditional', selector: arena(0, 4), selectorType: 's32', branches }],
      { large: true, arenaBytes: 64 },
    );
    expect(await run(backend(threads), program, iota)).toEqual(iota.map((i) => i + added));
  });

  test.each([true, false])('conditional: pred %s takes branch 0 when true', async (pred) => {
    const choose = kernelOf(false, [{ name: 's', memory: 'pred' }], (k, s) =>
      k.store(s, 0, k.const('pred', Number(pred))),
    );
    const branches = [10, 20].map((v) => [
      step(
        mapKernel(n, true, (k, x) => k.add(x, v)),
        [parameter(0), result(0)],
      ),
    ]);
    const steps = [
      step(choose, [arena(0, 1)]),
      { kind: 'conditional', selector: arena(0, 1), selectorType: 'pred', branches } as const,
    ];
    const out = await run(backend(threads), programOf(n, steps, { large: true, arenaBytes: 64 }), iota);
    expect(out).toEqual(iota.map((i) => i + (pred ? 10 : 20)));
  });

  test('a thousand barriers keep neighbours in step, in programs and inside kernels', async () => {
    // Every round each element becomes its right neighbour + 1: any thread that runs ahead breaks the pattern.
    const shift = kernelOf(
      true,
      [
        { name: 'x', ...s32 },
        { name: 'y', ...s32 },
      ],
      (k, x, y) => {
        const { lo, hi } = k.share(n);
        const round = (from: typeof x, to: typeof y): void => {
          k.for(lo, hi, (i) => k.store(to, i, k.add(k.load(from, k.rem(k.add(i, 1), n)), 1)));
          k.barrier();
        };
        k.for(0, 10, () => {
          round(x, y);
          round(y, x);
        });
      },
    );
    const copy = mapKernel(n, true, (_, x) => x);
    const a = arena(0, 4 * n);
    const steps = Array.from({ length: 50 }, () => step(shift, [a, arena(448, 4 * n)]));
    const program = programOf(n, [step(copy, [parameter(0), a]), ...steps, step(copy, [a, result(0)])], {
      large: true,
      arenaBytes: 1024,
    });
    expect(await run(backend(threads), program, iota)).toEqual(iota.map((i) => ((i + 1000) % n) + 1000));
  });
});

test('equal kernels share one function', async () => {
  const a = mapKernel(n, true, (k, x) => k.add(x, 1));
  const b = mapKernel(n, true, (k, x) => k.add(x, 1));
  const c = mapKernel(n, true, (k, x) => k.add(x, 2));
  const program = programOf(
    n,
    [a, b, c].map((k) => step(k, [parameter(0), result(0)])),
  );
  expect((await backend(1).load(program)).stats.kernels).toBe(2);
});

test('large programs leave the event loop free; small ones answer nothing', async () => {
  const b = backend(2);
  const shape = arrayShape('s32', [n]);
  const [x, y] = [b.createBuffer(shape), b.createBuffer(shape)];
  const steps = [
    step(
      mapKernel(n, true, (_, v) => v),
      [parameter(0), result(0)],
    ),
  ];
  const small = await b.load(programOf(n, steps));
  expect(small.run([x], [y])).toBeUndefined();
  const large = await b.load(programOf(n, steps, { large: true }));
  const running = large.run([x], [y]);
  expect(running).toBeInstanceOf(Promise);
  expect(() => large.run([x], [y])).toThrow(
    'runs of one backend must not overlap: "test" was started while "test" runs',
  );
  await running;
});

test('100,000 runs and 300 executables leave memory as it was', async () => {
  const b = backend(2);
  const shape = arrayShape('s32', [n]);
  const [x, y] = [b.createBuffer(shape), b.createBuffer(shape)];
  const steps = [
    step(
      mapKernel(n, true, (_, v) => v),
      [parameter(0), result(0)],
    ),
  ];
  const small = await b.load(programOf(n, steps, { arenaBytes: 4096 }));
  void small.run([x], [y]);
  const before = b.usedBytes;
  for (let i = 0; i < 100_000; i++) void small.run([x], [y]);
  for (let i = 0; i < 300; i++) {
    const e = await b.load(programOf(n, steps, { large: i % 10 === 0, arenaBytes: 4096 }));
    const extra = b.createBuffer(shape);
    await e.run([extra], [y]);
    e.dispose();
    extra.dispose();
  }
  expect(b.usedBytes).toBe(before);
});

describe('errors', () => {
  test('a trap inside a kernel fails the run, and the next run works', async () => {
    const b = backend(2);
    const bad = mapKernel(n, true, (k, x, i) => k.div(x, k.sub(i, i)));
    await expect(run(b, programOf(n, [step(bad, [parameter(0), result(0)])], { large: true }), iota)).rejects.toThrow(
      /"test" failed on compute thread [01] of 2: RuntimeError: divide by zero/,
    );
    const good = mapKernel(n, true, (_, x) => x);
    expect(await run(b, programOf(n, [step(good, [parameter(0), result(0)])], { large: true }), iota)).toEqual(iota);
  });

  test('a trap on one thread does not hang the others at a barrier', async () => {
    const b = backend(3);
    const bad = kernelOf(
      true,
      [
        { name: 'x', ...s32 },
        { name: 'y', ...s32 },
      ],
      (k, x) => {
        k.if(k.compare('EQ', k.tid, 1), () => k.store(x, 0, k.div(1, k.load(x, 0))));
        k.barrier();
      },
    );
    const program = programOf(n, [step(bad, [parameter(0), result(0)])], { large: true });
    await expect(run(b, program, iota)).rejects.toMatchObject({ code: 'ABORTED' });
  });

  test('wrong buffers are named', async () => {
    const b = backend(1);
    const e = await b.load(
      programOf(n, [
        step(
          mapKernel(n, true, (_, x) => x),
          [parameter(0), result(0)],
        ),
      ]),
    );
    const good = b.createBuffer(arrayShape('s32', [n]));
    const wrong = b.createBuffer(arrayShape('f32', [n, 2]));
    expect(() => e.run([wrong], [good])).toThrow('"test": argument 0: expected s32[100], received f32[100,2]');
    expect(() => e.run([good], [])).toThrow('"test" takes 1 arguments and 1 results, received 1 and 0');
    const foreign = backend(1).createBuffer(arrayShape('s32', [n]));
    expect(() => e.run([foreign], [good])).toThrow('"test": argument 0 is a buffer of another backend');
    void e.run([good], [good]);
    good.dispose();
    expect(() => e.run([good], [good])).toThrow('"test": argument 0 was disposed');
    expect(() => good.read()).toThrow('a buffer of s32[100] is used after dispose');
    e.dispose();
    expect(() => e.run([good], [good])).toThrow('"test" is run after dispose');
  });

  test('memory that does not fit is RESOURCE_EXHAUSTED with the numbers', () => {
    const b = backend(1);
    b.createBuffer(arrayShape('f32', [1 << 20]));
    expect(() => b.createBuffer(arrayShape('f64', [1 << 20, 1000]))).toThrow(
      'a buffer of f64[1048576,1000] needs 8000.0 MiB and does not fit: 4.0 MiB of at most 4095.9 MiB are in use. Use smaller batches or dispose buffers that are no longer needed.',
    );
  });

  test('write checks type and length', () => {
    const buffer = backend(1).createBuffer(arrayShape('s32', [4]));
    expect(() => buffer.write(new Float32Array(4))).toThrow(
      'write to s32[4] takes Int32Array of 4 elements, received Float32Array of 4',
    );
    expect(() => buffer.write(new Int32Array(3))).toThrow(
      'write to s32[4] takes Int32Array of 4 elements, received Int32Array of 3',
    );
  });

  test('threads must be a positive integer', () => {
    for (const threads of [0, -1, 1.5, 1000, Number.NaN]) {
      expect(() => backend(threads)).toThrow(`threads must be an integer from 1 to 256, received ${threads}`);
    }
  });
});
