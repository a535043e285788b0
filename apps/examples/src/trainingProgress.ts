/** @file A progress bar on a terminal, plain lines elsewhere; lines printed while it runs appear above it. */
import { SingleBar } from 'cli-progress';

export class TrainingProgress {
  private readonly bar: SingleBar;

  /** On anything but a terminal (a pipe, CI) the bar stays silent. */
  constructor(total: number) {
    this.bar = new SingleBar({
      format: '{bar} {percentage}% | step {value} of {total} | accuracy {accuracy} | {eta_formatted} left',
      hideCursor: true,
      gracefulExit: true,
      barsize: 30,
    });
    this.bar.start(total, 0, { accuracy: '–' });
  }

  update(step: number, accuracy: number): void {
    this.bar.update(step, { accuracy: accuracy.toFixed(2) });
  }

  /** Prints a line without tearing the bar. */
  print(line: string): void {
    if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
    console.log(line);
  }

  stop(): void {
    this.bar.update(this.bar.getTotal());
    this.bar.stop();
  }
}
