/** @file The command line of the MNIST example. A value that makes no sense is refused before any work begins. */
import { Command, InvalidArgumentError } from 'commander';

export interface MnistOptions {
  readonly logdir: string;
  readonly steps: number;
  readonly batchSize: number;
  readonly learningRate: number;
  readonly seed: number;
  /** undefined: the fastest that the machine has. */
  readonly backend: 'wasm' | 'interpret' | undefined;
  /** undefined: as many as the machine has CPUs. */
  readonly threads: number | undefined;
}

/** Seven epochs of 600 batches: enough for 98.5% of the test digits. */
const DEFAULT_STEPS = 4200;

export function parseMnistOptions(argv: readonly string[]): MnistOptions {
  const options = new Command('mnist')
    .description(
      'Train the convolutional network of the TensorBoard talk on the 70,000 MNIST digits and log it for TensorBoard.',
    )
    .option('--logdir <dir>', 'where the event files go', './logs/mnist')
    .option('--steps <n>', 'training steps', wholeNumber(1), DEFAULT_STEPS)
    .option('--batch-size <n>', 'digits a step', wholeNumber(1), 100)
    .option('--learning-rate <x>', "Adam's learning rate", positive, 1e-4)
    .option('--seed <n>', 'seed of weights and batches: same seed, same numbers', wholeNumber(0), 0)
    .option('--backend <name>', 'wasm or interpret (default: the fastest that the machine has)', backend)
    .option('--threads <n>', 'threads that compute (default: one a CPU)', wholeNumber(1))
    .allowExcessArguments(false)
    .parse([...argv])
    .opts();
  return { backend: undefined, threads: undefined, ...options } as MnistOptions;
}

function wholeNumber(least: number): (text: string) => number {
  return (text) => {
    const n = Number(text);
    if (text.trim() === '' || !Number.isInteger(n) || n < least)
      throw new InvalidArgumentError(`Give a whole number from ${least}.`);
    return n;
  };
}

function positive(text: string): number {
  const x = Number(text);
  if (!(x > 0 && Number.isFinite(x))) throw new InvalidArgumentError('Give a number above 0.');
  return x;
}

function backend(text: string): 'wasm' | 'interpret' {
  if (text !== 'wasm' && text !== 'interpret') throw new InvalidArgumentError('Give wasm or interpret.');
  return text;
}
