import { describe, expect, it } from 'vitest';
import { HloBuilder } from './builder.ts';
import type { Value } from './builderApi.ts';
import { dimsOf, dtypeOf, shapeOf } from './graph.ts';
import { evaluateConstant, interpretModule } from './interpret.ts';
import { binaryFunction, type Element, wrapping } from './interpretScalar.ts';
import { literalBytes, literalFrom, toNumbers } from './literals.ts';
import type { BinaryOpcode, UnaryOpcode } from './opcodes.ts';
import { parseModule } from './parse.ts';
import { printModule } from './print.ts';
import { arrayShape, type ElementType, elementBytes, sameShape } from './shape.ts';
import { moduleOfAllOpcodes, numbers, pattern, vector } from './testing.ts';
import { binaryTraits, identityOf, isOfClass, unaryTraits } from './traits.ts';

const dtypes = Object.keys(elementBytes) as ElementType[];
const integers = dtypes.filter((t) => isOfClass(t, 'integer'));

describe('every opcode', () => {
  const module = moduleOfAllOpcodes();
  const args = module.entry.parameters.map((p) => {
    const { dims, dtype } = shapeOf(p);
    const bits = toNumbers(pattern(dims)).map((v) => (v > 0 ? 1 : 0));
    return dtype === 'pred' || dtype === 'u64' ? literalFrom(bits, dtype, dims) : pattern(dims, dtype);
  });
  const host = { customCalls: new Map([['host "f"', (operands: readonly unknown[]) => operands[0] as never]]) };

  it('gives values of its shape, and the same ones after printing and parsing', () => {
    const results = interpretModule(module, args, host);
    results.forEach((r, i) => {
      const root = module.entry.root.operands[i]!;
      expect(`${root.opcode} ${sameShape(r.shape, root.shape)}`).toBe(`${root.opcode} true`);
    });
    const again = interpretModule(parseModule(printModule(module)), args, host);
    expect(again.map((r) => Array.from(literalBytes(r)))).toEqual(results.map((r) => Array.from(literalBytes(r))));
  });
});

describe('every dtype', () => {
  const sample = (b: HloBuilder, dtype: ElementType): Value =>
    dtype === 'pred' ? vector(b, [1, 0, 1], dtype) : vector(b, [3, 0, 1], dtype);

  it.each(dtypes)('%s runs all elementwise opcodes that take it', (dtype) => {
    const b = new HloBuilder('m');
    const x = sample(b, dtype);
    const unary = (Object.keys(unaryTraits) as UnaryOpcode[]).filter((op) => isOfClass(dtype, unaryTraits[op].takes));
    const binary = (Object.keys(binaryTraits) as BinaryOpcode[]).filter((op) =>
      isOfClass(dtype, binaryTraits[op].takes),
    );
    const results = [...unary.map((op) => b.unary(op, x)), ...binary.map((op) => b.binary(op, x, x))];
    const conversions = dtypes.map((to) => b.convert(b.convert(x, to), dtype));
    const values = interpretModule(b.build([...results, ...conversions]), []);
    results.forEach((r, i) => {
      expect(values[i]!.shape).toEqual(arrayShape(dtypeOf(r), dimsOf(r)));
    });
    const kept = dtypes.map((to, i) => (to === 'pred' ? undefined : toNumbers(values[results.length + i]!)));
    for (const numbersAfter of kept) {
      if (numbersAfter !== undefined) expect(numbersAfter).toEqual(dtype === 'pred' ? [1, 0, 1] : [3, 0, 1]);
    }
  });

  it('integers of all widths agree with exact arithmetic modulo 2^width', () => {
    const exact: { readonly [K in BinaryOpcode]?: (a: bigint, b: bigint) => bigint } = {
      add: (a, b) => a + b,
      subtract: (a, b) => a - b,
      multiply: (a, b) => a * b,
      and: (a, b) => a & b,
      or: (a, b) => a | b,
      xor: (a, b) => a ^ b,
    };
    for (const dtype of integers) {
      const wrap = wrapping(dtype);
      const values: Element[] = [0n, 1n, -1n, 77n, 0x7fn, 0x80n, 0x7fffn, 0xffffn, 0x7fffffffn, -0x80000000n].map(wrap);
      for (const [op, f] of Object.entries(exact)) {
        const g = binaryFunction(op as BinaryOpcode, dtype);
        for (const a of values) for (const c of values) expect(g(a, c)).toBe(wrap(f(BigInt(a), BigInt(c))));
      }
    }
  });

  it('identities change nothing', () => {
    for (const dtype of dtypes) {
      for (const op of Object.keys(binaryTraits) as BinaryOpcode[]) {
        const e = isOfClass(dtype, binaryTraits[op].takes) ? identityOf(op, dtype) : undefined;
        if (e === undefined) continue;
        const got = numbers((b) => b.binary(op, b.full(e, dtype, [3]), sample(b, dtype)));
        expect([op, dtype, got]).toEqual([op, dtype, dtype === 'pred' ? [1, 0, 1] : [3, 0, 1]]);
      }
    }
  });
});

describe('evaluateConstant', () => {
  it('folds what depends on constants only', () => {
    const b = new HloBuilder('m');
    const shape = vector(b, [2, 3, 4], 's32');
    const size = b.reduce([shape], [b.scalar(1, 's32')], [0], b.reducer('multiply', 's32'));
    expect(toNumbers(evaluateConstant(size)!)).toEqual([24]);
    expect(evaluateConstant(size)).toBe(evaluateConstant(size));
    const x = b.parameter(0, arrayShape('s32', []));
    expect(evaluateConstant(b.add(size, x))).toBeUndefined();
    const forever = b.computation('forever', [arrayShape('s32', [])], (c) => c.scalar(true, 'pred'));
    const same = b.computation('same', [arrayShape('s32', [])], (_c, y) => y as Value);
    expect(evaluateConstant(b.while(size, forever, same))).toBeUndefined();
  });
});
