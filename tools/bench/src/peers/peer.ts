/**
 * @file What a peer is: a name, the cases it has, what it needs, and the command that measures one case.
 *
 * A measuring command is a process of its own; it prints measurement lines (`measurement.ts`) on standard output.
 */
import type { Case } from '../cases.ts';

/** A process to start. */
export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** Where a run keeps what it builds and installs, and which Python it asks. */
export interface Workshop {
  readonly folder: string;
  readonly python: string;
  readonly progress: (message: string) => void;
}

/** Whether a peer has a case: yes, silently no, or no for a reason worth a line. */
export type Fit = 'yes' | 'no' | { readonly cannot: string };

export interface Peer {
  readonly name: string;
  fits(c: Case, threads: number): Fit;
  /** Installs or builds what is missing. Throws where the peer cannot run on this machine. */
  prepare(workshop: Workshop): Promise<void>;
  command(c: Case, workshop: Workshop): Command;
}

/** Cases in terms of `Session.run` exist in TensorFlow's programming model only. */
export const isSessionRun = ({ spec }: Case): boolean =>
  (spec.kind === 'mlp-train' || spec.kind === 'logistic-train') && spec.feedDict;

/** Cases with a convolution, where memory layout matters. */
export const isConvolutional = ({ spec }: Case): boolean =>
  spec.kind === 'conv' || spec.kind === 'mnist-train' || spec.kind === 'mnist-infer';

/** Cases that compute gradients. */
export const isTraining = ({ spec }: Case): boolean => spec.kind.endsWith('-train');
