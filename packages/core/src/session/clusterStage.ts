/**
 * @file Runs a cluster: picks the program compiled for the shapes at hand (compiling it when none fits), binds buffers, runs it,
 * commits written variables. Buffers of inputs and outputs belong to the program and are reused by every run.
 */
import type { ArrayShape, Backend, DeviceBuffer, Executable, Storage } from '@tsflow/xla';
import { arrayShape } from '@tsflow/xla';
import type { NdArray } from '../ndarray.ts';
import type { Dims } from '../shape.ts';
import { type ClusterModule, lowerCluster } from './lowerCluster.ts';
import type { Plan, Stage } from './plan.ts';
import { type SessionStates, uninitialized } from './states.ts';

/** What an input of a stage holds: host values or a buffer of the same backend. */
export type StageValue = NdArray | DeviceBuffer;

export function isBuffer(x: StageValue): x is DeviceBuffer {
  return 'read' in x;
}

export function dimsOfValue(x: StageValue): Dims {
  return isBuffer(x) ? x.shape.dims : x.shape;
}

/** A compiled program with its buffers. */
export class ClusterProgram {
  readonly stage: Stage;
  readonly executable: Executable;
  readonly outputs: readonly DeviceBuffer[];
  readonly #cluster: ClusterModule;
  readonly #inputDims: readonly Dims[];
  readonly #inputs: readonly DeviceBuffer[];
  readonly #states: SessionStates;
  readonly #args: DeviceBuffer[];
  readonly #results: DeviceBuffer[];
  #epoch = -1;
  #fits = false;

  constructor(
    backend: Backend,
    states: SessionStates,
    built: { stage: Stage; cluster: ClusterModule; inputDims: readonly Dims[]; executable: Executable },
  ) {
    this.stage = built.stage;
    this.executable = built.executable;
    this.#cluster = built.cluster;
    this.#inputDims = built.inputDims;
    this.#states = states;
    const n = built.stage.inputs.length;
    this.#inputs = built.executable.parameters.slice(0, n).map((shape) => backend.createBuffer(shape));
    this.outputs = built.executable.results
      .slice(0, built.stage.outputs.length)
      .map((shape) => backend.createBuffer(shape));
    this.#args = [...this.#inputs];
    this.#results = [...this.outputs];
  }

  /** Whether the program was compiled for these inputs and the variables' present shapes. */
  matches(values: readonly StageValue[]): boolean {
    for (let i = 0; i < values.length; i++) {
      const have = dimsOfValue(values[i] as StageValue);
      const want = this.#inputDims[i] as Dims;
      if (have.length !== want.length) return false;
      for (let d = 0; d < want.length; d++) if (have[d] !== want[d]) return false;
    }
    if (this.#epoch !== this.#states.epoch) this.#rebind();
    return this.#fits;
  }

  /** Looks variables' buffers up again. */
  #rebind(): void {
    this.#epoch = this.#states.epoch;
    this.#fits = true;
    const first = this.#inputs.length;
    for (const [i, p] of this.#cluster.parameters.entries()) {
      const buffer = p.kind === 'random' ? this.#states.random(p.op) : this.#states.buffer(p.ref.key);
      if (buffer === undefined || (p.kind === 'variable' && !sameDims(buffer.shape, p.shape))) {
        this.#fits = false;
        return;
      }
      this.#args[first + i] = buffer;
    }
    for (const [i, r] of this.#cluster.results.entries()) {
      this.#results[this.outputs.length + i] =
        r.parameter !== undefined
          ? (this.#args[first + r.parameter] as DeviceBuffer)
          : this.#states.writable((r as { ref: { key: string } }).ref.key, (r as { shape: ArrayShape }).shape);
    }
  }

  /** Runs on inputs that match. Answers a promise only when the program runs on worker threads. */
  run(values: readonly StageValue[]): void | Promise<void> {
    for (let i = 0; i < values.length; i++) {
      const value = values[i] as StageValue;
      if (isBuffer(value)) this.#args[i] = value;
      else {
        const own = this.#inputs[i] as DeviceBuffer;
        own.write(value.data as Storage);
        this.#args[i] = own;
      }
    }
    const running = this.executable.run(this.#args, this.#results);
    if (running === undefined) this.#commit();
    else return running.then(() => this.#commit());
  }

  /** New variables exist only once the run has succeeded. */
  #commit(): void {
    for (const [i, r] of this.#cluster.results.entries()) {
      if (r.kind === 'variable' && r.parameter === undefined) {
        this.#states.commit(r.ref.key, this.#results[this.outputs.length + i] as DeviceBuffer);
      }
    }
  }

  dispose(): void {
    this.executable.dispose();
    for (const b of [...this.#inputs, ...this.outputs]) b.dispose();
  }
}

function sameDims(a: ArrayShape, b: ArrayShape): boolean {
  return a.dims.length === b.dims.length && a.dims.every((d, i) => d === b.dims[i]);
}

/** Compiles a stage for the dims of its inputs and the variables' present shapes. */
export async function compileCluster(
  backend: Backend,
  states: SessionStates,
  { plan, stage, values, name }: { plan: Plan; stage: Stage; values: readonly StageValue[]; name: string },
): Promise<ClusterProgram> {
  const inputDims = values.map(dimsOfValue);
  const cluster = lowerCluster(plan, stage, {
    name,
    inputDims,
    stateShape: (ref, reader) => {
      const buffer = states.buffer(ref.key);
      if (buffer === undefined) throw uninitialized(ref, reader);
      return arrayShape(buffer.shape.dtype, buffer.shape.dims);
    },
  });
  const executable = await backend.compile(cluster.module, { name });
  return new ClusterProgram(backend, states, { stage, cluster, inputDims, executable });
}
