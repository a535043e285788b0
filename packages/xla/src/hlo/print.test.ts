import { describe, expect, it } from 'vitest';
import { HloBuilder } from './builder.ts';
import { computationsInOrder, postOrder } from './graph.ts';
import { interpretModule } from './interpret.ts';
import { toNumbers } from './literals.ts';
import { parseModule } from './parse.ts';
import { printModule } from './print.ts';
import { arrayShape, type ElementType } from './shape.ts';
import { moduleOfAllOpcodes } from './testing.ts';
import { attrCodecs } from './textSchema.ts';
import { verifyModule } from './verify.ts';

it('prints a module', () => {
  const b = new HloBuilder('softplus');
  const x = b.parameter(0, arrayShape('f32', [2, 3]), 'x');
  const y = b.withMetadata({ opName: 'dense/Softplus', opType: 'Softplus' }, () => b.log1p(b.exp(x)));
  const module = b.build(
    [b.reduce([y], [b.scalar(0, 'f32')], [1], b.reducer('add', 'f32')), y],
    [{ output: 1, parameter: 0 }],
  );
  expect(printModule(module)).toMatchInlineSnapshot(`
    "module softplus, aliases={1: 0}

    add.f32 {
      %0 = f32[] parameter(0), name=arg0
      %1 = f32[] parameter(1), name=arg1
      root %2 = f32[] add(%0, %1)
    }

    entry softplus {
      %0 = f32[2,3] parameter(0), name=x
      %1 = f32[2,3] exp(%0), metadata={opName="dense/Softplus", opType=Softplus}
      %2 = f32[2,3] log1p(%1), metadata={opName="dense/Softplus", opType=Softplus}
      %3 = f32[] constant(0)
      %4 = f32[2] reduce(%2, %3), dimensions=[1], computation=@add.f32
      root %5 = (f32[2], f32[2,3]) tuple(%4, %2)
    }
    "
  `);
});

describe('round trip', () => {
  it('keeps every opcode and attribute', () => {
    const module = moduleOfAllOpcodes();
    const opcodes = new Set(computationsInOrder(module).flatMap((c) => postOrder(c).map((x) => x.opcode)));
    expect(Object.keys(attrCodecs).filter((op) => !opcodes.has(op as never))).toEqual([]);
    const text = printModule(module);
    const parsed = parseModule(text);
    verifyModule(parsed);
    expect(printModule(parsed)).toBe(text);
    expect(parsed.aliases).toEqual(module.aliases);
  });

  it.each<[ElementType, number[]]>([
    ['f32', [0.1, -0, 1e-45, 3.4028234663852886e38, Infinity, -Infinity, Number.NaN, 1 / 3, 16777217]],
    ['f64', [0.1, 1 / 3, 5e-324, 1e300, -0]],
    ['f16', [0.1, 65504, 6e-8, Number.NaN, -Infinity]],
    ['bf16', [0.1, 3e38, 1e-40, 1.5]],
    ['s8', [-128, 127]],
    ['u32', [4294967295]],
    ['pred', [1, 0]],
  ])('keeps %s literals', (dtype, values) => {
    const b = new HloBuilder('literals');
    const module = b.build([
      ...values.map((v) => b.scalar(v, dtype)),
      b.concatenate([b.full(values[0]!, dtype, [2])], 0),
    ]);
    const text = printModule(module);
    const parsed = parseModule(text);
    const bytes = (m: typeof module) => interpretModule(m, []).map((l) => Array.from(new Uint8Array(l.data.buffer)));
    expect(bytes(parsed)).toEqual(bytes(module));
    expect(printModule(parsed)).toBe(text);
  });
});

it('leaves large literals out on request', () => {
  const b = new HloBuilder('m');
  const module = b.build([b.array(new Float32Array(100), 'f32', [100])]);
  const text = printModule(module, { maxLiteralElements: 10 });
  expect(text).toContain('f32[100] constant(...)');
  expect(() => parseModule(text)).toThrowErrorMatchingInlineSnapshot(
    `[XlaError: HLO text, line 4, column 29: the literal was left out when this text was printed. Print without maxLiteralElements.]`,
  );
});

describe('errors of the parser give the place', () => {
  const body = (line: string) => `module m\n\nentry m {\n  %0 = f32[2] parameter(0), name=x\n  ${line}\n}\n`;

  it('of each mistake', () => {
    const lines = [
      'root %1 = (f32[2]) tuple(%7)',
      '%1 = f32[3] exp(%0)',
      '%1 = f32[2] explode(%0)',
      '%1 = q8[2] exp(%0)',
      '%1 = f32[2] add(%0)',
      '%1 = f32[] reduce(%0, %0), dimensions=[0], computation=@sum',
      '%1 = f32[2] transpose(%0)',
      '%1 = f32[2] exp(%0), speed=3',
      '%1 = s8[] constant(300)',
      '%1 = pred[2] compare(%0, %0), direction=LESS',
      '%1 = f32[2] exp(%0',
    ];
    const messages = lines.map((line) => {
      try {
        return parseModule(body(line)).name;
      } catch (error) {
        return (error as Error).message;
      }
    });
    expect(messages).toMatchInlineSnapshot(`
      [
        "HLO text, line 5, column 28: %7 is not defined above.",
        "HLO text, line 5, column 8: exp is written with shape f32[3], its operands make it f32[2].",
        "HLO text, line 5, column 15: 'explode' is not an opcode.",
        "HLO text, line 5, column 8: 'q8' is not an element type; they are pred, s8, s16, s32, s64, u8, u16, u32, u64, f16, bf16, f32, f64.",
        "HLO text, line 5, column 8: add: it has 1 operands, 2 are needed.",
        "HLO text, line 5, column 58: computation 'sum' is not defined above. Defined: none.",
        "HLO text, line 5, column 8: transpose lacks its attribute 'permutation'.",
        "HLO text, line 5, column 30: exp has no attribute 'speed'; it has none.",
        "HLO text, line 5, column 22: 300 does not fit in s8, which holds -128 to 127.",
        "HLO text, line 5, column 43: one of EQ, NE, LT, LE, GT, GE is expected, 'LESS' is found.",
        "HLO text, line 6, column 1: ')' is expected, '}' is found.",
      ]
    `);
  });

  it('accepts comments', () => {
    const module = parseModule(body('root %1 = (f32[2]) tuple(%0) // the end'));
    expect(
      toNumbers(interpretModule(module, [{ shape: arrayShape('f32', [2]), data: Float32Array.of(1, 2) }])[0]!),
    ).toEqual([1, 2]);
  });
});
