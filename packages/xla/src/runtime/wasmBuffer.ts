/** @file A device buffer in WebAssembly memory. */
import type { DeviceBuffer } from '../backend.ts';
import { XlaError } from '../hlo/errors.ts';
import { type Storage, storageConstructors } from '../hlo/literal.ts';
import { type ArrayShape, byteSize, elementCount, shapeText } from '../hlo/shape.ts';
import { copyStorage } from './copyStorage.ts';
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
    copyStorage(this.live(), data, this.shape);
  }

  read(): Storage {
    const live = this.live();
    const copy = new storageConstructors[this.shape.dtype](live.length);
    copyStorage(copy, live, this.shape);
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
