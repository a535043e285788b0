/**
 * @file From a graph to the call that is timed. Inputs and results are variables: they stay in the session's memory, so a
 * call computes its result in full and neither feeds nor reads anything back.
 */
import * as tf from '@tsflow/tf';
import { sizeOf, uniform } from '../random.ts';
import type { Prepared } from '../worker.ts';

/** What a graph of a case offers: what to run, and the variables that show whether it ran. */
export interface Step {
  readonly run: tf.Operation;
  readonly shows: readonly tf.Variable[];
  /** Feeds by `Session.run` instead of the callable, which has none. */
  readonly feeds?: tf.Feeds;
}

let seed = 1;

/** Initial values by placeholder: data in the graph itself would be compiled into it as constants. */
const initialValues: (readonly [tf.Tensor, tf.NdArray])[] = [];

/** Random values, the next ones of a fixed sequence. */
const random = (shape: readonly number[], scale: number) => uniform(sizeOf(shape), scale, seed++);

function variable(shape: readonly number[], values: Float32Array, trainable: boolean): tf.Tensor {
  const initial = tf.placeholder('float32', { shape });
  initialValues.push([initial, new tf.NdArray('float32', shape, values)]);
  return tf.variable(initial, { trainable }).value();
}

/** Fixed data that stays in memory: the value of a variable that is not trained. */
export function held(shape: readonly number[], values = random(shape, 1)): tf.Tensor {
  return variable(shape, values, false);
}

/** The value of a trained weight, uniform in [-0.1, 0.1). */
export function weight(shape: readonly number[]): tf.Tensor {
  return variable(shape, random(shape, 0.1), true);
}

/** A step that computes `results` into variables of their own. */
export function computing(...results: readonly tf.Tensor[]): Step {
  const targets = results.map((result) => {
    const shape = (result.shape ?? [null]).map((size) => {
      if (size === null) throw new Error(`internal: ${result.name} has no static shape`);
      return size;
    });
    return tf.variable(tf.zeros(shape, { dtype: result.dtype }), { trainable: false });
  });
  const assigned = results.map((result, i) => tf.assign(targets[i]!, result).op);
  return { run: assigned.length === 1 ? assigned[0]! : tf.group(assigned), shows: targets };
}

/** A step that trains: one update of `optimizer` on `loss`, shown by its variables. */
export function training(optimizer: tf.train.Optimizer, loss: tf.Tensor, feeds?: tf.Feeds): Step {
  return { run: optimizer.minimize(loss), shows: tf.trainableVariables(), ...(feeds && { feeds }) };
}

/** Opens a session on the default graph and prepares the call and its check. */
export async function prepareStep({ run, shows, feeds }: Step, threads: number): Promise<Prepared> {
  const session = new tf.Session({ threads });
  await session.run(tf.globalVariablesInitializer(), initialValues);
  const call = feeds ? () => session.run(run, feeds) : session.makeCallable(run);
  return { call, check: () => checkValues(session, shows) };
}

/** Reads the results once, after timing: a step that computed nothing, or not-numbers, is no measurement. */
async function checkValues(session: tf.Session, variables: readonly tf.Variable[]): Promise<void> {
  for (const variable of variables) {
    const { data } = await session.run(variable.value());
    let largest = 0;
    for (const value of data) {
      const size = Math.abs(Number(value));
      if (!(size <= largest)) largest = size;
      if (Number.isNaN(size)) break;
    }
    if (!Number.isFinite(largest)) throw new Error(`${variable.name} holds ${largest} after the run`);
    if (largest === 0) throw new Error(`${variable.name} holds only zeros after the run: nothing was computed`);
  }
}
