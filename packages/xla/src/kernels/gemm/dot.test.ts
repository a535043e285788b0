import { describe, test } from 'vitest';
import { HloBuilder } from '../../hlo/builder.ts';
import type { Builder, Value } from '../../hlo/builderApi.ts';
import type { DotDimensionNumbers } from '../../hlo/opcodes.ts';
import { type ArrayShape, arrayShape, type ElementType } from '../../hlo/shape.ts';
import type { Target } from '../target.ts';
import { scheduleDot } from './dot.ts';
import { checkSchedule, checkThreads, random, randomFloats, randomLiteral, testTarget } from './testing.ts';

const matrices: DotDimensionNumbers = { lhsBatch: [], rhsBatch: [], lhsContracting: [1], rhsContracting: [0] };

function checkDot(lhs: ArrayShape, rhs: ArrayShape, numbers: DotDimensionNumbers, target: Target = testTarget): void {
  const b = new HloBuilder('dot');
  const x = b.dot(b.parameter(0, lhs), b.parameter(1, rhs), numbers);
  const next = random(lhs.dims.concat(rhs.dims).reduce((s, d) => s * 31 + d, 7));
  checkSchedule(x, scheduleDot(x, target), [randomLiteral(lhs, next), randomLiteral(rhs, next)]);
}

function matrix(dtype: ElementType, m: number, k: number, n: number, target?: Target): void {
  checkDot(arrayShape(dtype, [m, k]), arrayShape(dtype, [k, n]), matrices, target);
}

const targets: readonly Target[] = [
  testTarget,
  { ...testTarget, gemm: { mr: 6, nr: 8, ku: 4 }, l1Bytes: 4096 },
  { ...testTarget, gemm: { mr: 2, nr: 16, ku: 1 } },
];

describe('dot', () => {
  test.each([
    [1, 1, 1],
    [1, 40, 1],
    [1, 33, 37],
    [37, 33, 1],
    [1, 16, 1],
    [1, 77, 1],
    [30, 64, 1],
    [5, 3, 7],
    [16, 16, 16],
    [17, 29, 19],
    [4, 100, 10],
    [32, 61, 24],
    [13, 5, 130],
    [130, 5, 13],
    [3, 700, 5],
    [12, 257, 9],
    [48, 64, 40],
  ])('multiplies %i×%i by …×%i', (m, k, n) => {
    for (const target of targets) matrix('f32', m, k, n, target);
  });

  test.each(['s32', 'u32', 's8', 'u8', 's16', 'u16', 's64', 'u64', 'f16', 'bf16', 'f64'] as const)(
    'multiplies matrices of %s',
    (dtype) => {
      matrix(dtype, 7, 11, 13);
      matrix(dtype, 16, 40, 12);
    },
  );

  test('contracts any dimension of either side', () => {
    for (const lhs of [0, 1]) {
      for (const rhs of [0, 1]) {
        const dims = (at: number, k: number, other: number): number[] => (at === 0 ? [k, other] : [other, k]);
        for (const [m, k, n] of [
          [9, 21, 14],
          [24, 70, 16],
          [2, 90, 44],
          [1, 35, 23],
          [23, 35, 1],
        ] as const) {
          const numbers = { lhsBatch: [], rhsBatch: [], lhsContracting: [lhs], rhsContracting: [rhs] };
          checkDot(arrayShape('f32', dims(lhs, k, m)), arrayShape('f32', dims(rhs, k, n)), numbers);
        }
      }
    }
  });

  test('batches, with batch dimensions anywhere', () => {
    checkDot(arrayShape('f32', [5, 7, 9]), arrayShape('f32', [5, 9, 12]), {
      lhsBatch: [0],
      rhsBatch: [0],
      lhsContracting: [2],
      rhsContracting: [1],
    });
    checkDot(arrayShape('f32', [7, 3, 9, 2]), arrayShape('f32', [2, 9, 12, 3]), {
      lhsBatch: [1, 3],
      rhsBatch: [3, 0],
      lhsContracting: [2],
      rhsContracting: [1],
    });
  });

  test('contracts several dimensions at once, in either order', () => {
    for (const rhsContracting of [
      [1, 0],
      [0, 1],
    ]) {
      checkDot(arrayShape('f32', [6, 4, 8]), arrayShape('f32', rhsContracting[0] === 0 ? [4, 8, 10] : [8, 4, 10]), {
        lhsBatch: [],
        rhsBatch: [],
        lhsContracting: [1, 2],
        rhsContracting,
      });
    }
  });

  test('sums nothing to zero and answers empty results', () => {
    matrix('f32', 3, 0, 4);
    matrix('f32', 0, 3, 4);
    matrix('f32', 3, 4, 0);
  });

  test('gives the same bits for any number of threads', () => {
    for (const [m, k, n] of [
      [5, 2000, 6],
      [40, 50, 33],
      [1, 300, 9],
    ] as const) {
      const [lhs, rhs] = [arrayShape('f32', [m, k]), arrayShape('f32', [k, n])];
      const b = new HloBuilder('dot');
      const x = b.dot(b.parameter(0, lhs), b.parameter(1, rhs), matrices);
      checkThreads(x, scheduleDot(x, testTarget), [randomFloats(lhs, random(1)), randomFloats(rhs, random(2))]);
    }
  });

  test('random shapes', () => {
    const next = random(20);
    for (let i = 0; i < 60; i++) {
      const size = (): number => 1 + Math.floor(next() ** 2 * 60);
      matrix('f32', size(), size() * (i % 7 === 0 ? 9 : 1), size(), targets[i % targets.length]);
    }
  });
});

describe('a fusion around a dot', () => {
  const [m, k, n] = [17, 30, 22];
  const params = [
    arrayShape('f32', [m, k]),
    arrayShape('f32', [k, n]),
    arrayShape('f32', [n]),
    arrayShape('f32', [m, n]),
  ];

  function checkFusion(
    build: (b: Builder, parameters: readonly Value[]) => Value,
    shapes: readonly ArrayShape[] = params,
  ): void {
    const b = new HloBuilder('fused');
    const computation = b.computation('fused', shapes, (inner, ...parameters) => build(inner, parameters));
    const x = b.fusion(
      'dot',
      computation,
      shapes.map((s, i) => b.parameter(i, s)),
    );
    const next = random(3);
    checkSchedule(
      x,
      scheduleDot(x, testTarget),
      shapes.map((s) => randomLiteral(s, next)),
      { tolerance: 1e-6 },
    );
  }

  test('adds a bias and a residual, applies relu', () => {
    checkFusion((b, [x, w, bias, residual]) => {
      const sum = b.add(b.dot(x!, w!, matrices), b.broadcast(bias!, [m, n], [1]));
      return b.add(b.maximum(sum, b.full(0, 'f32', [m, n])), residual!);
    });
  });

  test('computes a long epilogue', () => {
    checkFusion((b, [x, w, bias, residual]) => {
      const sum = b.add(b.dot(x!, w!, matrices), b.broadcast(bias!, [m, n], [1]));
      return b.tuple([b.tanh(sum), b.logistic(b.add(sum, residual!)), b.convert(sum, 's64')]);
    });
  });

  test('answers several results', () => {
    checkFusion((b, [x, w, bias]) => {
      const sum = b.add(b.dot(x!, w!, matrices), b.broadcast(bias!, [m, n], [1]));
      return b.tuple([sum, b.compare('GT', sum, b.full(0, 'f32', [m, n])), b.convert(sum, 'f16')]);
    });
  });

  test('adds a column vector to every column', () => {
    checkFusion(
      (b, [x, w, bias]) => b.add(b.dot(x!, w!, matrices), b.broadcast(bias!, [m, n], [0])),
      [params[0]!, params[1]!, arrayShape('f32', [m])],
    );
  });

  test('reads transposed, broadcast and converted operands in place', () => {
    checkFusion(
      (b, [x, w]) => b.dot(b.convert(b.transpose(x!, [1, 0]), 'f32'), b.broadcast(w!, [k, n], [1]), matrices),
      [arrayShape('bf16', [k, m]), arrayShape('f32', [n])],
    );
    checkFusion(
      (b, [x, w]) => b.dot(b.convert(x!, 's32'), b.convert(b.reshape(w!, [k, n]), 's32'), matrices),
      [arrayShape('s8', [m, k]), arrayShape('u8', [2, k / 2, n])],
    );
  });
});
