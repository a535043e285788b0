/**
 * @file The HLO builder: makes interned, shape-checked instructions. Nothing is simplified here; that is the passes' work.
 * `HloBuilder.of(module)` continues an existing module, whose equal instructions keep their identity.
 */
import type { Builder, Value } from './builderApi.ts';
import { ElementwiseBuilder } from './builderElementwise.ts';
import { invalidArgument } from './errors.ts';
import { shapeOf } from './graph.ts';
import { InstructionFactory, ModuleState } from './instructionFactory.ts';
import type { Literal, Storage } from './literal.ts';
import { literalOf, type Scalar, scalarLiteral } from './literals.ts';
import type { Computation, InputOutputAlias, Instruction, Metadata, Module } from './module.ts';
import type {
  BinaryOpcode,
  CompareDirection,
  DotDimensionNumbers,
  FusionKind,
  GatherDimensionNumbers,
  NoAttrs,
  OpAttrs,
  Opcode,
  PadDim,
  UnaryOpcode,
  Window,
} from './opcodes.ts';
import { arrayShape, type ElementType, type Shape, sameShape, shapeText } from './shape.ts';

const none: NoAttrs = {};

type ScatterOptions = Parameters<Builder['scatter']>[3];
type SelectAndScatterOptions = Parameters<Builder['selectAndScatter']>[3];
type ConvolutionOptions = Parameters<Builder['convolution']>[2];
type SortOptions = Parameters<Builder['sort']>[1];

export class HloBuilder extends ElementwiseBuilder implements Builder {
  readonly #name: string;
  readonly #factory: InstructionFactory;

  /** A builder of a new module. `state` is given by builders to those of their sub-computations. */
  constructor(name: string, state: ModuleState = new ModuleState()) {
    super();
    this.#name = name;
    this.#factory = new InstructionFactory(state);
  }

  /** A builder that goes on where `module` ends: values equal to existing ones are those. */
  static of(module: Module): HloBuilder {
    const builder = new HloBuilder(module.name);
    builder.#factory.state.adopt(module);
    builder.#factory.adopt(module.entry);
    return builder;
  }

  /** A builder for a changed version of `computation`, in the same module. Its parameters exist already. */
  within(computation: Computation): HloBuilder {
    const builder = new HloBuilder(computation.name, this.#factory.state);
    builder.#factory.adopt(computation);
    return builder;
  }

  /** Any instruction; the other methods are this one with names. */
  make<K extends Opcode>(opcode: K, operands: readonly Value[], attrs: OpAttrs[K], declared?: Shape): Value {
    return this.#factory.make({ opcode, operands, attrs, ...(declared && { declared }) });
  }

  /** `x` on other operands (and attributes), with its metadata if it has any; `x` itself when nothing changed. */
  rebuild(x: Instruction, operands: readonly Value[], attrs: OpAttrs[Opcode] = x.attrs): Value {
    const same =
      attrs === x.attrs && operands.every((o, i) => o === x.operands[i]) && operands.length === x.operands.length;
    if (same && this.#factory.owns(x)) return x;
    const origin = x.metadata.opName === undefined ? {} : { metadata: x.metadata };
    return this.#factory.make<Opcode>({ opcode: x.opcode, operands, attrs, declared: x.shape, ...origin });
  }

  parameter(index: number, shape: Shape, name = `arg${index}`): Value {
    return this.make('parameter', [], { index, name }, shape);
  }

  constant(literal: Literal): Value {
    return this.make('constant', [], { literal });
  }

  scalar(value: Scalar, dtype: ElementType): Value {
    return this.constant(scalarLiteral(value, dtype));
  }

  full(value: Scalar, dtype: ElementType, dims: readonly number[]): Value {
    const scalar = this.scalar(value, dtype);
    return dims.length === 0 ? scalar : this.broadcast(scalar, dims, []);
  }

  array(data: Storage, dtype: ElementType, dims: readonly number[]): Value {
    return this.constant(literalOf(data, dtype, dims));
  }

  iota(dtype: ElementType, dims: readonly number[], dimension: number): Value {
    return this.make('iota', [], { dimension }, arrayShape(dtype, dims));
  }

  override unary(opcode: UnaryOpcode, x: Value): Value {
    return this.make(opcode, [x], none);
  }

  override binary(opcode: BinaryOpcode, a: Value, b: Value): Value {
    return this.make(opcode, [a, b], none);
  }

  compare(direction: CompareDirection, a: Value, b: Value): Value {
    return this.make('compare', [a, b], { direction });
  }

  select(pred: Value, onTrue: Value, onFalse: Value): Value {
    return this.make('select', [pred, onTrue, onFalse], none);
  }

  clamp(min: Value, x: Value, max: Value): Value {
    return this.make('clamp', [min, x, max], none);
  }

  convert(x: Value, to: ElementType): Value {
    return this.make('convert', [x], { to });
  }

  bitcastConvert(x: Value, to: ElementType): Value {
    return this.make('bitcast-convert', [x], { to });
  }

  broadcast(x: Value, dims: readonly number[], dimensions: readonly number[]): Value {
    return this.make('broadcast', [x], { dimensions, dims });
  }

  reshape(x: Value, dims: readonly number[]): Value {
    return this.make('reshape', [x], { dims });
  }

  transpose(x: Value, permutation: readonly number[]): Value {
    return this.make('transpose', [x], { permutation });
  }

  slice(x: Value, starts: readonly number[], limits: readonly number[], strides = starts.map(() => 1)): Value {
    return this.make('slice', [x], { starts, limits, strides });
  }

  pad(x: Value, value: Value, padding: readonly PadDim[]): Value {
    return this.make('pad', [x, value], { padding });
  }

  concatenate(xs: readonly Value[], dimension: number): Value {
    return this.make('concatenate', xs, { dimension });
  }

  reverse(x: Value, dimensions: readonly number[]): Value {
    return this.make('reverse', [x], { dimensions });
  }

  gather(x: Value, indices: Value, dimensionNumbers: GatherDimensionNumbers, sliceSizes: readonly number[]): Value {
    return this.make('gather', [x, indices], { dimensionNumbers, sliceSizes });
  }

  scatter(x: Value, indices: Value, updates: Value, { dimensionNumbers, computation }: ScatterOptions): Value {
    return this.make('scatter', [x, indices, updates], { dimensionNumbers, computation });
  }

  dynamicSlice(x: Value, starts: readonly Value[], sizes: readonly number[]): Value {
    return this.make('dynamic-slice', [x, ...starts], { sizes });
  }

  dynamicUpdateSlice(x: Value, update: Value, starts: readonly Value[]): Value {
    return this.make('dynamic-update-slice', [x, update, ...starts], none);
  }

  copy(x: Value): Value {
    return this.make('copy', [x], none);
  }

  reduce(
    xs: readonly Value[],
    inits: readonly Value[],
    dimensions: readonly number[],
    computation: Computation,
  ): Value {
    return this.make('reduce', [...xs, ...inits], { dimensions, computation });
  }

  reduceWindow(x: Value, init: Value, window: Window, computation: Computation): Value {
    return this.make('reduce-window', [x, init], { window, computation });
  }

  selectAndScatter(x: Value, source: Value, init: Value, { window, select, scatter }: SelectAndScatterOptions): Value {
    return this.make('select-and-scatter', [x, source, init], { window, select, scatter });
  }

  dot(a: Value, b: Value, dimensionNumbers: DotDimensionNumbers): Value {
    return this.make('dot', [a, b], { dimensionNumbers });
  }

  convolution(lhs: Value, rhs: Value, options: ConvolutionOptions): Value {
    const { window, dimensionNumbers, featureGroupCount = 1, batchGroupCount = 1 } = options;
    return this.make('convolution', [lhs, rhs], { window, dimensionNumbers, featureGroupCount, batchGroupCount });
  }

  sort(xs: readonly Value[], { dimension, comparator, stable = true }: SortOptions): Value {
    return this.make('sort', xs, { dimension, stable, comparator });
  }

  topK(x: Value, k: number): Value {
    return this.make('top-k', [x], { k });
  }

  rngBitGenerator(state: Value, dtype: 'u32' | 'u64', dims: readonly number[]): Value {
    return this.make('rng-bit-generator', [state], { dtype, dims });
  }

  while(init: Value, condition: Computation, body: Computation): Value {
    return this.make('while', [init], { condition, body });
  }

  conditional(selector: Value, branches: readonly Computation[], operands: readonly Value[]): Value {
    return this.make('conditional', [selector, ...operands], { branches });
  }

  call(computation: Computation, operands: readonly Value[]): Value {
    return this.make('call', operands, { computation });
  }

  fusion(kind: FusionKind, computation: Computation, operands: readonly Value[]): Value {
    return this.make('fusion', operands, { kind, computation });
  }

  customCall(operands: readonly Value[], attrs: OpAttrs['custom-call']): Value {
    return this.make('custom-call', operands, attrs);
  }

  allReduce(x: Value, computation: Computation, replicaGroups: readonly (readonly number[])[]): Value {
    return this.make('all-reduce', [x], { computation, replicaGroups });
  }

  tuple(xs: readonly Value[]): Value {
    return this.make('tuple', xs, none);
  }

  getTupleElement(x: Value, index: number): Value {
    return this.make('get-tuple-element', [x], { index });
  }

  computation(
    name: string,
    parameters: readonly Shape[],
    body: (b: HloBuilder, ...parameters: Value[]) => Value,
  ): Computation {
    const inner = this.subBuilder(name);
    const values = parameters.map((shape, i) => inner.parameter(i, shape));
    return inner.finish(body(inner, ...values));
  }

  /** A builder of a computation of the same module, to be ended with `finish`. */
  subBuilder(name: string): HloBuilder {
    return new HloBuilder(name, this.#factory.state);
  }

  /** Ends a sub-computation at `root`; one with the same body as an earlier one is that one. */
  finish(root: Value): Computation {
    const { state } = this.#factory;
    return state.intern(this.#factory.finish(state.uniqueName(this.#name), root));
  }

  reducer(opcode: BinaryOpcode, dtype: ElementType): Computation {
    const scalar = arrayShape(dtype, []);
    return this.computation(`${opcode}.${dtype}`, [scalar, scalar], (b, x, y) =>
      b.binary(opcode, x as Value, y as Value),
    );
  }

  withMetadata<T>(metadata: Metadata, body: () => T): T {
    const { state } = this.#factory;
    const before = state.metadata;
    state.metadata = metadata;
    try {
      return body();
    } finally {
      state.metadata = before;
    }
  }

  build(results: readonly Value[], aliases: readonly InputOutputAlias[] = []): Module {
    for (const [i, x] of results.entries()) shapeOfResult(x, i);
    const root = this.tuple(results);
    const entry = this.#factory.finish(this.#name, root);
    for (const alias of aliases) checkAlias(entry, alias);
    return { name: this.#name, entry, aliases };
  }
}

function shapeOfResult(x: Value, i: number): void {
  if (x.shape.kind === 'tuple') {
    throw invalidArgument(
      `result ${i} is the tuple ${shapeText(x.shape)}; results of a module are arrays. Take its elements with getTupleElement.`,
    );
  }
}

/** Throws InvalidArgument unless the alias names a result and a parameter of one shape. */
export function checkAlias(entry: Computation, { output, parameter }: InputOutputAlias): void {
  const result = entry.root.operands[output];
  const p = entry.parameters[parameter];
  if (result === undefined || p === undefined) {
    throw invalidArgument(
      `alias of result ${output} with parameter ${parameter}: there are ${entry.root.operands.length} results and ${entry.parameters.length} parameters.`,
    );
  }
  if (!sameShape(shapeOf(result), p.shape)) {
    throw invalidArgument(
      `alias of result ${output} ${shapeText(result.shape)} with parameter ${parameter} ${shapeText(p.shape)}: shapes differ.`,
    );
  }
}
