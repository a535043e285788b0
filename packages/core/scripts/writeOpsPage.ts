/** @file Writes docs/ops.md from the op registry. */
import { writeFileSync } from 'node:fs';
import { opsPage } from '../src/ops/opsPage.ts';

writeFileSync(new URL('../docs/ops.md', import.meta.url), opsPage());
