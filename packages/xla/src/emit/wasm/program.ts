/**
 * @file A Program as one WebAssembly module: every distinct kernel is one function, and `run` calls them in order with barriers
 * between, loops and branches as structured control flow. The same instance code serves one thread and many.
 *
 * run(table, arena, constants, tid, threads, sync): `table` holds i32 pointers of the parameters, then of the results; `sync` is a
 * control block laid out in barrier.ts.
 */
import { internal } from '../../hlo/errors.ts';
import type { Kernel, MathFunction } from '../../kernels/ir.ts';
import type { BufferRef, Program, Step } from '../../program.ts';
import { barrierBody } from './barrier.ts';
import { type FunctionBody, type FunctionType, ModuleBuilder, type ValueType } from './encoder.ts';
import { FunctionWriter } from './functionWriter.ts';
import { emitKernel, kernelParams } from './kernel.ts';
import { mathArity, mathFunctions } from './mathImports.ts';

export interface EmitOptions {
  /** Use fused multiply-add instructions. */
  readonly relaxed: boolean;
  /** The memory is shared: barriers are real. Without, only threads = 1 may run. */
  readonly shared: boolean;
  readonly maximumPages: number;
}

export interface EmittedProgram {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Distinct kernel functions. */
  readonly kernels: number;
}

/** Parameters of `run`, by local index. */
const runParams = { table: 0, arena: 1, constants: 2, tid: 3, threads: 4, sync: 5 } as const;
const globals = { threads: 0, tid: 1, sync: 2 } as const;
const i32s = (n: number): ValueType[] => new Array<ValueType>(n).fill('i32');

export function emitProgram(program: Program, options: EmitOptions): EmittedProgram {
  // Imported functions come first in the index space and most programs import none: emit without, start again when one is met.
  try {
    return new ProgramEmitter(program, options, false).emit();
  } catch (e) {
    if (e !== needsMath) throw e;
    return new ProgramEmitter(program, options, true).emit();
  }
}

const needsMath = internal('the program calls Math functions');

class ProgramEmitter {
  private readonly module: ModuleBuilder;
  private readonly program: Program;
  private readonly options: EmitOptions;
  private readonly math = new Map<MathFunction, number>();
  private readonly barrier: number;
  /** By kernel object, and by code: kernels that differ in names only share a function. */
  private readonly byKernel = new Map<Kernel, number>();
  private readonly byCode = new Map<string, number>();
  private readonly kernels = new Set<number>();
  private readonly w = new FunctionWriter(Object.keys(runParams).length);

  constructor(program: Program, options: EmitOptions, withMath: boolean) {
    this.program = program;
    this.options = options;
    this.module = new ModuleBuilder({
      module: 'env',
      name: 'memory',
      shared: options.shared,
      initialPages: 1,
      maximumPages: options.maximumPages,
    });
    if (withMath) {
      for (const fn of Object.keys(mathFunctions) as MathFunction[]) {
        const params = new Array<ValueType>(mathArity(fn)).fill('f64');
        this.math.set(fn, this.module.importFunction('math', fn, { params, results: ['f64'] }));
      }
    }
    for (let i = 0; i < Object.keys(globals).length; i++) this.module.global(0);
    this.barrier = this.module.declare('barrier', { params: [], results: [] });
    const body = options.shared ? barrierBody(globals) : new FunctionWriter(0).finish();
    this.module.define(this.barrier, body);
  }

  emit(): EmittedProgram {
    const { w, module } = this;
    w.get(runParams.threads).with('globalSet', globals.threads);
    w.get(runParams.tid).with('globalSet', globals.tid);
    w.get(runParams.sync).with('globalSet', globals.sync);
    this.steps(this.program.steps);
    const run = module.declare('run', { params: i32s(Object.keys(runParams).length), results: [] });
    module.define(run, w.finish());
    module.export('run', run);
    return { bytes: module.finish(), kernels: this.kernels.size };
  }

  private steps(steps: readonly Step[]): void {
    for (const s of steps) {
      switch (s.kind) {
        case 'kernel':
          this.kernelStep(s);
          break;
        case 'while':
          this.whileStep(s);
          break;
        case 'conditional':
          this.conditionalStep(s);
          break;
        default:
          s satisfies never;
      }
    }
  }

  private kernelStep(s: Extract<Step, { kind: 'kernel' }>): void {
    const { w } = this;
    if (s.args.length !== s.kernel.buffers.length) {
      const counts = `takes ${s.kernel.buffers.length} buffers, the step of ${s.opName} gives ${s.args.length}`;
      throw internal(`kernel ${s.kernel.name} ${counts}`);
    }
    const callee = this.functionOf(s.kernel);
    if (s.barrier) this.meet();
    if (!s.kernel.parallel) w.get(runParams.tid).op('i32Eqz').open('if');
    for (const a of s.args) this.pointer(a);
    if (s.kernel.parallel) w.get(runParams.tid).get(runParams.threads);
    else w.i32(0).i32(1);
    w.with('call', callee);
    if (!s.kernel.parallel) w.op('end');
  }

  /**
   * The predicate is read between two barriers: the first makes it final, the second keeps fast threads from overwriting it before
   * slow ones have read it.
   */
  private whileStep(s: Extract<Step, { kind: 'while' }>): void {
    const { w } = this;
    w.open('block').open('loop');
    this.steps(s.condition);
    const go = this.readAgreed(s.predicate, 'i32Load8U');
    w.get(go).op('i32Eqz').with('brIf', 1);
    w.release('i32', go);
    this.steps(s.body);
    w.with('br', 0).op('end').op('end');
  }

  private conditionalStep(s: Extract<Step, { kind: 'conditional' }>): void {
    const { w } = this;
    const n = s.branches.length;
    const choice = this.readAgreed(s.selector, s.selectorType === 'pred' ? 'i32Load8U' : 'i32Load');
    w.open('block'); // its end is the join
    for (let i = 0; i < n; i++) w.open('block');
    w.get(choice);
    if (s.selectorType === 'pred') w.op('i32Eqz'); // true → branch 0, false → branch 1
    w.release('i32', choice);
    w.table(
      Array.from({ length: n - 1 }, (_, i) => i),
      n - 1,
    );
    s.branches.forEach((branch, i) => {
      w.op('end');
      this.steps(branch);
      w.with('br', n - 1 - i);
    });
    w.op('end');
  }

  /** A local with a value from memory that all threads read alike. */
  private readAgreed(from: BufferRef, load: 'i32Load8U' | 'i32Load'): number {
    const { w } = this;
    const value = w.temp('i32');
    this.meet();
    this.pointer(from);
    w.memory(load, 0).set(value);
    this.meet();
    return value;
  }

  private meet(): void {
    this.w.with('call', this.barrier);
  }

  private pointer(ref: BufferRef): void {
    const { w } = this;
    switch (ref.space) {
      case 'parameter':
        w.get(runParams.table).memory('i32Load', 4 * ref.index, 2);
        return;
      case 'result':
        w.get(runParams.table).memory('i32Load', 4 * (this.program.parameters.length + ref.index), 2);
        return;
      case 'arena':
      case 'constant':
        w.get(ref.space === 'arena' ? runParams.arena : runParams.constants);
        if (ref.offset) w.i32(ref.offset).op('i32Add');
        return;
      default:
        ref satisfies never;
    }
  }

  private functionOf(kernel: Kernel): number {
    const known = this.byKernel.get(kernel);
    if (known !== undefined) return known;
    const body = emitKernel(kernel, {
      relaxed: this.options.relaxed,
      math: (fn) => {
        const index = this.math.get(fn);
        if (index === undefined) throw needsMath;
        return index;
      },
      barrier: () => this.barrier,
      outline: (name, type, inner) => this.shared(name, type, inner),
    });
    const index = this.shared(kernel.name, { params: kernelParams(kernel), results: [] }, body);
    this.byKernel.set(kernel, index);
    this.kernels.add(index);
    return index;
  }

  /** The function with this code, new or known. */
  private shared(name: string, type: FunctionType, body: FunctionBody): number {
    const key = codeKey(type, body);
    const known = this.byCode.get(key);
    if (known !== undefined) return known;
    const index = this.module.declare(name, type);
    this.module.define(index, body);
    this.byCode.set(key, index);
    return index;
  }
}

const latin1 = new TextDecoder('latin1');

/** The code itself is the structural key: names and ids are gone from it. */
function codeKey(type: FunctionType, body: FunctionBody): string {
  return `${type.params.join()}|${body.locals.join()}|${latin1.decode(body.code)}`;
}
