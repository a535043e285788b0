/**
 * @file Instructions on constants → constants, by the interpreter. Bounded: results stay small or do not outgrow their operands, work
 * stays small, and repeated scalars (broadcast, iota) stay unexpanded, as kernels make them for nothing.
 */
import type { HloBuilder } from '../hlo/builder.ts';
import type { Value } from '../hlo/builderApi.ts';
import { evaluateInstruction } from '../hlo/interpret.ts';
import type { Instruction } from '../hlo/module.ts';
import type { Opcode } from '../hlo/opcodes.ts';
import { mapModule } from '../hlo/rewrite.ts';
import { byteSize } from '../hlo/shape.ts';
import { hasSideEffect } from '../hlo/traits.ts';
import type { Pass } from './runner.ts';

/** Results up to this many bytes are always worth it. */
const smallBytes = 4096;
/** Larger ones up to this, when the operands are as large. */
const largestBytes = 1 << 20;

const never: ReadonlySet<Opcode> = new Set<Opcode>([
  'parameter',
  'constant',
  'iota',
  'broadcast',
  'tuple',
  'get-tuple-element',
  'while',
  'conditional',
  'fusion',
  'custom-call',
  'rng-bit-generator',
  'all-reduce',
]);

/** Opcodes whose work may exceed the size of their operands by far. */
const costly: ReadonlySet<Opcode> = new Set<Opcode>([
  'dot',
  'convolution',
  'reduce-window',
  'select-and-scatter',
  'sort',
  'scatter',
]);

function fold(b: HloBuilder, x: Instruction): Value {
  if (never.has(x.opcode) || x.shape.kind === 'tuple' || hasSideEffect(x) || x.operands.length === 0) return x;
  const constants = x.operands.flatMap((o) => (o.opcode === 'constant' ? [o] : []));
  if (constants.length < x.operands.length) return x;
  const taken = constants.reduce((n, c) => n + byteSize(c.attrs.literal.shape), 0);
  const made = byteSize(x.shape);
  if (made > smallBytes && (made > taken || made > largestBytes)) return x;
  if (costly.has(x.opcode) && taken + made > smallBytes) return x;
  const value = evaluateInstruction(
    x,
    constants.map((c) => c.attrs.literal),
  );
  return 'data' in value ? b.constant(value) : x;
}

export const foldConstants: Pass = {
  name: 'fold-constants',
  run: (module) => mapModule(module, (b, y) => fold(b, y), { enter: (user) => user.opcode !== 'fusion' }),
};
