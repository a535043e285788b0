/**
 * @file What the compiler tells whoever asks by TSFLOW_DEBUG (on standard error) and TSFLOW_DUMP (files): timings, the IR before, after
 * and at every pass, the program. Silent otherwise, and in browsers files are not written.
 */
import type { Env } from '../env.ts';
import type { Module } from '../hlo/module.ts';
import { printModule } from '../hlo/print.ts';
import { programText } from '../kernels/programText.ts';
import type { Program } from '../program.ts';
import type { PassEvent } from './runner.ts';

/** Literals longer than this are shortened in dumps. */
const maxLiteralElements = 16;

const moduleText = (module: Module): string => printModule(module, { maxLiteralElements });

function say(text: string): void {
  // Debug output is asked for; it must not mix with a program's own standard output.
  if (typeof process === 'object' && process?.stderr) process.stderr.write(`${text}\n`);
}

/** Writes `<folder>/<name>`; nothing where there are no files. */
function save(folder: string, name: string, text: string): void {
  const fs = typeof process === 'object' ? process.getBuiltinModule?.('node:fs') : undefined;
  if (!fs) return;
  fs.mkdirSync(folder, { recursive: true });
  fs.writeFileSync(`${folder}/${name.replace(/[^\w.-]+/g, '_')}`, text);
}

export function dumpModule(settings: Env, module: Module, when: 'before' | 'after'): void {
  if (settings.debug >= 1 && when === 'before') say(`tsflow: compiling ${module.name}`);
  if (settings.debug >= 4) say(`tsflow: ${module.name} ${when} all passes\n${moduleText(module)}`);
  if (settings.dump) save(settings.dump, `${module.name}.${when}.hlo`, moduleText(module));
}

export function reportPass(settings: Env, { pass, sequence, before, after, milliseconds }: PassEvent): void {
  const changed = after !== before;
  if (settings.debug >= 5)
    say(`tsflow: ${pass} ${changed ? 'changed' : 'left'} ${after.name} in ${milliseconds.toFixed(2)} ms`);
  if (!changed) return;
  if (settings.debug >= 6) say(moduleText(after));
  const number = String(sequence).padStart(3, '0');
  if (settings.dump) save(settings.dump, `${after.name}.${number}.${pass}.hlo`, moduleText(after));
}

export function dumpProgram(settings: Env, program: Program): void {
  if (settings.debug >= 3) say(programText(program));
  if (settings.dump) save(settings.dump, `${program.name}.program.txt`, programText(program));
}

export function reportTimings(settings: Env, name: string, timings: ReadonlyMap<string, number>): void {
  if (settings.debug < 2) return;
  const parts = [...timings].map(([what, ms]) => `${what} ${ms.toFixed(1)}`);
  say(`tsflow: ${name} compiled, ms: ${parts.join(', ')}`);
}
