import { describe, expect, it } from 'vitest';
import { HloBuilder } from './builder.ts';
import type { Module } from './module.ts';
import { printModule } from './print.ts';
import { inlineComputation, mapModule } from './rewrite.ts';
import { arrayShape } from './shape.ts';
import { moduleOfAllOpcodes } from './testing.ts';
import { verifyModule } from './verify.ts';

const f32 = (...dims: number[]) => arrayShape('f32', dims);

function sample(): Module {
  const b = new HloBuilder('m');
  const x = b.parameter(0, f32(2), 'x');
  return b.build([b.add(b.exp(x), x)], [{ output: 0, parameter: 0 }]);
}

describe('mapModule', () => {
  it('gives an unchanged module back', () => {
    const module = moduleOfAllOpcodes();
    expect(mapModule(module, (_b, y) => y)).toBe(module);
  });

  it('rewrites inside nested computations and keeps the rest', () => {
    const module = moduleOfAllOpcodes();
    const changed = mapModule(module, (b, y) => (y.opcode === 'log' ? b.log1p(y.operands[0]!) : y));
    verifyModule(changed);
    expect(changed).not.toBe(module);
    expect(changed.entry.parameters[0]).toBe(module.entry.parameters[0]);
    const branches = (m: Module) =>
      m.entry.root.operands.flatMap((x) =>
        x.opcode === 'conditional' ? x.attrs.branches.map((c) => c.root.opcode) : [],
      );
    expect(branches(module)).toEqual(['exp', 'log']);
    expect(branches(changed)).toEqual(['exp', 'log1p']);
  });

  it('refuses a rewriting that changes a shape', () => {
    expect(() =>
      mapModule(sample(), (b, y) => (y.opcode === 'exp' ? b.scalar(1, 'f32') : y)),
    ).toThrowErrorMatchingInlineSnapshot(
      `[XlaError: internal: exp f32[2] was rewritten to constant f32[], of another shape.]`,
    );
  });
});

describe('inlineComputation', () => {
  it('replaces calls by their bodies, whose new values carry the origin of the call', () => {
    const b = new HloBuilder('m');
    const x = b.parameter(0, f32(2), 'x');
    const square = b.computation('square', [f32(2)], (c, y) => c.multiply(y!, y!));
    const once = b.withMetadata({ opName: 'Square' }, () => b.call(square, [x]));
    const module = b.build([b.call(square, [once])]);
    const inlined = mapModule(module, (c, y) =>
      y.opcode === 'call' ? inlineComputation(c, y.attrs.computation, y.operands) : y,
    );
    expect(printModule(inlined)).toMatchInlineSnapshot(`
      "module m

      entry m {
        %0 = f32[2] parameter(0), name=x
        %1 = f32[2] multiply(%0, %0), metadata={opName=Square}
        %2 = f32[2] multiply(%1, %1)
        root %3 = (f32[2]) tuple(%2)
      }
      "
    `);
  });
});

it('names changed computations without piling up numbers', () => {
  const b = new HloBuilder('m');
  const x = b.parameter(0, f32(2), 'x');
  const f = b.computation('f', [f32(2)], (c, y) => c.sin(y!));
  let module = b.build([b.call(f, [x])]);
  const swap = (from: 'sin' | 'cos', to: 'sin' | 'cos') =>
    mapModule(module, (c, y) => (y.opcode === from ? c.unary(to, y.operands[0]!) : y));
  for (let i = 0; i < 3; i++) {
    module = swap('sin', 'cos');
    module = swap('cos', 'sin');
  }
  const [call] = module.entry.root.operands;
  expect(call?.opcode === 'call' && call.attrs.computation.name).toBe('f');
});
