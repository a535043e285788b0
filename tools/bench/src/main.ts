/** @file `npm run bench -- CASE…`: reads the command line, runs the benchmark, prints lines or the table. */
import { mkdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bench } from './bench.ts';
import { selectCases } from './cases.ts';
import { type Line, parseLine } from './measurement.ts';
import { benchCommand, type Options } from './options.ts';
import { choosePeers } from './peers/index.ts';
import type { Workshop } from './peers/peer.ts';
import { tsflowPeer, tsflowUnder } from './peers/tsflow.ts';
import { machine, workspaceReadme, writeReadme } from './readme.ts';
import { report } from './table.ts';

const progress = (message: string) => process.stderr.write(`${message}\n`);

async function openWorkshop(): Promise<Workshop> {
  const folder = process.env['TSFLOW_BENCH_CACHE'] ?? join(tmpdir(), 'tsflow-bench');
  await mkdir(folder, { recursive: true });
  return { folder, python: process.env['PYTHON'] ?? 'python3', progress };
}

async function measureAll(names: readonly string[], options: Options): Promise<readonly Line[]> {
  const selection = selectCases(names);
  const choice = choosePeers(options.peers);
  const others = await Promise.all(options.node.map(tsflowUnder));
  return bench({
    cases: selection.cases,
    threads: options.threads,
    peers: [tsflowPeer('tsflow', process.execPath), ...others, ...choice.peers],
    limits: selection.limits || choice.limits,
    workshop: await openWorkshop(),
    limitSeconds: options.limit,
    quietSeconds: options.wait,
    onLine: (line) => {
      if (options.json) process.stdout.write(`${JSON.stringify(line)}\n`);
    },
  });
}

async function readLines(files: readonly string[]): Promise<readonly Line[]> {
  const texts = await Promise.all(files.map((file) => readFile(file, 'utf8')));
  return texts.flatMap((text) => text.split('\n').flatMap((line) => parseLine(line) ?? []));
}

async function main(): Promise<void> {
  const command = benchCommand().parse();
  const options = command.opts<Options>();
  const earlier = options.from.length > 0;
  if (command.args.length === 0 && !earlier) command.help({ error: true });
  const lines = earlier ? await readLines(options.from) : await measureAll(command.args, options);
  if (!options.json) process.stdout.write(`${report(lines)}\n`);
  if (options.writeReadme) {
    const file = workspaceReadme();
    await writeReadme(file, `${machine()}\n\n${report(lines, { reasons: false })}`);
    progress(`wrote the table of ${file}`);
  }
}

// An exit runs the handlers that end a measuring process; being killed by a signal, or by a closed pipe, would not.
process.once('SIGINT', () => process.exit(130));
process.once('SIGTERM', () => process.exit(143));
process.stdout.on('error', () => process.exit(0));

try {
  await main();
} catch (error) {
  process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 2;
}
