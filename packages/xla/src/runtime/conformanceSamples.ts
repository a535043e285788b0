/**
 * @file Sample programs of every opcode, for the comparison of backends. The table is exhaustive: a new opcode does not compile here
 * until it says how it is sampled.
 */
import type { Builder, Value } from '../hlo/builderApi.ts';
import type { BinaryOpcode, ConvDimensionNumbers, Opcode, UnaryOpcode, WindowDim } from '../hlo/opcodes.ts';
import { type ArrayShape, arrayShape, type ElementType, elementBytes, isFloat, type Shape } from '../hlo/shape.ts';
import { binaryTraits, isOfClass, unaryTraits } from '../hlo/traits.ts';

export interface Sample {
  readonly name: string;
  readonly inputs: readonly ArrayShape[];
  readonly build: (b: Builder, ...inputs: Value[]) => Value | readonly Value[];
}

const dtypes = Object.keys(elementBytes) as ElementType[];
const f32 = (...dims: number[]): ArrayShape => arrayShape('f32', dims);
const s32 = (...dims: number[]): ArrayShape => arrayShape('s32', dims);

function sample(name: string, inputs: readonly ArrayShape[], build: Sample['build']): Sample {
  return { name, inputs, build };
}

/** Odd sizes, so that vector loops have tails. */
const dims = [3, 37];

function unarySamples(op: UnaryOpcode): Sample[] {
  const takes = dtypes.filter((t) => isOfClass(t, unaryTraits[op].takes));
  return takes.map((t) => sample(t, [arrayShape(t, dims)], (b, x) => b.unary(op, x!)));
}

function binarySamples(op: BinaryOpcode): Sample[] {
  const takes = dtypes.filter((t) => isOfClass(t, binaryTraits[op].takes));
  return takes.map((t) => sample(t, [arrayShape(t, dims), arrayShape(t, dims)], (b, x, y) => b.binary(op, x!, y!)));
}

const windowDim = (size: number, stride: number, more: Partial<WindowDim> = {}): WindowDim => ({
  size,
  stride,
  padLow: 0,
  padHigh: 0,
  baseDilation: 1,
  windowDilation: 1,
  reversal: false,
  ...more,
});

const nhwc: ConvDimensionNumbers = {
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

function convolutionSamples(): Sample[] {
  const same = [windowDim(3, 1, { padLow: 1, padHigh: 1 }), windowDim(3, 1, { padLow: 1, padHigh: 1 })];
  const conv = (
    name: string,
    x: ArrayShape,
    k: ArrayShape,
    options: Partial<Parameters<Builder['convolution']>[2]>,
  ): Sample =>
    sample(name, [x, k], (b, u, v) => b.convolution(u!, v!, { window: same, dimensionNumbers: nhwc, ...options }));
  const strided = [windowDim(3, 2, { padLow: 0, padHigh: 1 }), windowDim(3, 2, { padLow: 1 })];
  const transposed = same.map((d) => ({ ...d, baseDilation: 2, padLow: 2, padHigh: 1, reversal: true }));
  const dilated = same.map((d) => ({ ...d, windowDilation: 2 }));
  const filterGradient: ConvDimensionNumbers = {
    ...nhwc,
    inputBatch: 3,
    inputFeature: 0,
    kernelInputFeature: 0,
    kernelOutputFeature: 3,
    kernelSpatial: [1, 2],
    outputBatch: 2,
    outputFeature: 3,
    outputSpatial: [0, 1],
  };
  const big = [windowDim(9, 1, { padLow: 1, padHigh: 1 }), windowDim(7, 1, { padLow: 1, padHigh: 1 })];
  return [
    conv('same', f32(2, 9, 7, 5), f32(3, 3, 5, 11), {}),
    conv('same f64', arrayShape('f64', [1, 5, 4, 3]), arrayShape('f64', [3, 3, 3, 4]), {}),
    conv('strided', f32(2, 9, 8, 3), f32(3, 3, 3, 8), { window: strided }),
    conv('input gradient', f32(2, 5, 4, 8), f32(3, 3, 8, 3), { window: transposed }),
    conv('dilated', f32(1, 9, 9, 4), f32(3, 3, 4, 4), { window: dilated }),
    conv('depthwise', f32(2, 6, 6, 8), f32(3, 3, 1, 16), { featureGroupCount: 8 }),
    conv('grouped', f32(2, 6, 6, 8), f32(3, 3, 4, 6), { featureGroupCount: 2 }),
    conv('filter gradient', f32(4, 9, 7, 5), f32(4, 9, 7, 6), { window: big, dimensionNumbers: filterGradient }),
    conv('batch groups', f32(4, 5, 5, 3), f32(3, 3, 3, 4), { batchGroupCount: 2 }),
  ];
}

function dotSamples(): Sample[] {
  const dot = (name: string, a: ArrayShape, b: ArrayShape, numbers: Partial<Parameters<Builder['dot']>[2]>): Sample =>
    sample(name, [a, b], (builder, x, y) =>
      builder.dot(x!, y!, { lhsBatch: [], rhsBatch: [], lhsContracting: [1], rhsContracting: [0], ...numbers }),
    );
  const batch = { lhsBatch: [0], rhsBatch: [0], lhsContracting: [2], rhsContracting: [1] };
  return [
    dot('plain', f32(65, 33), f32(33, 47), {}),
    dot('large', f32(130, 260), f32(260, 140), {}),
    dot('transposed', f32(33, 20), f32(17, 33), { lhsContracting: [0], rhsContracting: [1] }),
    dot('vector', f32(1, 300), f32(300, 50), {}),
    dot('matrix × vector', f32(40, 30), f32(30), {}),
    dot('inner', f32(100), f32(100), { lhsContracting: [0] }),
    dot('outer', f32(10, 1), f32(1, 12), {}),
    dot('batch', f32(3, 10, 12), f32(3, 12, 9), batch),
    dot('empty', f32(4, 0), f32(0, 3), {}),
    ...(['f64', 's32', 's64', 'u8', 'f16', 'bf16'] as const).map((t) =>
      dot(t, arrayShape(t, [9, 8]), arrayShape(t, [8, 7]), {}),
    ),
  ];
}

function reduceSamples(): Sample[] {
  const reduce = (name: string, x: ArrayShape, over: number[], op: BinaryOpcode, init: number | boolean): Sample =>
    sample(name, [x], (b, v) => b.reduce([v!], [b.scalar(init, x.dtype)], over, b.reducer(op, x.dtype)));
  const argMax: Sample = sample('argmax', [f32(7, 33)], (b, x) => {
    const pair = [f32(), s32(), f32(), s32()];
    const better = b.computation('better', pair, (c, v, i, w, j) => {
      const less = c.compare('LT', v!, w!);
      const earlier = c.and(c.compare('EQ', v!, w!), c.compare('GT', i!, j!));
      const take = c.or(less, earlier);
      return c.tuple([c.select(take, w!, v!), c.select(take, j!, i!)]);
    });
    const inits = [b.scalar(Number.NEGATIVE_INFINITY, 'f32'), b.scalar(0, 's32')];
    const both = b.reduce([x!, b.iota('s32', [7, 33], 1)], inits, [1], better);
    return [b.getTupleElement(both, 0), b.getTupleElement(both, 1)];
  });
  return [
    reduce('rows', f32(13, 70), [1], 'add', 0),
    reduce('columns', f32(70, 13), [0], 'add', 0),
    reduce('all', f32(5, 6, 7), [0, 1, 2], 'add', 0),
    reduce('middle', f32(5, 6, 7), [1], 'maximum', Number.NEGATIVE_INFINITY),
    reduce('outer and inner', f32(5, 6, 7), [0, 2], 'minimum', Number.POSITIVE_INFINITY),
    reduce('long', f32(20000), [0], 'add', 0),
    reduce('and', arrayShape('pred', [6, 9]), [1], 'and', true),
    ...(['f64', 's32', 's64', 'u8', 'f16', 'bf16', 'u64'] as const).map((t) =>
      reduce(t, arrayShape(t, [6, 9]), [0], 'add', 0),
    ),
    argMax,
  ];
}

const pool = [windowDim(1, 1), windowDim(3, 2, { padHigh: 1 }), windowDim(2, 2), windowDim(1, 1)];

function windowSamples(): Sample[] {
  const w = (name: string, x: ArrayShape, op: BinaryOpcode, init: number, window = pool): Sample =>
    sample(name, [x], (b, v) => b.reduceWindow(v!, b.scalar(init, x.dtype), window, b.reducer(op, x.dtype)));
  const cumulative = [windowDim(1, 1), windowDim(9, 1, { padLow: 8 })];
  return [
    w('max-pool', f32(2, 8, 8, 5), 'maximum', Number.NEGATIVE_INFINITY),
    w('sum-pool', f32(2, 8, 8, 8), 'add', 0),
    w('s32', s32(1, 6, 6, 3), 'add', 0),
    w('cumulative sum', f32(3, 9), 'add', 0, cumulative),
  ];
}

function selectAndScatterSample(): Sample {
  return sample('max-pool gradient', [f32(2, 7, 8, 3), f32(2, 3, 4, 3)], (b, x, dy) => {
    const select = b.computation('ge', [f32(), f32()], (c, u, v) => c.compare('GE', u!, v!));
    const window = pool.map((d) => ({ ...d, padHigh: 0 }));
    return b.selectAndScatter(x!, dy!, b.scalar(0, 'f32'), { window, select, scatter: b.reducer('add', 'f32') });
  });
}

function indexSamples(): { readonly gather: Sample[]; readonly scatter: Sample[] } {
  const rows = { offsetDims: [1], collapsedSliceDims: [0], startIndexMap: [0], indexVectorDim: 1 };
  const updates = {
    updateWindowDims: [1],
    insertedWindowDims: [0],
    scatterDimsToOperandDims: [0],
    indexVectorDim: 1,
  };
  const scatter = (name: string, t: ElementType, op: BinaryOpcode): Sample =>
    sample(name, [arrayShape(t, [9, 5]), s32(12, 1), arrayShape(t, [12, 5])], (b, x, i, u) =>
      b.scatter(x!, i!, u!, { dimensionNumbers: updates, computation: b.reducer(op, t) }),
    );
  return {
    gather: [
      sample('rows', [f32(9, 5), s32(12, 1)], (b, x, i) => b.gather(x!, i!, rows, [1, 5])),
      sample('s64 pieces', [f32(9, 5), arrayShape('s64', [4, 2])], (b, x, i) =>
        b.gather(
          x!,
          i!,
          { offsetDims: [1, 2], collapsedSliceDims: [], startIndexMap: [0, 1], indexVectorDim: 1 },
          [3, 2],
        ),
      ),
    ],
    scatter: [scatter('add', 'f32', 'add'), scatter('maximum', 's32', 'maximum'), scatter('f64', 'f64', 'add')],
  };
}

function sortSamples(): Sample[] {
  const less = (b: Builder, ...shapes: Shape[]): ReturnType<Builder['computation']> =>
    b.computation('less', shapes, (c, u, v) => c.compare('LT', u!, v!));
  return [
    sample('f32', [f32(5, 33)], (b, x) =>
      b.sort([x!], { dimension: 1, comparator: less(b, f32(), f32()), stable: true }),
    ),
    sample('columns', [s32(33, 5)], (b, x) =>
      b.sort([x!], { dimension: 0, comparator: less(b, s32(), s32()), stable: true }),
    ),
    sample('pairs', [s32(4, 20), f32(4, 20)], (b, x, y) => {
      const comparator = less(b, s32(), s32(), f32(), f32());
      const both = b.sort([x!, y!], { dimension: 1, comparator, stable: true });
      return [b.getTupleElement(both, 0), b.getTupleElement(both, 1)];
    }),
  ];
}

function whileSamples(): Sample[] {
  const state = { kind: 'tuple', elements: [s32(), f32(6)] } as const;
  const loop = (limit: number): Sample =>
    sample(`${limit} rounds`, [f32(6)], (b, x) => {
      const below = b.computation('below', [state], (c, s) =>
        c.compare('LT', c.getTupleElement(s!, 0), c.scalar(limit, 's32')),
      );
      const step = b.computation('step', [state], (c, s) => {
        const i = c.getTupleElement(s!, 0);
        const v = c.getTupleElement(s!, 1);
        return c.tuple([c.add(i, c.scalar(1, 's32')), c.add(v, c.full(0.5, 'f32', [6]))]);
      });
      const end = b.while(b.tuple([b.scalar(0, 's32'), x!]), below, step);
      return [b.getTupleElement(end, 0), b.getTupleElement(end, 1)];
    });
  return [loop(0), loop(1), loop(10)];
}

function conditionalSamples(): Sample[] {
  return [-1, 0, 1, 2, 7].map((choice) =>
    sample(`branch ${choice}`, [f32(6)], (b, x) => {
      const branches = (['negate', 'abs', 'sign'] as const).map((op) =>
        b.computation(op, [f32(6)], (c, v) => c.unary(op, v!)),
      );
      return b.conditional(b.scalar(choice, 's32'), branches, [x!, x!, x!]);
    }),
  );
}

function convertSamples(): Sample[] {
  return dtypes.flatMap((from) =>
    dtypes.map((to) => sample(`${from} to ${to}`, [arrayShape(from, dims)], (b, x) => b.convert(x!, to))),
  );
}

function bitcastSamples(): Sample[] {
  const equal = (a: ElementType, b: ElementType): boolean =>
    a !== 'pred' && b !== 'pred' && elementBytes[a] === elementBytes[b];
  return dtypes.flatMap((from) =>
    dtypes
      .filter((to) => equal(from, to) && !(isFloat(from) && isFloat(to)))
      .map((to) => sample(`${from} as ${to}`, [arrayShape(from, dims)], (b, x) => b.bitcastConvert(x!, to))),
  );
}

const wide = (build: (b: Builder, x: Value) => Value): Sample[] =>
  (['f32', 'u8', 'f64', 'pred', 'bf16'] as const).map((t) =>
    sample(t, [arrayShape(t, [4, 6, 10])], (b, x) => build(b, x!)),
  );

const indexing = indexSamples();

/** By opcode; null: the opcode is only a part of others' samples. */
export const opcodeSamples: { readonly [K in Opcode]: readonly Sample[] | null } = {
  ...(Object.fromEntries((Object.keys(unaryTraits) as UnaryOpcode[]).map((op) => [op, unarySamples(op)])) as {
    [K in UnaryOpcode]: Sample[];
  }),
  ...(Object.fromEntries((Object.keys(binaryTraits) as BinaryOpcode[]).map((op) => [op, binarySamples(op)])) as {
    [K in BinaryOpcode]: Sample[];
  }),
  parameter: [sample('passed through', [f32(3), f32(3)], (_, x, y) => [y!, x!, y!])],
  constant: [
    sample('large and small', [], (b) => [b.array(new Float32Array(300).fill(2.5), 'f32', [300]), b.scalar(7, 's64')]),
  ],
  iota: [sample('all types', [], (b) => dtypes.filter((t) => t !== 'pred').map((t) => b.iota(t, [3, 7], 1)))],
  compare: dtypes.flatMap((t) =>
    (['EQ', 'NE', 'LT', 'LE', 'GT', 'GE'] as const).map((d) =>
      sample(`${d} ${t}`, [arrayShape(t, dims), arrayShape(t, dims)], (b, x, y) => b.compare(d, x!, y!)),
    ),
  ),
  select: dtypes.map((t) =>
    sample(t, [arrayShape('pred', dims), arrayShape(t, dims), arrayShape(t, dims)], (b, p, x, y) =>
      b.select(p!, x!, y!),
    ),
  ),
  clamp: dtypes
    .filter((t) => t !== 'pred')
    .map((t) => sample(t, [arrayShape(t, dims)], (b, x) => b.clamp(b.scalar(1, t), x!, b.scalar(3, t)))),
  convert: convertSamples(),
  'bitcast-convert': bitcastSamples(),
  broadcast: [
    ...wide((b, x) => b.broadcast(x, [4, 3, 6, 10], [0, 2, 3])),
    sample('columns', [f32(7)], (b, x) => b.broadcast(x!, [7, 9], [0])),
    sample('scalar', [f32()], (b, x) => b.broadcast(x!, [7, 9], [])),
  ],
  reshape: wide((b, x) => b.reshape(x, [24, 10])),
  transpose: [
    ...wide((b, x) => b.transpose(x, [2, 0, 1])),
    ...wide((b, x) => b.transpose(x, [1, 0, 2])),
    sample('large', [f32(67, 130)], (b, x) => b.transpose(x!, [1, 0])),
  ],
  slice: wide((b, x) => b.slice(x, [1, 0, 3], [4, 5, 9], [1, 2, 3])),
  pad: wide((b, x) => {
    const zero = b.reshape(b.slice(x, [0, 0, 0], [1, 1, 1]), []);
    const at = (low: number, high: number, interior: number) => ({ low, high, interior });
    return b.pad(x, zero, [at(1, 2, 0), at(-1, 0, 0), at(0, 3, 2)]);
  }),
  concatenate: [...wide((b, x) => b.concatenate([x, x, x], 1)), ...wide((b, x) => b.concatenate([x, x], 2))],
  reverse: wide((b, x) => b.reverse(x, [0, 2])),
  gather: indexing.gather,
  scatter: indexing.scatter,
  'dynamic-slice': [sample('clamped', [f32(5, 8), s32(), s32()], (b, x, i, j) => b.dynamicSlice(x!, [i!, j!], [2, 3]))],
  'dynamic-update-slice': [
    sample('clamped', [f32(5, 8), f32(2, 3), s32(), s32()], (b, x, u, i, j) => b.dynamicUpdateSlice(x!, u!, [i!, j!])),
  ],
  copy: [sample('f32', [f32(5)], (b, x) => b.copy(x!))],
  reduce: reduceSamples(),
  'reduce-window': windowSamples(),
  'select-and-scatter': [selectAndScatterSample()],
  dot: dotSamples(),
  convolution: convolutionSamples(),
  sort: sortSamples(),
  'top-k': [
    sample('f32', [f32(6, 40)], (b, x) => {
      const top = b.topK(x!, 5);
      return [b.getTupleElement(top, 0), b.getTupleElement(top, 1)];
    }),
  ],
  'rng-bit-generator': (['u32', 'u64'] as const).map((t) =>
    sample(t, [arrayShape('u64', [2])], (b, state) => {
      const r = b.rngBitGenerator(state!, t, [3, 7]);
      return [b.getTupleElement(r, 0), b.getTupleElement(r, 1)];
    }),
  ),
  while: whileSamples(),
  conditional: conditionalSamples(),
  call: [
    sample('twice', [f32(7)], (b, x) => {
      const twice = b.computation('twice', [f32(7)], (c, v) => c.add(v!, v!));
      return b.call(twice, [b.call(twice, [x!])]);
    }),
  ],
  fusion: null,
  'custom-call': null,
  'all-reduce': [sample('one replica', [f32(7)], (b, x) => b.allReduce(x!, b.reducer('add', 'f32'), [[0]]))],
  tuple: null,
  'get-tuple-element': null,
};
