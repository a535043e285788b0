/**
 * @file Runs a plan: stages in order, values handed from one to the next. A plan of one cluster whose program exists and whose run
 * is inline completes synchronously; everything else awaits. The device lock is held while a cluster runs, never while a host op waits.
 */
import type { DeviceBuffer } from '@tsflow/xla';
import { CancelledError, InternalError } from '../errors.ts';
import { Operation } from '../graph/operation.ts';
import type { Tensor } from '../graph/tensor.ts';
import { fromLiteral, NdArray } from '../ndarray.ts';
import { isStateRef } from '../op/lowering.ts';
import type { StateRef } from '../op/record.ts';
import { type ClusterProgram, compileCluster, isBuffer, type StageValue } from './clusterStage.ts';
import type { Device } from './device.ts';
import { type HostEnvironment, type HostValue, runHostOp } from './hostStage.ts';
import { AsyncMutex } from './mutex.ts';
import type { Plan, Stage } from './plan.ts';
import type { ProgramCache } from './programCache.ts';
import type { RunTrace } from './runMetadata.ts';
import type { SessionStates } from './states.ts';

/** What executions of a session share. */
export interface ExecutionHost {
  readonly device: Device;
  readonly states: SessionStates;
  readonly resources: Map<string, object>;
  readonly programs: ProgramCache;
}

export interface RunContext {
  readonly signal: AbortSignal;
  readonly trace?: RunTrace | undefined;
}

type Fetched = (NdArray | null)[];

export class PlanExecutor {
  readonly plan: Plan;
  readonly #host: ExecutionHost;
  readonly #programs: ClusterProgram[][];
  /** Runs of one plan share its buffers, so they take turns; only plans with several stages can be interleaved at all. */
  readonly #turn = new AsyncMutex();
  /** The only stage, when inputs are exactly the feeds: the fast path. */
  readonly #single: Stage | undefined;
  readonly #feedOrder: readonly number[];

  constructor(plan: Plan, host: ExecutionHost) {
    this.plan = plan;
    this.#host = host;
    this.#programs = plan.stages.map(() => []);
    const [stage] = plan.stages;
    this.#single = plan.stages.length === 1 && stage?.kind === 'cluster' ? stage : undefined;
    this.#feedOrder = (this.#single?.inputs ?? []).map((t) => plan.feeds.indexOf(t));
  }

  /** Runs without awaiting when nothing has to be waited for; undefined: use `run`. */
  tryRun(feeds: readonly NdArray[]): Fetched | Promise<Fetched> | undefined {
    if (this.#single === undefined) return undefined;
    const { lock } = this.#host.device;
    const [program] = this.#programs[0] as ClusterProgram[];
    if (program === undefined || !lock.tryLock()) return undefined;
    let pending = false;
    try {
      const values = this.#feedOrder.map((i) => feeds[i] as NdArray);
      if (!program.matches(values)) return undefined;
      const running = program.run(values);
      if (running === undefined) return this.#collectSingle(program, feeds);
      pending = true;
      return running.then(() => this.#collectSingle(program, feeds)).finally(() => lock.unlock());
    } finally {
      if (!pending) lock.unlock();
    }
  }

  #collectSingle(program: ClusterProgram, feeds: readonly NdArray[]): Fetched {
    const { outputs } = program.stage;
    return this.plan.fetches.map((f) => {
      if (f instanceof Operation) return null;
      const at = outputs.indexOf(f);
      return at >= 0 ? readBuffer(program.outputs[at] as DeviceBuffer) : this.#outside(f, feeds);
    });
  }

  /** A fetched feed, or the value of a reference after the run. */
  #outside(t: Tensor, feeds: readonly NdArray[]): NdArray {
    const fed = this.plan.feeds.indexOf(t);
    if (fed >= 0) return feeds[fed] as NdArray;
    const ref = this.plan.refs.get(t);
    if (ref === undefined) throw new InternalError(`"${t.name}" was not computed.`);
    return this.#host.states.read(ref);
  }

  async run(feeds: readonly NdArray[], context: RunContext): Promise<Fetched> {
    return this.#turn.run(async () => {
      const used: ClusterProgram[] = [];
      try {
        return await this.#runStages(feeds, context, used);
      } finally {
        for (const program of used) program.users--;
      }
    });
  }

  async #runStages(feeds: readonly NdArray[], context: RunContext, used: ClusterProgram[]): Promise<Fetched> {
    const values = new Map<Tensor, StageValue | StateRef>();
    for (const [i, t] of this.plan.feeds.entries()) values.set(t, feeds[i] as NdArray);
    for (const [i, stage] of this.plan.stages.entries()) {
      if (context.signal.aborted) throw asError(context.signal.reason);
      if (stage.kind === 'cluster') used.push(await this.#runCluster(i, stage, values, context));
      else await this.#runHost(stage, values, context);
    }
    return this.#host.device.lock.run(() => this.plan.fetches.map((f) => this.#fetch(f, values, feeds)));
  }

  /** Frees the programs of a plan that is not used any more. */
  async dispose(): Promise<void> {
    await this.#host.device.lock.run(() => {
      for (const list of this.#programs) this.#host.programs.dropAll(list);
    });
  }

  #fetch(
    f: Tensor | Operation,
    values: ReadonlyMap<Tensor, StageValue | StateRef>,
    feeds: readonly NdArray[],
  ): NdArray | null {
    if (f instanceof Operation) return null;
    const value = values.get(f);
    if (value === undefined) return this.#outside(f, feeds);
    if (isStateValue(value)) throw new InternalError(`"${f.name}" is a handle and has no value to fetch.`);
    return isBuffer(value) ? readBuffer(value) : value;
  }

  async #runCluster(
    index: number,
    stage: Stage,
    values: Map<Tensor, StageValue | StateRef>,
    { trace }: RunContext,
  ): Promise<ClusterProgram> {
    const inputs = stage.inputs.map((t) => {
      const value = values.get(t);
      if (value === undefined || isStateValue(value)) throw new InternalError(`no value for "${t.name}".`);
      return value;
    });
    const { device, programs } = this.#host;
    return device.lock.run(async () => {
      const list = this.#programs[index] as ClusterProgram[];
      const start = performance.now();
      let program = list.find((p) => p.matches(inputs));
      if (program === undefined) {
        program = await compileCluster(device.backend, this.#host.states, {
          plan: this.plan,
          stage,
          values: inputs,
          name: `cluster_${index}`,
        });
        programs.add(program, list);
        trace?.compiled(program, start);
        if (!program.matches(inputs)) throw new InternalError('a fresh program does not fit its inputs.');
      }
      programs.touch(program, list);
      const began = performance.now();
      await program.run(inputs);
      trace?.ran(stage, program.executable, began);
      for (const [i, t] of stage.outputs.entries()) values.set(t, program.outputs[i] as DeviceBuffer);
      program.users++;
      return program;
    });
  }

  async #runHost(stage: Stage, values: Map<Tensor, StageValue | StateRef>, context: RunContext): Promise<void> {
    const { lock } = this.#host.device;
    // Buffers are read once and under the lock; waiting ops then hold nothing.
    await lock.run(() => {
      for (const t of stage.inputs) {
        const value = values.get(t);
        if (value !== undefined && !isStateValue(value) && isBuffer(value)) values.set(t, readBuffer(value));
      }
    });
    const env: HostEnvironment = {
      states: this.#host.states,
      refs: this.plan.refs,
      resources: this.#host.resources,
      signal: context.signal,
      value: (t) => {
        const value = values.get(t);
        if (value === undefined) throw new InternalError(`no value for "${t.name}".`);
        return value as HostValue;
      },
      set: (t, value) => values.set(t, value),
    };
    for (const op of stage.ops) {
      if (context.signal.aborted) throw asError(context.signal.reason);
      const start = performance.now();
      await runHostOp(op, env);
      context.trace?.hostOp(op, start);
    }
  }
}

function isStateValue(x: StageValue | StateRef): x is StateRef {
  return !(x instanceof NdArray) && 'kind' in x && x.kind === 'state' && isStateRef(x);
}

function readBuffer(buffer: DeviceBuffer): NdArray {
  return fromLiteral({ shape: buffer.shape, data: buffer.read() });
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new CancelledError('the run was cancelled.');
}
