/**
 * @file What a backend offers its users (core's session, AOT, tests): buffers and executables. It knows no graph and no session.
 */
import type { Storage } from './hlo/literal.ts';
import type { Module } from './hlo/module.ts';
import type { ArrayShape } from './hlo/shape.ts';

export type BackendName = 'interpret' | 'wasm';

/** Memory of a backend that holds one array. New buffers are zero. */
export interface DeviceBuffer {
  readonly shape: ArrayShape;
  /** Copies `data` in; its typed array must match the shape's dtype and element count. */
  write(data: Storage): void;
  /** Copies the content out into a fresh typed array (never shared memory). */
  read(): Storage;
  /** Gives the memory back; any later use throws. */
  dispose(): void;
}

export interface ExecutableStats {
  readonly compileMs: number;
  readonly kernels: number;
  /** Temporary memory of one run. */
  readonly arenaBytes: number;
  readonly constantBytes: number;
  readonly codeBytes: number;
  readonly flops: number;
  /** Milliseconds by pass or phase. */
  readonly phases: ReadonlyMap<string, number>;
}

export interface Executable {
  readonly parameters: readonly ArrayShape[];
  readonly results: readonly ArrayShape[];
  /** Result i must be given the same buffer as parameter aliases.get(i). */
  readonly aliases: ReadonlyMap<number, number>;
  readonly stats: ExecutableStats;
  /**
   * Runs once. Results may not overlap arguments except as `aliases` says. Runs of one backend must not overlap: callers serialise.
   * Answers nothing when it ran inline (tiny programs), else a promise that settles when all threads are done.
   */
  run(args: readonly DeviceBuffer[], results: readonly DeviceBuffer[]): void | Promise<void>;
  dispose(): void;
}

export interface CompileOptions {
  /** Names for dumps and errors. */
  readonly name?: string;
}

export interface Backend {
  readonly name: BackendName;
  readonly threads: number;
  createBuffer(shape: ArrayShape): DeviceBuffer;
  compile(module: Module, options?: CompileOptions): Promise<Executable>;
  /** Ends workers and frees memory. */
  dispose(): Promise<void>;
}

export interface BackendOptions {
  /** Default: the machine's logical CPUs. 1 never starts a worker. */
  readonly threads?: number;
}

/** `createBackend('wasm', { threads: 2 })` lives in runtime/. */
export type CreateBackend = (name: BackendName, options?: BackendOptions) => Promise<Backend>;
