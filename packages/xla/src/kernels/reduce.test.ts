import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { HloBuilder } from '../hlo/builder.ts';
import type { Value } from '../hlo/builderApi.ts';
import type { Instruction } from '../hlo/module.ts';
import type { BinaryOpcode } from '../hlo/opcodes.ts';
import { arrayShape, type ElementType, isFloat } from '../hlo/shape.ts';
import { checkSchedule } from './checkSchedule.ts';
import { randomLiteral } from './randomLiteral.ts';
import { scheduleReduce } from './reduce.ts';

type Params = readonly (readonly [ElementType, readonly number[]])[];

function fusionOf(params: Params, build: (b: HloBuilder, ...xs: Value[]) => Value): Instruction {
  const b = new HloBuilder('m');
  const shapes = params.map(([t, dims]) => arrayShape(t, dims));
  const computation = b.computation('f', shapes, (c, ...xs) => build(c as HloBuilder, ...xs));
  return b.fusion(
    'reduce',
    computation,
    shapes.map((s, i) => b.parameter(i, s)),
  );
}

const zero = (b: HloBuilder, t: ElementType = 'f32'): Value => b.scalar(0, t);
const sum = (b: HloBuilder, x: Value, dimensions: readonly number[]): Value =>
  b.reduce([x], [zero(b)], dimensions, b.reducer('add', 'f32'));

const loose = { relative: 1e-5, absolute: 2e-4 };

function check(params: Params, build: (b: HloBuilder, ...xs: Value[]) => Value, tolerance = loose) {
  const operands = params.map(([t, dims], i) => randomLiteral(t, dims, { seed: i + 3 }));
  return checkSchedule(scheduleReduce, fusionOf(params, build), operands, { tolerance });
}

describe('scheduleReduce', () => {
  test('rows, columns, everything, and mixtures', () => {
    const dims = [3, 5, 4, 37];
    const sets = [[3], [0], [1, 2], [0, 3], [1], [0, 1, 2], [0, 1, 2, 3], [0, 2], [2, 3]];
    for (const dimensions of sets) check([['f32', dims]], (b, x) => sum(b, x!, dimensions));
  });

  test('long rows and columns', () => {
    check([['f32', [2, 9000]]], (b, x) => sum(b, x!, [1]));
    check([['f32', [3000, 7]]], (b, x) => sum(b, x!, [0]), { relative: 1e-5, absolute: 1e-3 });
    check([['f32', [40, 70]]], (b, x) => sum(b, x!, [0]));
  });

  test('sweeps long rows of results with accumulators in memory', () => {
    check([['f32', [37, 300]]], (b, x) => sum(b, x!, [0]));
    check([['f32', [3, 40, 1100]]], (b, x) => sum(b, b.exp(x!), [1]), { relative: 1e-5, absolute: 1e-2 });
    check([['f32', [4, 5, 6, 258]]], (b, x) => b.tuple([sum(b, x!, [0, 2]), sum(b, b.abs(x!), [0, 2])]));
    check([['s64', [20, 261]]], (b, x) => b.reduce([x!], [b.scalar(7, 's64')], [0], b.reducer('add', 's64')));
    check([['f32', [20, 261]]], (b, x) => {
      const cells = [arrayShape('f32', []), arrayShape('s32', []), arrayShape('f32', []), arrayShape('s32', [])];
      const r = b.reduce(
        [x!, b.iota('s32', [20, 261], 0)],
        [b.scalar(-Infinity, 'f32'), b.scalar(0, 's32')],
        [0],
        b.computation('argmax', cells, (d, a, i, w, j) => {
          const better = d.compare('GT', w!, a!);
          return d.tuple([d.select(better, w!, a!), d.select(better, j!, i!)]);
        }),
      );
      return b.getTupleElement(r, 1);
    });
  });

  test('few results of many elements fold in two phases', () => {
    const all = check([['f32', [50000]]], (b, x) => sum(b, x!, [0]), { relative: 1e-5, absolute: 2e-3 });
    expect(all.launches).toHaveLength(2);
    const bias = check([['f32', [16, 80, 32]]], (b, x) => sum(b, x!, [0, 1]), { relative: 1e-5, absolute: 1e-3 });
    expect(bias.launches).toHaveLength(2);
    check([['f32', [3, 20000]]], (b, x) => sum(b, x!, [1]), { relative: 1e-5, absolute: 2e-3 });
    check([['f32', [7001, 5]]], (b, x) => sum(b, x!, [0]), { relative: 1e-5, absolute: 2e-3 });
    check([['f32', [200, 3, 50]]], (b, x) => sum(b, x!, [0, 2]), { relative: 1e-5, absolute: 2e-3 });
  });

  test('adds up a million equal numbers to the last digits', () => {
    const x = fusionOf([['f32', [1 << 20]]], (b, v) => sum(b, v!, [0]));
    const ones = randomLiteral('f32', [1 << 20]);
    (ones.data as Float32Array).fill(0.1);
    checkSchedule(scheduleReduce, x, [ones], { tolerance: { relative: 3e-6, absolute: 0 } });
  });

  test('fuses producers and consumers', () => {
    check(
      [
        ['f32', [6, 50]],
        ['f32', [6]],
        ['f32', []],
      ],
      (b, x, m, s) => {
        const e = b.exp(b.subtract(x!, b.broadcast(m!, [6, 50], [0])));
        return b.add(b.log(sum(b, e, [1])), b.broadcast(s!, [6], []));
      },
    );
    check(
      [
        ['f32', [30, 4, 8]],
        ['f32', [8]],
      ],
      (b, x, c) => b.multiply(sum(b, b.multiply(x!, x!), [0]), b.broadcast(c!, [4, 8], [1])),
    );
  });

  test('siblings share a pass', () => {
    const s = check([['f32', [9, 33]]], (b, x) => b.tuple([sum(b, x!, [1]), sum(b, b.multiply(x!, x!), [1])]));
    expect(s.launches).toHaveLength(1);
    check([['f32', [40000]]], (b, x) => b.tuple([sum(b, x!, [0]), sum(b, b.abs(x!), [0])]), {
      relative: 1e-5,
      absolute: 5e-3,
    });
  });

  test('starts from an init that is no identity', () => {
    check(
      [
        ['f32', [5, 21]],
        ['f32', []],
      ],
      (b, x, init) => b.reduce([x!], [init!], [1], b.reducer('add', 'f32')),
    );
  });

  test('any computation: argmax over two arrays', () => {
    for (const [dims, dimension] of [
      [[7, 30], 1],
      [[30, 9], 0],
      [[4, 5, 6], 1],
    ] as const) {
      const b = new HloBuilder('m');
      const x = b.parameter(0, arrayShape('f32', dims));
      const computation = b.computation(
        'argmax',
        [arrayShape('f32', []), arrayShape('s32', []), arrayShape('f32', []), arrayShape('s32', [])],
        (c, a, i, v, j) => {
          const better = c.compare('GT', v!, a!);
          return c.tuple([c.select(better, v!, a!), c.select(better, j!, i!)]);
        },
      );
      const inits = [b.scalar(-Infinity, 'f32'), b.scalar(0, 's32')];
      const plain = b.reduce([x, b.iota('s32', dims, dimension)], inits, [dimension], computation);
      const operands = [
        randomLiteral('f32', dims),
        randomLiteral('s32', dims, { scale: 9 }),
        ...inits.map((c) => (c as Instruction<'constant'>).attrs.literal),
      ];
      checkSchedule(scheduleReduce, plain, operands);
      const fused = fusionOf([['f32', dims]], (c, v) => {
        const r = c.reduce(
          [v!, c.iota('s32', dims, dimension)],
          [c.scalar(-Infinity, 'f32'), c.scalar(0, 's32')],
          [dimension],
          c.computation(
            'argmax',
            computation.parameters.map((p) => p.shape),
            (d, a, i, w, j) => {
              const better = d.compare('GT', w!, a!);
              return d.tuple([d.select(better, w!, a!), d.select(better, j!, i!)]);
            },
          ),
        );
        return c.add(
          c.getTupleElement(r, 1),
          c.full(
            1,
            's32',
            dims.filter((_, d) => d !== dimension),
          ),
        );
      });
      checkSchedule(scheduleReduce, fused, [randomLiteral('f32', dims)]);
    }
  });

  test('every reducer and type', () => {
    const types: readonly ElementType[] = [
      'pred',
      's8',
      's16',
      's32',
      's64',
      'u8',
      'u16',
      'u32',
      'u64',
      'f16',
      'bf16',
      'f32',
      'f64',
    ];
    const ops: readonly BinaryOpcode[] = ['add', 'multiply', 'maximum', 'minimum', 'and', 'or'];
    for (const t of types) {
      for (const op of ops) {
        if ((op === 'and' || op === 'or') && isFloat(t)) continue;
        if ((op === 'add' || op === 'multiply') && t === 'pred') continue;
        for (const dimensions of [[0], [1], [0, 1]]) {
          const b = new HloBuilder('m');
          const x = b.parameter(0, arrayShape(t, [5, 19]));
          const init = t === 'pred' ? b.scalar(false, t) : b.scalar(1, t);
          const y = b.reduce([x], [init], dimensions, b.reducer(op, t));
          const scale = op === 'multiply' ? { scale: 2 } : {};
          const half = t === 'f16' || t === 'bf16';
          const tolerance = half ? { relative: 0.5, absolute: 0.5 } : { relative: 1e-4, absolute: 1e-4 };
          const operands = [randomLiteral(t, [5, 19], scale), (init as Instruction<'constant'>).attrs.literal];
          checkSchedule(scheduleReduce, y, operands, { tolerance });
        }
      }
    }
  });

  test('NaN wins a maximum', () => {
    const x = fusionOf([['f32', [4, 40]]], (b, v) =>
      b.reduce([v!], [b.scalar(-Infinity, 'f32')], [1], b.reducer('maximum', 'f32')),
    );
    checkSchedule(scheduleReduce, x, [randomLiteral('f32', [4, 40], { special: true })]);
  });

  test('random shapes', () => {
    const dim = fc.constantFrom(1, 2, 3, 5, 8, 17, 33);
    fc.assert(
      fc.property(
        fc.array(dim, { minLength: 1, maxLength: 4 }),
        fc.nat(15),
        fc.constantFrom<ElementType>('f32', 's32', 'f64'),
        (dims, mask, t) => {
          const dimensions = dims.flatMap((_, d) => ((mask >> d) & 1 ? [d] : []));
          const kept = dims.filter((_, d) => !dimensions.includes(d));
          const x = fusionOf(
            [
              [t, dims],
              [t, [kept.at(-1) ?? 1]],
            ],
            (b, v, w) => {
              const r = b.reduce([b.add(v!, b.iota(t, dims, 0))], [b.scalar(0, t)], dimensions, b.reducer('add', t));
              return kept.length === 0 ? r : b.add(r, b.broadcast(w!, kept, [kept.length - 1]));
            },
          );
          const operands = [randomLiteral(t, dims, { scale: 9 }), randomLiteral(t, [kept.at(-1) ?? 1], { scale: 9 })];
          checkSchedule(scheduleReduce, x, operands, { tolerance: loose });
        },
      ),
      { numRuns: 120, seed: 3 },
    );
  });
});
