/**
 * @file Runs graphs. A session owns the values of variables and the compiled programs; `run` answers values in the structure of
 * the fetches, `makeCallable` prepares a run for hot loops. Runs may overlap; compute on one device is serialised.
 */

import type { tensorflow } from '@tsflow/formats';
import { type BackendName, env } from '@tsflow/xla';
import { CancelledError, DeadlineExceededError, FailedPreconditionError, InvalidArgumentError } from '../errors.ts';
import { type Graph, getDefaultGraph } from '../graph/graph.ts';
import type { Operation } from '../graph/operation.ts';
import { type Evaluator, popDefaultSession, pushDefaultSession } from '../graph/sessionStack.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { NdArray, NdArrayLike } from '../ndarray.ts';
import { acquireDevice } from './device.ts';
import { type ExecutionHost, PlanExecutor } from './executor.ts';
import { convertFeed, type Feeds, resolveFeed, resolveFeeds } from './feeds.ts';
import { type Fetches, type FetchResult, resolveFetches } from './fetches.ts';
import { makePlan } from './plan.ts';
import { ProgramCache } from './programCache.ts';
import { RunTrace } from './runMetadata.ts';
import { SessionStates } from './states.ts';

export interface SessionConfig {
  /** Programs kept compiled. Default 128. */
  readonly maxPrograms?: number;
  /** Default limit of each run, in milliseconds. Default none. */
  readonly operationTimeoutInMs?: number;
}

export interface SessionOptions {
  /** Default: the default graph. */
  readonly graph?: Graph;
  /** Default: TSFLOW_BACKEND, else wasm. */
  readonly target?: BackendName;
  /** Default: TSFLOW_THREADS, else the machine's logical CPUs. */
  readonly threads?: number;
  readonly config?: SessionConfig;
}

export interface RunOptions {
  /** The run fails with DeadlineExceeded after this many milliseconds, where it waits on the host. */
  readonly timeoutInMs?: number;
  readonly signal?: AbortSignal;
  /** Receives what ran and how long it took. */
  readonly onMetadata?: (metadata: tensorflow.IRunMetadata) => void;
}

/** A prepared run: values of the feed tensors in order → values in the structure of the fetches. */
export type Callable<F> = (...feeds: NdArrayLike[]) => Promise<FetchResult<F>>;

/** Combinations of fetches and feeds that are remembered. */
const maxPlans = 512;

export class Session implements Evaluator {
  readonly graph: Graph;
  readonly #options: SessionOptions;
  #host: Promise<ExecutionHost> | undefined;
  #ready: ExecutionHost | undefined;
  readonly #executors = new Map<string, PlanExecutor>();
  readonly #closing = new AbortController();

  constructor(options: SessionOptions = {}) {
    this.graph = options.graph ?? getDefaultGraph();
    this.#options = options;
  }

  /**
   * Computes fetches and answers them in the same structure; operations answer null.
   * @throws InvalidArgument for wrong feeds and foreign tensors, NotFound for unknown names, FailedPrecondition for
   * uninitialised variables and closed sessions.
   */
  run<const F extends Fetches>(fetches: F, feeds?: Feeds, options: RunOptions = {}): Promise<FetchResult<F>> {
    return this.#run(fetches, feeds, options) as Promise<FetchResult<F>>;
  }

  async #run(fetches: Fetches, feeds: Feeds | undefined, options: RunOptions): Promise<unknown> {
    this.#checkOpen();
    const { elements, rebuild } = resolveFetches(this.graph, fetches);
    const fed = resolveFeeds(this.graph, feeds);
    const host = this.#ready ?? (await this.#start());
    const executor = this.#executor(elements, [...fed.keys()], host);
    const values = [...fed.values()];
    const plain =
      options.onMetadata === undefined && options.signal === undefined && this.#timeout(options) === undefined;
    const fast = plain ? executor.tryRun(values) : undefined;
    const fetched = fast === undefined ? this.#runSlow(executor, values, options) : fast;
    return rebuild(await fetched);
  }

  /**
   * Prepares a run. The function takes the values of `feedTensors` in order.
   * It does the least per call: shapes are compared, buffers written, the program run, results read.
   */
  makeCallable<const F extends Fetches>(fetches: F, feedTensors: readonly (Tensor | string)[] = []): Callable<F> {
    this.#checkOpen();
    const { elements, rebuild } = resolveFetches(this.graph, fetches);
    const feeds = feedTensors.map((t) => resolveFeed(this.graph, t));
    let executor: PlanExecutor | undefined;
    const callable = async (...values: NdArrayLike[]): Promise<unknown> => {
      if (values.length !== feeds.length) {
        throw new InvalidArgumentError(`the callable takes ${feeds.length} values, ${values.length} were given.`);
      }
      this.#checkOpen();
      const arrays = feeds.map((t, i) => convertFeed(t, values[i] as NdArrayLike));
      executor ??= this.#executor(elements, feeds, this.#ready ?? (await this.#start()));
      const fast = this.#timeout({}) === undefined ? executor.tryRun(arrays) : undefined;
      if (Array.isArray(fast)) return rebuild(fast);
      return rebuild(await (fast ?? this.#runSlow(executor, arrays, {})));
    };
    return callable as Callable<F>;
  }

  /** The value of one tensor. */
  async evaluate(tensor: Tensor, feeds?: Feeds): Promise<NdArray> {
    return (await this.run([tensor], feeds))[0] as NdArray;
  }

  /** Runs one operation. */
  async execute(op: Operation, feeds?: Feeds): Promise<void> {
    await this.run([op], feeds);
  }

  /** Runs `body` with this session as the default of `tensor.eval()` and its graph as the default graph. */
  asDefault<R>(body: (session: this) => R): R {
    pushDefaultSession(this);
    const leave = (): void => popDefaultSession(this);
    let result: R;
    try {
      result = this.graph.asDefault(() => body(this));
    } catch (error) {
      leave();
      throw error;
    }
    if (result instanceof Promise) result.then(leave, leave);
    else leave();
    return result;
  }

  /** Starts the backend now rather than with the first run. */
  async #start(): Promise<ExecutionHost> {
    this.#host ??= this.#makeHost();
    this.#ready = await this.#host;
    this.#checkOpen();
    return this.#ready;
  }

  async #makeHost(): Promise<ExecutionHost> {
    const { backend, threads } = env();
    const device = await acquireDevice(this.#options.target ?? backend ?? 'wasm', this.#options.threads ?? threads);
    return {
      device,
      states: new SessionStates(device.backend),
      resources: new Map(),
      programs: new ProgramCache(this.#options.config?.maxPrograms),
    };
  }

  #executor(elements: readonly (Tensor | Operation)[], feeds: readonly Tensor[], host: ExecutionHost): PlanExecutor {
    const key = `${elements.map(keyOf).join()}|${feeds.map(keyOf).join()}`;
    const known = this.#executors.get(key);
    if (known !== undefined) return known;
    const executor = new PlanExecutor(makePlan(elements, feeds), host);
    this.#executors.set(key, executor);
    if (this.#executors.size > maxPlans) this.#forgetOldest();
    return executor;
  }

  /** A plan that is dropped while it runs, or that a callable still holds, compiles again when needed. */
  #forgetOldest(): void {
    const [oldest] = this.#executors;
    if (oldest === undefined) return;
    this.#executors.delete(oldest[0]);
    oldest[1].dispose().catch(() => {});
  }

  #timeout(options: RunOptions): number | undefined {
    return options.timeoutInMs ?? this.#options.config?.operationTimeoutInMs;
  }

  async #runSlow(executor: PlanExecutor, feeds: readonly NdArray[], options: RunOptions): Promise<(NdArray | null)[]> {
    const controller = new AbortController();
    const abort = (reason: unknown): void => controller.abort(reason);
    const onClose = (): void => abort(new CancelledError('the session was closed during the run.'));
    const onSignal = (): void => abort(new CancelledError('the run was cancelled by its signal.'));
    const ms = this.#timeout(options);
    const timer =
      ms === undefined
        ? undefined
        : setTimeout(() => abort(new DeadlineExceededError(`the run did not end within ${ms} ms.`)), ms);
    this.#closing.signal.addEventListener('abort', onClose);
    options.signal?.addEventListener('abort', onSignal);
    if (options.signal?.aborted) onSignal();
    const { backend } = (this.#ready as ExecutionHost).device;
    const trace = options.onMetadata === undefined ? undefined : new RunTrace(`/device:CPU:0 (${backend.name})`);
    try {
      const fetched = await executor.run(feeds, { signal: controller.signal, trace });
      if (trace !== undefined) options.onMetadata?.(trace.toRunMetadata());
      return fetched;
    } finally {
      clearTimeout(timer);
      this.#closing.signal.removeEventListener('abort', onClose);
      options.signal?.removeEventListener('abort', onSignal);
    }
  }

  #checkOpen(): void {
    if (this.#closing.signal.aborted) {
      throw new FailedPreconditionError('the session is closed. Make a new Session.');
    }
  }

  /** Frees variables and programs. Waiting runs are cancelled; closing twice is fine. */
  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort();
    popDefaultSession(this);
    const host = await this.#host;
    if (host === undefined) return;
    await host.device.lock.run(() => {
      host.programs.clear();
      host.states.dispose();
    });
    for (const resource of host.resources.values()) await disposeResource(resource);
    host.resources.clear();
  }

  /** `using session = new Session()`: closes without waiting. */
  [Symbol.dispose](): void {
    this.close().catch(() => {});
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function keyOf(x: Tensor | Operation): string {
  return 'op' in x ? `${x.op.id}:${x.index}` : `${x.id}`;
}

async function disposeResource(resource: object): Promise<void> {
  if ('close' in resource && typeof resource.close === 'function') await resource.close();
}

/** A session that is the default one from its making until it is closed: `tensor.eval()` in scripts and the REPL. */
export class InteractiveSession extends Session {
  constructor(options: SessionOptions = {}) {
    super(options);
    pushDefaultSession(this);
  }
}
