import { expect, test } from 'vitest';
import { caseNamed } from './cases.ts';
import { cannot, measured, parseLine } from './measurement.ts';

const subject = { peer: 'tsflow', threads: 2 };

test('gives minimum, median and maximum at four digits, in the unit of the case', () => {
  expect(measured(caseNamed('gemm-256'), subject, [0.7, 0.512345, 0.6])).toEqual({
    case: 'gemm-256',
    peer: 'tsflow',
    threads: 2,
    metric: 'time',
    value: 0.6,
    unit: 'ms',
    runs: 3,
    min: 0.5123,
    median: 0.6,
    max: 0.7,
    rate: 65.49, // 33.55 MFLOP in 0.512345 ms
    rate_unit: 'GFLOP/s',
    work: 33554432,
  });
  expect(measured(caseNamed('logistic-train'), subject, [0.01, 0.02])).toMatchObject({
    unit: 'us',
    min: 10,
    median: 20,
  });
});

test('keeps the first line of a reason', () => {
  expect(cannot('gemm-256', subject, new Error('no such thing\n  at x'))).toEqual({
    case: 'gemm-256',
    peer: 'tsflow',
    threads: 2,
    cannot: 'no such thing',
  });
  expect(cannot('gemm-256', subject, 'x'.repeat(300)).cannot).toHaveLength(200);
});

test('reads its own lines and nothing else', () => {
  const line = measured(caseNamed('gemm-1024'), subject, [1]);
  expect(parseLine(JSON.stringify(line))).toEqual(line);
  expect(parseLine(JSON.stringify(cannot('gemm-256', subject, 'why')))).toMatchObject({ cannot: 'why' });
  for (const text of ['', 'hello', '{', '{}', '[]', '{"case":"gemm-256","peer":"x","threads":1}']) {
    expect(parseLine(text)).toBeNull();
  }
});
