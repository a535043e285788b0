/**
 * @file The whole check of this repository: types, lint, tests; ends with one plain line `N passed, N failed`.
 *
 * All steps run even when one fails. The counts are the tests' own, from vitest's JSON report; a step that fails
 * without being a test (types, lint, a test file that cannot be loaded) counts as one failure.
 */
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { run } from './install.mjs';

const runBin = (root, name, args) => run(join(root, 'node_modules', '.bin', name), args, { cwd: root });

/** Counts of a vitest JSON report; files that failed before any test ran count as one failure each. */
export function countTests(report) {
  const broken = report.testResults.filter(
    (file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
  );
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests + broken.length,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}

async function runTests(root, filters) {
  const path = join(root, 'node_modules', '.cache', 'tsflow', 'tests.json');
  mkdirSync(dirname(path), { recursive: true });
  rmSync(path, { force: true });
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${path}`];
  const code = await runBin(root, 'vitest', ['run', '--no-color', ...reporters, ...filters]);
  if (!existsSync(path)) return { passed: 0, failed: 1, skipped: 0 };
  const counts = countTests(JSON.parse(readFileSync(path, 'utf8')));
  // Errors outside tests (an unhandled rejection) fail the run but no test.
  return code !== 0 && counts.failed === 0 ? { ...counts, failed: 1 } : counts;
}

/** Runs everything, or only the tests that match `filters` when there are some; answers the exit code. */
export async function testAll(root, filters, runEntry) {
  const checks =
    filters.length > 0
      ? []
      : [
          ['types', () => runBin(root, 'tsc', ['-b'])],
          ['lint', () => runEntry('tools/lint/src/main.ts')],
        ];
  const failedChecks = [];
  for (const [name, check] of checks) {
    console.log(`\n--- ${name} ---`);
    if ((await check()) !== 0) failedChecks.push(name);
  }
  console.log('\n--- tests ---');
  const { passed, failed, skipped } = await runTests(root, filters);
  if (failedChecks.length > 0) console.log(`\nFailed besides the tests: ${failedChecks.join(', ')}.`);
  const allFailed = failed + failedChecks.length;
  console.log(`\n${passed} passed, ${allFailed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
  return allFailed > 0 || passed === 0 ? 1 : 0;
}
