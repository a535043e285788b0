/** @file Writes grouped instructions as `fusion`s: each group becomes a computation with its inputs as parameters, in order of groups. */
import type { HloBuilder } from '../hlo/builder.ts';
import type { Value } from '../hlo/builderApi.ts';
import { internal } from '../hlo/errors.ts';
import type { Instruction } from '../hlo/module.ts';
import type { FusionKind } from '../hlo/opcodes.ts';
import type { FusionGraph, Group } from './fusionGraph.ts';
import { isFree } from './fusionTraits.ts';

/**
 * The root of `graph`'s computation, rebuilt in `b` on `parameters` with fusions. `attrsOf` answers attributes with inner computations
 * fused too.
 */
export function buildFusions(
  b: HloBuilder,
  graph: FusionGraph,
  parameters: readonly Value[],
  attrsOf: (x: Instruction) => Instruction['attrs'],
): Value {
  return new FusionWriter(b, graph, attrsOf).write(parameters);
}

class FusionWriter {
  private readonly b: HloBuilder;
  private readonly graph: FusionGraph;
  private readonly attrsOf: (x: Instruction) => Instruction['attrs'];
  private readonly values = new Map<Instruction, Value>();

  constructor(b: HloBuilder, graph: FusionGraph, attrsOf: (x: Instruction) => Instruction['attrs']) {
    this.b = b;
    this.graph = graph;
    this.attrsOf = attrsOf;
  }

  write(parameters: readonly Value[]): Value {
    const { computation } = this.graph;
    for (const [i, p] of computation.parameters.entries()) this.values.set(p, parameters[i] as Value);
    for (const group of this.groupOrder()) this.writeGroup(group);
    return this.valueOf(computation.root);
  }

  /** Groups, each after those it reads. */
  private groupOrder(): Group[] {
    const done = new Set<Group>();
    const open = new Set<Group>();
    const order: Group[] = [];
    const visit = (g: Group): void => {
      if (done.has(g)) return;
      if (open.has(g)) throw internal('fusion groups form a cycle');
      open.add(g);
      for (const x of this.graph.inputsOf(g)) if (x.opcode !== 'parameter') visit(this.graph.groupOf(x));
      open.delete(g);
      done.add(g);
      order.push(g);
    };
    for (const x of this.graph.order) if (!this.graph.isInline(x)) visit(this.graph.groupOf(x));
    return order;
  }

  /** A value outside of fusions; inline ones are made when somebody needs them there. */
  private valueOf(x: Instruction): Value {
    const known = this.values.get(x);
    if (known) return known;
    if (!this.graph.isInline(x)) throw internal(`${x.opcode} is read before its fusion is written`);
    const value = this.plain(x);
    this.values.set(x, value);
    return value;
  }

  private plain(x: Instruction): Value {
    return this.b.rebuild(
      x,
      x.operands.map((o) => this.valueOf(o)),
      this.attrsOf(x),
    );
  }

  private writeGroup(group: Group): void {
    const members = [...group.members].sort((p, q) => p.id - q.id);
    const [only] = members;
    const lone = members.length === 1 && only && (group.role === 'alone' || this.isPlain(only, group));
    if (lone) this.values.set(only, this.plain(only));
    else this.writeFusion(group, members);
  }

  /** One instruction on values in memory and scalar constants: no need of a fusion. */
  private isPlain(x: Instruction, group: Group): boolean {
    if (group.role === 'dot' || group.role === 'convolution' || isFree(x)) return true;
    return x.operands.every(
      (o) => !this.graph.isInline(o) || (o.opcode === 'constant' && o.attrs.literal.data.length === 1),
    );
  }

  private writeFusion(group: Group, members: readonly Instruction[]): void {
    const outputs = this.graph.outputsOf(group).sort((p, q) => p.id - q.id);
    const inputs = this.memoryInputs(group, members);
    const kind = group.role as FusionKind;
    const last = members[members.length - 1] as Instruction;
    const computation = this.b.computation(
      `fused_${last.opcode}`,
      inputs.map((x) => x.shape),
      (c, ...parameters) => {
        const inside = new Map<Instruction, Value>(inputs.map((x, i) => [x, parameters[i] as Value]));
        const value = (x: Instruction): Value => {
          const known = inside.get(x);
          if (known) return known;
          const made = c.rebuild(x, x.operands.map(value));
          inside.set(x, made);
          return made;
        };
        for (const m of members) value(m);
        const roots = outputs.map(value);
        return roots.length === 1 ? (roots[0] as Value) : c.tuple(roots);
      },
    );
    const fusion = this.b.withMetadata(last.metadata, () =>
      this.b.fusion(
        kind,
        computation,
        inputs.map((x) => this.valueOf(x)),
      ),
    );
    for (const [i, x] of outputs.entries()) {
      this.values.set(x, outputs.length === 1 ? fusion : this.b.getTupleElement(fusion, i));
    }
  }

  /** What the kernel reads from memory, in order of use. Operands of a dot or convolution are always read, never made inside. */
  private memoryInputs(group: Group, members: readonly Instruction[]): Instruction[] {
    const inputs = new Set<Instruction>();
    const visit = (x: Instruction): void => {
      const center = x.opcode === 'dot' || x.opcode === 'convolution';
      for (const o of x.operands) {
        if (group.members.has(o)) continue;
        if (this.graph.isInline(o) && !center) visit(o);
        else inputs.add(o);
      }
    };
    for (const m of members) visit(m);
    return [...inputs];
  }
}
