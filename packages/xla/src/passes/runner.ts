/**
 * @file Runs passes over a module. Only the runner knows how to verify after a change, measure, dump, leave passes out and repeat a
 * group until nothing changes; a pass is a function from module to module that answers the same object when it changed nothing.
 */
import { internal, XlaError } from '../hlo/errors.ts';
import type { Module } from '../hlo/module.ts';

export interface Pass {
  readonly name: string;
  run(module: Module): Module;
}

/** Passes repeated until none changes the module, at most `limit` rounds. */
export interface Fixpoint {
  readonly name: string;
  readonly passes: readonly Pass[];
  readonly limit: number;
}

export type Pipeline = readonly (Pass | Fixpoint)[];

export function fixpoint(name: string, passes: readonly Pass[], limit = 12): Fixpoint {
  return { name, passes, limit };
}

export interface PassEvent {
  readonly pass: string;
  /** Counts the passes of this run, from 0. */
  readonly sequence: number;
  readonly before: Module;
  readonly after: Module;
  readonly milliseconds: number;
}

export interface RunOptions {
  /** Throws when a module is broken; called after every change. */
  readonly verify?: (module: Module) => void;
  /** Names of passes or fixpoints to leave out. */
  readonly disabled?: ReadonlySet<string>;
  /** Told about every pass that ran. */
  readonly onPass?: (event: PassEvent) => void;
}

export interface PipelineResult {
  readonly module: Module;
  /** Milliseconds by pass, all its runs together. */
  readonly timings: ReadonlyMap<string, number>;
}

/** The names that `disabled` may hold. */
export function passNames(pipeline: Pipeline): string[] {
  return pipeline.flatMap((p) => ('passes' in p ? [p.name, ...p.passes.map((q) => q.name)] : [p.name]));
}

export function runPipeline(module: Module, pipeline: Pipeline, options: RunOptions = {}): PipelineResult {
  const run = new PipelineRun(options);
  let current = module;
  for (const part of pipeline) {
    if (options.disabled?.has(part.name)) continue;
    current = 'passes' in part ? run.repeat(current, part) : run.once(current, part);
  }
  return { module: current, timings: run.timings };
}

class PipelineRun {
  readonly timings = new Map<string, number>();
  private readonly options: RunOptions;
  private sequence = 0;

  constructor(options: RunOptions) {
    this.options = options;
  }

  repeat(module: Module, { passes, limit }: Fixpoint): Module {
    let current = module;
    for (let round = 0; round < limit; round++) {
      const before = current;
      for (const pass of passes) current = this.once(current, pass);
      if (current === before) break;
    }
    return current;
  }

  once(before: Module, pass: Pass): Module {
    const { disabled, onPass } = this.options;
    if (disabled?.has(pass.name)) return before;
    const start = performance.now();
    const after = pass.run(before);
    const milliseconds = performance.now() - start;
    this.timings.set(pass.name, (this.timings.get(pass.name) ?? 0) + milliseconds);
    onPass?.({ pass: pass.name, sequence: this.sequence++, before, after, milliseconds });
    if (after !== before) this.verify(after, pass.name);
    return after;
  }

  private verify(module: Module, pass: string): void {
    try {
      this.options.verify?.(module);
    } catch (cause) {
      if (!(cause instanceof XlaError)) throw cause;
      throw internal(`verify failed after \`${pass}\`: ${cause.message}`, { cause });
    }
  }
}
