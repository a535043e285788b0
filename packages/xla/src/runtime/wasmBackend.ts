/** @file The WebAssembly backend: one memory, one thread pool, and the programs loaded into them. */
import type { Backend, BackendOptions, CompileOptions, DeviceBuffer, Executable } from '../backend.ts';
import { hasRelaxedSimd, hasSharedMemory, hasSimd } from '../emit/wasm/features.ts';
import { mathFunctions } from '../emit/wasm/mathImports.ts';
import { emitProgram } from '../emit/wasm/program.ts';
import { env } from '../env.ts';
import { XlaError } from '../hlo/errors.ts';
import type { Module } from '../hlo/module.ts';
import type { ArrayShape } from '../hlo/shape.ts';
import type { Target } from '../kernels/target.ts';
import { availableThreads } from '../platform/platform.ts';
import type { Program } from '../program.ts';
import { ThreadPool } from './threadPool.ts';
import { WasmBuffer } from './wasmBuffer.ts';
import { type ProgramEntry, WasmExecutable } from './wasmExecutable.ts';
import { WasmMemory } from './wasmMemory.ts';
import { wasmTarget } from './wasmTarget.ts';

/** A module lowered for a target, with the milliseconds of each phase. */
export interface Lowered {
  readonly program: Program;
  readonly phases: ReadonlyMap<string, number>;
}

export type Lower = (module: Module, target: Target, options: CompileOptions) => Lowered;

export interface WasmOptions extends BackendOptions {
  /**
   * Programs estimated to take less than this many milliseconds of one thread run inline, the others on the pool. Handing over to
   * threads and back costs 0.05 ms. Default 0.4; 0 sends everything to the pool.
   */
  readonly inlineMs?: number;
}

/** More threads than this never pay on one machine's memory bandwidth, and the control block is finite. */
const maximumThreads = 256;

export class WasmBackend implements Backend {
  readonly name = 'wasm';
  readonly threads: number;
  readonly target: Target;
  private readonly memory: WasmMemory;
  private readonly pool: ThreadPool | undefined;
  private readonly lower: Lower;
  private readonly inlineMs: number;
  private nextId = 1;

  /** @throws INVALID_ARGUMENT for a number of threads that is not a positive integer, UNIMPLEMENTED without SIMD. */
  constructor(lower: Lower, options: WasmOptions = {}) {
    if (!hasSimd()) {
      throw new XlaError(
        'UNIMPLEMENTED',
        'backend "wasm" needs an engine with WebAssembly SIMD (Node ≥ 16.4, browsers since 2021)',
      );
    }
    this.lower = lower;
    this.inlineMs = options.inlineMs ?? 0.4;
    this.threads = threadCount(options.threads);
    this.memory = new WasmMemory(this.threads > 1);
    this.pool = this.threads > 1 ? new ThreadPool(this.memory, this.threads) : undefined;
    this.target = wasmTarget(this.threads);
  }

  /** Bytes of linear memory in use by buffers, constants, tables and temporaries. */
  get usedBytes(): number {
    return this.memory.usedBytes;
  }

  createBuffer(shape: ArrayShape): DeviceBuffer {
    return new WasmBuffer(this.memory, shape);
  }

  async compile(module: Module, options: CompileOptions = {}): Promise<Executable> {
    const start = performance.now();
    const { program, phases } = this.lower(module, this.target, options);
    return this.load(program, { start, phases });
  }

  /** Makes a lowered program runnable here. */
  async load(
    program: Program,
    earlier?: { readonly start: number; readonly phases: ReadonlyMap<string, number> },
  ): Promise<Executable> {
    const emitStart = performance.now();
    const { memory } = this;
    const emitted = emitProgram(program, {
      relaxed: hasRelaxedSimd(),
      shared: memory.shared,
      maximumPages: memory.maximumPages,
    });
    const compileStart = performance.now();
    const module = await WebAssembly.compile(emitted.bytes);
    const instance = new WebAssembly.Instance(module, { env: { memory: memory.memory }, math: mathFunctions });
    const end = performance.now();
    const phases = new Map(earlier?.phases);
    phases.set('emit', compileStart - emitStart).set('engine', end - compileStart);
    const code = { id: this.nextId++, module, entry: instance.exports['run'] as ProgramEntry };
    return new WasmExecutable({ memory, pool: this.pool, inlineMs: this.inlineMs }, program, code, {
      compileMs: end - (earlier?.start ?? emitStart),
      kernels: emitted.kernels,
      arenaBytes: program.arenaBytes,
      constantBytes: program.constants.length,
      codeBytes: emitted.bytes.length,
      flops: program.cost.flops,
      phases,
    });
  }

  async dispose(): Promise<void> {
    await this.pool?.dispose();
  }
}

function threadCount(asked: number | undefined): number {
  if (asked !== undefined && (!Number.isInteger(asked) || asked < 1 || asked > maximumThreads)) {
    throw new XlaError('INVALID_ARGUMENT', `threads must be an integer from 1 to ${maximumThreads}, received ${asked}`);
  }
  return hasSharedMemory() ? Math.min(asked ?? env().threads ?? availableThreads(), maximumThreads) : 1;
}
