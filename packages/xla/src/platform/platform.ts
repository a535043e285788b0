/**
 * @file The one place that tells Node from browsers: threads from a source text, and the number of CPUs. Node's modules are reached
 * through `process.getBuiltinModule`, so bundlers for browsers see no import to resolve.
 */

/** A worker thread running a script that was given as text. */
export interface Thread {
  post(message: unknown): void;
  /** Called with every message, and once when the thread fails or ends. */
  listen(onMessage: (message: unknown) => void, onEnd: (reason: string) => void): void;
  /** While held, the thread keeps the process alive; threads start released. No-op in browsers. */
  hold(keep: boolean): void;
  terminate(): Promise<void>;
}

/** True when Node's worker threads are used. */
export function isNode(): boolean {
  return typeof process === 'object' && typeof process.getBuiltinModule === 'function' && !!process.versions?.node;
}

/** Logical CPUs that this process may use. */
export function availableThreads(): number {
  if (isNode()) return process.getBuiltinModule('node:os').availableParallelism();
  return globalThis.navigator?.hardwareConcurrency ?? 1;
}

/** Starts `source` as a classic script on a thread of its own. */
export function startThread(source: string, name: string): Thread {
  return isNode() ? startNodeThread(source, name) : startBrowserThread(source, name);
}

function startNodeThread(source: string, name: string): Thread {
  const { Worker } = process.getBuiltinModule('node:worker_threads');
  // No inherited flags: a loader of the parent (a test runner's, say) has no business in this script.
  const worker = new Worker(source, { eval: true, name, execArgv: [], stdin: false });
  worker.unref();
  return {
    post: (message) => worker.postMessage(message),
    listen(onMessage, onEnd) {
      worker.on('message', onMessage);
      worker.on('error', (e) => onEnd(e instanceof Error ? e.message : String(e)));
      worker.on('exit', (code) => onEnd(`exited with code ${code}`));
      worker.unref(); // listening refs it
    },
    hold: (keep) => (keep ? worker.ref() : worker.unref()),
    terminate: async () => {
      await worker.terminate();
    },
  };
}

const scriptUrls = new Map<string, string>();

/** Exported for tests; others call `startThread`. */
export function startBrowserThread(source: string, name: string): Thread {
  // The URL is kept: revoking it early can outrun the worker's own fetch of it.
  let url = scriptUrls.get(source);
  if (url === undefined) {
    url = URL.createObjectURL(new Blob([source], { type: 'text/javascript' }));
    scriptUrls.set(source, url);
  }
  const worker = new Worker(url, { name });
  let ended = (_reason: string): void => {};
  return {
    post: (message) => worker.postMessage(message),
    listen(onMessage, onEnd) {
      ended = onEnd;
      worker.onmessage = (e) => onMessage(e.data);
      worker.onerror = (e) => onEnd(e.message);
    },
    hold: () => {},
    terminate: () => {
      worker.terminate();
      ended('terminated');
      return Promise.resolve();
    },
  };
}
