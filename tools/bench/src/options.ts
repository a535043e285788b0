/** @file The command line: what it accepts, with defaults from the environment. */
import { Command, InvalidArgumentError } from 'commander';
import { cases } from './cases.ts';
import { peers } from './peers/index.ts';

export interface Options {
  readonly peers: string;
  readonly json: boolean;
  readonly threads: readonly number[];
  readonly node: readonly string[];
  readonly writeReadme: boolean;
  readonly from: readonly string[];
  readonly limit: number;
  readonly wait: number;
}

/** Thread counts such as `1,2` or `1 2`. */
export function parseThreads(text: string): readonly number[] {
  const counts = text
    .split(/[\s,]+/)
    .filter((part) => part !== '')
    .map(Number);
  if (counts.length === 0 || counts.some((n) => !Number.isInteger(n) || n < 1 || n > 256)) {
    throw new InvalidArgumentError(`"${text}" is not a list of thread counts (1 to 256) such as 1,2.`);
  }
  return [...new Set(counts)];
}

const seconds = (minimum: number) => (text: string) => {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value < minimum) {
    throw new InvalidArgumentError(`"${text}" is not a number of seconds of at least ${minimum}.`);
  }
  return value;
};

const collect = (value: string, before: readonly string[]) => [...before, value];

/** Case families for the help text: names up to where the variants begin. */
const families = [
  ...new Set(cases.map(({ name }) => /^(gemm|elementwise|conv|mnist-cnn-\w+|\w+-train)/.exec(name)?.[0] ?? name)),
];

/** The command, with its cases as arguments. */
export function benchCommand(environment: NodeJS.ProcessEnv = process.env): Command {
  return new Command('bench')
    .description('Measures tsflow beside its peers, in one run on this machine.')
    .argument('[case...]', `all, limits, a case or a family: ${families.join(', ')}`)
    .option('--peers <names>', `all, none, or some of limits,${peers.map(({ name }) => name).join(',')}`, 'all')
    .option(
      '--threads <counts>',
      'thread counts, one measurement each',
      parseThreads,
      parseThreads(environment['THREADS'] ?? '1,2'),
    )
    .option('--node <path>', 'measure tsflow under this Node binary too (repeatable)', collect, [])
    .option('--json', 'print one JSON line a measurement instead of the table', false)
    .option('--from <file>', 'take the lines of an earlier --json run instead of measuring (repeatable)', collect, [])
    .option('--write-readme', 'put the table into the README', false)
    .option('--limit <seconds>', 'time that one peer may take for one case', seconds(1), 900)
    .option('--wait <seconds>', 'longest wait for a quiet machine before each measurement', seconds(0), 20)
    .addHelpText(
      'after',
      [
        '',
        `Cases: ${cases.map(({ name }) => name).join(', ')}`,
        '',
        'Environment: THREADS (as --threads), TSFLOW_BACKEND (the backend that tsflow uses), PYTHON (interpreter of the',
        'Python peers, default python3), CC (compiler of the limits, default gcc), TSFLOW_BENCH_CACHE (folder for what is',
        'built and installed, default tsflow-bench in the system’s temporary folder).',
        'Progress goes to standard error. Peers that are absent say so in one line each.',
      ].join('\n'),
    );
}
