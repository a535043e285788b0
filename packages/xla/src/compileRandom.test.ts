import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { compileToProgram } from './compileToProgram.ts';
import { interpretModule } from './hlo/interpret.ts';
import { toNumbers } from './hlo/literals.ts';
import type { Module } from './hlo/module.ts';
import { printModule } from './hlo/print.ts';
import type { ArrayShape } from './hlo/shape.ts';
import { testTarget } from './kernels/checkSchedule.ts';
import { interpretProgram } from './kernels/interpretProgram.ts';
import { programText } from './kernels/programText.ts';
import { randomLiteral } from './kernels/randomLiteral.ts';
import { pipeline } from './passes/pipeline.ts';
import { randomModule } from './passes/randomModule.ts';
import type { Pipeline } from './passes/runner.ts';

/** Compiled and interpreted results agree, for one thread and for three. */
function agree(module: Module, passes: Pipeline): void {
  const args = module.entry.parameters.map((p, i) => {
    const { dtype, dims } = p.shape as ArrayShape;
    return randomLiteral(dtype, dims, { seed: i + 1, scale: 1 });
  });
  const expected = interpretModule(module, args).map(toNumbers);
  const { program, module: after } = compileToProgram(module, testTarget, { pipeline: passes });
  for (const threads of [1, 3]) {
    const got = interpretProgram(program, args, threads).map(toNumbers);
    for (const [i, want] of expected.entries()) {
      for (const [j, value] of want.entries()) {
        const actual = got[i]?.[j] as number;
        const bound = 1e-4 * Math.max(1, Math.abs(value));
        const close = Object.is(actual, value) || actual === value || Math.abs(actual - value) <= bound;
        const story = (): string => [printModule(module), printModule(after), programText(program)].join('\n');
        if (!close) expect.fail(`result ${i}[${j}] is ${actual}, not ${value}\n${story()}`);
      }
    }
  }
}

test('programs of random modules compute what the interpreter does', async () => {
  await fc.assert(
    fc.property(randomModule(14), (module) => agree(module, pipeline)),
    { numRuns: 150 },
  );
});

test('so do those of unsimplified modules', async () => {
  await fc.assert(
    fc.property(randomModule(10), (module) => agree(module, [])),
    { numRuns: 60 },
  );
});
