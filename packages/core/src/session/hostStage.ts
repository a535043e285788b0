/**
 * @file Runs host ops one after another on host values. An op with a compiled form that carries strings is evaluated here too: its
 * HLO moves or compares numbers that stand for the strings, so every array op works on strings without a second body.
 */
import { arrayShape, HloBuilder, interpretModule, type Literal, type Value } from '@tsflow/xla';
import { elementTypeOf } from '../dtype.ts';
import { InternalError, InvalidArgumentError, TensorFlowError, UnimplementedError } from '../errors.ts';
import type { Operation } from '../graph/operation.ts';
import type { Tensor } from '../graph/tensor.ts';
import { fromLiteral, NdArray, type TfString, toLiteral } from '../ndarray.ts';
import { constantValue } from '../op/constantValue.ts';
import { isStateRef, Lowering, type LoweringState, originOf } from '../op/lowering.ts';
import { byName, expandArgs, flatten } from '../op/nodeArgs.ts';
import type { HostContext, StateRef } from '../op/record.ts';
import { type Arg, isState } from '../op/signature.ts';
import type { SessionStates } from './states.ts';

export type HostValue = NdArray | StateRef;

export interface HostEnvironment {
  readonly states: SessionStates;
  readonly refs: ReadonlyMap<Tensor, StateRef>;
  readonly resources: Map<string, object>;
  readonly signal: AbortSignal;
  /** Value of an input that other stages or feeds gave. */
  value(t: Tensor): HostValue;
  set(t: Tensor, value: HostValue): void;
}

export async function runHostOp(op: Operation, env: HostEnvironment): Promise<void> {
  const args = expandArgs(op.record.inputs, op.attrs);
  const inputs = op.inputs.map((t, i) => hostInput(t, args[i] as Arg, env));
  const outputs = op.record.host === undefined ? runLowered(op, inputs, env) : await callHost(op, inputs, env);
  for (const [i, t] of op.outputs.entries()) {
    const value = outputs[i];
    if (value === undefined) throw new InternalError(`output ${i} is missing.`, originOf(op));
    env.set(t, value);
  }
}

/** A reference stays one where the op asks for it, and is read where a value is needed. */
function hostInput(t: Tensor, arg: Arg, env: HostEnvironment): HostValue {
  const ref = env.refs.get(t);
  if (ref !== undefined) return isState(arg) ? ref : env.states.read(ref);
  return env.value(t);
}

async function callHost(op: Operation, inputs: readonly HostValue[], env: HostEnvironment): Promise<HostValue[]> {
  const host = op.record.host;
  if (host === undefined) throw new InternalError('no host body.', originOf(op));
  try {
    const result = await host(byName(op.record.inputs, inputs, op.attrs), hostContext(op, env));
    return flatten(op.record.outputs, result);
  } catch (error) {
    throw located(op, error);
  }
}

/** Run-time errors name the node and where it was made. */
function located(op: Operation, error: unknown): Error {
  if (error instanceof TensorFlowError) return error;
  const site = op.creationSite;
  const text = error instanceof Error ? error.message : String(error);
  return new InvalidArgumentError(`${text}${site === undefined ? '' : ` (made at ${site})`}`, {
    ...originOf(op),
    cause: error,
  });
}

function hostContext(op: Operation, env: HostEnvironment): HostContext {
  return {
    attrs: op.attrs,
    op,
    state: env.states,
    signal: env.signal,
    resource: <T extends object>(key: string, create: () => T): T => {
      const known = env.resources.get(key) as T | undefined;
      if (known !== undefined) return known;
      const made = create();
      env.resources.set(key, made);
      return made;
    },
    fail: (text) => {
      throw new InvalidArgumentError(text, originOf(op));
    },
  };
}

/** Strings as numbers: equal strings have equal numbers, 0 is the empty string (what padding and zeros give). */
class StringTable {
  readonly #strings: TfString[] = [''];
  readonly #ids = new Map<string, bigint>([['s:', 0n]]);

  idOf(s: TfString): bigint {
    const key = typeof s === 'string' ? `s:${s}` : `b:${Array.from(s).join()}`;
    let id = this.#ids.get(key);
    if (id === undefined) {
      id = BigInt(this.#strings.push(s) - 1);
      this.#ids.set(key, id);
    }
    return id;
  }

  toLiteral(array: NdArray): Literal {
    if (array.dtype !== 'string') return toLiteral(array);
    const ids = BigInt64Array.from(array.data as readonly TfString[], (s) => this.idOf(s));
    return { shape: arrayShape('s64', array.shape), data: ids };
  }

  fromLiteral(literal: Literal, t: Tensor): NdArray {
    if (t.dtype !== 'string') return fromLiteral(literal);
    const strings = Array.from(literal.data as BigInt64Array, (id) => this.#strings[Number(id)] as TfString);
    return new NdArray('string', literal.shape.dims, strings);
  }
}

function runLowered(op: Operation, inputs: readonly HostValue[], env: HostEnvironment): HostValue[] {
  const constants = op.inputs.length === 0 ? op.outputs.map(constantValue) : [];
  if (constants.length > 0 && constants.every((c) => c !== undefined)) return constants;
  const table = new StringTable();
  const b = new HloBuilder(op.name);
  const assigned: { ref: StateRef; value: Value }[] = [];
  const lowering = new Lowering(b, stringState(b, table, env, assigned));
  for (const [i, t] of op.inputs.entries()) {
    const x = inputs[i] as HostValue;
    lowering.bind(t, x instanceof NdArray ? b.constant(table.toLiteral(x)) : x);
  }
  lowering.lower(op);
  const evaluate = (v: Value): Literal => {
    const [literal] = interpretModule(
      { name: op.name, entry: { name: op.name, parameters: [], root: b.tuple([v]) }, aliases: [] },
      [],
    );
    if (literal === undefined) throw new InternalError('an evaluation gave nothing.', originOf(op));
    return literal;
  };
  for (const { ref, value } of assigned) {
    env.states.assign(ref, table.fromLiteral(evaluate(value), ref.op.outputs[0] as Tensor));
  }
  return op.outputs.map((t) => {
    const value = lowering.get(t);
    if (value === undefined) throw new InternalError(`output "${t.name}" is missing.`, originOf(op));
    return isStateRef(value) ? value : table.fromLiteral(evaluate(value), t);
  });
}

function stringState(
  b: HloBuilder,
  table: StringTable,
  env: HostEnvironment,
  assigned: { ref: StateRef; value: Value }[],
): LoweringState {
  const noRandom = (op: Operation): never => {
    throw new UnimplementedError('random strings do not exist.', originOf(op));
  };
  return {
    read: (ref) =>
      assigned.find((a) => a.ref.key === ref.key)?.value ?? b.constant(table.toLiteral(env.states.read(ref))),
    write: (ref, value) => assigned.push({ ref, value }),
    readRandom: noRandom,
    writeRandom: noRandom,
  };
}

/** Whether a dtype has a compiled representation. */
export function isCompiled(t: Tensor): boolean {
  return elementTypeOf(t.dtype) !== undefined;
}
