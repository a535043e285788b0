/**
 * @file Keys under which a builder interns: equal key ⇔ same opcode, operands, attributes and shape. Small literals go by content,
 * large ones and computations by identity.
 */

import { postOrder } from './graph.ts';
import type { Literal } from './literal.ts';
import { literalBytes } from './literals.ts';
import type { Computation, Instruction } from './module.ts';
import { shapeText } from './shape.ts';
import { hasSideEffect } from './traits.ts';

/** Literals up to this many bytes are compared by content. */
const smallLiteralBytes = 256;

const identities = new WeakMap<object, number>();
let nextIdentity = 0;

function identityOf(x: object): number {
  let id = identities.get(x);
  if (id === undefined) {
    id = nextIdentity++;
    identities.set(x, id);
  }
  return id;
}

function literalKey(literal: Literal): string {
  const bytes = literalBytes(literal);
  const content = bytes.length <= smallLiteralBytes ? bytes.join() : `@${identityOf(literal.data)}`;
  return `${shapeText(literal.shape)}:${content}`;
}

/** Text of an attribute value. */
function attrKey(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map((v) => attrKey(v)).join()}]`;
  if ('root' in value) return `#${identityOf(value)}`;
  if ('data' in value) return literalKey(value as Literal);
  return `{${fieldKeys(value)}}`;
}

/** Fields by name, so that the order in which they were written does not count. */
function fieldKeys(value: object): string {
  const entries = Object.entries(value);
  if (entries.length === 0) return '';
  if (entries.length > 1) entries.sort(([a], [b]) => (a < b ? -1 : 1));
  return entries.map(([k, v]) => `${k}=${attrKey(v)}`).join(';');
}

const instructionKeys = new WeakMap<Instruction, string>();
const computationKeys = new WeakMap<Computation, string>();

/** Key of an instruction inside its computation. One with side effects equals nothing but itself. */
export function instructionKey(x: Instruction): string {
  let key = instructionKeys.get(x);
  if (key === undefined) {
    key = keyWith(x, (operand) => operand.id);
    instructionKeys.set(x, key);
  }
  return key;
}

function keyWith(x: Instruction, numberOf: (operand: Instruction) => number | undefined): string {
  const operands = x.operands.map(numberOf).join();
  const unique = hasSideEffect(x) ? `!${x.id}` : '';
  const declared = x.opcode === 'iota' || x.opcode === 'parameter' ? shapeText(x.shape) : '';
  return `${x.opcode}(${operands})${fieldKeys(x.attrs)}${declared}${unique}`;
}

/** Key of a computation: its parameters and body with instructions numbered by their place. Names do not count. */
export function computationKey(computation: Computation): string {
  let key = computationKeys.get(computation);
  if (key === undefined) {
    key = bodyKey(computation);
    computationKeys.set(computation, key);
  }
  return key;
}

function bodyKey(computation: Computation): string {
  const order = postOrder(computation);
  const places = new Map(order.map((x, i) => [x, i]));
  const body = order.map((x) =>
    x.opcode === 'parameter'
      ? `parameter ${x.attrs.index} ${shapeText(x.shape)}`
      : keyWith(x, (operand) => places.get(operand)),
  );
  return `${computation.parameters.map((p) => shapeText(p.shape)).join()}|${body.join('|')}`;
}
