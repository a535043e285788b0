import { expect, test } from 'vitest';
import { compileToProgram } from './compileToProgram.ts';
import { withEnv } from './env.ts';
import { interpretModule } from './hlo/interpret.ts';
import type { Literal } from './hlo/literal.ts';
import { toNumbers } from './hlo/literals.ts';
import type { ArrayShape } from './hlo/shape.ts';
import { testTarget } from './kernels/checkSchedule.ts';
import { interpretProgram } from './kernels/interpretProgram.ts';
import { randomLiteral } from './kernels/randomLiteral.ts';
import { mnistStep } from './passes/mnistStep.ts';

function expectClose(got: readonly Literal[], expected: readonly Literal[]): void {
  expect(got.map((x) => x.shape)).toEqual(expected.map((x) => x.shape));
  for (const [i, want] of expected.entries()) {
    const actual = toNumbers(got[i] as Literal);
    for (const [j, value] of toNumbers(want).entries()) {
      const bound = 1e-4 * Math.max(1, Math.abs(value));
      expect(Math.abs((actual[j] as number) - value), `result ${i}[${j}]: ${actual[j]} for ${value}`).toBeLessThan(
        bound,
      );
    }
  }
}

test('computes the MNIST training step with any number of threads, without races', () => {
  const module = mnistStep({ batch: 3, size: 8, features: [2, 3, 5] });
  // Second moments and powers are positive.
  const args = module.entry.parameters.map((p, i) => {
    const { dtype, dims } = p.shape as ArrayShape;
    const literal = randomLiteral(dtype, dims, { seed: i + 1, scale: 0.5 });
    for (let j = 0; j < literal.data.length; j++) literal.data[j] = Math.abs(Number(literal.data[j]));
    return literal;
  });
  const expected = interpretModule(module, args);
  const { program } = compileToProgram(module, testTarget);
  for (const threads of [1, 3]) expectClose(interpretProgram(program, args, threads), expected);
});

test('leaves passes out by name, and refuses names it does not know', () => {
  const module = mnistStep({ batch: 2, size: 8, features: [2, 3, 5] });
  const steps = (disabled: string[]): number =>
    withEnv({ disabledPasses: new Set(disabled) }, () => compileToProgram(module, testTarget).program.steps.length);
  expect(steps(['fuse'])).toBeGreaterThan(2 * steps([]));
  expect(() => steps(['fuze'])).toThrow(/TSFLOW_PASS leaves out "fuze", but the passes are simplify, inline-calls/);
});
