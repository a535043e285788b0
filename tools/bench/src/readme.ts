/** @file Puts the benchmark's table into a README, between two markers that stay. */
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const markers = { begin: '<!-- bench:begin -->', end: '<!-- bench:end -->' } as const;

/**
 * `readme` with everything between the markers replaced by `table`.
 * @throws Error where the markers are not there, once each and in order.
 */
export function replaceTable(readme: string, table: string): string {
  const [before, middle, ...moreBegins] = readme.split(markers.begin);
  const [, after, ...moreEnds] = (middle ?? '').split(markers.end);
  if (before === undefined || after === undefined || moreBegins.length > 0 || moreEnds.length > 0) {
    throw new Error(
      `expected the lines ${markers.begin} and ${markers.end} once each, in that order. Add them where the table goes.`,
    );
  }
  return `${before}${markers.begin}\n\n${table}\n\n${markers.end}${after}`;
}

/** The workspace's README: beside the first pnpm-workspace.yaml above this file. */
export function workspaceReadme(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'pnpm-workspace.yaml'))) {
    const parent = dirname(folder);
    if (parent === folder)
      throw new Error('no pnpm-workspace.yaml above the bench tool: --write-readme needs a checkout');
    folder = parent;
  }
  return join(folder, 'README.md');
}

/** What the figures were measured on. */
export function machine(): string {
  const model = cpus()[0]?.model.replace(/\s+/g, ' ').trim() ?? 'unknown processor';
  return `Measured on ${cpus().length} × ${model}, ${process.platform} ${process.arch}, Node ${process.versions.node}.`;
}

/** Rewrites the table of the README at `file`. */
export async function writeReadme(file: string, table: string): Promise<void> {
  const before = await readFile(file, 'utf8').catch(() => {
    throw new Error(`${file} does not exist. Create it with the lines ${markers.begin} and ${markers.end}.`);
  });
  try {
    await writeFile(file, replaceTable(before, table));
  } catch (error) {
    throw new Error(`${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
