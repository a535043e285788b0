/**
 * @file Runs a cluster: picks the program compiled for the shapes at hand (compiling it when none fits), binds buffers, runs it,
 * commits written variables. Buffers of inputs and outputs belong to the program and are reused by every run.
 */
import type { ArrayShape, Backend, DeviceBuffer, Executable, Storage } from '@tsflow/xla';
import { arrayShape } from '@tsflow/xla';
import { fromLiteral, type NdArray } from '../ndarray.ts';
import { NeedsConstantError } from '../op/lowering.ts';
import type { Dims } from '../shape.ts';
import { type ClusterModule, lowerCluster, type StateShape } from './lowerCluster.ts';
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
  /** Runs that have not read the outputs yet; a program in use is not dropped. */
  users = 0;
  readonly #cluster: ClusterModule;
  readonly #inputDims: readonly Dims[];
  readonly #constants: ReadonlyMap<number, NdArray>;
  readonly #inputs: readonly DeviceBuffer[];
  readonly #states: SessionStates;
  readonly #args: DeviceBuffer[];
  readonly #results: DeviceBuffer[];
  #epoch = -1;
  #fits = false;

  constructor(
    backend: Backend,
    states: SessionStates,
    built: {
      stage: Stage;
      cluster: ClusterModule;
      inputDims: readonly Dims[];
      constants: ReadonlyMap<number, NdArray>;
      executable: Executable;
    },
  ) {
    this.stage = built.stage;
    this.executable = built.executable;
    this.#cluster = built.cluster;
    this.#inputDims = built.inputDims;
    this.#constants = built.constants;
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
    for (const [i, want] of this.#constants) if (!sameElements(hostValue(values[i] as StageValue), want)) return false;
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

function hostValue(x: StageValue): NdArray {
  return isBuffer(x) ? fromLiteral({ shape: x.shape, data: x.read() }) : x;
}

function sameElements(a: NdArray, b: NdArray): boolean {
  const data: ArrayLike<unknown> = a.data;
  return a.size === b.size && Array.prototype.every.call(data, (x: unknown, i: number) => x === b.data[i]);
}

/** Larger inputs never become constants: they would be compiled anew for every value. */
const maxConstantElements = 256;

/**
 * Compiles a stage for the dims of its inputs and the variables' present shapes. Integer inputs that turn out to decide shapes
 * (a fed shape, a count from a host op) become constants of the program, which then serves these values only.
 */
export async function compileCluster(
  backend: Backend,
  states: SessionStates,
  { plan, stage, values, name }: { plan: Plan; stage: Stage; values: readonly StageValue[]; name: string },
): Promise<ClusterProgram> {
  const inputDims = values.map(dimsOfValue);
  const constants = new Map<number, NdArray>();
  const stateShape: StateShape = (ref, reader) => {
    const buffer = states.buffer(ref.key);
    if (buffer === undefined) throw uninitialized(ref, reader);
    return arrayShape(buffer.shape.dtype, buffer.shape.dims);
  };
  const lower = (): ClusterModule => {
    for (;;) {
      try {
        return lowerCluster(plan, stage, { name, inputDims, constants, stateShape });
      } catch (error) {
        if (!(error instanceof NeedsConstantError) || !addConstants(constants, error.parameters, values)) throw error;
      }
    }
  };
  const cluster = lower();
  const executable = await backend.compile(cluster.module, { name });
  return new ClusterProgram(backend, states, { stage, cluster, inputDims, constants, executable });
}

/** Whether anything more became constant. */
function addConstants(
  constants: Map<number, NdArray>,
  wanted: ReadonlySet<number>,
  values: readonly StageValue[],
): boolean {
  const before = constants.size;
  for (const i of wanted) {
    const value = values[i];
    if (value === undefined || constants.has(i)) continue;
    const host = hostValue(value);
    if (host.size <= maxConstantElements) constants.set(i, host);
  }
  return constants.size > before;
}
