/**
 * @file One loop over the op registry. For every sample of every record: the static shape is the run's shape, the backend agrees with
 * the interpreter, the symbolic gradient with finite differences, and the GraphDef survives a round trip.
 */
import { GraphDef } from '@tsflow/formats';
import { afterAll, describe, expect, test } from 'vitest';
import type { DType } from '../dtype.ts';
import { gradients, toDense } from '../gradients.ts';
import { Graph } from '../graph/graph.ts';
import type { Operation } from '../graph/operation.ts';
import type { Tensor } from '../graph/tensor.ts';
import { importGraphDef } from '../importGraph.ts';
import { type NdArray, toNdArray } from '../ndarray.ts';
import { callOp } from '../op/call.ts';
import type { OpRecord } from '../op/record.ts';
import type { SampleInput, SampleSpec } from '../op/sample.ts';
import { type Arg, isList, isState } from '../op/signature.ts';
import { disposeDevices } from '../session/device.ts';
import { needsHost } from '../session/plan.ts';
import { Session } from '../session/session.ts';
import { variable } from '../variables/variable.ts';
import { placeholder } from './array.ts';
import './operators.ts';
import { registry } from './registry.ts';

afterAll(disposeDevices);

/** A small seeded generator, so failures repeat. */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

function sampleValue(input: SampleInput, next: () => number): NdArray {
  if ('value' in input) return toNdArray(input.value, input.dtype === undefined ? {} : { dtype: input.dtype });
  const count = input.dims.reduce((n, d) => n * d, 1);
  const span = input.high - input.low;
  const values = Array.from({ length: count }, () => {
    const x = input.low + span * next();
    return input.random === 'integers' ? Math.floor(x) : x;
  });
  return toNdArray(values, { dtype: input.dtype, shape: input.dims });
}

interface Built {
  readonly graph: Graph;
  readonly op: Operation;
  readonly feeds: readonly (readonly [Tensor, NdArray])[];
  readonly init: readonly Operation[];
}

/** The sample as a node: float operands are placeholders, the others constants, references variables. */
function build(record: OpRecord, sample: SampleSpec): Built {
  const graph = new Graph();
  const next = generator(7);
  const feeds: (readonly [Tensor, NdArray])[] = [];
  const init: Operation[] = [];
  const operand = (arg: Arg, input: SampleInput): unknown => {
    const value = sampleValue(input, next);
    if (isState(arg)) {
      const v = variable(value);
      init.push(v.initializer);
      return v;
    }
    if (!isFloat(value.dtype)) return value;
    const t = placeholder(value.dtype, { shape: value.shape });
    feeds.push([t, value]);
    return t;
  };
  const op = graph.asDefault(() => {
    const inputs: Record<string, unknown> = {};
    for (const arg of record.inputs) {
      const given = sample.inputs[arg.name] as SampleInput | readonly SampleInput[];
      inputs[arg.name] = isList(arg)
        ? (given as readonly SampleInput[]).map((x) => operand(arg, x))
        : operand(arg, given as SampleInput);
    }
    return callOp(record, inputs as Parameters<typeof callOp>[1], { attrs: (sample.attrs ?? {}) as never });
  });
  return { graph, op, feeds, init };
}

function isFloat(dtype: DType): boolean {
  return dtype === 'float32' || dtype === 'float64';
}

async function evaluate(built: Built, fetches: readonly Tensor[], target: 'interpret' | 'wasm'): Promise<NdArray[]> {
  const session = new Session({ graph: built.graph, target, threads: 1 });
  try {
    if (built.init.length > 0) await session.run(built.init);
    return [...(await session.run(fetches, built.feeds))];
  } finally {
    await session.close();
  }
}

function expectClose(actual: NdArray, expected: NdArray, tolerance: number, what: string): void {
  expect(actual.shape, what).toEqual(expected.shape);
  expect(actual.dtype, what).toBe(expected.dtype);
  if (!isFloat(expected.dtype)) {
    expect(actual.toArray(), what).toEqual(expected.toArray());
    return;
  }
  const p = actual.toNumbers();
  for (const [i, e] of expected.toNumbers().entries()) {
    const a = p[i] as number;
    if (Object.is(a, e) || a === e || (Number.isNaN(a) && Number.isNaN(e))) continue;
    expect(Math.abs(a - e), `${what}[${i}]: ${a} against ${e}`).toBeLessThanOrEqual(
      tolerance * Math.max(1, Math.abs(e)),
    );
  }
}

async function checkShapesAndBackends(record: OpRecord, sample: SampleSpec): Promise<void> {
  const built = build(record, sample);
  const fetches = built.op.outputs.filter((t) => t.dtype !== 'resource' && t.dtype !== 'variant');
  const reference = await evaluate(built, fetches, 'interpret');
  for (const [i, t] of fetches.entries()) {
    const value = reference[i] as NdArray;
    expect(value.dtype, t.name).toBe(t.dtype);
    expect(t.shape === null || t.shape.length === value.shape.length, `rank of ${t.name}`).toBe(true);
    for (const [d, n] of (t.shape ?? []).entries())
      if (n !== null) expect(value.shape[d], `${t.name} dim ${d}`).toBe(n);
  }
  if (needsHost(built.op)) return;
  const compiled = await evaluate(built, fetches, 'wasm');
  for (const [i, t] of fetches.entries()) {
    expectClose(compiled[i] as NdArray, reference[i] as NdArray, sample.tolerance ?? 1e-5, t.name);
  }
}

/** d/dx of Σ w·y by central differences in float64, against the symbolic gradient. */
async function checkGradient(record: OpRecord, sample: SampleSpec): Promise<void> {
  const built = build(record, widened(record, sample));
  const ys = built.op.outputs.filter((t) => isFloat(t.dtype));
  if (ys.length === 0 || built.feeds.length === 0) return;
  const next = generator(11);
  // Shapes of the run, since those of data-dependent ops are not static.
  const values = await evaluate(built, ys, 'interpret');
  const weights = values.map(({ dtype, shape, size }) =>
    toNdArray(
      Array.from({ length: size }, () => next() + 0.5),
      { dtype, shape },
    ),
  );
  const xs = built.feeds.map(([t]) => t);
  const grads = built.graph.asDefault(() => gradients(ys, xs, { gradYs: weights }));
  const session = new Session({ graph: built.graph, target: 'interpret' });
  try {
    if (built.init.length > 0) await session.run(built.init);
    const dense = built.graph.asDefault(() => grads.map((g) => (g === null ? null : toDense(g))));
    for (const [k, g] of dense.entries()) {
      const [x, value] = built.feeds[k] as readonly [Tensor, NdArray];
      const numeric = await numericGradient(session, built, { k, ys, weights });
      if (g === null) {
        for (const n of numeric) expect(Math.abs(n), `${record.type} has a gradient by ${x.name}`).toBeLessThan(1e-6);
        continue;
      }
      const symbolic = (await session.run(g, built.feeds)).toNumbers();
      expect(symbolic.length).toBe(value.size);
      for (const [i, n] of numeric.entries()) {
        const s = symbolic[i] as number;
        const limit = (sample.gradTolerance ?? 1e-4) * Math.max(1, Math.abs(n));
        expect(Math.abs(s - n), `d ${record.type}/d ${x.name}[${i}]: symbolic ${s}, numeric ${n}`).toBeLessThan(limit);
      }
    }
  } finally {
    await session.close();
  }
}

async function numericGradient(
  session: Session,
  built: Built,
  { k, ys, weights }: { k: number; ys: readonly Tensor[]; weights: readonly NdArray[] },
): Promise<number[]> {
  const [, value] = built.feeds[k] as readonly [Tensor, NdArray];
  const objective = async (data: number[]): Promise<number> => {
    const moved = toNdArray(data, { dtype: value.dtype, shape: value.shape });
    const feeds = built.feeds.map(([t, v], i) => [t, i === k ? moved : v] as const);
    const values = await session.run(ys, feeds);
    let sum = 0;
    for (const [j, y] of [...values].entries()) {
      const w = (weights[j] as NdArray).toNumbers();
      for (const [i, v] of y.toNumbers().entries()) sum += v * (w[i] as number);
    }
    return sum;
  };
  const step = value.dtype === 'float64' ? 1e-5 : 1e-2;
  const base = value.toNumbers();
  const result: number[] = [];
  for (let i = 0; i < base.length; i++) {
    const at = (d: number): number[] => base.map((v, j) => (j === i ? v + d : v));
    result.push(((await objective(at(step))) - (await objective(at(-step)))) / (2 * step));
  }
  return result;
}

/** float32 operands as float64 where the op takes it: differences are then exact enough. */
function widened(record: OpRecord, sample: SampleSpec): SampleSpec {
  const takesDouble = Object.values(record.attrs).every(
    (a) => a.dtypes?.includes('float32') !== true || a.dtypes.includes('float64'),
  );
  const fixed = record.inputs.some((a) => a.dtype === 'float32');
  if (!takesDouble || fixed || Object.values(sample.attrs ?? {}).includes('float32')) return sample;
  const widen = (x: SampleInput): SampleInput => {
    if ('random' in x) return x.dtype === 'float32' ? { ...x, dtype: 'float64' } : x;
    const dtype = toNdArray(x.value, x.dtype === undefined ? {} : { dtype: x.dtype }).dtype;
    return dtype === 'float32' ? { ...x, dtype: 'float64' } : x;
  };
  const inputs = Object.fromEntries(
    Object.entries(sample.inputs).map(([name, x]) => [name, Array.isArray(x) ? x.map(widen) : widen(x as SampleInput)]),
  );
  return { ...sample, inputs };
}

async function checkRoundTrip(record: OpRecord, sample: SampleSpec): Promise<void> {
  const built = build(record, sample);
  const bytes = GraphDef.encode(built.graph.asGraphDef()).finish();
  const copy = new Graph();
  copy.asDefault(() => importGraphDef(GraphDef.decode(bytes), { name: '' }));
  const again = GraphDef.encode(copy.asGraphDef()).finish();
  expect(again).toEqual(bytes);
  const twin = copy.getOperationByName(built.op.name);
  expect(Object.keys(twin.attrs)).toEqual(Object.keys(built.op.attrs));
  for (const [name, value] of Object.entries(built.op.attrs)) {
    // Attributes of kind float are float32 in files.
    const stored = record.attrs[name]?.kind === 'float' ? Math.fround(value as number) : value;
    expect(twin.attrs[name], name).toEqual(stored);
  }
  expect(twin.outputs.map((t) => t.shape)).toEqual(built.op.outputs.map((t) => t.shape));
}

const only = process.env['OPS']?.split(',');
for (const record of registry.list().filter((r) => r.samples.length > 0 && (only?.includes(r.type) ?? true))) {
  describe(record.type, () => {
    for (const [i, sample] of record.samples.entries()) {
      test(`sample ${i}: static shape = run shape, backends agree`, () => checkShapesAndBackends(record, sample));
      if (record.grad !== null && sample.grad !== false) {
        test(`sample ${i}: symbolic = numeric gradient`, () => checkGradient(record, sample));
      }
      test(`sample ${i}: GraphDef round trip`, () => checkRoundTrip(record, sample));
    }
  });
}
