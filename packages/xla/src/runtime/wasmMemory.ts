/**
 * @file The one linear memory of a backend: allocation, growth, typed views. Its first 64 KiB hold control words and never data,
 * which address arithmetic relies on (emit/wasm/memory.ts).
 */
import { internal, XlaError } from '../hlo/errors.ts';
import { type Storage, storageConstructors } from '../hlo/literal.ts';
import type { ElementType } from '../hlo/shape.ts';
import { Allocator, alignment, alignUp } from './allocator.ts';

const pageBytes = 65536;
/** Growth is by at least this much, so that many small buffers do not grow the memory each. */
const growthBytes = 4 << 20;
/** Maximum sizes to try, largest first: some engines refuse to reserve 4 GiB of shared memory. */
const maximumPagesTried = [65535, 32768, 16384, 4096] as const;

export class WasmMemory {
  readonly memory: WebAssembly.Memory;
  readonly shared: boolean;
  readonly maximumPages: number;
  private readonly allocator = new Allocator(pageBytes);
  private controlEnd = alignment;
  private arenaAddress = 0;
  private arenaSize = 0;

  constructor(shared: boolean) {
    const made = createMemory(shared);
    this.memory = made.memory;
    this.maximumPages = made.maximumPages;
    this.shared = shared;
  }

  /** Bytes in buffers, tables, constants and the arena. */
  get usedBytes(): number {
    return this.allocator.usedBytes;
  }

  /** Reserves zeroed control words for the lifetime of the memory, below all data. */
  control(bytes: number): number {
    const at = this.controlEnd;
    this.controlEnd += alignUp(bytes);
    if (this.controlEnd > pageBytes) throw internal('control words exceed 64 KiB');
    return at;
  }

  /** Zeroed memory; throws RESOURCE_EXHAUSTED when the address space is full. `what` names it in the error. */
  allocate(bytes: number, what: string): number {
    const at = this.allocateRaw(bytes, what);
    new Uint8Array(this.memory.buffer, at, bytes).fill(0);
    return at;
  }

  release(address: number): void {
    this.allocator.release(address);
  }

  /**
   * The address of temporary memory of at least `bytes`. Runs of a backend do not overlap, so all executables share it; it moves
   * when it grows, and its content does not survive a run.
   */
  arena(bytes: number, what: string): number {
    if (bytes <= this.arenaSize) return this.arenaAddress;
    if (this.arenaSize > 0) this.allocator.release(this.arenaAddress);
    this.arenaSize = 0;
    this.arenaAddress = this.allocateRaw(bytes, what);
    this.arenaSize = bytes;
    return this.arenaAddress;
  }

  /** A live view; do not keep it over an allocation. */
  view(dtype: ElementType, address: number, length: number): Storage {
    return new storageConstructors[dtype](this.memory.buffer, address, length);
  }

  private allocateRaw(bytes: number, what: string): number {
    const at = this.allocator.allocate(bytes);
    if (at !== undefined) return at;
    this.grow(bytes, what);
    return this.allocator.allocate(bytes) as number;
  }

  private grow(bytes: number, what: string): void {
    const needed = this.allocator.endAddress + this.allocator.missing(bytes);
    const maximum = this.maximumPages * pageBytes;
    if (needed > maximum) throw this.exhausted(bytes, what);
    const target = Math.min(maximum, Math.max(needed, this.allocator.endAddress + growthBytes));
    const now = this.memory.buffer.byteLength;
    if (target > now) {
      try {
        this.memory.grow(Math.ceil((target - now) / pageBytes));
      } catch (cause) {
        throw this.exhausted(bytes, what, cause);
      }
    }
    this.allocator.extend(this.memory.buffer.byteLength);
  }

  private exhausted(bytes: number, what: string, cause?: unknown): XlaError {
    const mib = (n: number): string => `${(n / 2 ** 20).toFixed(1)} MiB`;
    const state = `${mib(this.allocator.usedBytes)} of at most ${mib(this.maximumPages * pageBytes)} are in use`;
    const repair = 'Use smaller batches or dispose buffers that are no longer needed.';
    return new XlaError('RESOURCE_EXHAUSTED', `${what} needs ${mib(bytes)} and does not fit: ${state}. ${repair}`, {
      cause,
    });
  }
}

function createMemory(shared: boolean): { readonly memory: WebAssembly.Memory; readonly maximumPages: number } {
  let failure: unknown;
  for (const maximum of maximumPagesTried) {
    try {
      return { memory: new WebAssembly.Memory({ initial: 2, maximum, shared }), maximumPages: maximum };
    } catch (e) {
      failure = e;
    }
  }
  throw new XlaError('RESOURCE_EXHAUSTED', 'the engine cannot reserve WebAssembly memory', { cause: failure });
}
