import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { HloBuilder } from '../hlo/builder.ts';
import type { Value } from '../hlo/builderApi.ts';
import type { Instruction } from '../hlo/module.ts';
import { arrayShape, type ElementType, isFloat } from '../hlo/shape.ts';
import { checkSchedule } from './checkSchedule.ts';
import { scheduleLoop } from './loop.ts';
import { randomLiteral } from './randomLiteral.ts';

type Build = (b: HloBuilder, ...xs: Value[]) => Value;

interface Case {
  readonly params: readonly (readonly [ElementType, readonly number[]])[];
  readonly build: Build;
}

/** A loop fusion over the parameters. */
function fusionOf({ params, build }: Case): Instruction {
  const b = new HloBuilder('m');
  const shapes = params.map(([t, dims]) => arrayShape(t, dims));
  const computation = b.computation('f', shapes, (c, ...xs) => build(c as HloBuilder, ...xs));
  return b.fusion(
    'loop',
    computation,
    shapes.map((s, i) => b.parameter(i, s)),
  );
}

function check(c: Case, options: { special?: boolean; scale?: number; seed?: number } = {}) {
  const x = fusionOf(c);
  const operands = c.params.map(([t, dims], i) =>
    randomLiteral(t, dims, { seed: (options.seed ?? 0) * 10 + i + 1, ...options }),
  );
  const half = c.params.some(([t]) => t === 'f16' || t === 'bf16');
  const tolerance = half ? { relative: 0.02, absolute: 0.02 } : { relative: 2e-6, absolute: 1e-30 };
  return checkSchedule(scheduleLoop, x, operands, { tolerance });
}

describe('scheduleLoop', () => {
  test('runs a chain over any rank as one loop', () => {
    const s = check({
      params: [['f32', [2, 3, 5, 7]]],
      build: (b, x) => b.add(b.multiply(b.tanh(x!), b.logistic(x!)), b.exp(b.negate(b.multiply(x!, x!)))),
    });
    expect(s.launches).toHaveLength(1);
    expect(s.inPlace).toEqual([{ operand: 0, output: 0 }]);
  });

  test('adds a bias along the last dimension with two loops', () => {
    check({
      params: [
        ['f32', [3, 5, 9]],
        ['f32', [9]],
      ],
      build: (b, x, bias) => b.maximum(b.add(x!, b.broadcast(bias!, [3, 5, 9], [2])), b.full(0, 'f32', [3, 5, 9])),
    });
  });

  test('broadcasts row values, scalars and stretched dims', () => {
    check({
      params: [
        ['f32', [4, 6, 11]],
        ['f32', [4]],
        ['f32', []],
        ['f32', [6, 1]],
      ],
      build: (b, x, row, s, column) => {
        const dims = [4, 6, 11];
        const scaled = b.multiply(x!, b.broadcast(b.exp(row!), dims, [0]));
        return b.subtract(b.add(scaled, b.broadcast(s!, dims, [])), b.broadcast(column!, dims, [1, 2]));
      },
    });
  });

  test('writes several results in one pass, in place where it may', () => {
    const s = check({
      params: [
        ['f32', [5, 13]],
        ['f32', [5, 13]],
      ],
      build: (b, x, y) => b.tuple([b.add(x!, y!), b.multiply(x!, b.transpose(b.reshape(y!, [13, 5]), [1, 0]))]),
    });
    expect(s.inPlace.map((p) => p.operand)).not.toContain(1);
  });

  test('does not work in place where a whole row reads one element', () => {
    const s = check({
      params: [['f32', [40]]],
      build: (b, x) => b.subtract(x!, b.broadcast(b.slice(x!, [3], [4]), [40], [0])),
    });
    expect(s.inPlace).toEqual([]);
  });

  test('moves elements: slice, pad, concatenate, reverse, transpose, iota', () => {
    const x: readonly ['f32', readonly number[]] = ['f32', [4, 6, 10]];
    const cases: Build[] = [
      (b, v) => b.slice(v!, [1, 0, 2], [3, 6, 9]),
      (b, v) => b.slice(v!, [0, 1, 0], [4, 6, 10], [1, 2, 3]),
      (b, v) => b.slice(v!, [3, 0, 0], [4, 6, 10]),
      (b, v) =>
        b.pad(v!, b.scalar(7, 'f32'), [
          { low: 1, high: 2, interior: 0 },
          { low: 0, high: 0, interior: 1 },
          { low: 3, high: -2, interior: 0 },
        ]),
      (b, v) =>
        b.pad(v!, b.scalar(7, 'f32'), [
          { low: 0, high: 0, interior: 0 },
          { low: -1, high: 3, interior: 0 },
          { low: 0, high: 0, interior: 2 },
        ]),
      (b, v) =>
        b.pad(v!, b.scalar(7, 'f32'), [
          { low: -1, high: 0, interior: 2 },
          { low: -1, high: -3, interior: 0 },
          { low: 0, high: 0, interior: 0 },
        ]),
      (b, v) => b.concatenate([v!, b.exp(v!), v!], 2),
      (b, v) => b.concatenate([b.negate(v!), v!], 0),
      (b, v) => b.concatenate([b.slice(v!, [0, 0, 0], [4, 1, 10]), v!], 1),
      (b, v) => b.reverse(v!, [0, 2]),
      (b, v) => b.reverse(v!, [1]),
      (b, v) => b.transpose(v!, [2, 0, 1]),
      (b, v) => b.transpose(v!, [0, 2, 1]),
      (b, v) => b.transpose(v!, [1, 0, 2]),
      (b, v) => b.add(v!, b.convert(b.iota('s32', [4, 6, 10], 1), 'f32')),
      (b, v) => b.add(v!, b.iota('f32', [4, 6, 10], 2)),
      (b, v) => b.add(b.reshape(b.transpose(v!, [1, 0, 2]), [24, 10]), b.iota('f32', [24, 10], 0)),
      (b, v) => b.dynamicSlice(v!, [b.scalar(2, 's32'), b.scalar(-4, 's32'), b.scalar(100, 's32')], [2, 6, 3]),
    ];
    for (const build of cases) check({ params: [x], build });
  });

  test('scalars and empty arrays', () => {
    check({ params: [['f32', []]], build: (b, x) => b.sqrt(b.multiply(x!, x!)) });
    check({ params: [['f32', [0, 3]]], build: (b, x) => b.exp(x!) });
  });

  test('takes plain instructions, with constants among the operands', () => {
    const b = new HloBuilder('m');
    const x = b.parameter(0, arrayShape('f32', [3, 17]));
    const table = b.array(
      Float32Array.from({ length: 51 }, (_, i) => i / 7),
      'f32',
      [3, 17],
    );
    const value = randomLiteral('f32', [3, 17]);
    checkSchedule(scheduleLoop, b.tanh(x), [value]);
    const sum = b.add(x, table);
    checkSchedule(scheduleLoop, sum, [value, (table as Instruction<'constant'>).attrs.literal]);
    const padded = b.pad(x, b.scalar(2, 'f32'), [
      { low: 1, high: 1, interior: 0 },
      { low: 0, high: 0, interior: 0 },
    ]);
    const two = randomLiteral('f32', []);
    two.data[0] = 2;
    checkSchedule(scheduleLoop, padded, [value, two]);
  });

  test('keeps a table of constants inside a fusion', () => {
    check({
      params: [['f32', [2, 9]]],
      build: (b, x) =>
        b.add(
          x!,
          b.array(
            Float32Array.from({ length: 18 }, (_, i) => i),
            'f32',
            [2, 9],
          ),
        ),
    });
  });
});

const dtypes: readonly ElementType[] = [
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

describe('every element type', () => {
  const n = [3, 23];
  for (const t of dtypes) {
    const ops: readonly (readonly [string, (b: HloBuilder, x: Value, y: Value) => Value, boolean])[] = [
      ['max', (b, x, y) => b.maximum(x, y), true],
      ['min', (b, x, y) => b.minimum(x, y), true],
      ['and', (b, x, y) => b.and(x, y), !isFloat(t)],
      ['or', (b, x, y) => b.or(x, y), !isFloat(t)],
      ['xor', (b, x, y) => b.xor(x, y), !isFloat(t)],
      ['not', (b, x) => b.not(x), !isFloat(t)],
      ['add', (b, x, y) => b.add(x, y), t !== 'pred'],
      ['sub', (b, x, y) => b.subtract(x, y), t !== 'pred'],
      ['mul', (b, x, y) => b.multiply(x, y), t !== 'pred'],
      ['div', (b, x, y) => b.divide(x, y), t !== 'pred'],
      ['rem', (b, x, y) => b.remainder(x, y), t !== 'pred'],
      ['pow', (b, x, y) => b.power(x, y), t !== 'pred'],
      ['abs', (b, x) => b.abs(x), t !== 'pred'],
      ['neg', (b, x) => b.negate(x), t !== 'pred'],
      ['sign', (b, x) => b.sign(x), t !== 'pred'],
      ['shl', (b, x, y) => b.shiftLeft(x, y), !isFloat(t) && t !== 'pred'],
      ['sar', (b, x, y) => b.shiftRightArithmetic(x, y), !isFloat(t) && t !== 'pred'],
      ['shr', (b, x, y) => b.shiftRightLogical(x, y), !isFloat(t) && t !== 'pred'],
      ['shr3', (b, x) => b.shiftRightLogical(x, b.full(3, t, n)), !isFloat(t) && t !== 'pred'],
      ['popcnt', (b, x) => b.popcnt(x), !isFloat(t) && t !== 'pred'],
      ['compare', (b, x, y) => b.select(b.compare('LT', x, y), y, b.select(b.compare('EQ', x, y), x, y)), true],
      ['compareGE', (b, x, y) => b.compare('GE', x, y), true],
      ['clamp', (b, x, y) => b.clamp(b.minimum(x, y), x, y), t !== 'pred'],
      ['finite', (b, x) => b.isFinite(x), isFloat(t)],
      ['floor', (b, x) => b.add(b.floor(x), b.multiply(b.ceil(x), b.roundNearestEven(x))), isFloat(t)],
    ];
    for (const [name, build, applies] of ops) {
      if (!applies) continue;
      test(`${name} of ${t}`, () => {
        const scale = name === 'shl' || name === 'sar' || name === 'shr' || name === 'pow' ? 9 : undefined;
        check(
          {
            params: [
              [t, n],
              [t, n],
            ],
            build: (b, x, y) => build(b, x!, y!),
          },
          { special: !isFloat(t) || t === 'f32' || t === 'f64', ...(scale && { scale }) },
        );
      });
    }
    test(`converts ${t} to every type`, () => {
      for (const to of dtypes) {
        if (to === t) continue;
        const special = t === 'f32' || t === 'f64' || !isFloat(t);
        check({ params: [[t, n]], build: (b, x) => b.convert(x!, to) }, { special, ...(isFloat(t) && { scale: 300 }) });
      }
    });
  }

  test('reinterprets bits of the same size', () => {
    for (const from of dtypes) {
      for (const to of dtypes) {
        if (from === to || from === 'pred' || to === 'pred') continue;
        const b = new HloBuilder('m');
        const x = b.parameter(0, arrayShape(from, [9]));
        let y: Value;
        try {
          y = b.bitcastConvert(x, to);
        } catch {
          continue; // sizes differ
        }
        checkSchedule(scheduleLoop, y, [randomLiteral(from, [9], { special: false })]);
      }
    }
  });
});

describe('random fusions', () => {
  const names = [
    'add',
    'multiply',
    'transpose',
    'reshape',
    'slice',
    'pad',
    'concatenate',
    'reverse',
    'broadcast',
    'iota',
    'select',
  ] as const;
  test('equal the interpreter', () => {
    const dim = fc.constantFrom(1, 2, 3, 4, 5, 8);
    const program = fc.record({
      dims: fc.array(dim, { minLength: 1, maxLength: 4 }),
      steps: fc.array(fc.tuple(fc.constantFrom(...names), fc.nat(1000)), { minLength: 1, maxLength: 6 }),
      dtype: fc.constantFrom<ElementType>('f32', 's32', 'f64', 's8', 's64', 'bf16'),
    });
    fc.assert(
      fc.property(program, ({ dims, steps, dtype }) => {
        const build: Build = (b, x) => steps.reduce((v, [op, r]) => step(b, v, op, r), x!);
        check({ params: [[dtype, dims]], build }, { scale: 5 });
      }),
      { numRuns: 150, seed: 7 },
    );
  });
});

const dimsOf = (x: Value): readonly number[] => (x.shape.kind === 'array' ? x.shape.dims : []);
const typeOf = (x: Value): ElementType => (x.shape.kind === 'array' ? x.shape.dtype : 'f32');

function step(b: HloBuilder, x: Value, op: string, r: number): Value {
  const dims = dimsOf(x);
  const d = dims.length === 0 ? 0 : r % dims.length;
  const n = dims[d] ?? 1;
  if (dims.reduce((p, v) => p * v, 1) > 400)
    return b.slice(
      x,
      dims.map(() => 0),
      dims.map((v) => Math.ceil(v / 2)),
    );
  switch (op) {
    case 'add':
      return b.add(x, x);
    case 'multiply':
      return b.multiply(x, b.full(r % 3, typeOf(x), dims));
    case 'transpose':
      return b.transpose(
        x,
        dims.map((_, i) => (i + 1 + (r % 2)) % dims.length).sort((p, q) => ((p * 7 + r) % 5) - ((q * 7 + r) % 5)),
      );
    case 'reshape': {
      const total = dims.reduce((p, v) => p * v, 1);
      const f = [2, 3, 4, 5, 1].find((v) => total % v === 0) ?? 1;
      return b.reshape(x, r % 2 ? [f, total / f] : r % 3 ? [total] : [total / f, 1, f]);
    }
    case 'slice':
      return n > 1
        ? b.slice(
            x,
            dims.map((_, i) => (i === d ? r % n : 0)),
            dims,
            dims.map((_, i) => (i === d ? 1 + (r % 3) : 1)),
          )
        : x;
    case 'pad':
      return b.pad(
        x,
        b.scalar(r % 5, typeOf(x)),
        dims.map((v, i) =>
          i === d
            ? { low: (r % 4) - (v > 3 ? 1 : 0), high: r % 2, interior: r % 3 === 0 && v > 1 ? 1 : 0 }
            : { low: 0, high: 0, interior: 0 },
        ),
      );
    case 'concatenate':
      return dims.length === 0 ? x : b.concatenate([x, b.reverse(x, [d]), x], d);
    case 'reverse':
      return dims.length === 0 ? x : b.reverse(x, [d]);
    case 'broadcast':
      return dims.length > 3
        ? x
        : b.broadcast(
            x,
            r % 2 ? [...dims, 3] : [3, ...dims],
            dims.map((_, i) => (r % 2 ? i : i + 1)),
          );
    case 'iota':
      return dims.length === 0 ? x : b.add(x, b.iota(typeOf(x), dims, d));
    default:
      return b.select(b.compare('GT', x, b.full(1, typeOf(x), dims)), x, b.add(x, x));
  }
}
