import { expect, test } from 'vitest';
import { HloBuilder } from '../hlo/builder.ts';
import { literalFrom, toNumbers } from '../hlo/literals.ts';
import { arrayShape } from '../hlo/shape.ts';
import { interpretKernel } from './interpretKernel.ts';
import { RaceDetector } from './interpretMemory.ts';
import { interpretScheduled } from './interpretScheduled.ts';
import { KernelBuilder } from './kernelBuilder.ts';
import { operandArg, outputArg } from './schedule.ts';

const cost = { flops: 0, bytes: 0 };
const bytesOf = (xs: Float32Array): Uint8Array => new Uint8Array(xs.buffer);

function addKernel(n: number, lanes: number) {
  const k = new KernelBuilder('add');
  const a = k.buffer('a', 'f32', 'read');
  const out = k.buffer('out', 'f32', 'write');
  const { lo, hi } = k.share(n, lanes);
  k.for(lo, hi, (i) => k.store(out, i, k.add(k.load(a, i, lanes), k.splat(k.const('f32', 1), lanes))), lanes);
  return k.finish({ parallel: true, cost });
}

test('runs vector loops shared between threads', () => {
  const a = Float32Array.from({ length: 12 }, (_, i) => i);
  const out = new Float32Array(12);
  interpretKernel(addKernel(12, 4), [bytesOf(a), bytesOf(out)], { threads: 3, races: new RaceDetector(3) });
  expect([...out]).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
});

test('refuses accesses out of bounds, with the place', () => {
  const three = new Float32Array(3);
  expect(() => interpretKernel(addKernel(3, 4), [bytesOf(three), bytesOf(three)])).toThrowErrorMatchingInlineSnapshot(
    `[Error: internal: out of bounds in kernel add, load of a: f32×4 at element 0, which is byte 0 of a region of 12 bytes.]`,
  );
});

test('finds a race between threads', () => {
  const k = new KernelBuilder('all write one');
  const out = k.buffer('out', 's32', 'write');
  k.store(out, 0, k.tid);
  const kernel = k.finish({ parallel: true, cost });
  const run = () => interpretKernel(kernel, [new Uint8Array(4)], { threads: 2, races: new RaceDetector(2) });
  expect(run).toThrow(/data race in kernel all write one, store to out: thread 0 writes a byte that thread 1 wrote/);
});

test('meets at barriers phase by phase', () => {
  const k = new KernelBuilder('neighbour');
  const mine = k.buffer('mine', 's32', 'readwrite');
  const out = k.buffer('out', 's32', 'write');
  k.store(mine, k.tid, k.add(k.tid, 10));
  k.barrier();
  k.store(out, k.tid, k.load(mine, k.rem(k.add(k.tid, 1), k.threads)));
  const kernel = k.finish({ parallel: true, cost });
  const out4 = new Uint8Array(16);
  interpretKernel(kernel, [new Uint8Array(16), out4], { threads: 4, races: new RaceDetector(4) });
  expect([...new Int32Array(out4.buffer)]).toEqual([11, 12, 13, 10]);
});

test('computes on 64-bit integers and narrow memory', () => {
  const k = new KernelBuilder('wide');
  const a = k.buffer('a', 's64', 'readwrite');
  const b = k.buffer('b', 'u8', 'readwrite');
  k.store(a, 0, k.mul(k.load(a, 0), k.const('s64', 3n)));
  k.store(b, 0, k.add(k.load(b, 0), k.const('u32', 10)));
  const kernel = k.finish({ parallel: false, cost });
  const wide = BigInt64Array.of(2n ** 62n + 1n);
  const narrow = Uint8Array.of(250);
  interpretKernel(kernel, [new Uint8Array(wide.buffer), narrow]);
  expect(wide[0]).toBe(-(2n ** 62n) + 3n);
  expect(narrow[0]).toBe(4);
});

test('runs a scheduled instruction on literals, also in place', () => {
  const b = new HloBuilder('m');
  const x = b.negate(b.parameter(0, arrayShape('f32', [8])));
  const scheduled = {
    launches: [{ kernel: addKernel(8, 4), args: [operandArg(0), outputArg()] }],
    scratch: [],
    inPlace: [{ operand: 0, output: 0 }],
  };
  const literal = literalFrom([0, 1, 2, 3, 4, 5, 6, 7], 'f32', [8]);
  for (const inPlace of [false, true]) {
    const [result] = interpretScheduled(x, scheduled, [literal], { threads: 2, inPlace });
    expect(result && toNumbers(result)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  }
});
