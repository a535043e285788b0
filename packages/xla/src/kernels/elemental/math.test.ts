import { describe, expect, test } from 'vitest';
import { hasRelaxedSimd } from '../../emit/wasm/features.ts';
import { instantiateKernel } from '../../emit/wasm/runKernel.ts';
import { erf, powerC } from '../../hlo/interpretMath.ts';
import { interpretKernel } from '../interpretKernel.ts';
import type { Expr } from '../ir.ts';
import { KernelBuilder } from '../kernelBuilder.ts';
import { randomSource } from '../randomLiteral.ts';
import { mathAtan2, mathPower, mathRemainder, mathUnary } from './math.ts';

type Emit = (k: KernelBuilder, x: Expr, y: Expr) => Expr;

function kernelOf(emit: Emit, n: number, dtype: 'f32' | 'f64', lanes: number) {
  const k = new KernelBuilder('math');
  const [x, y, out] = [k.buffer('x', dtype, 'read'), k.buffer('y', dtype, 'read'), k.buffer('out', dtype, 'write')];
  k.for(0, n, (i) => k.store(out, i, emit(k, k.let(k.load(x, i, lanes)), k.let(k.load(y, i, lanes)))), lanes);
  return k.finish({ parallel: false, cost: { flops: 0, bytes: 0 } });
}

const cell = new Float32Array(1);
const bits = new Int32Array(cell.buffer);

/** Distance to the next float above |x|. */
function ulp(x: number): number {
  const a = Math.abs(x);
  if (a < 2 ** -126) return 2 ** -149;
  cell[0] = a;
  const low = cell[0];
  bits[0] = (bits[0] as number) + 1;
  return (cell[0] as number) - low;
}

/** Floats of every magnitude and sign, ordinary ones, and the special ones; a multiple of 4. */
function samples(n: number, ordinary: number): Float32Array {
  const random = randomSource(5);
  const out = new Float32Array(n);
  const special = [
    0,
    -0,
    Infinity,
    -Infinity,
    Number.NaN,
    1,
    -1,
    1e-45,
    -1e-45,
    1.1754944e-38,
    3.4028235e38,
    -3.4028235e38,
    0.5,
    2,
    1e-10,
    -1e-10,
  ];
  const words = new Uint32Array(out.buffer);
  for (let i = 0; i < n; i++) {
    if (i < special.length) out[i] = special[i] as number;
    else if (i % 2) words[i] = Math.floor(random() * 4294967296);
    else out[i] = (random() * 2 - 1) * ordinary;
  }
  return out;
}

interface Worst {
  readonly ulps: number;
  readonly at: string;
}

/** The largest error in ulps; results below `flush` may be 0 instead. */
function worst(
  emit: Emit,
  exact: (x: number, y: number) => number,
  options: { ordinary?: number; flush?: number; relaxed?: boolean } = {},
): Worst {
  const n = 20000;
  const x = samples(n, options.ordinary ?? 10);
  const y = samples(n, options.ordinary ?? 10).reverse();
  const run = instantiateKernel(kernelOf(emit, n, 'f32', 4), [x, y, new Float32Array(n)], {
    relaxed: options.relaxed ?? false,
  });
  run.call();
  const got = run.arrays[2] as Float32Array;
  let found: Worst = { ulps: 0, at: '' };
  for (let i = 0; i < n; i++) {
    const [a, b, r] = [x[i] as number, y[i] as number, got[i] as number];
    const want = exact(a, b);
    const rounded = Math.fround(want);
    if (Object.is(r, rounded) || (Number.isNaN(r) && Number.isNaN(rounded))) continue;
    if (r === 0 && rounded !== 0 && Math.abs(want) < (options.flush ?? 0)) continue;
    const e =
      Number.isFinite(r) && Number.isFinite(rounded)
        ? r === 0 && rounded === 0
          ? Infinity
          : Math.abs(r - want) / ulp(want)
        : Infinity;
    if (e > found.ulps) found = { ulps: e, at: `f(${a}, ${b}) = ${r}, exactly ${want}` };
  }
  return found;
}

const unary =
  (name: keyof typeof mathUnary): Emit =>
  (k, x) =>
    mathUnary[name](k, x);
const cases: readonly (readonly [
  string,
  Emit,
  (x: number, y: number) => number,
  number,
  { ordinary?: number; flush?: number },
])[] = [
  ['exp', unary('exp'), Math.exp, 2, { ordinary: 90, flush: 2 ** -125 }],
  ['expm1', unary('expm1'), Math.expm1, 2, { ordinary: 3 }],
  ['tanh', unary('tanh'), Math.tanh, 6, {}],
  ['logistic', unary('logistic'), (x) => 1 / (1 + Math.exp(-x)), 3, { ordinary: 20, flush: 2 ** -125 }],
  ['erf', unary('erf'), erf, 6, { ordinary: 5 }],
  ['log', unary('log'), Math.log, 2, {}],
  ['log1p', unary('log1p'), Math.log1p, 2, { ordinary: 2 }],
  ['cbrt', unary('cbrt'), Math.cbrt, 2, {}],
  ['sin', unary('sin'), Math.sin, 2, {}],
  ['cos', unary('cos'), Math.cos, 2, {}],
  ['tan', unary('tan'), Math.tan, 4, {}],
  ['sin of large arguments', unary('sin'), Math.sin, 2, { ordinary: 8000 }],
  ['cos of large arguments', unary('cos'), Math.cos, 2, { ordinary: 8000 }],
  ['atan2', mathAtan2, Math.atan2, 4, {}],
  ['power', mathPower, powerC, 2, {}],
  ['remainder', mathRemainder, (x, y) => x % y, 0, {}],
];

describe('f32 functions stay within their error bounds', () => {
  for (const [name, emit, exact, bound, options] of cases) {
    for (const relaxed of hasRelaxedSimd() ? [false, true] : [false]) {
      test(`${name}${relaxed ? ', fused multiply-add' : ''}`, () => {
        const { ulps, at } = worst(emit, exact, { ...options, relaxed });
        expect(ulps, at).toBeLessThanOrEqual(bound);
      });
    }
  }
});

test('f64 functions call the library, or are exact to some ulps', () => {
  const x = Float64Array.of(0, -0, 0.1, -0.7, 1.3, -2.9, 5.5, -7, Infinity, -Infinity, Number.NaN, 1e-300);
  for (const [name, exact] of [
    ['erf', erf],
    ['logistic', (v: number) => 1 / (1 + Math.exp(-v))],
    ['exp', Math.exp],
    ['tanh', Math.tanh],
  ] as const) {
    const out = new Float64Array(x.length);
    const kernel = kernelOf(unary(name), x.length, 'f64', 1);
    interpretKernel(
      kernel,
      [x, x, out].map((a) => new Uint8Array(a.buffer)),
    );
    for (const [i, v] of x.entries()) {
      const want = exact(v);
      const got = out[i] as number;
      if (!Number.isFinite(want)) expect(got).toBe(want);
      else expect(Math.abs(got - want), `${name}(${v})`).toBeLessThanOrEqual(4e-16 * Math.abs(want));
    }
  }
});
