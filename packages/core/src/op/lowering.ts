/**
 * @file Turns nodes into HLO by their records' `lower`, in the order asked. The session lowers clusters with it, constant folding
 * lowers small subgraphs; what differs between them (parameters, state) comes from outside.
 */
import { type Builder, dimsOf, dtypeOf, evaluateConstant, type Value } from '@tsflow/xla';
import type { DType } from '../dtype.ts';
import { InvalidArgumentError, TensorFlowError, UnimplementedError } from '../errors.ts';
import type { Operation } from '../graph/operation.ts';
import type { Tensor } from '../graph/tensor.ts';
import { fromLiteral, type NdArray } from '../ndarray.ts';
import { type Dims, formatShape, isFullyDefined, type PartialShape } from '../shape.ts';
import { numbersOf, partialNumbers } from './constantNumbers.ts';
import { byName, expandArgs, flatten } from './nodeArgs.ts';
import type { LowerContext, Named, ShapeContext, StateRef } from './record.ts';
import { type Arg, isList, isState } from './signature.ts';

/** State that lowered nodes use; the session makes parameters and results of it. */
export interface LoweringState {
  read(ref: StateRef, reader: Operation): Value;
  write(ref: StateRef, value: Value, writer: Operation): void;
  /** The u64[2] Philox state (key, counter) of a random node, and where its successor goes. */
  readRandom(op: Operation): Value;
  writeRandom(op: Operation, state: Value): void;
}

export type Lowered = Value | StateRef;

export function isStateRef(x: Lowered): x is StateRef {
  return 'kind' in x && x.kind === 'state';
}

/** The state that a node owns. Nodes with one shared_name share it. */
export function stateOf(op: Operation): StateRef {
  const shared = op.attrs['shared_name'];
  const key = typeof shared === 'string' && shared !== '' ? shared : op.name;
  return {
    kind: 'state',
    key,
    op,
    dtype: op.attrs['dtype'] as DType,
    shape: (op.attrs['shape'] ?? null) as PartialShape,
  };
}

export class Lowering {
  readonly builder: Builder;
  readonly #state: LoweringState;
  readonly #values = new Map<Tensor, Lowered>();

  constructor(builder: Builder, state: LoweringState) {
    this.builder = builder;
    this.#state = state;
  }

  /** Gives a tensor its value from outside: a feed, a value of another cluster, a state. */
  bind(tensor: Tensor, value: Lowered): void {
    this.#values.set(tensor, value);
  }

  has(tensor: Tensor): boolean {
    return this.#values.has(tensor);
  }

  /** What a lowered tensor is: a value, or the state it refers to. */
  get(tensor: Tensor): Lowered | undefined {
    return this.#values.get(tensor);
  }

  /** Value of a lowered tensor; a reference is read now. */
  value(tensor: Tensor, reader: Operation): Value {
    const x = this.#values.get(tensor);
    if (x === undefined) throw new InvalidArgumentError(`internal: "${tensor.name}" was used before it was lowered.`);
    return isStateRef(x) ? this.#state.read(x, reader) : x;
  }

  /** Lowers one node; its inputs are lowered or bound before. */
  lower(op: Operation): void {
    const { lower } = op.record;
    if (lower === undefined) throw new UnimplementedError('the op has no compiled form.', originOf(op));
    const flat = expandArgs(op.record.inputs, op.attrs).map((arg, i) => this.#input(arg, op.inputs[i] as Tensor, op));
    const inputs = byName(op.record.inputs, flat, op.attrs);
    const outputs = this.builder.withMetadata({ opName: op.name, opType: op.type }, () => {
      try {
        const context = new NodeLowering(this.builder, op, inputs, this.#state);
        context.checkShapes();
        return lower(this.builder, inputs, context);
      } catch (error) {
        if (error instanceof TensorFlowError) throw error;
        throw new InvalidArgumentError(`the op cannot be compiled: ${(error as Error).message}`, {
          ...originOf(op),
          cause: error,
        });
      }
    });
    this.#store(op, outputs);
  }

  #input(arg: Arg, tensor: Tensor, op: Operation): Lowered {
    const x = this.#values.get(tensor);
    if (isState(arg) && x !== undefined) return x;
    return this.value(tensor, op);
  }

  #store(op: Operation, outputs: Named<Lowered>): void {
    const flat = flatten(op.record.outputs, outputs);
    for (const [i, t] of op.outputs.entries()) {
      const x = flat[i];
      // A fed tensor keeps its feed, a reference its state.
      if (x !== undefined && !this.#values.has(t)) this.#values.set(t, x);
    }
  }
}

export function originOf(op: Operation): { opType: string; nodeName: string } {
  return { opType: op.type, nodeName: op.name };
}

/** A value that decides shapes is not known. `parameters`: the entry parameters it comes from; with their values it would be. */
export class NeedsConstantError extends UnimplementedError {
  readonly parameters: ReadonlySet<number>;

  constructor(text: string, op: Operation, operands: readonly Lowered[]) {
    super(text, originOf(op));
    this.parameters = parametersBelow(operands.filter((x): x is Value => !isStateRef(x)));
  }
}

/** Indices of the integer parameters that values are computed from. */
function parametersBelow(roots: readonly Value[]): ReadonlySet<number> {
  const found = new Set<number>();
  const seen = new Set<Value>();
  const stack = [...roots];
  for (let x = stack.pop(); x !== undefined; x = stack.pop()) {
    if (seen.has(x)) continue;
    seen.add(x);
    stack.push(...x.operands);
    if (x.opcode === 'parameter' && /^[su]/.test(dtypeOf(x))) found.add(x.attrs.index);
  }
  return found;
}

/** The context of one node's `lower`; its functions may be taken out of it. */
class NodeLowering implements LowerContext {
  readonly op: Operation;
  readonly #builder: Builder;
  readonly #inputs: Named<Lowered>;
  readonly #state: LoweringState;
  #shapes: Named<PartialShape> | undefined;

  constructor(builder: Builder, op: Operation, inputs: Named<Lowered>, state: LoweringState) {
    this.op = op;
    this.#builder = builder;
    this.#inputs = inputs;
    this.#state = state;
  }

  get attrs(): Operation['attrs'] {
    return this.op.attrs;
  }

  /** Where shapes were open when the graph was built, the op's shape function says now what does not fit. */
  checkShapes(): void {
    if (this.op.inputs.some((t) => !isFullyDefined(t.shape))) this.#outputShapes();
  }

  #outputShapes(): Named<PartialShape> {
    this.#shapes ??= this.op.record.shape(this.#inputShapes(), this.#shapeContext());
    return this.#shapes;
  }

  readonly dims = (output: string, i = 0): Dims => {
    const found = this.#outputShapes()[output];
    const arg = this.op.record.outputs.find((a) => a.name === output);
    const shape = (arg !== undefined && isList(arg) ? (found as readonly PartialShape[])[i] : found) as PartialShape;
    if (shape !== undefined && isFullyDefined(shape)) return shape;
    throw new NeedsConstantError(
      `the shape ${formatShape(shape ?? null)} of ${output} depends on values computed in the run. Compiled ops need shapes known from the feeds.`,
      this.op,
      Object.values(this.#inputs).flatMap((x) => (Array.isArray(x) ? x : [x])),
    );
  };

  #inputShapes(): Named<PartialShape> {
    const shapeOf = (x: Lowered): PartialShape => (isStateRef(x) ? (x.op.outputs[0]?.isRef ? x.shape : []) : dimsOf(x));
    return Object.fromEntries(
      Object.entries(this.#inputs).map(([name, x]) => [
        name,
        Array.isArray(x) ? x.map(shapeOf) : shapeOf(x as Lowered),
      ]),
    );
  }

  #shapeContext(): ShapeContext {
    const known = (input: string): NdArray | undefined => {
      const x = this.#inputs[input];
      return x === undefined || Array.isArray(x) || isStateRef(x as Lowered) ? undefined : this.tryConstant(x as Value);
    };
    return {
      attrs: this.op.attrs,
      dtype: (input) => inputDtype(this.op, input),
      constant: known,
      constantNumbers: (input) => numbersOf(known(input)),
      constantShape: (input) => partialNumbers(known(input)),
      stateShape: (input) => {
        const x = this.#inputs[input];
        return x !== undefined && !Array.isArray(x) && isStateRef(x as Lowered) ? (x as StateRef).shape : null;
      },
      fail: (text) => this.fail(text),
    };
  }

  readonly constant = (operand: Value): NdArray => {
    const found = this.tryConstant(operand);
    if (found !== undefined) return found;
    const name = Object.entries(this.#inputs).find(([, x]) => x === operand)?.[0] ?? 'an operand';
    throw new NeedsConstantError(
      `${name} decides shapes and must be known before the run: a constant, or computed from shapes and constants. It depends on computed values.`,
      this.op,
      [operand],
    );
  };

  readonly numbers = (operand: Value): number[] => {
    return this.constant(operand).toNumbers();
  };

  readonly tryConstant = (operand: Value): NdArray | undefined => {
    const literal = evaluateConstant(operand);
    return literal === undefined ? undefined : fromLiteral(literal);
  };

  readonly readState = (ref: StateRef): Value => {
    return this.#state.read(ref, this.op);
  };

  readonly writeState = (ref: StateRef, value: Value): void => {
    this.#state.write(ref, value, this.op);
  };

  readonly randomBits = (dtype: 'u32' | 'u64', dims: Dims): Value => {
    const b = this.#builder;
    const both = b.rngBitGenerator(this.#state.readRandom(this.op), dtype, dims);
    this.#state.writeRandom(this.op, b.getTupleElement(both, 0));
    return b.getTupleElement(both, 1);
  };

  readonly fail = (text: string): never => {
    throw new InvalidArgumentError(text, originOf(this.op));
  };
}

function inputDtype(op: Operation, input: string): Tensor['dtype'] {
  const args = expandArgs(op.record.inputs, op.attrs);
  const i = args.findIndex((arg) => arg.name === input);
  return (op.inputs[i] as Tensor).dtype;
}
