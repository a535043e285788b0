/**
 * @file Compute threads that run a program together over shared memory while the caller's thread stays free. Commands are words in
 * that memory; messages carry what words cannot: modules, and the end of a run (Atomics.waitAsync would do, but the one of V8 11 loses
 * wake-ups). Threads start when the first program for them is loaded and sleep between runs; they do not
 * keep the process alive. A thread that dies fails its run with an error, and the next run starts a new set.
 */
import { syncBytes, syncLayout } from '../emit/wasm/barrier.ts';
import { XlaError } from '../hlo/errors.ts';
import { startThread, type Thread } from '../platform/platform.ts';
import type { WasmMemory } from './wasmMemory.ts';
import { commandWords as word, workerSource } from './workerSource.ts';

/** One run: an instance of `module`, known to the threads as `id`, with the byte addresses of its tables. */
export interface PoolTask {
  readonly id: number;
  readonly name: string;
  readonly module: WebAssembly.Module;
  readonly table: number;
  readonly arena: number;
  readonly constants: number;
}

export interface PoolOptions {
  /** A run without any progress for so long is given up: its threads are ended. Default 10 minutes. */
  readonly stallMs?: number;
  /** Default: the platform's threads. */
  readonly startThread?: typeof startThread;
}

interface Failure {
  readonly sequence: number;
  readonly tid: number;
  readonly reason: string;
}

interface Current {
  readonly task: PoolTask;
  readonly resolve: () => void;
  readonly reject: (e: Error) => void;
  timer: ReturnType<typeof setTimeout> | undefined;
  progress: string;
}

export class ThreadPool {
  readonly threads: number;
  private readonly memory: WasmMemory;
  private readonly words: Int32Array;
  private readonly wordsAt: number;
  private readonly sync: Int32Array;
  private readonly syncAt: number;
  private readonly stallMs: number;
  private readonly startThread: typeof startThread;
  private workers: Thread[] = [];
  private readonly loaded = new Set<number>();
  private sequence = 0;
  private epoch = 0;
  private current: Current | undefined;
  private failure: Failure | undefined;
  private onFailure: (() => void) | undefined;

  constructor(memory: WasmMemory, threads: number, options: PoolOptions = {}) {
    this.memory = memory;
    this.threads = threads;
    this.stallMs = options.stallMs ?? 600_000;
    this.startThread = options.startThread ?? startThread;
    this.wordsAt = memory.control(word.size * 4);
    this.words = new Int32Array(memory.memory.buffer, this.wordsAt, word.size);
    this.syncAt = memory.control(syncBytes(threads));
    this.sync = new Int32Array(memory.memory.buffer, this.syncAt, syncBytes(threads) / 4);
  }

  /** Runs on all threads. One run at a time. Rejects with ABORTED when a thread fails or dies, DEADLINE_EXCEEDED on a stall. */
  run(task: PoolTask): Promise<void> {
    if (this.current) {
      const both = `"${task.name}" was started while "${this.current.task.name}" runs`;
      throw new XlaError('FAILED_PRECONDITION', `runs of one backend must not overlap: ${both}`);
    }
    this.prepare(task);
    return new Promise<void>((resolve, reject) => {
      this.current = { task, resolve, reject, timer: undefined, progress: '' };
      this.sync.fill(0);
      for (const t of this.workers) t.hold(true);
      this.watch();
      this.command(task);
    });
  }

  /** Starts threads and sends them the module ahead of the first run, which then finds them ready. */
  prepare(task: Pick<PoolTask, 'id' | 'module'>): void {
    this.start();
    this.load(task);
  }

  /** Threads forget an instance. */
  free(id: number): void {
    if (!this.loaded.delete(id)) return;
    for (const t of this.workers) t.post({ kind: 'free', id });
    this.callToMessages();
  }

  async dispose(): Promise<void> {
    const { workers } = this;
    this.workers = [];
    this.loaded.clear();
    await Promise.all(workers.map((t) => t.terminate()));
    this.current?.reject(new XlaError('ABORTED', `the backend was disposed while "${this.current.task.name}" ran`));
    this.settle();
  }

  private start(): void {
    if (this.workers.length) return;
    const epoch = ++this.epoch;
    this.words.fill(0);
    this.words[word.epoch] = epoch;
    this.sequence = 0;
    this.workers = Array.from({ length: this.threads }, (_, tid) => {
      const t = this.startThread(workerSource, `tsflow-compute-${tid}`);
      t.listen(
        (m) => this.message(m),
        (reason) => this.ended(t, tid, reason),
      );
      const aborted = this.syncAt + syncLayout.aborted;
      t.post({ kind: 'start', memory: this.memory.memory, words: this.wordsAt, aborted, tid, seen: 0, epoch });
      return t;
    });
  }

  private load(task: Pick<PoolTask, 'id' | 'module'>): void {
    if (this.loaded.has(task.id)) return;
    this.loaded.add(task.id);
    for (const t of this.workers) t.post({ kind: 'load', id: task.id, module: task.module });
    // Threads that sleep leave for their event loop when they see an id they lack; then this makes them listen to words again.
    for (const t of this.workers) t.post({ kind: 'wait' });
  }

  private command(task: PoolTask): void {
    const { words } = this;
    words[word.command] = 1;
    words[word.id] = task.id;
    words[word.table] = task.table;
    words[word.arena] = task.arena;
    words[word.constants] = task.constants;
    words[word.threads] = this.threads;
    words[word.sync] = this.syncAt;
    words[word.failed] = 0;
    Atomics.store(words, word.pending, this.threads);
    this.sequence = (this.sequence + 1) | 0;
    Atomics.store(words, word.sequence, this.sequence);
    Atomics.notify(words, word.sequence);
  }

  /** Sends sleeping threads to their event loops, for messages that no run waits for. */
  private callToMessages(): void {
    if (this.current || !this.workers.length) return;
    for (const t of this.workers) t.post({ kind: 'wait' });
    this.words[word.command] = 0;
    this.sequence = (this.sequence + 1) | 0;
    Atomics.store(this.words, word.sequence, this.sequence);
    Atomics.notify(this.words, word.sequence);
  }

  private message(m: unknown): void {
    const { kind } = m as { readonly kind: string };
    if (kind === 'done') this.done((m as { readonly sequence: number }).sequence);
    if (kind !== 'failed' || (m as Failure).sequence !== this.sequence) return;
    this.failure = m as Failure;
    this.onFailure?.();
  }

  private done(sequence: number): void {
    if (!this.current || sequence !== this.sequence) return;
    if (this.words[word.failed] === 0) {
      const { resolve } = this.current;
      this.settle();
      resolve();
      return;
    }
    // The message that says why travels another way than the word that says so.
    if (this.failure) this.fail();
    else this.onFailure = () => this.fail();
  }

  private fail(): void {
    const { current, failure } = this;
    this.settle();
    const where = `thread ${failure?.tid} of ${this.threads}`;
    current?.reject(new XlaError('ABORTED', `"${current.task.name}" failed on compute ${where}: ${failure?.reason}`));
  }

  private ended(thread: Thread, tid: number, reason: string): void {
    if (!this.workers.includes(thread)) return;
    const name = this.current?.task.name;
    const when = name === undefined ? 'while idle' : `while running "${name}"`;
    const why = `compute thread ${tid} of ${this.threads} ended ${when}: ${reason}. The next run starts new threads.`;
    this.abandon(new XlaError('ABORTED', why));
  }

  /** Ends all threads and fails the current run; its results are undefined. */
  private abandon(error: XlaError): void {
    const { workers, current } = this;
    this.workers = [];
    this.loaded.clear();
    Atomics.store(this.sync, syncLayout.aborted / 4, 1);
    this.settle();
    // Words and barriers are wiped by the next start: only after no old thread can touch them.
    const ended = Promise.allSettled(workers.map((t) => t.terminate()));
    ended.then(() => current?.reject(error)).catch(() => {});
  }

  private settle(): void {
    if (this.current?.timer !== undefined) clearTimeout(this.current.timer);
    this.current = undefined;
    this.failure = undefined;
    this.onFailure = undefined;
    for (const t of this.workers) t.hold(false);
  }

  /** Gives up a run in which no thread reaches a barrier for `stallMs`, naming the threads that are behind. */
  private watch(): void {
    const { current } = this;
    if (!current) return;
    current.timer = setTimeout(() => {
      const first = syncLayout.reached / 4;
      const reached = Array.from(this.sync.subarray(first, first + this.threads));
      const progress = reached.join();
      if (progress !== current.progress) {
        current.progress = progress;
        this.watch();
        return;
      }
      const least = Math.min(...reached);
      const missing = reached.flatMap((n, tid) => (n === least ? [tid] : []));
      const what = `"${current.task.name}" made no progress for ${this.stallMs} ms`;
      const who = `compute threads ${missing.join(', ')} of ${this.threads} have not reached barrier ${least + 1}`;
      this.abandon(new XlaError('DEADLINE_EXCEEDED', `${what}: ${who}`));
    }, this.stallMs);
  }
}
