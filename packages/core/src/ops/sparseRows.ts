/** @file HLO phrases for rows of a matrix-like value: reading, replacing and adding rows by index, and summing repeated ones. */
import { type Builder, type Computation, dimsOf, dtypeOf, type Value } from '@tsflow/xla';

/** Rows of `x` [n, …row] at `indices` (any shape), out-of-range ones clamped: [...indices dims, …row]. */
export function rowsAt(b: Builder, x: Value, indices: Value): Value {
  const [, ...row] = dimsOf(x);
  const batch = dimsOf(indices).length;
  return b.gather(
    x,
    indices,
    { offsetDims: row.map((_, i) => batch + i), collapsedSliceDims: [0], startIndexMap: [0], indexVectorDim: batch },
    [1, ...row],
  );
}

/** `x` with `rows` written at `indices`, the last of repeated ones; indices out of range are skipped. */
export function replaceRows(b: Builder, x: Value, indices: Value, rows: Value): Value {
  const scalar = { kind: 'array', dtype: dtypeOf(x), dims: [] } as const;
  return scatterRows(b, x, {
    indices,
    rows,
    computation: b.computation('replace', [scalar, scalar], (_, _old, update) => update as Value),
  });
}

/** `x` with `rows` added at `indices`, repeated ones adding up; indices out of range are skipped. */
export function addRows(b: Builder, x: Value, indices: Value, rows: Value): Value {
  return scatterRows(b, x, { indices, rows, computation: b.reducer('add', dtypeOf(x)) });
}

function scatterRows(
  b: Builder,
  x: Value,
  { indices, rows, computation }: { indices: Value; rows: Value; computation: Computation },
): Value {
  const batch = dimsOf(indices).length;
  const row = dimsOf(x).slice(1);
  return b.scatter(x, indices, rows, {
    dimensionNumbers: {
      updateWindowDims: row.map((_, i) => batch + i),
      insertedWindowDims: [0],
      scatterDimsToOperandDims: [0],
      indexVectorDim: batch,
    },
    computation,
  });
}

/**
 * Adds up rows with equal index. Answers as many rows and indices as it got: each distinct index once, the rest pointing at
 * `count` (one past the last row), which reads clamp and writes skip. Sorting keeps shapes static.
 */
export function sumRepeatedRows(
  b: Builder,
  rows: Value,
  indices: Value,
  count: number,
): { readonly rows: Value; readonly indices: Value } {
  const [n = 0] = dimsOf(indices);
  const index = b.convert(indices, 's32');
  const position = b.iota('s32', [n], 0);
  const scalar = { kind: 'array', dtype: 's32', dims: [] } as const;
  const comparator = b.computation('ascending', [scalar, scalar, scalar, scalar], (c, p, q) =>
    c.compare('LT', p as Value, q as Value),
  );
  const sorted = b.sort([index, position], { dimension: 0, comparator, stable: true });
  const keys = b.getTupleElement(sorted, 0);
  const order = b.getTupleElement(sorted, 1);
  const segment = segmentNumbers(b, keys);
  const zeros = b.full(0, dtypeOf(rows), dimsOf(rows));
  return {
    rows: addRows(b, zeros, segment, rowsAt(b, rows, order)),
    indices: replaceRows(b, b.full(count, 's32', [n]), segment, keys),
  };
}

/** Number of distinct keys before each position of a sorted list: 0 0 1 1 1 2 … Doubling steps add up the starts. */
function segmentNumbers(b: Builder, keys: Value): Value {
  const [n = 0] = dimsOf(keys);
  if (n < 2) return b.full(0, 's32', [n]);
  const later = b.slice(keys, [1], [n]);
  const earlier = b.slice(keys, [0], [n - 1]);
  const starts = b.convert(b.compare('NE', later, earlier), 's32');
  let sums = b.pad(starts, b.scalar(0, 's32'), [{ low: 1, high: 0, interior: 0 }]);
  for (let shift = 1; shift < n; shift *= 2) {
    const shifted = b.pad(b.slice(sums, [0], [n - shift]), b.scalar(0, 's32'), [{ low: shift, high: 0, interior: 0 }]);
    sums = b.add(sums, shifted);
  }
  return sums;
}
