/**
 * @file The state of a session: one buffer per variable and per random stream. `epoch` changes whenever a buffer comes or goes, so
 * bound argument lists know when they are stale.
 */
import { type ArrayShape, arrayShape, type Backend, type DeviceBuffer } from '@tsflow/xla';
import { elementTypeOf } from '../dtype.ts';
import { FailedPreconditionError, UnimplementedError } from '../errors.ts';
import type { Operation } from '../graph/operation.ts';
import { fromLiteral, NdArray, toLiteral } from '../ndarray.ts';
import type { StateAccess, StateRef } from '../op/record.ts';

/** A variable's buffer; strings stay on the host. */
type State = DeviceBuffer | NdArray;

export class SessionStates implements StateAccess {
  epoch = 0;
  readonly #backend: Backend;
  readonly #states = new Map<string, State>();
  readonly #random = new Map<string, DeviceBuffer>();

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  isInitialized(ref: StateRef): boolean {
    return this.#states.has(ref.key);
  }

  /** The buffer of a variable, undefined when it is not initialised. */
  buffer(key: string): DeviceBuffer | undefined {
    const state = this.#states.get(key);
    return state instanceof NdArray ? undefined : state;
  }

  read(ref: StateRef): NdArray {
    const state = this.#states.get(ref.key);
    if (state === undefined) throw uninitialized(ref);
    return state instanceof NdArray ? state : fromLiteral({ shape: state.shape, data: state.read() });
  }

  assign(ref: StateRef, value: NdArray): void {
    if (elementTypeOf(value.dtype) === undefined) {
      this.#states.set(ref.key, value);
      this.epoch++;
      return;
    }
    const { shape, data } = toLiteral(value);
    const buffer = this.writable(ref.key, shape);
    buffer.write(data);
    this.commit(ref.key, buffer);
  }

  /** A buffer of this shape that a run may overwrite as the new value: the variable's own when it fits, else a fresh one. */
  writable(key: string, shape: ArrayShape): DeviceBuffer {
    const own = this.buffer(key);
    if (own !== undefined && own.shape.dtype === shape.dtype && sameDims(own.shape.dims, shape.dims)) return own;
    return this.#backend.createBuffer(shape);
  }

  /** Makes `buffer` the variable's value. */
  commit(key: string, buffer: DeviceBuffer): void {
    const old = this.#states.get(key);
    if (old === buffer) return;
    if (old !== undefined && !(old instanceof NdArray)) old.dispose();
    this.#states.set(key, buffer);
    this.epoch++;
  }

  /** Philox state of a random node: key from its seeds, counter 0 at first. */
  random(op: Operation): DeviceBuffer {
    const known = this.#random.get(op.name);
    if (known !== undefined) return known;
    const buffer = this.#backend.createBuffer(arrayShape('u64', [2]));
    buffer.write(BigUint64Array.of(randomKey(op), 0n));
    this.#random.set(op.name, buffer);
    return buffer;
  }

  dispose(): void {
    for (const s of this.#states.values()) if (!(s instanceof NdArray)) s.dispose();
    for (const s of this.#random.values()) s.dispose();
    this.#states.clear();
    this.#random.clear();
    this.epoch++;
  }
}

function sameDims(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((d, i) => d === b[i]);
}

/** Both seeds mixed into 64 bits; seeds (0, 0) ask for different numbers in every session. */
function randomKey(op: Operation): bigint {
  const seed = op.attrs['seed'] ?? 0;
  const seed2 = op.attrs['seed2'] ?? 0;
  if (typeof seed !== 'number' || typeof seed2 !== 'number') {
    throw new UnimplementedError('random ops take integer attributes seed and seed2.', {
      opType: op.type,
      nodeName: op.name,
    });
  }
  if (seed === 0 && seed2 === 0) return crypto.getRandomValues(new BigUint64Array(1))[0] as bigint;
  return mix(mix(BigInt(seed)) ^ BigInt(seed2));
}

/** SplitMix64's finaliser: near seeds give unrelated keys. */
function mix(x: bigint): bigint {
  let z = BigInt.asUintN(64, x + 0x9e3779b97f4a7c15n);
  z = BigInt.asUintN(64, (z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n);
  z = BigInt.asUintN(64, (z ^ (z >> 27n)) * 0x94d049bb133111ebn);
  return z ^ (z >> 31n);
}

export function uninitialized(ref: StateRef, reader?: Operation): FailedPreconditionError {
  const by = reader === undefined ? '' : ` (read by ${reader.type} "${reader.name}")`;
  return new FailedPreconditionError(
    `the variable has no value yet${by}. Run globalVariablesInitializer() or its initializer, or restore a checkpoint, before.`,
    { opType: ref.op.type, nodeName: ref.op.name },
  );
}
