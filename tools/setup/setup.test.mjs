import { expect, test } from 'vitest';
import { countTests } from './test.mjs';

const file = (status, ...tests) => ({ status, assertionResults: tests.map((result) => ({ status: result })) });
const report = (testResults, numPassedTests, numFailedTests, numPendingTests = 0) => ({
  testResults,
  numPassedTests,
  numFailedTests,
  numPendingTests,
  numTodoTests: 0,
});

test('counts tests as vitest does', () => {
  const files = [file('passed', 'passed', 'skipped'), file('failed', 'failed', 'passed')];
  expect(countTests(report(files, 2, 1, 1))).toEqual({ passed: 2, failed: 1, skipped: 1 });
});

test('a file that fails without a failing test is one failure', () => {
  expect(countTests(report([file('failed'), file('passed', 'passed')], 1, 0))).toEqual({
    passed: 1,
    failed: 1,
    skipped: 0,
  });
});
