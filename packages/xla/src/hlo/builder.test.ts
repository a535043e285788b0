import { describe, expect, it } from 'vitest';
import { HloBuilder } from './builder.ts';
import { XlaError } from './errors.ts';
import { dimsOf, dtypeOf } from './graph.ts';
import { arrayShape, shapeText } from './shape.ts';

const f32 = (...dims: number[]) => arrayShape('f32', dims);

function failure(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof XlaError) return `${error.code} ${error.message}`;
    throw error;
  }
  return 'no error';
}

describe('HloBuilder', () => {
  it('interns equal instructions, and tells unequal ones apart', () => {
    const b = new HloBuilder('m');
    const x = b.parameter(0, f32(2, 3));
    const y = b.parameter(1, f32(2, 3));
    expect(b.add(x, y)).toBe(b.add(x, y));
    expect(b.add(x, y)).not.toBe(b.add(y, x));
    expect(b.scalar(1, 'f32')).toBe(b.scalar(1, 'f32'));
    expect(b.scalar(0, 'f32')).not.toBe(b.scalar(-0, 'f32'));
    expect(b.scalar(1, 'f32')).not.toBe(b.scalar(1, 's32'));
    expect(b.iota('s32', [4], 0)).not.toBe(b.iota('s32', [5], 0));
    expect(b.transpose(x, [1, 0])).not.toBe(b.transpose(x, [0, 1]));
  });

  it('interns large constants by identity of their data', () => {
    const b = new HloBuilder('m');
    const data = new Float32Array(1000);
    expect(b.array(data, 'f32', [1000])).toBe(b.array(data, 'f32', [1000]));
    expect(b.array(data, 'f32', [1000])).not.toBe(b.array(data.slice(), 'f32', [1000]));
  });

  it('interns computations by body', () => {
    const b = new HloBuilder('m');
    expect(b.reducer('add', 'f32')).toBe(b.reducer('add', 'f32'));
    const same = b.computation('other', [f32(), f32()], (c, x, y) => c.add(x!, y!));
    expect(same).toBe(b.reducer('add', 'f32'));
    expect(b.reducer('add', 'f64').name).toBe('add.f64');
  });

  it('numbers instructions in topological order across computations', () => {
    const b = new HloBuilder('m');
    const x = b.parameter(0, f32(4));
    const sum = b.reduce([x], [b.scalar(0, 'f32')], [0], b.reducer('add', 'f32'));
    expect(sum.operands.every((o) => o.id < sum.id)).toBe(true);
    expect(shapeText(sum.shape)).toBe('f32[]');
  });

  it('carries metadata, which is not part of identity', () => {
    const b = new HloBuilder('m');
    const x = b.parameter(0, f32(4));
    const y = b.withMetadata({ opName: 'dense/Relu' }, () => b.tanh(x));
    expect(y.metadata.opName).toBe('dense/Relu');
    expect(b.tanh(x)).toBe(y);
  });

  it('continues a module: equal instructions are the old ones', () => {
    const b = new HloBuilder('m');
    const y = b.exp(b.parameter(0, f32(4)));
    const module = b.build([y]);
    const c = HloBuilder.of(module);
    expect(c.exp(module.entry.parameters[0]!)).toBe(y);
    expect(c.build([y]).entry.root).toBe(module.entry.root);
    expect(c.log(y).id).toBeGreaterThan(module.entry.root.id);
  });

  it('infers shapes of the main opcodes', () => {
    const b = new HloBuilder('m');
    const x = b.parameter(0, f32(8, 28, 28, 3));
    const w = b.parameter(1, f32(5, 5, 3, 32));
    const window = [0, 1].map(() => ({
      size: 5,
      stride: 2,
      padLow: 1,
      padHigh: 2,
      baseDilation: 1,
      windowDilation: 1,
      reversal: false,
    }));
    const conv = b.convolution(x, w, {
      window,
      dimensionNumbers: {
        inputBatch: 0,
        inputFeature: 3,
        inputSpatial: [1, 2],
        kernelInputFeature: 2,
        kernelOutputFeature: 3,
        kernelSpatial: [0, 1],
        outputBatch: 0,
        outputFeature: 3,
        outputSpatial: [1, 2],
      },
    });
    expect(dimsOf(conv)).toEqual([8, 14, 14, 32]);
    const m = b.reshape(x, [8, 28 * 28 * 3]);
    const dot = b.dot(m, b.transpose(m, [1, 0]), {
      lhsBatch: [],
      rhsBatch: [],
      lhsContracting: [1],
      rhsContracting: [0],
    });
    expect(dimsOf(dot)).toEqual([8, 8]);
    expect(
      dimsOf(
        b.pad(m, b.scalar(0, 'f32'), [
          { low: 1, high: -2, interior: 0 },
          { low: 0, high: 0, interior: 1 },
        ]),
      ),
    ).toEqual([7, 4703]);
    expect(dtypeOf(b.isFinite(m))).toBe('pred');
    expect(shapeText(b.topK(m, 3).shape)).toBe('(f32[8,3], s32[8,3])');
  });
});

describe('errors of the builder', () => {
  const b = new HloBuilder('m');
  const x = b.parameter(0, f32(2, 3), 'x');
  const y = b.parameter(1, f32(3), 'y');

  it('state the shapes, the source node and the repair', () => {
    expect(failure(() => b.withMetadata({ opName: 'dense/add' }, () => b.add(x, y)))).toMatchInlineSnapshot(
      `"INVALID_ARGUMENT add "dense/add": operands differ: f32[2,3] and f32[3]. Nothing broadcasts by itself: broadcast one to the dims of the other."`,
    );
    expect(failure(() => b.not(x))).toMatchInlineSnapshot(
      `"INVALID_ARGUMENT not: the operand is f32[2,3]; it takes integers or pred."`,
    );
    expect(failure(() => b.reshape(x, [4]))).toMatchInlineSnapshot(
      `"INVALID_ARGUMENT reshape: f32[2,3] has 6 elements, [4] has 4."`,
    );
    expect(
      failure(() => b.dot(x, y, { lhsBatch: [], rhsBatch: [], lhsContracting: [0], rhsContracting: [0] })),
    ).toMatchInlineSnapshot(
      `"INVALID_ARGUMENT dot: contracting dimensions differ: dimension 0 of f32[2,3] is 2, dimension 0 of f32[3] is 3."`,
    );
    expect(failure(() => b.reduce([x], [y], [0], b.reducer('add', 'f32')))).toMatchInlineSnapshot(
      `"INVALID_ARGUMENT reduce: init is f32[3], a scalar f32[] is needed."`,
    );
    expect(failure(() => b.reduce([x], [b.scalar(0, 'f32')], [0], b.reducer('add', 's32')))).toMatchInlineSnapshot(
      `"INVALID_ARGUMENT reduce: computation "add.s32" is (s32[], s32[]) → s32[], but (f32[], f32[]) → f32[] is needed."`,
    );
    expect(failure(() => b.scalar(300, 'u8'))).toMatchInlineSnapshot(
      `"INVALID_ARGUMENT 300 does not fit in u8, which holds 0 to 255."`,
    );
    expect(failure(() => b.scalar(0.5, 's32'))).toMatchInlineSnapshot(
      `"INVALID_ARGUMENT 0.5 is not a whole number, as s32 needs. Round it, or use a float type."`,
    );
    expect(failure(() => b.getTupleElement(x, 0))).toMatchInlineSnapshot(
      `"INVALID_ARGUMENT get-tuple-element: the operand is f32[2,3], a tuple is needed."`,
    );
  });

  it('refuse captured values, holes in parameters and wrong aliases', () => {
    expect(failure(() => b.computation('f', [f32(2, 3)], (c, z) => c.add(z!, x)))).toMatchInlineSnapshot(
      `"INVALID_ARGUMENT operand 1 of add is parameter f32[2,3] of another computation. Computations see nothing outside: pass it in as a parameter."`,
    );
    const c = new HloBuilder('n');
    const z = c.parameter(1, f32());
    expect(failure(() => c.build([z]))).toMatchInlineSnapshot(
      `"INVALID_ARGUMENT computation "n" has a parameter 1, but none with index 0. Number them without holes."`,
    );
    expect(failure(() => c.parameter(1, f32(2)))).toMatchInlineSnapshot(
      `"INVALID_ARGUMENT parameter 1 was made twice, with shapes f32[] and f32[2]."`,
    );
    expect(failure(() => b.build([x], [{ output: 0, parameter: 1 }]))).toMatchInlineSnapshot(
      `"INVALID_ARGUMENT alias of result 0 f32[2,3] with parameter 1 f32[3]: shapes differ."`,
    );
  });
});
