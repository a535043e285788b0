/**
 * @file The machine's own limits, measured by a C program that is compiled on demand. Everything else is judged by them.
 */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { limitsCase } from '../cases.ts';
import { run } from '../process.ts';
import type { Command, Workshop } from './peer.ts';

const source = fileURLToPath(new URL('../../c/limits.c', import.meta.url));
const binary = ({ folder }: Workshop) => join(folder, 'limits');

/** Compiles the program with $CC or gcc. Throws, with the compiler's first message, where that fails. */
export async function prepareLimits(workshop: Workshop): Promise<void> {
  const compiler = process.env['CC'] ?? 'gcc';
  const flags = ['-O3', '-march=native', '-ffp-contract=fast', '-pthread'];
  const args = [...flags, source, '-o', binary(workshop)];
  const { status, error, stderr } = await run({ program: compiler, args, env: {} }, { seconds: 120 });
  if (error)
    throw new Error(`no C compiler: ${compiler} ${error}. Install gcc, or set CC, to measure the machine's limits`);
  if (status !== 0) throw new Error(`${compiler} failed on limits.c: ${stderr.trim().split('\n')[0] ?? ''}`);
}

export const limitsCommand = (workshop: Workshop): Command => ({ program: binary(workshop), args: [], env: {} });

export const limitsPeer = limitsCase;
