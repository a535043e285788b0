import { expect, test } from 'vitest';
import { caseNamed } from './cases.ts';
import { cannot, type Line, measured } from './measurement.ts';
import { figure, markdownTable, report } from './table.ts';

const gemm = caseNamed('gemm-1024');
const limit = (metric: string, unit: string, best: number): Line => ({
  ...{ case: 'limits', peer: 'limits', threads: 1, metric, unit, runs: 15 },
  ...{ value: best, min: best, median: best, max: best },
});

const lines: readonly Line[] = [
  limit('peak-f32-fma', 'GFLOP/s', 100),
  limit('memcpy', 'GB/s', 20),
  measured(caseNamed('elementwise-chain-10M'), { peer: 'tsflow', threads: 1 }, [8]),
  measured(gemm, { peer: 'torch', threads: 1 }, [24]),
  measured(gemm, { peer: 'tsflow', threads: 1 }, [40, 42.9496, 48]),
  measured(gemm, { peer: 'tfjs-wasm', threads: 2 }, [43]),
  cannot('all', { peer: 'jax', threads: 0 }, 'no module jax'),
];

test('writes three digits', () => {
  expect([0.01234, 1.234, 12.34, 123.4, 1234.4].map(figure)).toEqual(['0.0123', '1.23', '12.3', '123', '1234']);
});

test('aligns columns by their longest cell', () => {
  expect(markdownTable(['a', 'long'], [['value', '1']], 1)).toBe(
    '| a     | long |\n| ----- | ---: |\n| value |    1 |',
  );
});

test('puts tsflow first, ratios to peers beside it and the share of the limit last', () => {
  expect(report(lines)).toMatchInlineSnapshot(`
    "| case                  | threads | unit | tsflow |        torch | tfjs-wasm | of limit |
    | --------------------- | ------: | ---: | -----: | -----------: | --------: | -------: |
    | gemm-1024             |       1 |   ms |   43.0 | 24.0 (1.79×) |         – |     54 % |
    | gemm-1024             |       2 |   ms |      – |            – |      43.0 |          |
    | elementwise-chain-10M |       1 |   ms |   8.00 |            – |         – |     50 % |

    Median times; lower is better. In brackets: tsflow’s time as a multiple of that peer’s (below 1: tsflow is faster). Of limit: tsflow’s best rate as a share of the machine’s measured peak (FMA rate for FLOPs, memory bandwidth for bytes).

    | limit        | unit    | threads | median | best |
    | ------------ | ------- | ------: | -----: | ---: |
    | peak-f32-fma | GFLOP/s |       1 |    100 |  100 |
    | memcpy       | GB/s    |       1 |   20.0 | 20.0 |

    Not measured:

    - jax (all): no module jax"
  `);
});

test('keeps the best of repeated measurements', () => {
  const again = measured(gemm, { peer: 'tsflow', threads: 1 }, [36]);
  expect(report([...lines, again])).toMatch(/gemm-1024 +\| +1 \| +ms \| +36\.0 /);
});

test('leaves reasons out where they are not wanted', () => {
  expect(report(lines, { reasons: false })).not.toContain('no module jax');
});
