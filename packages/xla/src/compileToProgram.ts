/** @file HLO module → Program: the pass pipeline under the environment's switches, then the lowering. Backends spell what comes out. */
import { type Env, env } from './env.ts';
import { invalidArgument } from './hlo/errors.ts';
import type { Module } from './hlo/module.ts';
import { verifyModule } from './hlo/verify.ts';
import { lowerModule } from './kernels/lowerModule.ts';
import type { Schedule } from './kernels/schedule.ts';
import { scheduleInstruction } from './kernels/schedules.ts';
import type { Target } from './kernels/target.ts';
import { dumpModule, dumpProgram, reportPass, reportTimings } from './passes/dump.ts';
import { pipeline as standardPipeline } from './passes/pipeline.ts';
import { type Pipeline, passNames, runPipeline } from './passes/runner.ts';
import type { Program } from './program.ts';

export interface CompileToProgramOptions {
  /** Default: the standard pipeline. */
  readonly pipeline?: Pipeline;
  readonly schedule?: Schedule;
}

export interface Compiled {
  readonly program: Program;
  /** The module after all passes. */
  readonly module: Module;
  /** Milliseconds by pass, and of `lower`. */
  readonly timings: ReadonlyMap<string, number>;
}

/** Compiles for `target` as TSFLOW_* say: passes left out, verification, dumps. */
export function compileToProgram(module: Module, target: Target, options: CompileToProgramOptions = {}): Compiled {
  const { pipeline = standardPipeline, schedule = scheduleInstruction } = options;
  const settings: Env = env();
  checkPassNames(settings.disabledPasses);
  dumpModule(settings, module, 'before');
  const result = runPipeline(module, pipeline, {
    disabled: settings.disabledPasses,
    ...(settings.verify && { verify: verifyModule }),
    onPass: (event) => reportPass(settings, event),
  });
  dumpModule(settings, result.module, 'after');
  const start = performance.now();
  const program = lowerModule(result.module, target, schedule);
  const timings = new Map([...result.timings, ['lower', performance.now() - start]]);
  dumpProgram(settings, program);
  reportTimings(settings, module.name, timings);
  return { program, module: result.module, timings };
}

/** Only names of the standard pipeline can be left out: a misspelt one would silently change nothing. */
function checkPassNames(disabled: ReadonlySet<string>): void {
  const known = passNames(standardPipeline);
  for (const name of disabled) {
    if (known.includes(name)) continue;
    throw invalidArgument(`TSFLOW_PASS leaves out "${name}", but the passes are ${known.join(', ')}.`);
  }
}
