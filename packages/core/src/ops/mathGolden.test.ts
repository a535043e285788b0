/** @file Math and nn ops against TensorFlow's own results, which tools/oracle/math_golden.py records. */
import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import type { DType } from '../dtype.ts';
import { Graph } from '../graph/graph.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { NdArray, NestedArray } from '../ndarray.ts';
import { callOp } from '../op/call.ts';
import type { Op } from '../op/defineOp.ts';
import { disposeDevices } from '../session/device.ts';
import { Session, type SessionOptions } from '../session/session.ts';
import { constant } from './array.ts';
import { registry } from './registry.ts';

type Input = readonly [DType, NestedArray];
interface Case {
  readonly op: string;
  readonly inputs: Readonly<Record<string, Input | readonly Input[]>>;
  readonly attrs: Readonly<Record<string, never>>;
  readonly outputs: readonly (readonly [DType, NestedArray, readonly number[]])[];
}

const cases = JSON.parse(readFileSync(new URL('./generated/mathGolden.json', import.meta.url), 'utf8')) as Case[];
const target = (process.env['TSFLOW_BACKEND'] ?? 'interpret') as NonNullable<SessionOptions['target']>;
afterAll(disposeDevices);

/** JSON has no NaN and no infinities: they are strings. */
function decode(x: NestedArray): NestedArray {
  if (Array.isArray(x)) return x.map((y: NestedArray) => decode(y));
  if (x === 'nan') return Number.NaN;
  if (x === 'inf' || x === '-inf') return x === 'inf' ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY;
  return x;
}

function isList(x: Input | readonly Input[]): x is readonly Input[] {
  return Array.isArray(x[0]);
}

async function run({ op, inputs, attrs, outputs }: Case): Promise<NdArray[]> {
  const graph = new Graph();
  const record = registry.require(op) as Op;
  const node = graph.asDefault(() => {
    const tensor = ([dtype, value]: Input): Tensor => constant(decode(value), { dtype });
    const given = Object.entries(inputs).map(([k, v]) => [k, isList(v) ? v.map(tensor) : tensor(v)] as const);
    return callOp(record, Object.fromEntries(given), { attrs });
  });
  const session = new Session({ graph, target, threads: 1 });
  try {
    return await session.run(node.outputs.slice(0, outputs.length) as Tensor[]);
  } finally {
    await session.close();
  }
}

/** Relative to the larger of the value and 1. */
const tolerance: { readonly [T in DType]?: number } = { float32: 3e-6, float64: 1e-12 };

describe('math and nn ops answer what TensorFlow answers', () => {
  test.each(cases.map((c, i) => ({ name: `${c.op} ${i}`, c })))('$name', async ({ c }) => {
    const results = await run(c);
    for (const [i, [dtype, value, shape]] of c.outputs.entries()) {
      const got = results[i] as NdArray;
      expect(got.dtype).toBe(dtype);
      expect(got.shape).toEqual(shape);
      const want = [decode(value)].flat(8).map(Number);
      for (const [j, x] of got.toNumbers().entries()) {
        const w = want[j] as number;
        if (Object.is(x, w) || x === w) continue;
        const error = Math.abs(x - w) / Math.max(1, Math.abs(w));
        expect(error, `output ${i}[${j}]: ${x}, TensorFlow ${w}`).toBeLessThan(tolerance[dtype] ?? 1e-9);
      }
    }
  });
});
