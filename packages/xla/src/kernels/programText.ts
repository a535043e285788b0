/** @file A program as text, for dumps and tests: steps with their buffers, barriers, and the sum of memory. */
import { shapeText } from '../hlo/shape.ts';
import type { BufferRef, Program, Step } from '../program.ts';

function refText(ref: BufferRef): string {
  switch (ref.space) {
    case 'parameter':
      return `p${ref.index}`;
    case 'result':
      return `r${ref.index}`;
    case 'arena':
      return `a@${ref.offset}+${ref.bytes}`;
    case 'constant':
      return `c@${ref.offset}+${ref.bytes}`;
    default:
      return ref satisfies never;
  }
}

function stepLines(step: Step, indent: string): string[] {
  const inner = (steps: readonly Step[]): string[] => steps.flatMap((s) => stepLines(s, `${indent}  `));
  switch (step.kind) {
    case 'kernel': {
      const { kernel, args, barrier, opName } = step;
      const list = kernel.buffers.map((b, i) => {
        const mode = { read: '', write: '=', readwrite: '±' }[b.access];
        return `${mode}${b.name}:${refText(args[i] as BufferRef)}`;
      });
      const flags = `${barrier ? 'barrier; ' : ''}${kernel.parallel ? '' : 'one thread; '}`;
      return [`${indent}${flags}${kernel.name}(${list.join(', ')})  # ${opName}`];
    }
    case 'while':
      return [
        `${indent}while ${refText(step.predicate)} {`,
        ...inner(step.condition),
        `${indent}} do {`,
        ...inner(step.body),
        `${indent}}`,
      ];
    case 'conditional':
      return [
        `${indent}switch ${step.selectorType} ${refText(step.selector)} {`,
        ...step.branches.flatMap((b, i) => [`${indent}branch ${i}:`, ...inner(b)]),
        `${indent}}`,
      ];
    default:
      return step satisfies never;
  }
}

/** `=x` is written, `±x` read and written; p, r, a, c: parameter, result, arena, constant segment. */
export function programText(program: Program): string {
  const results = program.results.map((r, i) => {
    const parameter = program.aliases.get(i);
    return `${shapeText(r)}${parameter === undefined ? '' : ` over p${parameter}`}`;
  });
  return [
    `program ${program.name} (${program.parameters.map(shapeText).join(', ')}) → (${results.join(', ')})`,
    `  arena ${program.arenaBytes} bytes, constants ${program.constants.length} bytes, ${program.cost.flops} flops`,
    ...program.steps.flatMap((s) => stepLines(s, '  ')),
  ].join('\n');
}
