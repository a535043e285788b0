/**
 * @file The base of all optimizers: compute gradients of a loss, apply them to variables, keep slots. Nodes, slots and their names are
 * TensorFlow's (`conv1/W/Adam`, `train/Adam/update_conv1/W/ApplyAdam`), so graphs and checkpoints look the same.
 */
import { InvalidArgumentError } from '../errors.ts';
import { blockingOps, gradients } from '../gradients.ts';
import { GraphKeys } from '../graph/collections.ts';
import { controlDependencies, getCollection, getDefaultGraph, nameScope } from '../graph/graph.ts';
import { IndexedSlices } from '../graph/indexedSlices.ts';
import type { Operation } from '../graph/operation.ts';
import type { Tensor, TensorLike } from '../graph/tensor.ts';
import { convertToTensor } from '../op/call.ts';
import { cast, group } from '../ops/array.ts';
import { assignAdd } from '../variables/collections.ts';
import { Variable, variable } from '../variables/variable.ts';

export type Gradient = Tensor | IndexedSlices;
export type GradientAndVariable = readonly [gradient: Gradient | null, variable: Variable];

/** A hyper-parameter: a number, or a tensor such as a decayed learning rate. */
export type HyperParameter = number | Tensor | Variable;

export interface OptimizerOptions {
  /** Scope of the update nodes and name of the slots. */
  readonly name?: string;
  readonly useLocking?: boolean;
}

export interface ComputeOptions {
  /** Variables to train. Default: collection TRAINABLE_VARIABLES. */
  readonly varList?: readonly Variable[];
  /** Gradient of the loss itself. Default: ones. */
  readonly gradLoss?: Tensor;
}

export interface ApplyOptions {
  /** Counted up by one after the update. */
  readonly globalStep?: Variable | null;
  readonly name?: string;
}

export abstract class Optimizer {
  readonly name: string;
  protected readonly useLocking: boolean;
  readonly #slots = new Map<string, Map<Variable, Variable>>();
  readonly #others = new Map<string, Variable>();
  readonly #hyper = new Map<string, Tensor>();
  /** Scope of the update in the making; hyper-parameters are its direct children. */
  #scope = '';

  constructor(name: string, options: OptimizerOptions = {}) {
    this.name = options.name ?? name;
    this.useLocking = options.useLocking ?? false;
    if (this.name === '')
      throw new InvalidArgumentError('the optimizer has an empty name. Leave name out, or give one.');
  }

  /**
   * Adds the nodes that compute the gradients of `loss` and apply them; run the answered operation once a step.
   * @throws InvalidArgument when no variable influences the loss.
   */
  minimize(loss: Tensor, options: ComputeOptions & ApplyOptions = {}): Operation {
    const pairs = this.computeGradients(loss, options);
    if (pairs.every(([g]) => g === null)) {
      const names = pairs.map(([, v]) => v.name).join(', ');
      const blocking = new Set(pairs.flatMap(([, v]) => blockingOps(loss, v)).map((op) => `"${op.name}" (${op.type})`));
      const cause =
        blocking.size === 0
          ? 'The loss does not depend on them.'
          : `Not differentiable on the way: ${[...blocking].slice(0, 3).join(', ')}.`;
      throw new InvalidArgumentError(
        `no gradient reaches any variable (${names}) from the loss "${loss.name}". ${cause}`,
        { opType: this.name, nodeName: loss.op.name },
      );
    }
    return this.applyGradients(pairs, options);
  }

  /** Gradient of the sum of `loss` by each variable, null for variables that do not influence it. */
  computeGradients(loss: Tensor, options: ComputeOptions = {}): GradientAndVariable[] {
    if (!loss.isFloating) {
      throw new InvalidArgumentError(`the loss "${loss.name}" is ${loss.dtype}. Give a floating-point loss.`, {
        nodeName: loss.op.name,
      });
    }
    const variables = options.varList ?? trainable();
    if (variables.length === 0) {
      throw new InvalidArgumentError(
        'there are no variables to optimize. Make trainable variables first, or pass varList.',
        { opType: this.name },
      );
    }
    const found = gradients(loss, [...variables], options.gradLoss === undefined ? {} : { gradYs: [options.gradLoss] });
    return variables.map((v, i) => [found[i] ?? null, v]);
  }

  /** Applies gradients to variables, then counts `globalStep` up. Pairs without gradient are left out. */
  applyGradients(pairs: readonly GradientAndVariable[], options: ApplyOptions = {}): Operation {
    const used = pairs.filter((p): p is readonly [Gradient, Variable] => p[0] !== null);
    if (used.length === 0) {
      throw new InvalidArgumentError(
        `no gradients were given for any variable: ${pairs.map(([, v]) => v.name).join(', ')}.`,
        { opType: this.name },
      );
    }
    const variables = used.map(([, v]) => v);
    this.createSlots(variables);
    const train = nameScope(options.name ?? this.name, (scope) => {
      this.#hyper.clear();
      this.#scope = scope;
      const updates = used.map(([g, v]) => nameScope(`update_${v.op.name}`, () => this.#apply(g, v)));
      const all = [...updates, ...this.finish(updates, variables)];
      const globalStep = options.globalStep ?? null;
      if (globalStep === null) return group(all, scope);
      const done = group(all, 'update');
      return controlDependencies([done], () => {
        const one = convertToTensor(1, { dtype: globalStep.dtype, name: 'value' });
        return assignAdd(globalStep, one, { name: scope }).op;
      });
    });
    getDefaultGraph().addToCollection(GraphKeys.TRAIN_OP, train);
    return train;
  }

  #apply(gradient: Gradient, v: Variable): Operation {
    return gradient instanceof IndexedSlices ? this.applySparse(gradient, v) : this.applyDense(gradient, v);
  }

  /** Names of this optimizer's slots. */
  getSlotNames(): string[] {
    return [...this.#slots.keys()].sort();
  }

  /** The slot `name` of `v`, or undefined. */
  getSlot(v: Variable, name: string): Variable | undefined {
    return this.#slots.get(name)?.get(v);
  }

  /** All slots and other variables that this optimizer made. */
  variables(): Variable[] {
    return [...this.#others.values(), ...[...this.#slots.values()].flatMap((slots) => [...slots.values()])];
  }

  /** Makes slots and other state for `variables`; called once an applyGradients. */
  protected createSlots(_variables: readonly Variable[]): void {}
  protected abstract applyDense(gradient: Tensor, v: Variable): Operation;
  protected abstract applySparse(gradient: IndexedSlices, v: Variable): Operation;
  /** Operations after all updates: Adam's powers. */
  protected finish(_updates: readonly Operation[], _variables: readonly Variable[]): Operation[] {
    return [];
  }

  /** The slot `name` of `v`, made on first use as `<variable>/<slot name>` outside all scopes. */
  protected slot(
    v: Variable,
    name: string,
    options: { readonly initial: () => TensorLike; readonly operationName?: string },
  ): Variable {
    const slots = this.#slots.get(name) ?? new Map<Variable, Variable>();
    this.#slots.set(name, slots);
    const known = slots.get(v);
    if (known !== undefined) return known;
    const slotName = `${v.op.name}/${options.operationName ?? this.name}`;
    const made = v.op.graph.nameScope(null, () =>
      variable(options.initial, { name: slotName, trainable: false, dtype: v.dtype }),
    );
    slots.set(v, made);
    return made;
  }

  /** State that belongs to no single variable, made in the current scope. */
  protected nonSlot(name: string, initial: TensorLike): Variable {
    const known = this.#others.get(name);
    if (known !== undefined) return known;
    const made = variable(initial, { name, trainable: false });
    this.#others.set(name, made);
    return made;
  }

  /** A hyper-parameter as a scalar of the variable's dtype, one constant for all variables. */
  protected hyper(name: string, value: HyperParameter, v: Variable): Tensor {
    const key = `${name}/${v.dtype}`;
    const known = this.#hyper.get(key);
    if (known !== undefined) return known;
    const scalar = nameScope(this.#scope, () =>
      typeof value === 'number'
        ? convertToTensor(value, { dtype: v.dtype, name })
        : castIfNeeded(convertToTensor(value), v),
    );
    this.#hyper.set(key, scalar);
    return scalar;
  }
}

function castIfNeeded(x: Tensor, v: Variable): Tensor {
  return x.dtype === v.dtype ? x : cast(x, v.dtype);
}

function trainable(): Variable[] {
  return getCollection(GraphKeys.TRAINABLE_VARIABLES).filter((x) => x instanceof Variable);
}

/** Refuses numbers that can only be mistakes: NaN and infinities. */
export function checkHyper(optimizer: string, values: Readonly<Record<string, HyperParameter>>): void {
  for (const [name, value] of Object.entries(values)) {
    if (typeof value === 'number' && !Number.isFinite(value)) {
      throw new InvalidArgumentError(`${name} is ${value}. Give a finite number.`, { opType: optimizer });
    }
  }
}

/** Refuses negative numbers where the rule has no meaning for them. */
export function checkNotNegative(optimizer: string, values: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(values)) {
    if (value < 0)
      throw new InvalidArgumentError(`${name} is ${value}. Give a number of at least 0.`, { opType: optimizer });
  }
}
