/**
 * @file `npm run check:packages`: are the packages, as published, whole and importable?
 */
import { join } from 'node:path';
import { checkPackages } from './packages.ts';

const problems = await checkPackages(join(import.meta.dirname, '..', '..', '..'));
for (const problem of problems) console.error(problem);
console.log(`${problems.length} problems in the packed packages.`);
process.exitCode = problems.length === 0 ? 0 : 1;
