/** @file What tests of HLO share: running a module of constants, patterned data, and a module that holds every opcode. */
import { HloBuilder } from './builder.ts';
import type { Value } from './builderApi.ts';
import { interpretModule } from './interpret.ts';
import type { Literal } from './literal.ts';
import { literalFrom, type Scalar, toNumbers } from './literals.ts';
import type { Module } from './module.ts';
import type { BinaryOpcode, UnaryOpcode, WindowDim } from './opcodes.ts';
import { arrayShape, type ElementType, elementCount } from './shape.ts';
import { binaryTraits, unaryTraits } from './traits.ts';

const f32 = (...dims: number[]) => arrayShape('f32', dims);
const scalarF32 = f32();

/** A window dimension with defaults. */
export const windowDim = (size: number, stride: number, more: Partial<WindowDim> = {}): WindowDim => ({
  size,
  stride,
  padLow: 0,
  padHigh: 0,
  baseDilation: 1,
  windowDilation: 1,
  reversal: false,
  ...more,
});

/** Builds and runs a module of constants. */
export function run(build: (b: HloBuilder) => Value | readonly Value[]): Literal[] {
  const b = new HloBuilder('test');
  const result = build(b);
  return interpretModule(b.build('opcode' in result ? [result] : result), []);
}

/** The elements of the first result. */
export const numbers = (build: (b: HloBuilder) => Value | readonly Value[]): number[] =>
  toNumbers(run(build)[0] as Literal);

/** The first result as stored: bigints for 64-bit integers. */
export const stored = (build: (b: HloBuilder) => Value): (number | bigint)[] =>
  Array.from((run(build)[0] as Literal).data as ArrayLike<number | bigint>);

/** A constant of plain values. */
export const vector = (b: HloBuilder, values: Scalar[], dtype: ElementType, dims = [values.length]): Value =>
  b.constant(literalFrom(values, dtype, dims));

/** Whole numbers from −5 to 5 in a pattern: ((7i + 3) mod 11) − 5, as references compute it too. */
export function pattern(dims: readonly number[], dtype: ElementType = 'f32'): Literal {
  const values = Array.from({ length: elementCount(dims) }, (_, i) => ((i * 7 + 3) % 11) - 5);
  return literalFrom(values, dtype, dims);
}

/** Parameters: f32[2,6], s32[2,6], pred[2,6], u64[2], f32[1,4,4,2], f32[3,3,2,4]. */
export function moduleOfAllOpcodes(): Module {
  const b = new HloBuilder('all');
  const x = b.parameter(0, f32(2, 6), 'x');
  const n = b.parameter(1, arrayShape('s32', [2, 6]), 'n');
  const p = b.parameter(2, arrayShape('pred', [2, 6]), 'the predicate');
  const state = b.parameter(3, arrayShape('u64', [2]), 'state');
  const image = b.parameter(4, f32(1, 4, 4, 2), 'image');
  const kernel = b.parameter(5, f32(3, 3, 2, 4), 'kernel');
  const results = [
    ...elementwise(b, x, n, p),
    ...moves(b, x, n),
    ...computing(b, x, state, image, kernel),
    ...controlling(b, x, n, p),
  ];
  return b.build(
    results.flatMap((r) => arraysOf(b, r)),
    [{ output: 0, parameter: 0 }],
  );
}

function arraysOf(b: HloBuilder, x: Value): Value[] {
  return x.shape.kind === 'array' ? [x] : x.shape.elements.map((_, i) => b.getTupleElement(x, i));
}

function elementwise(b: HloBuilder, x: Value, n: Value, p: Value): Value[] {
  const unary = (Object.keys(unaryTraits) as UnaryOpcode[]).map((op) => {
    const { takes } = unaryTraits[op];
    return b.unary(op, takes === 'bits' || takes === 'integer' ? n : x);
  });
  const binary = (Object.keys(binaryTraits) as BinaryOpcode[]).map((op) => {
    const { takes } = binaryTraits[op];
    return takes === 'bits' || takes === 'integer' ? b.binary(op, n, n) : b.binary(op, x, x);
  });
  return [
    ...unary,
    ...binary,
    b.compare('LE', x, b.full(Number.NaN, 'f32', [2, 6])),
    b.select(p, x, b.tanh(x)),
    b.clamp(b.scalar(-0, 'f32'), x, b.scalar(Infinity, 'f32')),
    b.withMetadata({ opName: 'a/b c', opType: 'Cast' }, () => b.convert(n, 'bf16')),
    b.bitcastConvert(x, 'u32'),
    b.copy(x),
  ];
}

function moves(b: HloBuilder, x: Value, n: Value): Value[] {
  const rows = b.constant({ shape: arrayShape('s64', [3, 1]), data: BigInt64Array.of(1n, -5n, 1n << 60n) });
  const gatherDims = { offsetDims: [1], collapsedSliceDims: [0], startIndexMap: [0], indexVectorDim: 1 };
  const scatterDims = {
    updateWindowDims: [1],
    insertedWindowDims: [0],
    scatterDimsToOperandDims: [0],
    indexVectorDim: 1,
  };
  const gathered = b.gather(x, rows, gatherDims, [1, 6]);
  const start = [b.scalar(1, 's32'), b.scalar(-2, 's32')];
  return [
    b.iota('f16', [2, 3], 1),
    b.broadcast(x, [3, 2, 6], [1, 2]),
    b.reshape(x, [3, 4]),
    b.transpose(x, [1, 0]),
    b.slice(x, [0, 1], [2, 6], [1, 2]),
    b.pad(x, b.scalar(0.1, 'f32'), [
      { low: 1, high: -1, interior: 0 },
      { low: 0, high: 0, interior: 2 },
    ]),
    b.concatenate([n, n], 0),
    b.reverse(x, [0, 1]),
    gathered,
    b.scatter(x, rows, gathered, { dimensionNumbers: scatterDims, computation: b.reducer('add', 'f32') }),
    b.dynamicSlice(x, start, [1, 2]),
    b.dynamicUpdateSlice(x, b.full(3, 'f32', [1, 2]), start),
    b.full(true, 'pred', [2]),
  ];
}

function computing(b: HloBuilder, x: Value, state: Value, image: Value, kernel: Value): Value[] {
  const window = [windowDim(1, 1), windowDim(2, 2), windowDim(2, 2), windowDim(1, 1)];
  const add = b.reducer('add', 'f32');
  const zero = b.scalar(0, 'f32');
  const pooled = b.reduceWindow(image, b.scalar(-Infinity, 'f32'), window, b.reducer('maximum', 'f32'));
  const select = b.computation('ge', [scalarF32, scalarF32], (c, u, v) => c.compare('GE', u as Value, v as Value));
  const less = b.computation('less', [scalarF32, scalarF32], (c, u, v) => c.compare('LT', u as Value, v as Value));
  const dimensionNumbers = {
    inputBatch: 0,
    inputFeature: 3,
    inputSpatial: [1, 2],
    kernelInputFeature: 2,
    kernelOutputFeature: 3,
    kernelSpatial: [0, 1],
    outputBatch: 0,
    outputFeature: 3,
    outputSpatial: [1, 2],
  };
  return [
    b.reduce([x], [zero], [1], add),
    pooled,
    b.selectAndScatter(image, pooled, zero, { window, select, scatter: add }),
    b.dot(x, x, { lhsBatch: [0], rhsBatch: [0], lhsContracting: [1], rhsContracting: [1] }),
    b.convolution(image, kernel, {
      window: [windowDim(3, 1, { padLow: 1, padHigh: 1 }), windowDim(3, 2, { padLow: -1, reversal: true })],
      dimensionNumbers,
    }),
    b.sort([x], { dimension: 1, comparator: less }),
    b.topK(x, 2),
    b.rngBitGenerator(state, 'u32', [5]),
  ];
}

function controlling(b: HloBuilder, x: Value, n: Value, p: Value): Value[] {
  const { shape } = b.tuple([n, x]);
  const below = b.computation('while/below', [shape], (c, s) => {
    const first = c.reshape(c.slice(c.getTupleElement(s as Value, 0), [0, 0], [1, 1]), []);
    return c.compare('LT', first, c.scalar(3, 's32'));
  });
  const step = b.computation('while/step', [shape], (c, s) => {
    const i = c.getTupleElement(s as Value, 0);
    return c.tuple([c.add(i, c.full(1, 's32', [2, 6])), c.negate(c.getTupleElement(s as Value, 1))]);
  });
  const branches = (['exp', 'log'] as const).map((op) =>
    b.computation(op, [x.shape], (c, v) => c.unary(op, v as Value)),
  );
  const first = b.reshape(b.slice(p, [0, 0], [1, 1]), []);
  const twice = b.computation('twice', [x.shape], (c, v) => c.add(v as Value, v as Value));
  return [
    b.while(b.tuple([n, x]), below, step),
    b.conditional(first, branches, [x, x]),
    b.call(twice, [x]),
    b.fusion('loop', twice, [b.call(twice, [x])]),
    b.customCall([x], { target: 'host "f"', config: '{"k":1}', hasSideEffect: true, shape: f32(2, 6) }),
    b.allReduce(x, b.reducer('add', 'f32'), [[0]]),
  ];
}
