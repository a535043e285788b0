/**
 * @file A program loaded into WebAssembly memory. Small programs run on the caller's thread at once; large ones on the thread pool.
 */
import type { DeviceBuffer, Executable, ExecutableStats } from '../backend.ts';
import { internal, XlaError } from '../hlo/errors.ts';
import { type ArrayShape, sameShape, shapeText } from '../hlo/shape.ts';
import type { Program } from '../program.ts';
import type { PoolTask, ThreadPool } from './threadPool.ts';
import { WasmBuffer } from './wasmBuffer.ts';
import type { WasmMemory } from './wasmMemory.ts';

/** `run` of an emitted program: (table, arena, constants, tid, threads, sync). */
export type ProgramEntry = (
  table: number,
  arena: number,
  constants: number,
  tid: number,
  threads: number,
  sync: number,
) => void;

/** One thread's rough speed, for the choice between inline and pool. */
const flopsPerMs = 2e7;
const bytesPerMs = 8e6;

/** What a loaded program shares with its backend. */
export interface ExecutableHost {
  readonly memory: WasmMemory;
  /** Absent: everything runs inline. */
  readonly pool: ThreadPool | undefined;
  /** Programs estimated to take less than this many milliseconds of one thread run inline. */
  readonly inlineMs: number;
}

export class WasmExecutable implements Executable {
  readonly parameters: readonly ArrayShape[];
  readonly results: readonly ArrayShape[];
  readonly aliases: ReadonlyMap<number, number>;
  readonly stats: ExecutableStats;
  private readonly host: ExecutableHost;
  private readonly program: Program;
  private readonly entry: ProgramEntry;
  private readonly module: WebAssembly.Module;
  private readonly id: number;
  private readonly inline: boolean;
  private readonly table: number;
  private readonly constants: number;
  /** The buffers that the table points to. */
  private readonly bound: (DeviceBuffer | undefined)[];
  private disposed = false;

  constructor(
    host: ExecutableHost,
    program: Program,
    code: { readonly id: number; readonly module: WebAssembly.Module; readonly entry: ProgramEntry },
    stats: ExecutableStats,
  ) {
    const { memory } = host;
    this.host = host;
    this.program = program;
    this.parameters = program.parameters;
    this.results = program.results;
    this.aliases = program.aliases;
    this.stats = stats;
    this.id = code.id;
    this.module = code.module;
    this.entry = code.entry;
    this.inline = !host.pool || estimateMs(program) < host.inlineMs;
    if (!this.inline) host.pool?.prepare(code);
    const pointers = program.parameters.length + program.results.length;
    this.bound = new Array<DeviceBuffer | undefined>(pointers).fill(undefined);
    this.table = memory.allocate(4 * pointers, `the pointer table of "${program.name}"`);
    this.constants = memory.allocate(program.constants.length, `the constants of "${program.name}"`);
    new Uint8Array(memory.memory.buffer, this.constants, program.constants.length).set(program.constants);
  }

  run(args: readonly DeviceBuffer[], results: readonly DeviceBuffer[]): void | Promise<void> {
    if (this.disposed) throw new XlaError('FAILED_PRECONDITION', `"${this.program.name}" is run after dispose`);
    this.bind(args, results);
    const arena = this.host.memory.arena(this.program.arenaBytes, `temporary memory of "${this.program.name}"`);
    const { table, constants } = this;
    if (this.host.pool && !this.inline) {
      const task: PoolTask = { id: this.id, name: this.program.name, module: this.module, table, arena, constants };
      return this.host.pool.run(task);
    }
    try {
      this.entry(table, arena, constants, 0, 1, 0);
    } catch (cause) {
      throw internal(`"${this.program.name}" trapped: ${String(cause)}`, { cause });
    }
  }

  dispose(): void {
    if (this.disposed) return;
    this.disposed = true;
    this.host.pool?.free(this.id);
    this.host.memory.release(this.table);
    this.host.memory.release(this.constants);
  }

  /** Writes pointers of buffers that changed since the last run. */
  private bind(args: readonly DeviceBuffer[], results: readonly DeviceBuffer[]): void {
    const p = this.parameters.length;
    if (args.length !== p || results.length !== this.results.length) {
      const expected = `${p} arguments and ${this.results.length} results`;
      const received = `${args.length} and ${results.length}`;
      throw new XlaError('INVALID_ARGUMENT', `"${this.program.name}" takes ${expected}, received ${received}`);
    }
    for (let i = 0; i < p; i++) {
      const b = args[i] as DeviceBuffer;
      if (b !== this.bound[i] || (b as WasmBuffer).address < 0)
        this.point(i, b, `argument ${i}`, this.parameters[i] as ArrayShape);
    }
    for (let i = 0; i < results.length; i++) {
      const b = results[i] as DeviceBuffer;
      if (b === this.bound[p + i] && (b as WasmBuffer).address >= 0) continue;
      this.point(p + i, b, `result ${i}`, this.results[i] as ArrayShape);
    }
    for (const [result, parameter] of this.aliases) {
      if (results[result] === args[parameter]) continue;
      const rule = `result ${result} must be given the buffer of argument ${parameter}, which it updates in place`;
      throw new XlaError('INVALID_ARGUMENT', `"${this.program.name}": ${rule}`);
    }
  }

  private point(slot: number, buffer: DeviceBuffer, what: string, shape: ArrayShape): void {
    const { memory } = this.host;
    if (!(buffer instanceof WasmBuffer) || buffer.memory !== memory) {
      throw new XlaError('INVALID_ARGUMENT', `"${this.program.name}": ${what} is a buffer of another backend`);
    }
    if (buffer.address < 0) throw new XlaError('FAILED_PRECONDITION', `"${this.program.name}": ${what} was disposed`);
    if (!sameShape(buffer.shape, shape)) {
      const shapes = `expected ${shapeText(shape)}, received ${shapeText(buffer.shape)}`;
      throw new XlaError('INVALID_ARGUMENT', `"${this.program.name}": ${what}: ${shapes}`);
    }
    new Int32Array(memory.memory.buffer, this.table, this.bound.length)[slot] = buffer.address;
    this.bound[slot] = buffer;
  }
}

/** Milliseconds that one thread would take, roughly. */
export function estimateMs(program: Program): number {
  return program.cost.flops / flopsPerMs + program.cost.bytes / bytesPerMs;
}
