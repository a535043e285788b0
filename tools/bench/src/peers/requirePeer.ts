/** @file Loads an npm peer from the workshop's installation, whose folder the parent process names. */
import { createRequire } from 'node:module';
import { join } from 'node:path';

/** A `require` that finds the npm peers. */
export function requirePeers(): NodeJS.Require {
  const folder = process.env['TSFLOW_BENCH_NPM'];
  if (!folder) throw new Error('internal: TSFLOW_BENCH_NPM is not set; run this program through the bench command');
  return createRequire(join(folder, 'package.json'));
}
