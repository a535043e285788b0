/** @file The Pack op (stack): `call` needs it to convert lists that mix tensors and numbers; ops/array.ts exports its function. */

import type { Value } from '@tsflow/xla';
import { dimsOf } from '@tsflow/xla';
import { operator } from '../graph/operators.ts';
import { mergeShapes, normalizeAxis, type PartialShape } from '../shape.ts';
import { count, int } from './attr.ts';
import { defineOp } from './defineOp.ts';

function packShape(values: readonly PartialShape[], axis: number, fail: (text: string) => never): PartialShape {
  let merged: PartialShape = null;
  for (const [i, s] of values.entries()) {
    const next: PartialShape | undefined = mergeShapes(merged, s);
    if (next === undefined) {
      return fail(
        `value ${i} has shape [${s?.join(', ')}], but the values before it [${merged?.join(', ')}]. All must have one shape.`,
      );
    }
    merged = next;
  }
  if (merged === null) return null;
  const at = normalizeAxis(axis, merged.length + 1);
  if (at === undefined) {
    return fail(
      `axis ${axis} is outside [${-merged.length - 1}, ${merged.length}] for values of rank ${merged.length}.`,
    );
  }
  return [...merged.slice(0, at), values.length, ...merged.slice(at)];
}

/** Stacks N tensors of one shape along a new dimension `axis`. */
export const packRecord = defineOp('Pack', {
  inputs: ['values: N * T'],
  outputs: ['output: T'],
  attrs: { N: count(1), T: 'type', axis: int(0) },
  shape: ({ values }, { attrs, fail }) => ({ output: packShape(values, attrs.axis, fail) }),
  grad: (_, dy, { attrs }) => ({ values: operator('unstack')(dy.output, attrs.axis, attrs.N) }),
  partialValue: ({ values }) =>
    values.every((v) => v.shape?.length === 0) ? values.map((v) => v.value?.[0] ?? null) : null,
  lower: (b, { values }, { attrs }) => {
    const dims = dimsOf(values[0] as Value);
    const at = normalizeAxis(attrs.axis, dims.length + 1) as number;
    const one = [...dims.slice(0, at), 1, ...dims.slice(at)];
    const rows = values.map((v) => b.reshape(v, one));
    return { output: rows.length === 1 ? (rows[0] as Value) : b.concatenate(rows, at) };
  },
});
