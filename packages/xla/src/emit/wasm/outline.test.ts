import { expect, test } from 'vitest';
import { interpretKernel } from '../../kernels/interpretKernel.ts';
import type { Kernel } from '../../kernels/ir.ts';
import { KernelBuilder } from '../../kernels/kernelBuilder.ts';
import { findOutlines } from './outline.ts';
import { instantiateKernel } from './runKernel.ts';

const n = 24;
const depth = 512;

/** out[i] = Σ x[p] · (i + p) over `depth`, with the sum inside or outside of the row loop. */
function sums(parallel: boolean, sumOutside: boolean): Kernel {
  const k = new KernelBuilder('sums');
  const x = k.buffer('x', 's32', 'read');
  const out = k.buffer('out', 's32', 'write');
  const { lo, hi } = k.share(n);
  const total = k.variable(0);
  k.for(lo, hi, (i) => {
    const row = k.view(out, i);
    const sum = sumOutside ? total : k.variable(k.mul(k.tid, 0));
    k.for(0, depth, (p) => k.set(sum, k.add(k.read(sum), k.mul(k.load(x, p), k.add(i, p)))));
    k.store(row, 0, k.read(sum));
  });
  return k.finish({ parallel, cost: { flops: 0, bytes: 0 } });
}

test.each([
  [true, 1],
  [false, 1],
])('a heavy body becomes a function, and computes the same (parallel: %s)', (parallel, count) => {
  const kernel = sums(parallel, false);
  expect(findOutlines(kernel).size).toBe(count);
  const x = Int32Array.from({ length: depth }, (_, i) => (i * 37) % 101);
  const run = instantiateKernel(kernel, [x, new Int32Array(n)]);
  run.call();
  const expected = new Int32Array(n);
  interpretKernel(kernel, [new Uint8Array(x.buffer), new Uint8Array(expected.buffer)]);
  expect(run.arrays[1]).toEqual(expected);
});

test('a body that assigns a variable around it stays in place', () => {
  expect(findOutlines(sums(false, true)).size).toBe(0);
});

test('light bodies stay in place, and of nested heavy loops only the innermost goes', () => {
  const k = new KernelBuilder('nested');
  const out = k.buffer('out', 's32', 'write');
  k.for(0, 1000, (i) => k.store(out, i, i));
  k.for(0, 4, (a) => k.for(0, 4, (b) => k.for(0, 1000, (c) => k.store(out, k.add(k.mul(a, 4), b), c))));
  const found = [...findOutlines(k.finish({ parallel: false, cost: { flops: 0, bytes: 0 } })).keys()];
  expect(found.map((s) => s.body[0]?.kind)).toEqual(['for']);
  expect(found[0]?.body[0]).toMatchObject({ kind: 'for', to: { value: 1000 } });
});
