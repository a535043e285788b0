/** @file A device buffer in WebAssembly memory. */
import type { DeviceBuffer } from '../backend.ts';
import { XlaError } from '../hlo/errors.ts';
import { type Storage, storageConstructors } from '../hlo/literal.ts';
import { type ArrayShape, byteSize, elementCount, shapeText } from '../hlo/shape.ts';
import type { WasmMemory } from './wasmMemory.ts';

export class WasmBuffer implements DeviceBuffer {
  readonly shape: ArrayShape;
  /** Byte address; −1 once disposed. */
  address: number;
  readonly memory: WasmMemory;

  constructor(memory: WasmMemory, shape: ArrayShape) {
    this.memory = memory;
    this.shape = shape;
    this.address = memory.allocate(byteSize(shape), `a buffer of ${shapeText(shape)}`);
  }

  write(data: Storage): void {
    const live = this.live();
    if (data.length !== live.length || data.constructor !== live.constructor) {
      const received = `${data.constructor.name} of ${data.length}`;
      const expected = `${live.constructor.name} of ${live.length}`;
      throw new XlaError(
        'INVALID_ARGUMENT',
        `write to ${shapeText(this.shape)} takes ${expected} elements, received ${received}`,
      );
    }
    // Same constructor on both sides: typed arrays copy between each other without conversion.
    (live as { set(from: Storage): void }).set(data);
  }

  read(): Storage {
    const live = this.live();
    const copy = new storageConstructors[this.shape.dtype](live.length);
    (copy as { set(from: Storage): void }).set(live);
    return copy;
  }

  dispose(): void {
    if (this.address < 0) return;
    this.memory.release(this.address);
    this.address = -1;
  }

  private live(): Storage {
    if (this.address < 0)
      throw new XlaError('FAILED_PRECONDITION', `a buffer of ${shapeText(this.shape)} is used after dispose`);
    return this.memory.view(this.shape.dtype, this.address, elementCount(this.shape.dims));
  }
}
