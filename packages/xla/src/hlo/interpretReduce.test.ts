// Expected values: jax.lax.reduce_window and the gradient of its max, on the same patterned data.
import { describe, expect, it } from 'vitest';
import type { Value } from './builderApi.ts';
import { toNumbers } from './literals.ts';
import { arrayShape } from './shape.ts';
import { numbers, pattern, run, vector, windowDim } from './testing.ts';

const f32 = arrayShape('f32', []);

describe('reduce', () => {
  it('keeps the other dimensions in order', () => {
    const sum = (dimensions: number[]) =>
      numbers((b) =>
        b.reduce([b.constant(pattern([2, 3, 2], 's32'))], [b.scalar(10, 's32')], dimensions, b.reducer('add', 's32')),
      );
    // pattern [2,3,2]: -2 5 1 -3 4 0 | -4 3 -1 -5 2 -2 with index 11 → ((77+3)%11)-5 = -2
    const x = toNumbers(pattern([2, 3, 2]));
    const at = (i: number, j: number, k: number) => x[i * 6 + j * 2 + k]!;
    const range = (n: number) => Array.from({ length: n }, (_, i) => i);
    const total = (values: number[]) => values.reduce((s, v) => s + v, 10);
    expect(sum([1])).toEqual(range(2).flatMap((i) => range(2).map((k) => total(range(3).map((j) => at(i, j, k))))));
    expect(sum([0, 2])).toEqual(range(3).map((j) => total(range(2).flatMap((i) => range(2).map((k) => at(i, j, k))))));
    expect(sum([0, 1, 2])).toEqual([total(x)]);
    expect(sum([])).toEqual(x.map((v) => v + 10));
  });

  it('sums floats exactly up to one rounding, and folds from init', () => {
    expect(
      numbers((b) => b.reduce([b.full(0.1, 'f32', [1000])], [b.scalar(0, 'f32')], [0], b.reducer('add', 'f32'))),
    ).toEqual([Math.fround(1000 * Math.fround(0.1))]);
    expect(
      numbers((b) => b.reduce([b.full(2, 'f32', [0, 2])], [b.scalar(7, 'f32')], [0], b.reducer('add', 'f32'))),
    ).toEqual([7, 7]);
    expect(
      numbers((b) =>
        b.reduce(
          [vector(b, [1, Number.NaN, 3], 'f16')],
          [b.scalar(-Infinity, 'f16')],
          [0],
          b.reducer('maximum', 'f16'),
        ),
      ),
    ).toEqual([Number.NaN]);
  });

  it('reduces several arrays together: arg-max', () => {
    const s32 = arrayShape('s32', []);
    const [values, indices] = run((b) => {
      const best = b.computation('best', [f32, s32, f32, s32], (c, v, i, w, j) => {
        const keep = c.compare('GE', v as Value, w as Value);
        return c.tuple([c.select(keep, v as Value, w as Value), c.select(keep, i as Value, j as Value)]);
      });
      const x = b.constant(pattern([3, 4]));
      const r = b.reduce([x, b.iota('s32', [3, 4], 1)], [b.scalar(-Infinity, 'f32'), b.scalar(-1, 's32')], [1], best);
      return [b.getTupleElement(r, 0), b.getTupleElement(r, 1)];
    });
    // rows: -2 5 1 -3 | 4 0 -4 3 | -1 -5 2 -2
    expect(toNumbers(values!)).toEqual([5, 4, 2]);
    expect(toNumbers(indices!)).toEqual([1, 0, 2]);
  });
});

describe('reduce-window', () => {
  it('dilates both sides and skips padding', () => {
    const window = [
      windowDim(2, 2, { padLow: 1, windowDilation: 2 }),
      windowDim(3, 1, { padHigh: 2, baseDilation: 2 }),
    ];
    expect(
      numbers((b) => b.reduceWindow(b.constant(pattern([5, 6])), b.scalar(1, 'f32'), window, b.reducer('add', 'f32'))),
    ).toEqual([0, 4, 3, 0, -5, -4, -2, 3, 1, -1, -1, 2, 3, -3, -5, -8, -2, -2, 1, 4, 4, 4]);
  });

  it('pools maxima', () => {
    const side = windowDim(3, 2, { padLow: 1, padHigh: 1 });
    const window = [windowDim(1, 1), side, side, windowDim(1, 1)];
    expect(
      numbers((b) =>
        b.reduceWindow(
          b.constant(pattern([1, 5, 5, 2])),
          b.scalar(-Infinity, 'f32'),
          window,
          b.reducer('maximum', 'f32'),
        ),
      ),
    ).toEqual([5, 5, 5, 4, 3, 3, 5, 5, 5, 5, 4, 4, 3, 2, 5, 5, 4, 4]);
  });
});

describe('select-and-scatter', () => {
  const gradient = (input: number[], source: number[], window: ReturnType<typeof windowDim>[]) =>
    numbers((b) => {
      const select = b.computation('ge', [f32, f32], (c, x, y) => c.compare('GE', x as Value, y as Value));
      const options = { window, select, scatter: b.reducer('add', 'f32') };
      return b.selectAndScatter(b.constant(pattern(input)), b.constant(pattern(source)), b.scalar(0, 'f32'), options);
    });

  it('sends each source element to its window’s first maximum', () => {
    const window = [windowDim(1, 1), windowDim(2, 2), windowDim(2, 2, { padHigh: 1 }), windowDim(1, 1)];
    expect(gradient([1, 4, 5, 2], [1, 2, 3, 2], window)).toEqual([
      0, 5, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, -2, 0, 0, -3, 0, 0, 4, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, -2, 0, 0, -4, 0, -1, 0,
      0, -5, 2, 0,
    ]);
  });

  it('adds up where windows overlap', () => {
    const want = new Array<number>(25).fill(0);
    want[1] = 3;
    expect(gradient([5, 5], [3, 3], [windowDim(3, 1), windowDim(3, 1)])).toEqual(want);
  });
});
