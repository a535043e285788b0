/**
 * @file The script of a compute thread, as text: it needs no file and no bundler, and is the same in Node and in browsers. A thread
 * sleeps in Atomics.wait on the command word and returns to its event loop only when it lacks an instance or is told to.
 */

/** Words (i32 index) of the command block that the pool shares with its threads; hot words have cache lines of their own. */
export const commandWords = {
  /** Grows with every command; threads wait on it. */
  sequence: 0,
  /** 0 = return to the event loop, 1 = run. */
  command: 1,
  id: 2,
  table: 3,
  arena: 4,
  constants: 5,
  threads: 6,
  sync: 7,
  /** Threads that have not finished the command. */
  pending: 16,
  /** The last finished sequence number; the pool waits on it. */
  done: 32,
  /** Set when a thread failed. */
  failed: 33,
  /** Total i32 words. */
  size: 48,
} as const;

const w = commandWords;

export const workerSource = `'use strict';
const node = typeof process === 'object' && process.getBuiltinModule && process.versions && process.versions.node;
const port = node ? process.getBuiltinModule('node:worker_threads').parentPort : self;
const math = {
  exp: Math.exp, expm1: Math.expm1, log: Math.log, log1p: Math.log1p, sin: Math.sin, cos: Math.cos, tan: Math.tan,
  tanh: Math.tanh, atan2: Math.atan2, cbrt: Math.cbrt, fmod: (x, y) => x % y,
  pow: (x, y) => (x === 1 || (x === -1 && Math.abs(y) === Infinity) ? 1 : x ** y),
};
const instances = new Map();
let memory, words, tid, seen, aborted;

function run() {
  const entry = instances.get(words[${w.id}]);
  if (!entry) return false;
  try {
    entry(words[${w.table}], words[${w.arena}], words[${w.constants}], tid, words[${w.threads}], words[${w.sync}]);
  } catch (e) {
    port.postMessage({ kind: 'failed', tid, sequence: seen, reason: String(e && e.stack || e) });
    Atomics.store(words, ${w.failed}, 1);
    Atomics.store(aborted, 0, 1);
  }
  return true;
}

function loop() {
  for (;;) {
    const sequence = Atomics.load(words, ${w.sequence});
    if (sequence === seen) { let n = 2000; while (n-- > 0 && Atomics.load(words, 0) === seen); if (Atomics.load(words, 0) !== seen) continue; Atomics.wait(words, ${w.sequence}, seen); continue; }
    if (Atomics.load(words, ${w.command}) === 0) { seen = sequence; return; }
    if (tid < words[${w.threads}] && !run()) return; // the instance is in a message that waits in the event loop
    seen = sequence;
    if (Atomics.sub(words, ${w.pending}, 1) === 1) {
      Atomics.store(words, ${w.done}, sequence);
      Atomics.notify(words, ${w.done});
      if (post) port.postMessage({ kind: 'done', sequence });
    }
  }
}

let post = false;
function handle(m) {
  if (m.kind === 'start') {
    memory = m.memory; tid = m.tid; seen = m.seen; post = m.post;
    words = new Int32Array(memory.buffer, m.words, ${w.size});
    aborted = new Int32Array(memory.buffer, m.aborted, 1);
  } else if (m.kind === 'load') {
    instances.set(m.id, new WebAssembly.Instance(m.module, { env: { memory }, math }).exports.run);
  } else if (m.kind === 'free') {
    instances.delete(m.id);
  } else if (m.kind === 'wait') {
    loop();
  }
}
if (node) port.on('message', handle);
else self.onmessage = (e) => handle(e.data);
`;
