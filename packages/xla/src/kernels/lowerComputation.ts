/**
 * @file Turns a computation into steps on slots: asks a schedule for every instruction and decides which values share memory.
 * A result is written where its caller wants it (variables in place) whenever nobody reads the old content later; an elementwise value
 * takes over its dying operand's slot; loop state stays in place. Copies appear only where that fails.
 */
import { internal } from '../hlo/errors.ts';
import { literalBytes } from '../hlo/literals.ts';
import type { Computation, Instruction } from '../hlo/module.ts';
import { byteSize } from '../hlo/shape.ts';
import type { ConstantImage } from './constantImage.ts';
import { copyKernel } from './copyKernel.ts';
import { analyseLeaves, invariantState, isForwarding, type Leaf } from './leaves.ts';
import { orderInstructions } from './order.ts';
import type { ArgRef, Schedule, Scheduled } from './schedule.ts';
import type { LogicalStep, Slot, SlotFactory } from './slots.ts';
import type { Target } from './target.ts';

export interface LoweringContext {
  readonly target: Target;
  readonly schedule: Schedule;
  readonly constants: ConstantImage;
  readonly slots: SlotFactory;
}

export interface Lowered {
  readonly steps: readonly LogicalStep[];
  /** Where each array of the result is: `targets[i]` when given. */
  readonly results: readonly Slot[];
}

/** The TF node an instruction came from, or its opcode. */
export function originOf(x: Instruction): string {
  if (x.metadata.opName) return x.metadata.opName;
  return x.opcode === 'fusion' ? originOf(x.attrs.computation.root) : x.opcode;
}

/**
 * Steps that compute `computation` from `parameters` (one slot per array). Result i ends in `targets[i]`, which may be a parameter's slot:
 * then the old content is lost at the end. Other parameters are never written.
 */
export function lowerComputation(
  computation: Computation,
  parameters: readonly Slot[],
  targets: readonly (Slot | undefined)[],
  context: LoweringContext,
): Lowered {
  return new ComputationLowering(computation, parameters, targets, context).lower();
}

class ComputationLowering {
  private readonly computation: Computation;
  private readonly targets: readonly (Slot | undefined)[];
  private readonly context: LoweringContext;
  private readonly order: readonly Instruction[];
  private readonly leaves: ReadonlyMap<Instruction, readonly Leaf[]>;
  private readonly slotOf = new Map<Leaf, Slot>();
  /** The slot a result should be made in. */
  private readonly wanted = new Map<Leaf, Slot>();
  /** Parameter arrays by slot, for "who still reads the old content". */
  private readonly held = new Map<Slot, Leaf[]>();
  private readonly steps: LogicalStep[] = [];

  constructor(
    computation: Computation,
    parameters: readonly Slot[],
    targets: readonly (Slot | undefined)[],
    context: LoweringContext,
  ) {
    this.computation = computation;
    this.targets = targets;
    this.context = context;
    const pairs = this.aliasPairs(parameters);
    this.order = [...computation.parameters, ...orderInstructions(computation, pairs)];
    this.leaves = analyseLeaves(this.order);
    const arrays = computation.parameters.flatMap((p) => this.leavesOf(p));
    for (const [i, leaf] of arrays.entries()) {
      const slot = parameters[i];
      if (!slot) throw internal(`${computation.name} takes ${arrays.length} arrays, got ${parameters.length} slots`);
      this.slotOf.set(leaf, slot);
      this.held.set(slot, [...(this.held.get(slot) ?? []), leaf]);
    }
  }

  lower(): Lowered {
    this.planResults();
    for (const [place, x] of this.order.entries()) this.lowerInstruction(x, place);
    this.finishResults();
    const results = this.leavesOf(this.computation.root).map((leaf, i) => this.targets[i] ?? this.slot(leaf));
    return { steps: this.steps, results };
  }

  /** Pairs (result array, parameter array) that share a slot, for the order: readers of the old value go first. */
  private aliasPairs(parameters: readonly Slot[]): { readonly output: number; readonly parameter: number }[] {
    return this.targets.flatMap((t, output) => {
      const parameter = t ? parameters.indexOf(t) : -1;
      return parameter < 0 ? [] : [{ output, parameter }];
    });
  }

  private leavesOf(x: Instruction): readonly Leaf[] {
    return this.leaves.get(x) as readonly Leaf[];
  }

  private slot(leaf: Leaf): Slot {
    const slot = this.slotOf.get(leaf);
    if (!slot) throw internal(`${leaf.producer.opcode} in ${this.computation.name} has no memory yet`);
    return slot;
  }

  /** Wishes of results, and copies of parameters to fresh results, which go first so that updates in place may follow. */
  private planResults(): void {
    for (const [i, leaf] of this.leavesOf(this.computation.root).entries()) {
      const target = this.targets[i];
      const source = this.slotOf.get(leaf);
      if (target && source && this.goesFirst(leaf, target)) {
        this.copy(source, target, leaf);
        continue;
      }
      leaf.lastUse = Number.POSITIVE_INFINITY;
      if (target && !source && !this.wanted.has(leaf) && leaf.producer.opcode !== 'constant') {
        this.wanted.set(leaf, target);
      }
    }
    for (const [leaf, target] of this.wanted) this.wantStart(leaf, target);
  }

  /** What a loop starts from is best made where its result is wanted, if only the loop reads it. */
  private wantStart(leaf: Leaf, target: Slot): void {
    const loop = leaf.producer;
    if (loop.opcode !== 'while') return;
    const init = this.leavesOf(loop.operands[0] as Instruction);
    const start = init[leaf.output] as Leaf;
    const once = init.filter((other) => other === start).length === 1;
    const made = start.producer.opcode !== 'parameter' && start.producer.opcode !== 'constant';
    if (made && once && start.lastUse === leaf.made && !this.wanted.has(start)) this.wanted.set(start, target);
  }

  /** A parameter that is a result in fresh memory is copied before anything can overwrite it. */
  private goesFirst(leaf: Leaf, target: Slot): boolean {
    return leaf.producer.opcode === 'parameter' && !this.held.has(target);
  }

  private finishResults(): void {
    const moves = this.leavesOf(this.computation.root).flatMap((leaf, i) => {
      const to = this.targets[i];
      const from = this.slot(leaf);
      return !to || from === to || this.goesFirst(leaf, to) ? [] : [{ from, to, leaf }];
    });
    // A source that another move overwrites is saved first: (a, b) → (b, a).
    const saved = new Map<Slot, Slot>();
    for (const { from, leaf } of moves) {
      if (saved.has(from) || !moves.some((m) => m.to === from)) continue;
      const temporary = this.context.slots.make(byteSize(leaf.shape));
      this.copy(from, temporary, leaf);
      saved.set(from, temporary);
    }
    for (const { from, to, leaf } of moves) this.copy(saved.get(from) ?? from, to, leaf);
  }

  private copy(from: Slot, to: Slot, { shape, producer }: Leaf): void {
    const bytes = byteSize(shape);
    if (bytes === 0) return;
    const kernel = copyKernel(bytes, this.context.target);
    this.steps.push({ kind: 'kernel', kernel, args: [from, to], opName: originOf(producer) });
  }

  private lowerInstruction(x: Instruction, place: number): void {
    if (isForwarding(x) || x.opcode === 'parameter') return;
    switch (x.opcode) {
      case 'constant': {
        const data = literalBytes(x.attrs.literal);
        const offset = this.context.constants.add(data);
        const [leaf] = this.leavesOf(x);
        this.slotOf.set(leaf as Leaf, this.context.slots.make(data.length, { space: 'constant', offset }));
        return;
      }
      case 'while':
        this.lowerWhile(x, place);
        return;
      case 'conditional':
        this.lowerConditional(x, place);
        return;
      case 'call': {
        const { steps } = lowerComputation(
          x.attrs.computation,
          this.operandSlots(x),
          this.freshOutputs(x, place),
          this.context,
        );
        this.steps.push(...steps);
        return;
      }
      default:
        this.lowerScheduled(x, this.context.schedule(x, this.context.target), place);
    }
  }

  private operandSlots(x: Instruction): Slot[] {
    return x.operands.flatMap((o) => this.leavesOf(o)).map((leaf) => this.slot(leaf));
  }

  private lowerScheduled(x: Instruction, scheduled: Scheduled, place: number): void {
    const operands = x.operands.flatMap((o) => this.leavesOf(o));
    const taken: Slot[] = [];
    const outputs = this.leavesOf(x).map((leaf) => {
      const slot =
        this.wantedSlot(leaf, place, taken, (s) => this.overwritable(s, leaf.output, operands, scheduled)) ??
        this.inheritedSlot(leaf, place, taken, { operands, scheduled }) ??
        this.context.slots.make(byteSize(leaf.shape));
      taken.push(slot);
      this.slotOf.set(leaf, slot);
      return slot;
    });
    const scratch = scheduled.scratch.map((bytes) => this.context.slots.make(bytes));
    const inputs = operands.map((leaf) => this.slot(leaf));
    const memory = (arg: ArgRef): Slot => {
      if (arg.kind === 'constant') {
        const offset = this.context.constants.add(arg.data);
        return this.context.slots.make(arg.data.length, { space: 'constant', offset });
      }
      const found = { operand: inputs, output: outputs, scratch }[arg.kind][arg.index];
      if (!found) throw internal(`the schedule of ${x.opcode} names ${arg.kind} ${arg.index}, which does not exist`);
      return found;
    };
    for (const { operand, output } of scheduled.copied ?? []) {
      const [from, to] = [inputs[operand] as Slot, outputs[output] as Slot];
      if (from !== to) this.copy(from, to, operands[operand] as Leaf);
    }
    for (const { kernel, args } of scheduled.launches) {
      this.steps.push({ kind: 'kernel', kernel, args: args.map(memory), opName: originOf(x) });
    }
  }

  /** The slot a result should be made in, if its old content is dead by now (or read in step by this very instruction). */
  private wantedSlot(
    leaf: Leaf,
    place: number,
    taken: readonly Slot[],
    inStep: (slot: Slot) => boolean,
  ): Slot | undefined {
    const slot = this.wanted.get(leaf);
    if (!slot || taken.includes(slot)) return undefined;
    const lastRead = Math.max(-1, ...(this.held.get(slot) ?? []).map((old) => old.lastUse));
    if (lastRead < place) return slot;
    return lastRead === place && inStep(slot) ? slot : undefined;
  }

  /** Every operand in `slot` is read in step with the writing of `output`. */
  private overwritable(slot: Slot, output: number, operands: readonly Leaf[], { inPlace }: Scheduled): boolean {
    return operands.every(
      (leaf, i) => this.slot(leaf) !== slot || inPlace.some((p) => p.operand === i && p.output === output),
    );
  }

  /** A dying operand's slot that `leaf` may take over. */
  private inheritedSlot(
    leaf: Leaf,
    place: number,
    taken: readonly Slot[],
    { operands, scheduled }: { readonly operands: readonly Leaf[]; readonly scheduled: Scheduled },
  ): Slot | undefined {
    const bytes = byteSize(leaf.shape);
    for (const { operand, output } of scheduled.inPlace) {
      const old = operands[operand];
      if (output !== leaf.output || !old || !this.dies(old, place)) continue;
      const slot = this.slot(old);
      if (slot.bytes < bytes || slot.bytes > 2 * Math.max(bytes, 64) || taken.includes(slot)) continue;
      if (this.overwritable(slot, output, operands, scheduled)) return slot;
    }
    return undefined;
  }

  /** `leaf` is read here for the last time and its memory is ours to give away. */
  private dies(leaf: Leaf, place: number): boolean {
    const slot = this.slot(leaf);
    return leaf.lastUse <= place && slot.home.space === 'arena' && !this.held.has(slot);
  }

  private freshOutputs(x: Instruction, place: number): Slot[] {
    const taken: Slot[] = [];
    return this.leavesOf(x).map((leaf) => {
      const slot = this.wantedSlot(leaf, place, taken, () => false) ?? this.context.slots.make(byteSize(leaf.shape));
      taken.push(slot);
      this.slotOf.set(leaf, slot);
      return slot;
    });
  }

  private lowerConditional(x: Instruction<'conditional'>, place: number): void {
    const [selector, ...operands] = x.operands as [Instruction, ...Instruction[]];
    const outputs = this.freshOutputs(x, place);
    const branches = x.attrs.branches.map((branch, i) => {
      const operand = operands[i] as Instruction;
      const slots = this.leavesOf(operand).map((leaf) => this.slot(leaf));
      return lowerComputation(branch, slots, outputs, this.context).steps;
    });
    const [leaf] = this.leavesOf(selector) as [Leaf];
    const selectorType = leaf.shape.dtype === 'pred' ? 'pred' : 's32';
    this.steps.push({ kind: 'conditional', selector: this.slot(leaf), selectorType, branches });
  }

  private lowerWhile(x: Instruction<'while'>, place: number): void {
    const init = this.leavesOf(x.operands[0] as Instruction);
    const invariant = invariantState(x.attrs.body);
    const taken: Slot[] = [];
    const state = this.leavesOf(x).map((leaf, i) => {
      const start = init[i] as Leaf;
      if (invariant[i]) return this.slot(start);
      const slot = this.stateSlot(leaf, start, place, { init, taken });
      taken.push(slot);
      return slot;
    });
    for (const [i, leaf] of this.leavesOf(x).entries()) {
      if (invariant[i]) continue;
      const slot = state[i] as Slot;
      const from = this.slot(init[i] as Leaf);
      if (from !== slot) this.copy(from, slot, leaf);
      this.slotOf.set(leaf, slot);
    }
    const predicate = this.context.slots.make(1);
    const condition = lowerComputation(x.attrs.condition, state, [predicate], this.context).steps;
    const targets = state.map((slot, i) => (invariant[i] ? undefined : slot));
    const body = lowerComputation(x.attrs.body, state, targets, this.context).steps;
    this.steps.push({ kind: 'while', condition, predicate, body });
  }

  /** Memory of one array of a loop's state: where its result is wanted, its dying start value's, or new. */
  private stateSlot(
    leaf: Leaf,
    start: Leaf,
    place: number,
    { init, taken }: { readonly init: readonly Leaf[]; readonly taken: readonly Slot[] },
  ): Slot {
    const onlyStart = (slot: Slot): boolean =>
      this.slot(start) === slot && init.filter((other) => this.slot(other) === slot).length === 1;
    const wanted = this.wantedSlot(leaf, place, taken, onlyStart);
    if (wanted) return wanted;
    const slot = this.slot(start);
    const usable = this.dies(start, place) && onlyStart(slot) && !taken.includes(slot);
    return usable ? slot : this.context.slots.make(byteSize(leaf.shape));
  }
}
