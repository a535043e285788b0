/** @file The reference backend: buffers are typed arrays and a run is an evaluation of the HLO itself. Slow; for tests. */
import type { Backend, CompileOptions, DeviceBuffer, Executable, ExecutableStats } from '../backend.ts';
import { XlaError } from '../hlo/errors.ts';
import { shapeOf } from '../hlo/graph.ts';
import { interpretModule } from '../hlo/interpret.ts';
import { type Literal, type Storage, storageConstructors } from '../hlo/literal.ts';
import type { Module } from '../hlo/module.ts';
import { type ArrayShape, elementCount, sameShape, shapeText } from '../hlo/shape.ts';
import { copyStorage } from './copyStorage.ts';

export class InterpretBackend implements Backend {
  readonly name = 'interpret';
  readonly threads = 1;

  createBuffer(shape: ArrayShape): DeviceBuffer {
    return new HostBuffer(shape);
  }

  async compile(module: Module, options: CompileOptions = {}): Promise<Executable> {
    return new InterpretedExecutable(module, options.name ?? module.name);
  }

  async dispose(): Promise<void> {}
}

class HostBuffer implements DeviceBuffer {
  readonly shape: ArrayShape;
  private data: Storage | undefined;

  constructor(shape: ArrayShape) {
    this.shape = shape;
    this.data = new storageConstructors[shape.dtype](elementCount(shape.dims));
  }

  write(data: Storage): void {
    copyStorage(this.live(), data, this.shape);
  }

  read(): Storage {
    return this.live().slice();
  }

  dispose(): void {
    this.data = undefined;
  }

  /** The content as a literal that shares its memory. */
  literal(): Literal {
    return { shape: this.shape, data: this.live() };
  }

  private live(): Storage {
    if (!this.data) {
      throw new XlaError('FAILED_PRECONDITION', `a buffer of ${shapeText(this.shape)} is used after dispose`);
    }
    return this.data;
  }
}

class InterpretedExecutable implements Executable {
  readonly parameters: readonly ArrayShape[];
  readonly results: readonly ArrayShape[];
  readonly aliases: ReadonlyMap<number, number>;
  readonly stats: ExecutableStats = {
    compileMs: 0,
    kernels: 0,
    arenaBytes: 0,
    constantBytes: 0,
    codeBytes: 0,
    flops: 0,
    phases: new Map(),
  };
  private readonly module: Module;
  private readonly name: string;

  constructor(module: Module, name: string) {
    this.module = module;
    this.name = name;
    this.parameters = module.entry.parameters.map((p) => shapeOf(p));
    this.results = module.entry.root.operands.map((r) => shapeOf(r));
    this.aliases = new Map(module.aliases.map((a) => [a.output, a.parameter]));
  }

  run(args: readonly DeviceBuffer[], results: readonly DeviceBuffer[]): void {
    const inputs = this.parameters.map((shape, i) => this.buffer(args[i], shape, `argument ${i}`).literal());
    const outputs = this.results.map((shape, i) => this.buffer(results[i], shape, `result ${i}`));
    const values = interpretModule(this.module, inputs);
    // Values may be views of the inputs: copy all before writing any.
    const copies = values.map((v) => v.data.slice());
    for (const [i, out] of outputs.entries()) out.write(copies[i] as Storage);
  }

  dispose(): void {}

  private buffer(b: DeviceBuffer | undefined, shape: ArrayShape, what: string): HostBuffer {
    if (b instanceof HostBuffer && sameShape(b.shape, shape)) return b;
    const received = b instanceof HostBuffer ? shapeText(b.shape) : b ? 'a buffer of another backend' : 'nothing';
    throw new XlaError(
      'INVALID_ARGUMENT',
      `"${this.name}": ${what}: expected ${shapeText(shape)}, received ${received}`,
    );
  }
}
