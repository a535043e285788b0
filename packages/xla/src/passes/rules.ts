/**
 * @file Local rewriting: tables from opcode to rules, tried in order until one answers. A rule gets an instruction whose operands are
 * already rewritten and answers an equal, simpler value, or nothing.
 */
import type { HloBuilder } from '../hlo/builder.ts';
import type { Value } from '../hlo/builderApi.ts';
import type { Instruction, Module } from '../hlo/module.ts';
import type { BinaryOpcode, Opcode, UnaryOpcode } from '../hlo/opcodes.ts';
import { mapModule } from '../hlo/rewrite.ts';
import { isBinary, isUnary } from '../hlo/traits.ts';
import type { Pass } from './runner.ts';

export type Rule<K extends Opcode = Opcode> = (x: Instruction<K>, b: HloBuilder) => Value | undefined;

export type RuleTable = { readonly [K in Opcode]?: readonly Rule<K>[] };

/** A rewritten value is offered again, this often at most. */
const repetitions = 16;

/** Rules for every unary or binary opcode, tried after those of the table. */
export interface ClassRules {
  readonly unary: readonly Rule<UnaryOpcode>[];
  readonly binary: readonly Rule<BinaryOpcode>[];
}

function rulesFor(x: Instruction, table: RuleTable, classes?: ClassRules): readonly Rule[] {
  const own = (table[x.opcode] ?? []) as readonly Rule[];
  if (classes && isUnary(x.opcode)) return [...own, ...(classes.unary as readonly Rule[])];
  if (classes && isBinary(x.opcode)) return [...own, ...(classes.binary as readonly Rule[])];
  return own;
}

/** A pass that applies `table` everywhere but inside fusions. */
export function rulesPass(name: string, table: RuleTable, classes?: ClassRules): Pass {
  const applyOnce = (x: Instruction, b: HloBuilder): Value => {
    for (const rule of rulesFor(x, table, classes)) {
      const y = rule(x, b);
      if (y !== undefined && y !== x) return y;
    }
    return x;
  };
  const rewrite = (b: HloBuilder, x: Instruction): Value => {
    let current = x;
    for (let i = 0; i < repetitions; i++) {
      const next = applyOnce(current, b);
      if (next === current) break;
      current = next;
    }
    return current;
  };
  return {
    name,
    run: (module: Module) => mapModule(module, rewrite, { enter: (user) => user.opcode !== 'fusion' }),
  };
}
