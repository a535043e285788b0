/** @file What a traced run did and how long it took, as TensorFlow's RunMetadata: one entry per host op, cluster run and compilation. */

import type { tensorflow } from '@tsflow/formats';
import type { Executable } from '@tsflow/xla';
import type { Operation } from '../graph/operation.ts';
import type { ClusterProgram } from './clusterStage.ts';
import type { Stage } from './plan.ts';

interface Entry {
  readonly node: string;
  readonly label: string;
  readonly start: number;
  readonly end: number;
  readonly bytes: number;
}

export class RunTrace {
  readonly #entries: Entry[] = [];
  readonly #device: string;

  constructor(device: string) {
    this.#device = device;
  }

  compiled(program: ClusterProgram, start: number): void {
    const { stats } = program.executable;
    const label = `compile: ${stats.kernels} kernels, ${stats.codeBytes} bytes of code`;
    this.#add({ node: '_compile', label, start, bytes: stats.constantBytes });
  }

  /** A cluster is one program: its nodes share one interval. */
  ran(stage: Stage, executable: Executable, start: number): void {
    const end = performance.now();
    for (const op of stage.ops) {
      this.#entries.push({ node: op.name, label: `${op.name} = ${op.type}`, start, end, bytes: 0 });
    }
    const { flops, arenaBytes } = executable.stats;
    this.#entries.push({
      node: '_cluster',
      label: `${stage.ops.length} nodes, ${flops} flops`,
      start,
      end,
      bytes: arenaBytes,
    });
  }

  hostOp(op: Operation, start: number): void {
    this.#add({ node: op.name, label: `${op.name} = ${op.type}`, start, bytes: 0 });
  }

  #add(entry: Omit<Entry, 'end'>): void {
    this.#entries.push({ ...entry, end: performance.now() });
  }

  toRunMetadata(): tensorflow.IRunMetadata {
    const nodeStats = this.#entries.map((e) => ({
      nodeName: e.node,
      timelineLabel: e.label,
      allStartMicros: Math.round((performance.timeOrigin + e.start) * 1000),
      opStartRelMicros: 0,
      opEndRelMicros: Math.round((e.end - e.start) * 1000),
      allEndRelMicros: Math.round((e.end - e.start) * 1000),
      ...(e.bytes === 0 ? {} : { memory: [{ allocatorName: 'arena', totalBytes: e.bytes, peakBytes: e.bytes }] }),
    }));
    return { stepStats: { devStats: [{ device: this.#device, nodeStats }] } };
  }
}
