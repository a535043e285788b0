import { describe, expect, test } from 'vitest';
import { type Storage, storageConstructors } from '../../hlo/literal.ts';
import { type ElementType, elementBytes } from '../../hlo/shape.ts';
import { interpretKernel } from '../../kernels/interpretKernel.ts';
import type { Expr, IrBinary, IrScalar, IrUnary, Kernel } from '../../kernels/ir.ts';
import { KernelBuilder } from '../../kernels/kernelBuilder.ts';
import { hasRelaxedSimd } from './features.ts';
import { instantiateKernel } from './runKernel.ts';

const cost = { flops: 0, bytes: 0 };
const scalars = ['s32', 'u32', 's64', 'u64', 'f32', 'f64'] as const;
type NumberScalar = (typeof scalars)[number];

const floats = [
  0,
  -0,
  1,
  -1,
  0.5,
  -0.5,
  1.5,
  2.5,
  -2.5,
  3.7,
  -3.7,
  1e30,
  -1e30,
  1e-40,
  NaN,
  Infinity,
  -Infinity,
  4294967296,
  -2147483648,
  100,
];
const small = [0n, 1n, 2n, 3n, 5n, 31n, 127n, 128n, 255n, 65535n, 65536n, 1000003n];
const integers: { readonly [T in 's32' | 'u32' | 's64' | 'u64']: readonly bigint[] } = {
  s32: [...small, -1n, -2n, -128n, -32769n, 2147483647n, -2147483648n, -7n, 7n],
  u32: [...small, 4294967295n, 2147483648n, 2147483647n, 4294967294n, 9n, 10n, 11n, 12n],
  s64: [...small, -1n, -2n, 2n ** 40n, -(2n ** 40n), 2n ** 63n - 1n, -(2n ** 63n), -7n, 7n],
  u64: [...small, 2n ** 64n - 1n, 2n ** 63n, 2n ** 63n - 1n, 2n ** 33n, 9n, 10n, 11n, 12n],
};

function fill(dtype: ElementType, values: readonly (number | bigint)[], n: number, shift = 0): Storage {
  const out = new storageConstructors[dtype](n);
  const wide = dtype === 's64' || dtype === 'u64';
  for (let i = 0; i < n; i++) {
    const v = values[(i + shift) % values.length] as number | bigint;
    (out as unknown[] & Storage)[i] = wide ? BigInt(v) : Number(v);
  }
  return out;
}

function valuesOf(dtype: ElementType): readonly (number | bigint)[] {
  if (dtype === 'f32' || dtype === 'f64') return floats;
  if (dtype === 's32' || dtype === 'u32' || dtype === 's64' || dtype === 'u64') return integers[dtype];
  if (dtype === 'pred') return [0, 1, 1, 0, 0];
  return [0, 1, 2, 100, 127, 128, 255, 7, 32767, 32768, 65535, 0x3c00, 0x7c00, 0x0001, 0x8001, 0x7e01, 0xfc00, 0x7bff];
}

/** Both ends of a kernel on the same bytes: the reference interpreter and WebAssembly. NaNs compare as NaN. */
function same(kernel: Kernel, arrays: readonly Storage[], misalign = 0): void {
  const regions = arrays.map((a) => new Uint8Array(a.buffer.slice(a.byteOffset, a.byteOffset + a.byteLength)));
  const run = instantiateKernel(kernel, arrays, { misalign });
  run.call();
  interpretKernel(kernel, regions);
  kernel.buffers.forEach((b, i) => {
    if (b.access === 'read') return;
    const wanted = new storageConstructors[b.memory](regions[i]!.buffer, 0, arrays[i]!.length);
    expect([...run.arrays[i]!], kernel.name).toEqual([...wanted]);
  });
}

const count = 40;
const lanesOf = (...types: IrScalar[]): number[] =>
  types.some((t) => t === 's64' || t === 'u64' || t === 'f64') ? [1, 2] : [1, 4, 2];

/** out[i] = f(a[i], b[i]) over all pairs of a few values. */
function mapped(
  name: string,
  inputs: readonly ElementType[],
  output: ElementType,
  lanes: number,
  f: (k: KernelBuilder, xs: Expr[]) => Expr,
): Kernel {
  const k = new KernelBuilder(`${name} ${inputs.join()} → ${output} × ${lanes}`);
  const buffers = inputs.map((t, i) => k.buffer(`x${i}`, t, 'read'));
  const out = k.buffer('out', output, 'write');
  k.for(
    0,
    count,
    (i) =>
      k.store(
        out,
        i,
        f(
          k,
          buffers.map((b) => k.load(b, i, lanes)),
        ),
      ),
    lanes,
  );
  return k.finish({ parallel: false, cost });
}

const floatUnary: readonly IrUnary[] = ['negate', 'abs', 'sqrt', 'floor', 'ceil', 'trunc', 'nearest'];
const integerUnary: readonly IrUnary[] = ['negate', 'abs', 'not', 'popcnt', 'clz'];
const arithmetic: readonly IrBinary[] = ['add', 'subtract', 'multiply', 'divide', 'remainder', 'minimum', 'maximum'];
const bitwise: readonly IrBinary[] = ['and', 'or', 'xor'];
const isFloat = (t: IrScalar): boolean => t === 'f32' || t === 'f64';

describe.each(scalars)('%s', (t) => {
  test.each(lanesOf(t))('unary × %i', (lanes) => {
    for (const op of isFloat(t) ? floatUnary : integerUnary) {
      same(
        mapped(op, [t], t, lanes, (k, [x]) => k.unary(op, x!)),
        [fill(t, valuesOf(t), count), fill(t, [0], count)],
      );
    }
  });

  test.each(lanesOf(t))('binary × %i', (lanes) => {
    for (const op of isFloat(t) ? arithmetic : [...arithmetic, ...bitwise]) {
      const divides = op === 'divide' || op === 'remainder';
      const divisors = divides && !isFloat(t) ? valuesOf(t).filter((v) => v !== 0n) : valuesOf(t);
      for (const by of [0, 1, 3, 7]) {
        same(
          mapped(op, [t, t], t, lanes, (k, [a, b]) => k.binary(op, a!, b!)),
          [fill(t, valuesOf(t), count), fill(t, divisors, count, by), fill(t, [0], count)],
        );
      }
    }
  });

  test.each(lanesOf(t))('compare and select × %i', (lanes) => {
    for (const direction of ['EQ', 'NE', 'LT', 'LE', 'GT', 'GE'] as const) {
      for (const by of [0, 1, 5]) {
        const arrays = [fill(t, valuesOf(t), count), fill(t, valuesOf(t), count, by)];
        same(
          mapped(direction, [t, t], 'pred', lanes, (k, [a, b]) => k.compare(direction, a!, b!)),
          [...arrays, new Uint8Array(count)],
        );
        same(
          mapped(`select ${direction}`, [t, t], t, lanes, (k, [a, b]) =>
            k.select(k.compare(direction, a!, b!), b!, a!),
          ),
          [...arrays, fill(t, [0], count)],
        );
      }
    }
  });

  test('converts to every type', () => {
    for (const to of [...scalars, 'pred'] as const) {
      for (const lanes of lanesOf(t, to)) {
        same(
          mapped('convert', [t], to, lanes, (k, [x]) => k.convert(to, x!)),
          [fill(t, valuesOf(t), count), fill(to, [0], count)],
        );
        const bytes = elementBytes[t] === elementBytes[to];
        if (!bytes) continue;
        same(
          mapped('bitcast', [t], to, lanes, (k, [x]) => k.bitcast(to, x!)),
          [
            fill(
              t,
              valuesOf(t).filter((v) => !Number.isNaN(Number(v))),
              count,
            ),
            fill(to, [0], count),
          ],
        );
      }
    }
  });

  test.each(lanesOf(t).filter((n) => n > 1))('lanes × %i: splat, extract, insert, shuffle', (lanes) => {
    const arrays = [fill(t, valuesOf(t), count), fill(t, valuesOf(t), count, 3), fill(t, [0], count)];
    const ops: ((k: KernelBuilder, xs: Expr[]) => Expr)[] = [
      (k, [a]) => k.splat(k.extract(a!, lanes - 1), lanes),
      (k, [a, b]) => k.insert(a!, 1, k.extract(b!, 0)),
      (k, [a, b]) =>
        k.shuffle(
          a!,
          b!,
          Array.from({ length: lanes }, (_, i) => (i * 3 + 1) % (2 * lanes)),
        ),
    ];
    for (const f of ops) same(mapped('lanes', [t, t], t, lanes, f), arrays);
  });
});

test.each(['s32', 'u32', 's64', 'u64'] as const)('shifts of %s', (t: NumberScalar) => {
  const bits = elementBytes[t] * 8;
  for (const lanes of lanesOf(t)) {
    for (const op of ['shift-left', 'shift-right'] as const) {
      const amounts = fill(
        t,
        Array.from({ length: bits }, (_, i) => i),
        count,
      );
      const arrays = [fill(t, valuesOf(t), count), amounts, fill(t, [0], count)];
      same(
        mapped(op, [t, t], t, lanes, (k, [a, b]) => k.binary(op, a!, b!)),
        arrays,
      );
      const fixed = mapped(`${op} const`, [t, t], t, lanes, (k, [a]) => k.binary(op, a!, k.const(t, 7, lanes)));
      same(fixed, arrays);
      const splat = mapped(`${op} splat`, [t, t], t, lanes, (k, [a]) =>
        k.binary(op, a!, k.splat(k.const(t, 3), lanes)),
      );
      same(splat, arrays);
    }
  }
});

test('pred logic, masks and conversions', () => {
  for (const lanes of [1, 2, 4]) {
    const arrays = [
      fill('pred', [0, 1, 1, 0, 0], count),
      fill('pred', [0, 0, 1, 1, 1, 0, 1], count),
      new Uint8Array(count),
    ];
    for (const op of ['and', 'or', 'xor', 'minimum', 'maximum', 'add', 'multiply'] as const) {
      same(
        mapped(op, ['pred', 'pred'], 'pred', lanes, (k, [a, b]) => k.binary(op, a!, b!)),
        arrays,
      );
    }
    for (const d of ['EQ', 'NE', 'LT', 'LE', 'GT', 'GE'] as const) {
      same(
        mapped(d, ['pred', 'pred'], 'pred', lanes, (k, [a, b]) => k.compare(d, a!, b!)),
        arrays,
      );
    }
    same(
      mapped('not', ['pred', 'pred'], 'pred', lanes, (k, [a]) => k.unary('not', a!)),
      arrays,
    );
    for (const to of scalars) {
      if (!lanesOf(to).includes(lanes)) continue;
      const convert = mapped('convert', ['pred', 'pred'], to, lanes, (k, [a]) => k.convert(to, a!));
      same(convert, [...arrays.slice(0, 2), fill(to, [0], count)]);
      if (lanes === 1) continue;
      const insert = mapped('insert', ['pred', 'pred'], 'pred', lanes, (k, [a, b]) =>
        k.insert(a!, 1, k.extract(b!, 1)),
      );
      same(insert, arrays);
      same(
        mapped('splat', ['pred', 'pred'], 'pred', lanes, (k, [a]) => k.splat(k.extract(a!, 1), lanes)),
        arrays,
      );
    }
  }
});

test.each(['pred', 's8', 'u8', 's16', 'u16', 'f16', 'bf16'] as const)('%s widens and narrows', (memory) => {
  const t =
    memory === 'f16' || memory === 'bf16' ? 'f32' : memory === 'pred' ? 'pred' : memory[0] === 's' ? 's32' : 'u32';
  for (const lanes of [1, 2, 4]) {
    for (const misalign of [0, 1]) {
      const load = mapped('widen', [memory], t, lanes, (_, [x]) => x!);
      same(load, [fill(memory, valuesOf(memory), count), fill(t, [0], count)], misalign);
      const values =
        t === 'f32'
          ? [...floats, 65504, 65519, 65520, 6e-8, 2.9e-8, 3e-8, 6.1e-5, 1.0009765, 1.00048828125, 3.4e38]
          : valuesOf(t);
      const store = mapped('narrow', [t], memory, lanes, (_, [x]) => x!);
      same(store, [fill(t, values, count), fill(memory, [0], count)], misalign);
    }
  }
});

test('addresses: constant offsets, negative ones, views, unaligned vectors', () => {
  const k = new KernelBuilder('addresses');
  const x = k.buffer('x', 'f32', 'read');
  const out = k.buffer('out', 'f32', 'write');
  k.for(0, 4, (i) => {
    const at = k.view(x, k.add(k.mul(k.add(i, 2), 3), 1));
    const sum = k.add(k.load(at, k.sub(i, 1), 4), k.load(at, k.add(k.mul(k.sub(i, 2), 2), 9), 4));
    k.store(out, k.mul(k.add(i, 0), 4), k.add(sum, k.splat(k.load(x, k.add(i, 3)), 4)));
    k.store(k.view(out, 16), i, k.load(k.view(x, -1), k.add(i, 1)));
  });
  same(k.finish({ parallel: false, cost }), [
    Float32Array.from({ length: 40 }, (_, i) => i * 1.5),
    new Float32Array(20),
  ]);
});

test('loops run zero, one and many times, with steps and computed bounds', () => {
  const k = new KernelBuilder('loops');
  const n = k.buffer('n', 's32', 'read');
  const out = k.buffer('out', 's32', 'readwrite');
  const add = (slot: number, v: Expr): void => k.store(out, slot, k.add(k.load(out, slot), v));
  k.for(0, 4, (j) => {
    const to = k.let(k.load(n, j));
    k.for(0, to, (i) => add(0, k.add(i, 1)), 3);
    k.for(k.sub(to, 2), to, (i) => add(1, i));
    k.for(5, 5, () => add(2, k.index(1)));
    k.for(5, 6, (i) => add(3, i));
    const m = k.variable(to);
    k.while(k.compare('GT', k.read(m), 0), () => {
      add(4, k.index(1));
      k.set(m, k.div(k.read(m), 2));
    });
    k.if(
      k.compare('LT', to, 3),
      () => add(5, k.index(1)),
      () => add(6, k.index(1)),
    );
  });
  same(k.finish({ parallel: false, cost }), [new Int32Array([0, 1, 7, 100]), new Int32Array(8)]);
});

test('math functions of f64 and f32', () => {
  for (const fn of ['exp', 'expm1', 'log', 'log1p', 'sin', 'cos', 'tan', 'tanh', 'cbrt', 'atan2', 'fmod'] as const) {
    for (const t of ['f64', 'f32'] as const) {
      for (const lanes of lanesOf(t)) {
        const two = fn === 'atan2' || fn === 'fmod';
        const f = (k: KernelBuilder, [a, b]: Expr[]): Expr => (two ? k.math(fn, a!, b!) : k.math(fn, a!));
        same(mapped(fn, [t, t], t, lanes, f), [fill(t, floats, count), fill(t, floats, count, 3), fill(t, [0], count)]);
      }
    }
  }
});

test('fma rounds the same in vectors and in scalars, once where the engine can', () => {
  const a = Float32Array.from({ length: count }, (_, i) => 1 + i / 4096 / 1024);
  const c = a.map((x) => -x * x);
  const runs = [1, 2, 4].map((lanes) => {
    const kernel = mapped('fma', ['f32', 'f32'], 'f32', lanes, (k, [x, y]) => k.fma(x!, x!, y!));
    const run = instantiateKernel(kernel, [a, c, new Float32Array(count)]);
    run.call();
    return [...run.arrays[2]!];
  });
  const exact = Array.from(a, (x, i) => Math.fround(x * x + c[i]!));
  const rounded = Array.from(a, (x, i) => Math.fround(Math.fround(x * x) + c[i]!));
  for (const r of runs) expect(r).toEqual(hasRelaxedSimd() ? exact : rounded);
});

test('a vector wider than 128 bits is an internal error that names the kernel', () => {
  const kernel = mapped('wide', ['f32'], 'f32', 8, (_, [x]) => x!);
  expect(() => instantiateKernel(kernel, [])).toThrow(
    'internal: f32×8 does not fit a 128-bit WebAssembly vector (kernel wide',
  );
});
