/** @file The part of TensorFlow.js that the benchmark uses, and its start-up with one or more WASM threads. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire, syncBuiltinESMExports } from 'node:module';
import { cpus, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** A TensorFlow.js tensor; its memory is freed by hand. */
export interface Tensor {
  readonly rank: number;
  dispose(): void;
}

type Unary = (x: Tensor) => Tensor;
type Binary = (a: Tensor | number, b: Tensor | number) => Tensor;

export interface Activated {
  readonly bias: Tensor;
  readonly activation: 'linear' | 'relu';
}

/** The namespace, as far as used here. */
export interface Tfjs {
  tensor(data: Float32Array, shape: readonly number[]): Tensor;
  variable(initial: Tensor): Tensor;
  tidy<T>(f: () => T): T;
  dispose(tensors: unknown): void;
  setBackend(name: string): Promise<boolean>;
  env(): { set(flag: string, value: boolean): void };
  reshape(x: Tensor, shape: readonly number[]): Tensor;
  readonly add: Binary;
  readonly sub: Binary;
  readonly mul: Binary;
  readonly relu: Unary;
  readonly tanh: Unary;
  readonly sigmoid: Unary;
  readonly exp: Unary;
  readonly neg: Unary;
  readonly rsqrt: Unary;
  readonly softmax: Unary;
  readonly transpose: Unary;
  sum(x: Tensor, axis: number): Tensor;
  topk(x: Tensor, k: number): { readonly values: Tensor; readonly indices: Tensor };
  moments(x: Tensor, axis: number, keepDims: boolean): { readonly mean: Tensor; readonly variance: Tensor };
  matMul(a: Tensor, b: Tensor): Tensor;
  conv2d(x: Tensor, filter: Tensor, strides: number, padding: 'same'): Tensor;
  depthwiseConv2d(x: Tensor, filter: Tensor, strides: number, padding: 'same'): Tensor;
  maxPool(x: Tensor, size: number, strides: number, padding: 'same'): Tensor;
  readonly fused: {
    conv2d(options: Activated & { x: Tensor; filter: Tensor; strides: number; pad: 'same' }): Tensor;
    matMul(options: Activated & { a: Tensor; b: Tensor }): Tensor;
  };
  readonly losses: {
    softmaxCrossEntropy(labels: Tensor, logits: Tensor): Tensor;
    sigmoidCrossEntropy(labels: Tensor, logits: Tensor): Tensor;
  };
  readonly train: { sgd(rate: number): Optimizer; adam(rate: number): Optimizer };
}

export interface Optimizer {
  minimize(loss: () => Tensor): void;
}

interface WasmBackend {
  setThreadsCount(threads: number): void;
  getThreadsCount(): number;
}

/** TensorFlow.js on its WASM backend with that many threads. */
export async function startTfjs(require: NodeJS.Require, threads: number): Promise<Tfjs> {
  console.warn = () => {}; // it greets with advice to install another package
  const tf: Tfjs = require('@tensorflow/tfjs');
  const wasm: WasmBackend = require('@tensorflow/tfjs-backend-wasm');
  if (threads > 1) {
    allowThreads(require, tf, threads); // the package must have registered its flags
    wasm.setThreadsCount(threads);
  }
  if (!(await tf.setBackend('wasm'))) throw new Error('the wasm backend does not start');
  if (wasm.getThreadsCount() !== threads && threads > 1) {
    throw new Error(`the wasm backend runs ${wasm.getThreadsCount()} threads where ${threads} were asked for`);
  }
  return tf;
}

/**
 * TensorFlow.js as shipped runs one thread under Node: it declares threads unsupported, starts its workers from blob:
 * URLs, which Node's Worker refuses, and uses half of the processors. Its threaded binary itself is fine; so the flag is
 * set, workers start from a file with the same text, and the processors are counted twice. Kernels stay untouched.
 */
function allowThreads(require: NodeJS.Require, tf: Tfjs, threads: number): void {
  const binaries = join(dirname(require.resolve('@tensorflow/tfjs-backend-wasm/package.json')), 'wasm-out');
  const glue = join(binaries, 'tfjs-backend-wasm-threaded-simd.js');
  const source: { readonly wasmWorkerContents: string } = require(
    join(binaries, 'tfjs-backend-wasm-threaded-simd.worker.js'),
  );
  // The package's own text is an escaped string; its workers load the glue code by a name that only a browser resolves.
  const text = source.wasmWorkerContents
    .replaceAll('\n', '\\n')
    .replace('importScripts:function(f){', `importScripts:function(f){f=${JSON.stringify(glue)};`);
  const folder = mkdtempSync(join(tmpdir(), 'tsflow-bench-tfjs-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'worker.cjs');
  writeFileSync(file, text);

  const builtin = createRequire(import.meta.url);
  const workers: { Worker: typeof import('node:worker_threads').Worker } = builtin('node:worker_threads');
  const { Worker } = workers;
  workers.Worker = class extends Worker {
    constructor(url: string | URL, options?: import('node:worker_threads').WorkerOptions) {
      // A plain worker: it needs none of this process's loaders.
      super(String(url).startsWith('blob:') ? file : url, { ...options, execArgv: [] });
    }
  };
  const os: { cpus: typeof cpus } = builtin('node:os');
  const processor = cpus().slice(0, 1);
  os.cpus = () => Array.from({ length: 2 * threads }, () => processor).flat();
  syncBuiltinESMExports();
  tf.env().set('WASM_HAS_MULTITHREAD_SUPPORT', true);
}
