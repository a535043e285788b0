/** @file Text in, text out: runs passes on a module given as text, checks that its meaning stayed, and answers the entry's text. */
import { expect } from 'vitest';
import { interpretModule } from '../hlo/interpret.ts';
import { toNumbers } from '../hlo/literals.ts';
import type { Module } from '../hlo/module.ts';
import { parseModule } from '../hlo/parse.ts';
import { printModule } from '../hlo/print.ts';
import type { ArrayShape } from '../hlo/shape.ts';
import { verifyModule } from '../hlo/verify.ts';
import { randomLiteral } from '../kernels/randomLiteral.ts';
import { type Pass, runPipeline } from './runner.ts';

/** A module whose entry holds `body`, one instruction a line; the last line starts with `root`. */
export function moduleOf(body: string, before = ''): Module {
  const lines = body.trim().split('\n');
  return parseModule(`module test\n${before}\nentry test {\n${lines.join('\n')}\n}\n`);
}

/** The module after `passes`, run once each, with equal results on random arguments. */
export function transform(module: Module, ...passes: readonly Pass[]): Module {
  const { module: after } = runPipeline(module, passes, { verify: verifyModule });
  checkSameMeaning(module, after);
  return after;
}

/** Both modules compute the same on random arguments, up to rounding. */
export function checkSameMeaning(before: Module, after: Module): void {
  const args = before.entry.parameters.map((p, i) => {
    const { dtype, dims } = p.shape as ArrayShape;
    return randomLiteral(dtype, dims, { seed: i + 1 });
  });
  const [expected, got] = [before, after].map((m) => interpretModule(m, args).map(toNumbers));
  expect(got?.length).toBe(expected?.length);
  for (const [i, values] of (expected ?? []).entries()) {
    for (const [j, value] of values.entries()) {
      const actual = got?.[i]?.[j] as number;
      const close = Object.is(actual, value) || Math.abs(actual - value) <= 1e-5 * Math.max(1, Math.abs(value));
      if (!close) expect(actual, `result ${i}, element ${j}`).toBe(value);
    }
  }
}

/** Text of the entry's instructions, without header and braces. */
export function bodyText(module: Module): string {
  const text = printModule(module);
  const entry = text.slice(text.indexOf('entry '));
  return entry
    .split('\n')
    .slice(1)
    .filter((line) => line !== '}' && line !== '')
    .map((line) => line.trim())
    .join('\n');
}

/** Text in, text out. */
export function rewriteText(body: string, ...passes: readonly Pass[]): string {
  return bodyText(transform(moduleOf(body), ...passes));
}
