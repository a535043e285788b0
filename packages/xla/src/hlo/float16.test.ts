// Expected patterns: NumPy's float16 from doubles, ml_dtypes' bfloat16 from floats.
import { expect, it } from 'vitest';
import { fromBf16Bits, fromF16Bits, toBf16Bits, toF16Bits } from './float16.ts';

it('rounds doubles to f16 once', () => {
  const values = [
    0.1,
    65519.9,
    65520,
    1e-8,
    2.98e-8,
    2.9802322387695312e-8,
    6.1e-5,
    1.00048828125,
    1.0004882812500002,
    1.00146484375,
    -Math.PI,
    1e300,
    -0,
    2 ** -24,
    Number.NaN,
  ];
  expect(values.map(toF16Bits)).toEqual([
    11878, 31743, 31744, 0, 0, 0, 1023, 15360, 15361, 15362, 49736, 31744, 32768, 1, 0x7e00,
  ]);
});

it('rounds to bf16', () => {
  const values = [
    Math.fround(0.1),
    65519.8984375,
    65520,
    2 ** -24,
    -3.141590118408203,
    Infinity,
    -0,
    1.00390625,
    1.01171875,
    1.5000059281518572e-40,
    9.199944807831722e-41,
    3.3999999521443642e38,
    Number.NaN,
  ];
  expect(values.map(toBf16Bits)).toEqual([
    15821, 18304, 18304, 13184, 49225, 32640, 32768, 16256, 16258, 2, 1, 32640, 0x7fc0,
  ]);
});

it('reads back every pattern', () => {
  const lost = { f16: 0, bf16: 0 };
  for (let bits = 0; bits < 65536; bits++) {
    const half = fromF16Bits(bits);
    if (!Number.isNaN(half) && toF16Bits(half) !== bits) lost.f16++;
    const brain = fromBf16Bits(bits);
    if (!Number.isNaN(brain) && toBf16Bits(brain) !== bits) lost.bf16++;
  }
  expect(lost).toEqual({ f16: 0, bf16: 0 });
});
