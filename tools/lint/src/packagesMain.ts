/**
 * @file `npm run check:packages`: are the packages, as published, whole and importable?
 */
import { join } from 'node:path';
import { checkPackages } from './packages.ts';

const root = join(import.meta.dirname, '..', '..', '..');
const problems = await checkPackages(root).catch((error: unknown) => [
  error instanceof Error ? error.message : String(error),
]);
for (const problem of problems) console.error(problem);
console.log(`${problems.length} problems in the packed packages.`);
process.exitCode = problems.length === 0 ? 0 : 1;
