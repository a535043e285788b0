import { describe, expect, it } from 'vitest';
import { HloBuilder } from './builder.ts';
import type { Instruction, Module } from './module.ts';
import { arrayShape, type Shape } from './shape.ts';
import { moduleOfAllOpcodes } from './testing.ts';
import { verifyModule } from './verify.ts';

const f32 = (...dims: number[]) => arrayShape('f32', dims);

function sample(): Module {
  const b = new HloBuilder('m');
  const x = b.parameter(0, f32(2), 'x');
  return b.build([b.add(b.exp(x), x)], [{ output: 0, parameter: 0 }]);
}

/** The module with its entry's instructions changed one by one, unchecked. */
function tamper(module: Module, change: (x: Instruction) => Partial<Instruction>): Module {
  const done = new Map<Instruction, Instruction>();
  const visit = (x: Instruction): Instruction => {
    let y = done.get(x);
    if (y === undefined) {
      y = { ...x, operands: x.operands.map(visit), ...change(x) } as Instruction;
      done.set(x, y);
    }
    return y;
  };
  const parameters = module.entry.parameters.map((p) => visit(p) as Instruction<'parameter'>);
  return { ...module, entry: { ...module.entry, parameters, root: visit(module.entry.root) } };
}

describe('verifyModule', () => {
  it('accepts what the builder makes', () => {
    verifyModule(sample());
    verifyModule(moduleOfAllOpcodes());
  });

  it('names the instruction that is wrong', () => {
    const wrongShape = (shape: Shape) => tamper(sample(), (x) => (x.opcode === 'exp' ? { shape } : {}));
    expect(() => verifyModule(wrongShape(f32(3)))).toThrowErrorMatchingInlineSnapshot(
      `[XlaError: internal: in computation "m", %2 = f32[2] add(%1, %0): add: operands differ: f32[3] and f32[2]. Nothing broadcasts by itself: broadcast one to the dims of the other.]`,
    );
    expect(() =>
      verifyModule(tamper(sample(), (x) => (x.opcode === 'exp' ? { id: 99 } : {}))),
    ).toThrowErrorMatchingInlineSnapshot(
      `[XlaError: internal: in computation "m", %2 = f32[2] add(%99, %0): operand %99 does not come before it.]`,
    );
    expect(() =>
      verifyModule(tamper(sample(), (x) => (x.opcode === 'parameter' ? { attrs: { index: 1, name: 'x' } } : {}))),
    ).toThrowErrorMatchingInlineSnapshot(
      `[XlaError: internal: in computation "m", %0 = f32[2] parameter(1), name=x: it stands at parameter 0.]`,
    );
    expect(() =>
      verifyModule({ ...sample(), aliases: [{ output: 0, parameter: 3 }] }),
    ).toThrowErrorMatchingInlineSnapshot(
      `[XlaError: alias of result 0 with parameter 3: there are 1 results and 1 parameters.]`,
    );
    const alias = { output: 0, parameter: 0 };
    expect(() => verifyModule({ ...sample(), aliases: [alias, alias] })).toThrowErrorMatchingInlineSnapshot(
      `[XlaError: internal: in computation "m", %3 = (f32[2]) tuple(%2): alias of result 0 with parameter 0 repeats one of them.]`,
    );
  });
});
