import { expect, test } from 'vitest';
import { emitProgram } from '../emit/wasm/program.ts';
import { startThread, type Thread } from '../platform/platform.ts';
import type { Program } from '../program.ts';
import { kernelOf, mapKernel, parameter, programOf, result, step } from './testPrograms.ts';
import { type PoolTask, ThreadPool } from './threadPool.ts';
import { WasmMemory } from './wasmMemory.ts';

const n = 16;

async function taskOf(memory: WasmMemory, program: Program, id: number): Promise<PoolTask> {
  const options = { relaxed: false, shared: true, maximumPages: memory.maximumPages };
  const module = await WebAssembly.compile(emitProgram(program, options).bytes);
  const table = memory.allocate(8, 'table');
  const words = new Int32Array(memory.memory.buffer, table, 2);
  words[0] = memory.allocate(4 * n, 'x');
  words[1] = memory.allocate(4 * n, 'y');
  return { id, name: program.name, module, table, arena: 0, constants: 0 };
}

const endless = kernelOf(
  true,
  [
    { name: 'x', memory: 's32' },
    { name: 'y', memory: 's32' },
  ],
  (k, x) => {
    k.if(k.compare('EQ', k.tid, 1), () => k.while(k.compare('EQ', k.load(x, 0), 0), () => k.store(x, 1, k.index(1))));
    k.barrier();
  },
);
const copy = mapKernel(n, true, (_, x) => x);

test('a run without progress is given up, and the error names the thread that is missing', async () => {
  const memory = new WasmMemory(true);
  const pool = new ThreadPool(memory, 2, { stallMs: 300 });
  const task = await taskOf(memory, programOf(n, [step(endless, [parameter(0), result(0)], false)]), 1);
  await expect(pool.run(task)).rejects.toThrow(
    '"test" made no progress for 300 ms: compute threads 1 of 2 have not reached barrier 1',
  );
  const good = await taskOf(memory, programOf(n, [step(copy, [parameter(0), result(0)])]), 2);
  await pool.run(good);
  await pool.dispose();
});

test('dispose ends a run with an error', async () => {
  const memory = new WasmMemory(true);
  const pool = new ThreadPool(memory, 2);
  const task = await taskOf(memory, programOf(n, [step(endless, [parameter(0), result(0)], false)]), 1);
  const running = pool.run(task);
  const failed = expect(running).rejects.toThrow('the backend was disposed while "test" ran');
  await pool.dispose();
  await failed;
});

test('a thread that dies fails its run, and the next run starts new threads', async () => {
  const memory = new WasmMemory(true);
  const started: Thread[] = [];
  const pool = new ThreadPool(memory, 2, {
    startThread: (source, name) => {
      const t = startThread(source, name);
      started.push(t);
      return t;
    },
  });
  const hanging = await taskOf(memory, programOf(n, [step(endless, [parameter(0), result(0)], false)]), 1);
  const good = await taskOf(memory, programOf(n, [step(copy, [parameter(0), result(0)])]), 2);
  await pool.run(good);
  const failed = expect(pool.run(hanging)).rejects.toThrow(
    'compute thread 1 of 2 ended while running "test": exited with code 1. The next run starts new threads.',
  );
  await started[1]?.terminate();
  await failed;
  await pool.run(good);
  expect(started).toHaveLength(4);
  await started[2]?.terminate(); // while idle
  await pool.run(good);
  await pool.dispose();
});

test('runs again and again, and loads again what was freed', async () => {
  const memory = new WasmMemory(true);
  const pool = new ThreadPool(memory, 2);
  const add = mapKernel(n, true, (k, x) => k.add(x, 1));
  const task = await taskOf(memory, programOf(n, [step(add, [parameter(0), parameter(0)], false)]), 1);
  for (let i = 0; i < 200; i++) {
    if (i === 100) pool.free(task.id);
    await pool.run(task);
  }
  const at = new Int32Array(memory.memory.buffer, task.table, 1)[0] as number;
  expect([...new Int32Array(memory.memory.buffer, at, n)]).toEqual(new Array(n).fill(200));
  await pool.dispose();
});
