/**
 * @file The normative interpreter of HLO: slow and obvious, one table from opcode to meaning. Every backend is tested against it, and
 * constant folding runs on it.
 */
import { internal, invalidArgument, unimplemented, XlaError } from './errors.ts';
import { computationsOf, postOrder, postOrderOf } from './graph.ts';
import { moveRules } from './interpretArray.ts';
import { elementwiseRules } from './interpretElementwise.ts';
import { indexedRules } from './interpretIndexed.ts';
import { linearRules } from './interpretLinear.ts';
import { orderRules } from './interpretOrder.ts';
import { reduceRules } from './interpretReduce.ts';
import {
  type ArrayRules,
  asLiteral,
  type CustomCalls,
  type Evaluator,
  type HostValue,
  isLiteral,
  type ValueRules,
} from './interpretTypes.ts';
import type { Literal } from './literal.ts';
import type { Computation, Instruction, Module } from './module.ts';
import type { Opcode } from './opcodes.ts';
import { type Shape, sameShape, shapeText, tupleShape } from './shape.ts';
import { hasSideEffect } from './traits.ts';

export type { CustomCalls, HostFunction, HostValue } from './interpretTypes.ts';

type ValueOpcode =
  | 'parameter'
  | 'while'
  | 'conditional'
  | 'call'
  | 'fusion'
  | 'custom-call'
  | 'all-reduce'
  | 'tuple'
  | 'get-tuple-element';

const valueRules: ValueRules<ValueOpcode> = {
  parameter(x) {
    throw internal(`parameter ${x.attrs.index} was not bound.`);
  },
  while(x, operands, evaluator) {
    let state = operands[0] as HostValue;
    while (asLiteral(evaluator.call(x.attrs.condition, [state])).data[0] !== 0) {
      state = evaluator.call(x.attrs.body, [state]);
    }
    return state;
  },
  conditional(x, operands, evaluator) {
    const selector = asLiteral(operands[0]);
    const last = x.attrs.branches.length - 1;
    const value = Number(selector.data[0]);
    let branch = value < 0 || value > last ? last : value;
    if (selector.shape.dtype === 'pred') branch = value !== 0 ? 0 : 1;
    return evaluator.call(x.attrs.branches[branch] as Computation, [operands[branch + 1] as HostValue]);
  },
  call: (x, operands, evaluator) => evaluator.call(x.attrs.computation, operands),
  fusion: (x, operands, evaluator) => evaluator.call(x.attrs.computation, operands),
  'custom-call'(x, operands, evaluator) {
    const { target, config, shape } = x.attrs;
    const f = evaluator.customCalls.get(target);
    if (f === undefined) {
      const known = [...evaluator.customCalls.keys()].join(', ') || 'none';
      throw new XlaError(
        'NOT_FOUND',
        `no function "${target}" is registered with the interpreter. Registered: ${known}.`,
        {
          opcode: x.opcode,
        },
      );
    }
    const result = f(operands, config);
    if (!sameShape(shapeOfValue(result), shape)) {
      throw invalidArgument(
        `function "${target}" answered ${shapeText(shapeOfValue(result))}, the call declares ${shapeText(shape)}.`,
        { opcode: x.opcode },
      );
    }
    return result;
  },
  'all-reduce'(x, operands) {
    const widest = Math.max(1, ...x.attrs.replicaGroups.map((g) => g.length));
    if (widest > 1) {
      throw unimplemented(
        `a group of ${widest} replicas cannot be reduced: the interpreter runs one replica. Use groups of one, or none.`,
        { opcode: x.opcode },
      );
    }
    return operands[0] as HostValue;
  },
  tuple: (_x, operands) => operands,
  'get-tuple-element'(x, operands) {
    const value = operands[0] as HostValue;
    if (isLiteral(value)) throw internal('get-tuple-element of an array.');
    return value[x.attrs.index] as HostValue;
  },
};

const arrayRules: ArrayRules<Exclude<Opcode, ValueOpcode>> = {
  ...elementwiseRules,
  ...moveRules,
  ...indexedRules,
  ...reduceRules,
  ...linearRules,
  ...orderRules,
};

function shapeOfValue(value: HostValue): Shape {
  return isLiteral(value) ? value.shape : tupleShape(value.map(shapeOfValue));
}

function isValueOpcode(x: Instruction): x is Instruction<ValueOpcode> {
  return Object.hasOwn(valueRules, x.opcode);
}

function runValueRule<K extends ValueOpcode>(
  x: Instruction<K>,
  operands: readonly HostValue[],
  e: Evaluator,
): HostValue {
  return valueRules[x.opcode](x, operands, e);
}

function runArrayRule<K extends Exclude<Opcode, ValueOpcode>>(
  x: Instruction<K>,
  operands: readonly Literal[],
  e: Evaluator,
): HostValue {
  return arrayRules[x.opcode](x, operands, e);
}

/** Evaluates computations; remembers their orders, as loops run them often. */
class Interpreter implements Evaluator {
  readonly customCalls: CustomCalls;
  readonly #orders = new Map<Computation, readonly Instruction[]>();

  constructor(customCalls: CustomCalls) {
    this.customCalls = customCalls;
  }

  call(computation: Computation, args: readonly HostValue[]): HostValue {
    let order = this.#orders.get(computation);
    if (order === undefined) {
      order = postOrder(computation);
      this.#orders.set(computation, order);
    }
    const values = new Map<Instruction, HostValue>();
    for (const x of order) {
      if (x.opcode === 'parameter') values.set(x, args[x.attrs.index] as HostValue);
      else {
        const operands = x.operands.map((o) => values.get(o) as HostValue);
        values.set(x, this.compute(x, operands));
      }
    }
    return values.get(computation.root) as HostValue;
  }

  compute(x: Instruction, operands: readonly HostValue[]): HostValue {
    if (isValueOpcode(x)) return runValueRule(x, operands, this);
    return runArrayRule(x as Instruction<Exclude<Opcode, ValueOpcode>>, operands.map(asLiteral), this);
  }
}

export interface InterpretOptions {
  /** Functions behind custom-call targets. Default: none. */
  readonly customCalls?: CustomCalls;
}

/**
 * Runs a module on host values: one argument per parameter, one result per element of the entry's root tuple.
 * Throws InvalidArgument when the arguments do not fit the parameters.
 * Results may share memory with arguments and constants: copy before writing to either.
 */
export function interpretModule(module: Module, args: readonly Literal[], options: InterpretOptions = {}): Literal[] {
  const { parameters } = module.entry;
  if (args.length !== parameters.length) {
    throw invalidArgument(
      `module "${module.name}" has ${parameters.length} parameters, ${args.length} arguments were given.`,
    );
  }
  for (const [i, p] of parameters.entries()) {
    const got = (args[i] as Literal).shape;
    if (!sameShape(got, p.shape)) {
      throw invalidArgument(
        `parameter ${i} "${p.attrs.name}" of module "${module.name}" is ${shapeText(p.shape)}, the argument is ${shapeText(got)}.`,
      );
    }
  }
  const result = new Interpreter(options.customCalls ?? new Map()).call(module.entry, args);
  return isLiteral(result) ? [result] : result.map(asLiteral);
}

/** Computes one instruction on given operand values. */
export function evaluateInstruction(x: Instruction, operands: readonly HostValue[]): HostValue {
  return new Interpreter(new Map()).compute(x, operands);
}

const known = new WeakMap<Instruction, HostValue | 'unknown'>();

/**
 * The value of an instruction that depends on constants only, or nothing: for parameters, loops, side effects and custom calls,
 * anywhere below. Answers are remembered, so asking for every instruction of a chain is linear.
 */
export function evaluateConstant(x: Instruction): Literal | undefined {
  const interpreter = new Interpreter(new Map());
  for (const y of postOrderOf([x])) {
    if (known.has(y)) continue;
    const operands = y.operands.map((o) => known.get(o) ?? 'unknown');
    const values = operands.filter((o) => o !== 'unknown');
    known.set(y, values.length === operands.length && isFoldable(y) ? interpreter.compute(y, values) : 'unknown');
  }
  const value = known.get(x);
  return value === undefined || value === 'unknown' || !isLiteral(value) ? undefined : value;
}

function isFoldable(x: Instruction): boolean {
  // A loop might not end, and a compiler must.
  const isOpen = x.opcode === 'parameter' || x.opcode === 'custom-call' || x.opcode === 'while';
  if (isOpen || hasSideEffect(x)) return false;
  return computationsOf(x).every((c) => postOrder(c).every((y) => y.opcode === 'parameter' || isFoldable(y)));
}
