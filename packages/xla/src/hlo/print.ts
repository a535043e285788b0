/**
 * @file HLO as text. Values are numbered within their computation, computations come before their users, so equal modules print
 * equally and `parse(print(m))` prints the same again.
 *
 *   %2 = f32[4] add(%0, %1), metadata={opName=x}
 */
import { computationsInOrder, postOrder } from './graph.ts';
import type { Literal } from './literal.ts';
import { elementAt } from './literals.ts';
import type { Computation, Instruction, Module } from './module.ts';
import { shapeText } from './shape.ts';
import { text } from './textCodecs.ts';
import { elementText } from './textNumbers.ts';
import { codecsOf, followsFromShape } from './textSchema.ts';

export interface PrintOptions {
  /** Literals with more elements print as `...`, which does not parse. Default: no limit. */
  readonly maxLiteralElements?: number;
  /** Whether to print where instructions come from. Default: true. */
  readonly metadata?: boolean;
}

/** Text of a module. */
export function printModule(module: Module, options: PrintOptions = {}): string {
  const aliases = module.aliases.map(({ output, parameter }) => `${output}: ${parameter}`).join(', ');
  const header = `module ${text.print(module.name)}${aliases === '' ? '' : `, aliases={${aliases}}`}`;
  const parts = computationsInOrder(module).map((c) =>
    c === module.entry ? `entry ${printComputation(c, options)}` : printComputation(c, options),
  );
  return `${[header, ...parts].join('\n\n')}\n`;
}

/** Text of one computation. */
export function printComputation(computation: Computation, options: PrintOptions = {}): string {
  const lines = new Set([...computation.parameters, ...postOrder(computation)]);
  const order = [...lines].sort((a, b) => a.id - b.id);
  const numbers = new Map(order.map((x, i) => [x, i]));
  const nameOf = (x: Instruction) => `%${numbers.get(x)}`;
  const body = order.map((x) => {
    const root = x === computation.root ? 'root ' : '';
    return `  ${root}${nameOf(x)} = ${printInstruction(x, nameOf, options)}`;
  });
  return `${text.print(computation.name)} {\n${body.join('\n')}\n}`;
}

/** `f32[4] add(%0, %1), …` with operands named by `nameOf`. */
export function printInstruction(
  x: Instruction,
  nameOf: (operand: Instruction) => string = (operand) => `%${operand.id}`,
  options: PrintOptions = {},
): string {
  const { metadata = true } = options;
  return `${shapeText(x.shape)} ${x.opcode}(${inside(x, nameOf, options)})${attrsText(x)}${metadata ? metadataText(x) : ''}`;
}

function inside(x: Instruction, nameOf: (operand: Instruction) => string, options: PrintOptions): string {
  if (x.opcode === 'parameter') return String(x.attrs.index);
  if (x.opcode === 'constant') return literalText(x.attrs.literal, options.maxLiteralElements);
  return x.operands.map(nameOf).join(', ');
}

/** A scalar's value, or the elements of an array in row-major order in brackets. */
export function literalText(literal: Literal, maxElements = Infinity): string {
  const { dims, dtype } = literal.shape;
  const count = literal.data.length;
  if (count > maxElements) return '...';
  const elements = Array.from({ length: count }, (_, i) => elementText(elementAt(literal, i), dtype));
  return dims.length === 0 ? (elements[0] ?? '') : `[${elements.join(', ')}]`;
}

function attrsText(x: Instruction): string {
  const codecs = codecsOf(x.opcode);
  let out = '';
  for (const [key, value] of Object.entries(x.attrs)) {
    const codec = codecs[key];
    if (codec !== undefined && followsFromShape[x.opcode] !== key) out += `, ${key}=${codec.print(value)}`;
  }
  return out;
}

function metadataText({ metadata }: Instruction): string {
  const fields = [
    metadata.opName && `opName=${text.print(metadata.opName)}`,
    metadata.opType && `opType=${text.print(metadata.opType)}`,
  ].filter(Boolean);
  return fields.length === 0 ? '' : `, metadata={${fields.join(', ')}}`;
}
