/** @file Array ops against TensorFlow's own results, which tools/oracle/array_golden.py records. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { DType } from '../dtype.ts';
import { Graph } from '../graph/graph.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { NdArray, NestedArray } from '../ndarray.ts';
import { callOp } from '../op/call.ts';
import type { Op } from '../op/defineOp.ts';
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

const cases = JSON.parse(readFileSync(new URL('./generated/arrayGolden.json', import.meta.url), 'utf8')) as Case[];
const target = (process.env['TSFLOW_BACKEND'] ?? 'interpret') as NonNullable<SessionOptions['target']>;

/** JSON spells NaN and the infinities as Python prints them, and int64 as numbers. */
function decode(x: NestedArray, dtype: DType): NestedArray {
  if (Array.isArray(x)) return x.map((y: NestedArray) => decode(y, dtype));
  if (x === 'nan') return Number.NaN;
  if (x === 'inf' || x === '-inf') return x === 'inf' ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY;
  return x;
}

function tensor([dtype, value]: Input): Tensor {
  const empty = Array.isArray(value) && value.length === 0 ? { shape: [0] } : {};
  return constant(decode(value, dtype), { dtype, ...empty });
}

function isList(x: Input | readonly Input[]): x is readonly Input[] {
  return Array.isArray(x[0]);
}

async function run({ op, inputs, attrs }: Case): Promise<{ values: NdArray[]; tensors: readonly Tensor[] }> {
  const graph = new Graph();
  const record = registry.require(op) as Op;
  const node = graph.asDefault(() => {
    const given = Object.entries(inputs).map(([k, v]) => [k, isList(v) ? v.map(tensor) : tensor(v)] as const);
    return callOp(record, Object.fromEntries(given), { attrs });
  });
  const session = new Session({ graph, target, threads: 1 });
  try {
    return { values: await session.run(node.outputs as Tensor[]), tensors: node.outputs };
  } finally {
    await session.close();
  }
}

describe('array ops answer what TensorFlow answers', () => {
  test.each(cases.map((c, i) => ({ name: `${c.op} ${i}`, c })))('$name', async ({ c }) => {
    const { values, tensors } = await run(c);
    expect(values).toHaveLength(c.outputs.length);
    for (const [i, [dtype, value, shape]] of c.outputs.entries()) {
      const got = values[i] as NdArray;
      expect(got.dtype).toBe(dtype);
      expect(got.shape).toEqual(shape);
      expect(tensors[i]?.shape ?? shape).toHaveLength(shape.length);
      const want = [decode(value, dtype)].flat(8).map(Number);
      for (const [j, x] of got.toNumbers().entries()) expect(x).toBeCloseTo(want[j] as number, 4);
    }
  });
});
