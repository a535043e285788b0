/**
 * @file Exponential moving averages of variables and tensors: average ← average − (1 − decay)·(average − value). Evaluation with
 * averaged weights often does better than with the last ones; `variablesToRestore` maps a checkpoint to them.
 */
import { isFloating } from '../dtype.ts';
import { InvalidArgumentError } from '../errors.ts';
import { GraphKeys } from '../graph/collections.ts';
import { nameScope } from '../graph/graph.ts';
import type { Operation } from '../graph/operation.ts';
import { Tensor } from '../graph/tensor.ts';
import { convertToTensor } from '../op/call.ts';
import { cast, constant, group } from '../ops/array.ts';
import { zeros } from '../ops/arrayMake.ts';
import { add, divide, multiply, subtract } from '../ops/math.ts';
import { minimum, pow } from '../ops/mathBinary.ts';
import { type Dims, formatShape, isFullyDefined } from '../shape.ts';
import { globalVariables, movingAverageVariables, trainableVariables } from '../variables/collections.ts';
import { Variable, variable } from '../variables/variable.ts';

export interface AssignMovingAverageOptions {
  /** Corrects the pull towards the initial value 0 (Kingma, Ba 2014): makes variables `biased` and `local_step`. Default true. */
  readonly zeroDebias?: boolean;
  /** Default AssignMovingAvg. */
  readonly name?: string;
}

/**
 * Moves `average` towards `value`: average ← average − (1 − decay)·(average − value). Answers the average after it.
 * A variable as `value` is read after the control dependencies in force. TF `moving_averages.assign_moving_average`.
 */
export function assignMovingAverage(
  average: Variable,
  value: Tensor | Variable,
  decay: number | Tensor,
  options: AssignMovingAverageOptions = {},
): Tensor {
  return nameScope(options.name ?? 'AssignMovingAvg', (scope) => {
    const rate =
      typeof decay === 'number'
        ? constant(1 - decay, { dtype: average.dtype, name: 'decay' })
        : cast(subtract(constant(1, { dtype: decay.dtype, name: 'sub/x' }), decay, 'sub'), average.dtype);
    const target = value instanceof Variable ? value.readValue() : value;
    if (options.zeroDebias ?? true) return assignDebiased(average, target, { rate, scope });
    return average.assignSub(towards(average, target, rate), { name: scope });
  });
}

/** (average − value)·rate */
function towards(average: Variable, value: Tensor, rate: Tensor): Tensor {
  return multiply(subtract(average.readValue(), value, 'sub'), rate, 'mul');
}

/** average ← biased / (1 − decayᵗ): `biased` starts at 0, and t counts the updates. */
function assignDebiased(
  average: Variable,
  value: Tensor,
  { rate, scope }: { readonly rate: Tensor; readonly scope: string },
): Tensor {
  const shape = average.shape as Dims;
  const biased = hidden(average, 'biased', shape);
  const step = hidden(average, 'local_step', []);
  const sum = biased.assignSub(towards(biased, value, rate));
  const updates = step.assignAdd(1);
  const factor = subtract(1, pow(subtract(1, rate), updates));
  return average.assign(divide(sum, factor), { name: scope });
}

function hidden(average: Variable, name: string, shape: Dims): Variable {
  return average.graph.nameScope(null, () =>
    variable(() => zeros(shape, { dtype: average.dtype }), { name: `${average.op.name}/${name}`, trainable: false }),
  );
}

export interface MovingAverageOptions {
  /** Steps so far: the decay is at most (1 + numUpdates)/(10 + numUpdates), so early averages follow faster. */
  readonly numUpdates?: number | Tensor | Variable;
  /** Averages of tensors (which start at 0) are corrected for it. Default false. */
  readonly zeroDebias?: boolean;
  /** Last part of the averages' names. Default ExponentialMovingAverage. */
  readonly name?: string;
}

/** Keeps averages of variables and tensors in variables `<variable>/ExponentialMovingAverage`. */
export class ExponentialMovingAverage {
  readonly name: string;
  readonly #decay: number | Tensor;
  readonly #options: MovingAverageOptions;
  readonly #averages = new Map<Variable | Tensor, Variable>();

  /** `decay` is close to 1, such as 0.999. */
  constructor(decay: number | Tensor, options: MovingAverageOptions = {}) {
    this.name = options.name ?? 'ExponentialMovingAverage';
    if (typeof decay === 'number' && !(decay >= 0 && decay <= 1)) {
      throw new InvalidArgumentError(`decay is ${decay}. Give a number from 0 to 1, such as 0.999.`, {
        opType: this.name,
      });
    }
    this.#decay = decay;
    this.#options = options;
  }

  /**
   * An operation that updates the averages of `list` (default: the trainable variables). Variables' averages start at their initial
   * values, tensors' at 0. Build it under controlDependencies of the training step to average what the step left.
   * @throws InvalidArgument for values that are not floats, or tensors of unknown shape.
   */
  apply(list: readonly (Variable | Tensor)[] = trainableVariables()): Operation {
    const debiased = new Set<Variable>();
    for (const x of list) {
      if (this.#averages.has(x)) continue;
      const made = this.#make(x);
      if (x instanceof Tensor && this.#options.zeroDebias === true) debiased.add(made);
      this.#averages.set(x, made);
    }
    return nameScope(this.name, (scope) => {
      const decay = this.#decayNow();
      const updates = list.map((x) => {
        const average = this.#averages.get(x) as Variable;
        return assignMovingAverage(average, x, decay, { zeroDebias: debiased.has(average) });
      });
      return group(updates, scope);
    });
  }

  #make(x: Variable | Tensor): Variable {
    if (!isFloating(x.dtype)) {
      throw new InvalidArgumentError(`"${x.name}" is ${x.dtype}. Averages are kept of floats only.`, {
        opType: this.name,
        nodeName: x.op.name,
      });
    }
    const { shape } = x;
    if (!isFullyDefined(shape)) {
      throw new InvalidArgumentError(
        `"${x.name}" has shape ${formatShape(shape)}; the average of a tensor needs a known shape. Set it with setShape(…).`,
        { opType: this.name, nodeName: x.op.name },
      );
    }
    const { graph } = x.op;
    const initial = x instanceof Variable ? x.initializedValue() : () => zeros(shape, { dtype: x.dtype });
    const made = graph.nameScope(null, () =>
      variable(initial, { name: `${x.op.name}/${this.name}`, trainable: false, dtype: x.dtype }),
    );
    if (x instanceof Variable && !graph.getCollection(GraphKeys.MOVING_AVERAGE_VARIABLES).includes(x)) {
      graph.addToCollection(GraphKeys.MOVING_AVERAGE_VARIABLES, x);
    }
    return made;
  }

  #decayNow(): Tensor {
    const decay = convertToTensor(this.#decay, { name: 'decay' });
    const { numUpdates } = this.#options;
    if (numUpdates === undefined) return decay;
    const n =
      typeof numUpdates === 'number'
        ? constant(numUpdates, { dtype: decay.dtype, name: 'num_updates' })
        : cast(numUpdates, decay.dtype, 'num_updates');
    return minimum(decay, divide(add(n, 1), add(n, 10)));
  }

  /** The variable that holds the average of `x`, or undefined before apply. */
  average(x: Variable | Tensor): Variable | undefined {
    return this.#averages.get(x);
  }

  /** Name of the average of `x` in checkpoints, also before apply. */
  averageName(x: Variable | Tensor): string {
    const known = this.#averages.get(x);
    if (known !== undefined) return known.op.name;
    const { graph } = x.op;
    return graph.nameScope(null, () => graph.uniqueName(`${x.op.name}/${this.name}`, false));
  }

  /**
   * Name in a checkpoint → variable to restore: averaged variables from their averages, all others from themselves.
   * `averaged` defaults to the trainable variables and collection MOVING_AVERAGE_VARIABLES.
   */
  variablesToRestore(averaged?: readonly Variable[]): Map<string, Variable> {
    const own = new Set(averaged ?? [...trainableVariables(), ...movingAverageVariables()]);
    const map = new Map([...own].map((v) => [this.averageName(v), v] as const));
    for (const v of globalVariables()) if (!own.has(v) && !map.has(v.op.name)) map.set(v.op.name, v);
    return map;
  }
}
