import { resolveObjectURL } from 'node:buffer';
import { Worker as NodeWorker } from 'node:worker_threads';
import { afterEach, expect, test, vi } from 'vitest';
import { emitProgram } from '../emit/wasm/program.ts';
import { mapKernel, parameter, programOf, step } from '../runtime/testPrograms.ts';
import { ThreadPool } from '../runtime/threadPool.ts';
import { WasmMemory } from '../runtime/wasmMemory.ts';
import { availableThreads, isNode, startBrowserThread } from './platform.ts';

/** A browser's Worker, as far as the platform uses it: a script from a blob URL that sees `self` and no Node. */
class BlobWorker {
  onmessage: ((e: { readonly data: unknown }) => void) | undefined;
  onerror: ((e: { readonly message: string }) => void) | undefined;
  private readonly started: Promise<NodeWorker>;

  constructor(url: string) {
    this.started = this.start(url);
  }

  private async start(url: string): Promise<NodeWorker> {
    const blob = resolveObjectURL(url);
    const script = await (blob as Blob).text();
    const prelude = `
      const { parentPort } = require('node:worker_threads');
      globalThis.self = { set onmessage(f) { parentPort.on('message', (data) => f({ data })); }, postMessage: (m) => parentPort.postMessage(m) };
      process.getBuiltinModule = undefined;`;
    const worker = new NodeWorker(`${prelude}\n(() => {${script}\n})();`, { eval: true, execArgv: [] });
    worker.on('message', (data) => this.onmessage?.({ data }));
    worker.on('error', (e) => this.onerror?.({ message: String(e) }));
    return worker;
  }

  postMessage(message: unknown): void {
    this.started.then((w) => w.postMessage(message)).catch(() => {});
  }

  terminate(): void {
    this.started.then((w) => w.terminate()).catch(() => {});
  }
}

afterEach(() => {
  vi.unstubAllGlobals();
});

test('the pool runs on browser workers from a blob', async () => {
  vi.stubGlobal('Worker', BlobWorker);
  const memory = new WasmMemory(true);
  const pool = new ThreadPool(memory, 2, { startThread: startBrowserThread });
  const n = 50;
  const program = programOf(n, [
    step(
      mapKernel(n, true, (k, x) => k.add(x, 1)),
      [parameter(0), parameter(0)],
    ),
  ]);
  const code = emitProgram(program, { relaxed: false, shared: true, maximumPages: memory.maximumPages });
  const table = memory.allocate(8, 'table');
  const x = memory.allocate(4 * n, 'x');
  new Int32Array(memory.memory.buffer, table, 1)[0] = x;
  const module = await WebAssembly.compile(code.bytes);
  for (let i = 0; i < 3; i++) await pool.run({ id: 1, name: 'test', module, table, arena: 0, constants: 0 });
  expect([...new Int32Array(memory.memory.buffer, x, n)]).toEqual(new Array(n).fill(3));
  await pool.dispose();
});

test('a script that fails ends the run with its message', async () => {
  vi.stubGlobal('Worker', BlobWorker);
  const thread = startBrowserThread('throw new Error("no luck")', 'bad');
  const reason = await new Promise<string>((resolve) => thread.listen(() => {}, resolve));
  expect(reason).toContain('no luck');
  await thread.terminate();
});

test('knows the machine', () => {
  expect(isNode()).toBe(true);
  expect(availableThreads()).toBeGreaterThanOrEqual(1);
});
