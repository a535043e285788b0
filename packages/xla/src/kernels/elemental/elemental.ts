/**
 * @file Values of a computation's instructions at an index, inside a kernel under construction. Element-wise operations compute,
 * shape operations move the index, leaves load. One emitter serves one place in a kernel (the body of one loop): what it computed
 * once it remembers.
 */
import { internal } from '../../hlo/errors.ts';
import { decoder } from '../../hlo/literals.ts';
import type { Computation, Instruction } from '../../hlo/module.ts';
import { type ArrayShape, elementBytes, elementCount } from '../../hlo/shape.ts';
import { isElementwise } from '../../hlo/traits.ts';
import { type Buffer, computeType, type Expr } from '../ir.ts';
import type { KernelBuilder } from '../kernelBuilder.ts';
import { emitElementwise } from './elementwise.ts';
import {
  type GridContext,
  type GridIndex,
  isUniform,
  laneIndex,
  linearize,
  perDimension,
  splitAll,
} from './gridIndex.ts';
import { fromLanes } from './lanes.ts';
import { indexKey, type Memo } from './memo.ts';
import { shapeRules } from './shapeRules.ts';

export { vectorLanes } from './lanes.ts';

/** Where an instruction's value comes from when the emitter does not compute it. */
export type Leaf =
  /** A row-major array of x.shape. */
  | { readonly kind: 'buffer'; readonly buffer: Buffer }
  /** A value that depends on the index, one position per dimension: the accumulator of a dot. */
  | { readonly kind: 'value'; readonly at: (index: readonly Expr[], lanes: number) => Expr }
  /** A value that is right wherever it is asked for: the parameters of a reducer, a finished reduction. */
  | { readonly kind: 'register'; readonly at: (lanes: number) => Expr };

export interface ElementalContext {
  readonly k: KernelBuilder;
  readonly leaf: (x: Instruction) => Leaf | undefined;
  /** Told when merged dimensions of the loop nest had to be divided; a loop schedule then keeps them apart. */
  readonly onSplit?: GridContext['onSplit'];
  /** Told of every load, or read of a register: the leaf, and where it is read. */
  readonly onLoad?: (x: Instruction, index: GridIndex, lanes: number) => void;
  /** Told of every value computed in several lanes. */
  readonly onVector?: (x: Instruction) => void;
  /** Told of every value that all lanes share, unless a branch guards it. */
  readonly onUniform?: (x: Instruction, index: GridIndex, lanes: number) => void;
}

export class ElementalEmitter {
  readonly k: KernelBuilder;
  private readonly context: ElementalContext;
  /** A stack: values computed inside a branch are forgotten at its end. */
  private readonly memos: Memo[];
  private readonly depth: number;

  /** `outer`: the emitter of an enclosing loop body, whose values are still there. */
  constructor(context: ElementalContext, outer?: ElementalEmitter) {
    this.k = context.k;
    this.context = context;
    this.memos = [...(outer?.memos ?? []), new Map()];
    this.depth = this.memos.length;
  }

  /**
   * Value of `x` at `index` (one s32 Expr per dimension of x); with lanes > 1 the values at index[last] … index[last] + lanes − 1.
   * The answer is a constant or bound to a local.
   */
  emit(x: Instruction, index: readonly Expr[], lanes: number): Expr {
    return this.emitAt(x, perDimension((x.shape as ArrayShape).dims, index, lanes), lanes);
  }

  /** As `emit`, at a grid index, whose groups say where the lanes stand. */
  emitAt(x: Instruction, index: GridIndex, lanes: number): Expr {
    return this.remember(`${x.id}@${lanes}${indexKey(index)}`, () => this.compute(x, index, lanes), x.opcode);
  }

  private remember(key: string, compute: () => Expr, name: string): Expr {
    for (const memo of this.memos) {
      const known = memo.get(key);
      if (known) return known;
    }
    const value = this.k.let(compute(), name);
    (this.memos[this.memos.length - 1] as Memo).set(key, value);
    return value;
  }

  /** Emits into a branch of an `if`: what is computed there is not remembered outside. */
  scoped<T>(body: () => T): T {
    this.memos.push(new Map());
    const result = body();
    this.memos.pop();
    return result;
  }

  /** Operand value where all lanes may turn out to read one element: then it is computed once and repeated. */
  operandAt(x: Instruction, index: GridIndex, lanes: number): Expr {
    if (lanes === 1 || !isUniform(index)) return this.emitAt(x, index, lanes);
    if (this.memos.length === this.depth) this.context.onUniform?.(x, index, lanes);
    const key = `${x.id}@1x${lanes}${indexKey(index)}`;
    return this.remember(key, () => this.k.splat(this.emitAt(x, index, 1), lanes), x.opcode);
  }

  /** A scalar on which lanes agree, like the start of a slice. */
  uniformAt(x: Instruction, index: GridIndex): Expr {
    if (this.memos.length === this.depth) this.context.onUniform?.(x, index, 1);
    return this.emitAt(x, index, 1);
  }

  grid(lanes: number): GridContext {
    return { k: this.k, lanes, onSplit: this.context.onSplit };
  }

  private compute(x: Instruction, index: GridIndex, lanes: number): Expr {
    if (lanes > 1) this.context.onVector?.(x);
    const leaf = this.context.leaf(x);
    if (leaf) return this.leafValue(leaf, x, index, lanes);
    if (isElementwise(x.opcode)) {
      const e = x as Instruction<Parameters<typeof emitElementwise>[1]['opcode']>;
      const args = e.operands.map((o) => this.sameShapeOperand(e, o, index, lanes));
      return emitElementwise(this.k, e, args);
    }
    if (x.opcode === 'constant') return this.splatConstant(x, lanes);
    const rule = shapeRules[x.opcode];
    if (!rule) throw internal(`${x.opcode} cannot be computed element by element; the fusion pass must leave it alone`);
    const value = rule(this, x as never, index, lanes);
    if (value) return value;
    // Lanes part ways (a boundary runs between them): each on its own.
    return fromLanes(
      this.k,
      Array.from({ length: lanes }, (_, lane) => this.emitAt(x, laneIndex(this.k, index, lane), 1)),
    );
  }

  /** Operands of element-wise instructions have its dims, or are scalars (select's pred, clamp's bounds). */
  private sameShapeOperand(x: Instruction, operand: Instruction, index: GridIndex, lanes: number): Expr {
    const same = (operand.shape as ArrayShape).dims.length === (x.shape as ArrayShape).dims.length;
    return same ? this.emitAt(operand, index, lanes) : this.operandAt(operand, { dims: [], groups: [] }, lanes);
  }

  private splatConstant(x: Instruction<'constant'>, lanes: number): Expr {
    const { shape, data } = x.attrs.literal;
    const first = data[0];
    const splat = first !== undefined && (data.length === 1 || data.every((v: number | bigint) => Object.is(v, first)));
    if (!splat) throw internal(`constant of ${data.length} different elements needs a buffer leaf`);
    return this.k.const(computeType[shape.dtype], decoder(shape.dtype)(first), lanes);
  }

  private leafValue(leaf: Leaf, x: Instruction, index: GridIndex, lanes: number): Expr {
    if (leaf.kind === 'buffer') {
      this.context.onLoad?.(x, index, lanes);
      return this.loadAt(leaf.buffer, index, lanes);
    }
    if (leaf.kind === 'register') {
      this.context.onLoad?.(x, index, lanes);
      return leaf.at(lanes);
    }
    const split = splitAll(this.grid(lanes), index);
    if (!split) throw internal(`lanes of ${x.opcode} part ways where its value sits in a register`);
    return leaf.at(
      split.groups.map((g) => g.at),
      lanes,
    );
  }

  /** Loads along the lanes: at once when they are neighbours, else one by one. */
  loadAt(buffer: Buffer, index: GridIndex, lanes: number): Expr {
    const { k } = this;
    const { at, step } = linearize(k, index);
    if (lanes === 1) return k.load(buffer, at);
    if (step === 1) return k.load(buffer, at, lanes);
    if (step === 0) return k.splat(k.load(buffer, at), lanes);
    const base = k.let(at, 'at');
    if (step === -1) {
      const forward = k.let(k.load(buffer, k.sub(base, lanes - 1), lanes), 'forward');
      return k.shuffle(
        forward,
        forward,
        Array.from({ length: lanes }, (_, i) => lanes - 1 - i),
      );
    }
    return fromLanes(
      k,
      Array.from({ length: lanes }, (_, i) => k.load(buffer, k.add(base, step * i))),
    );
  }
}

/** The value of a computation over scalars (a reducer, a comparator) for given arguments, which may be vectors. */
export function applyComputation(k: KernelBuilder, computation: Computation, args: readonly Expr[]): readonly Expr[] {
  const bound = args.map((a) => k.let(a, 'arg'));
  const lanes = Math.max(...bound.map((a) => a.type.lanes));
  const emitter = new ElementalEmitter({
    k,
    leaf: (x) => {
      if (x.opcode !== 'parameter') return undefined;
      const value = bound[x.attrs.index] as Expr;
      return { kind: 'register', at: () => k.splat(value, lanes) };
    },
  });
  const roots = computation.root.opcode === 'tuple' ? computation.root.operands : [computation.root];
  return roots.map((r) => emitter.emit(r, [], lanes));
}

/** Bytes of the arrays of a list of instructions. */
export function bytesOf(xs: readonly Instruction[]): number {
  let sum = 0;
  for (const { shape } of xs) if (shape.kind === 'array') sum += elementCount(shape.dims) * elementBytes[shape.dtype];
  return sum;
}
