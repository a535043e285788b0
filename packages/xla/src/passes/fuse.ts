/**
 * @file Fusion: decides which instructions share a kernel. Element-wise producers join their readers, element-wise readers of a dot,
 * convolution or reduce become its epilogue, updates that read the same arrays become one kernel with several results, and tiny kernels
 * of one shape run together. Nothing expensive is computed twice. Needs simplified input; promises only `fusion`s and what stays alone.
 */
import { HloBuilder } from '../hlo/builder.ts';
import { dimsOf, mapComputations, postOrder } from '../hlo/graph.ts';
import type { Computation, InputOutputAlias, Instruction, Module } from '../hlo/module.ts';
import { sameDims } from '../hlo/shape.ts';
import { isElementwise } from '../hlo/traits.ts';
import { buildFusions } from './buildFusions.ts';
import { FusionGraph, type Group } from './fusionGraph.ts';
import { isCheapUnary, isExpensive, isFree, repetitions, roleOf } from './fusionTraits.ts';
import { sizeOf } from './match.ts';
import type { Pass } from './runner.ts';

/** Bounds of one kernel. */
const maxMembers = 96;
const maxInputs = 24;
const maxOutputs = 12;
/** Bounds of what follows a dot or convolution in its kernel: registers are short there. */
const maxEpilogueMembers = 24;
const maxEpilogueInputs = 4;
const maxEpilogueOutputs = 2;
/** Loops up to this many elements run together though they share nothing. */
const tinyElements = 2048;

type Replaces = (output: Instruction, input: Instruction) => boolean;

class Fuser {
  private readonly graph: FusionGraph;
  private readonly replaces: Replaces;

  constructor(graph: FusionGraph, replaces: Replaces) {
    this.graph = graph;
    this.replaces = replaces;
  }

  run(): void {
    this.fuseProducers();
    this.fuseEpilogues();
    this.fuseSiblingReduces();
    this.fuseSiblings();
    this.fuseTiny();
    this.evictFreeEdges();
  }

  /** Readers before producers: each joins the kernel that reads it. */
  private fuseProducers(): void {
    for (const x of [...this.graph.order].reverse()) {
      if (this.graph.isInline(x) || this.graph.groupOf(x).role !== 'loop') continue;
      const own = this.graph.groupOf(x);
      const readers = [...this.graph.readerGroups(x)].filter((g) => g !== own).sort((a, b) => a.id - b.id);
      if (readers.some((into) => this.tryInside(own, into, x) || this.tryBeside(own, into))) continue;
    }
  }

  /** `own` is read by `into` alone and computed there on the way. */
  private tryInside(own: Group, into: Group, x: Instruction): boolean {
    const { graph } = this;
    if (into.role !== 'loop' && into.role !== 'reduce') return false;
    if (isWholeFree(into) || own.members.size > 1 || x === graph.computation.root) return false;
    if (graph.readerGroups(x).size !== 1) return false;
    // Inline values that are results or operands of lone instructions are made on their own, from memory.
    for (const user of graph.usersOf(x)) if (!this.worthInside(x, user)) return false;
    return this.mergeWithin(own, into);
  }

  private worthInside(x: Instruction, user: Instruction): boolean {
    const again = repetitions(x, user);
    if (again > 1 && (isExpensive(x) || !isCheapUnary(x))) return false;
    if (!this.graph.isInline(user)) return true;
    return this.graph.usersOf(user).every((u) => this.worthInside(user, u));
  }

  /** `own` stays a result, but its readers in `into` take it from registers. */
  private tryBeside(own: Group, into: Group): boolean {
    if (into.role !== 'loop' || own.role !== 'loop' || isWholeFree(into) || isWholeFree(own)) return false;
    const dims = this.loopDims(into);
    const mine = this.loopDims(own);
    if (!dims || !mine || !sameDims(dims, mine)) return false;
    if (!this.readInStep(own, into, dims) || this.graph.hasPathAround(own, into)) return false;
    return this.mergeWithin(own, into);
  }

  /** Every member of `into` that reads `own` does so at the index it is made at. */
  private readInStep(own: Group, into: Group, dims: readonly number[]): boolean {
    const reads = [...into.members].filter((m) => m.operands.some((o) => own.members.has(o)));
    const throughInline = [...own.members].some((m) => this.graph.usersOf(m).some((u) => this.graph.isInline(u)));
    return !throughInline && reads.every((m) => isElementwise(m.opcode) && sameDims(dimsOf(m), dims));
  }

  /** The common dims of a loop's results. */
  private loopDims(g: Group): readonly number[] | undefined {
    const outputs = this.graph.outputsOf(g);
    const dims = outputs[0] && dimsOf(outputs[0]);
    return dims && outputs.every((o) => sameDims(dimsOf(o), dims)) ? dims : undefined;
  }

  private mergeWithin(from: Group, into: Group): boolean {
    const { graph } = this;
    const merged: Group = { id: into.id, members: new Set([...from.members, ...into.members]), role: into.role };
    if (merged.members.size > maxMembers) return false;
    if (graph.inputsOf(merged).size > maxInputs || graph.outputsOf(merged).length > maxOutputs) return false;
    graph.merge(from, into);
    return true;
  }

  /** Element-wise readers of a dot, convolution, reduce or window join it. */
  private fuseEpilogues(): void {
    for (const center of this.graph.order) {
      const role = roleOf(center);
      if (role === 'loop' || role === 'inline' || role === 'alone') continue;
      const group = this.graph.groupOf(center);
      for (const reader of [...this.graph.readerGroups(center)].sort((a, b) => a.id - b.id)) {
        if (this.tryEpilogue(center, group, reader)) break;
      }
    }
  }

  private tryEpilogue(center: Instruction, group: Group, reader: Group): boolean {
    const { graph } = this;
    if (reader === group || reader.role !== 'loop' || isWholeFree(reader)) return false;
    const dims = dimsOf(center);
    const outputs = graph.outputsOf(reader);
    if (!outputs.every((o) => sameDims(dimsOf(o), dims))) return false;
    // Only what has the result's own index, besides inline values of other operands.
    const plain = [...reader.members].every((m) => isElementwise(m.opcode) && sameDims(dimsOf(m), dims));
    const remapped = graph.usersOf(center).filter((u) => graph.isInline(u));
    if (!plain || remapped.some((u) => [...graph.readersOf(u)].some((r) => reader.members.has(r)))) return false;
    const inputs = [...graph.inputsOf(reader)].filter((i) => !group.members.has(i));
    if (outputs.some((o) => inputs.some((i) => this.replaces(o, i)))) return false;
    if (graph.hasPathAround(group, reader)) return false;
    const merged = graph.outputsOf({ ...reader, members: new Set([...group.members, ...reader.members]) });
    const large = inputs.filter((i) => sizeOf(i) === sizeOf(center) && sizeOf(i) > 1);
    const roomy = group.role === 'reduce' || group.role === 'window';
    const short = roomy || (reader.members.size <= maxEpilogueMembers && large.length <= 2);
    if (!short || inputs.length > maxEpilogueInputs || merged.length > maxEpilogueOutputs) return false;
    if (group.role === 'reduce' && merged.some((o) => !sameDims(dimsOf(o), dims))) return false;
    graph.merge(reader, group);
    return true;
  }

  /** Reduces of the same dims that read an array in common. */
  private fuseSiblingReduces(): void {
    const { graph } = this;
    for (const x of [...graph.computation.parameters, ...graph.order]) {
      const readers = [...graph.readersOf(x)].flatMap((r) => {
        const g = graph.groupOf(r);
        return g.role === 'reduce' ? [g] : [];
      });
      const [first, ...others] = new Set(readers);
      for (const other of others) {
        if (!first || !this.sameReduction(first, other) || this.connected(first, other)) continue;
        this.mergeWithin(other, first);
      }
    }
  }

  private sameReduction(a: Group, b: Group): boolean {
    const [p, q] = [a, b].map((g) => [...g.members].find((m) => m.opcode === 'reduce'));
    if (p?.opcode !== 'reduce' || q?.opcode !== 'reduce') return false;
    const plain = [p, q].every((r) => r.operands.length === 2);
    const inputs = [p, q].map((r) => dimsOf(r.operands[0] as Instruction));
    return (
      plain &&
      sameDims(p.attrs.dimensions, q.attrs.dimensions) &&
      sameDims(inputs[0] as readonly number[], inputs[1] as readonly number[])
    );
  }

  private connected(a: Group, b: Group): boolean {
    return (
      this.graph.hasPathAround(a, b) || this.graph.hasPathAround(b, a) || this.adjacent(a, b) || this.adjacent(b, a)
    );
  }

  private adjacent(a: Group, b: Group): boolean {
    return [...a.members].some((m) => this.graph.readerGroups(m).has(b));
  }

  /** Loops over the same dims that read an array of that size in common. */
  private fuseSiblings(): void {
    for (const x of [...this.graph.computation.parameters, ...this.graph.order]) {
      if (x.shape.kind === 'tuple' || this.graph.isInline(x)) continue;
      const loops = this.loopsOf([...this.graph.readerGroups(x)]).filter((g) => sizeOf(x) === this.loopSize(g));
      this.mergeUnconnected(loops);
    }
  }

  /** Tiny loops over the same dims, whatever they read: a kernel costs more than they do. */
  private fuseTiny(): void {
    const bySize = new Map<string, Group[]>();
    for (const g of this.loopsOf(this.graph.allGroups())) {
      if (this.loopSize(g) > tinyElements) continue;
      const key = (this.loopDims(g) as readonly number[]).join();
      bySize.set(key, [...(bySize.get(key) ?? []), g]);
    }
    for (const groups of bySize.values()) this.mergeUnconnected(groups);
  }

  private loopsOf(groups: readonly Group[]): Group[] {
    return groups.filter((g) => g.role === 'loop' && !isWholeFree(g) && this.loopDims(g)).sort((a, b) => a.id - b.id);
  }

  private loopSize(g: Group): number {
    return (this.loopDims(g) as readonly number[]).reduce((n, d) => n * d, 1);
  }

  /** Merges what can be merged of groups in order; a group that fits nowhere starts anew. */
  private mergeUnconnected(groups: readonly Group[]): void {
    const kept: Group[] = [];
    for (const g of groups) {
      const host = kept.find((k) => {
        const dims = this.loopDims(k);
        const same = dims && sameDims(dims, this.loopDims(g) ?? [-1]);
        return same && !this.connected(k, g) && this.mergeWithin(g, k);
      });
      if (!host) kept.push(g);
    }
  }

  /** Reshapes at the edge of a kernel go back outside, where they cost nothing. */
  private evictFreeEdges(): void {
    const { graph } = this;
    for (const x of graph.order) {
      if (graph.isInline(x) || !isFree(x)) continue;
      const g = graph.groupOf(x);
      const operand = x.operands[0] as Instruction;
      if (g.members.size > 1 && !g.members.has(operand) && !graph.isInline(operand)) graph.evict(x);
    }
    for (const x of [...graph.order].reverse()) {
      if (graph.isInline(x) || !isFree(x)) continue;
      const g = graph.groupOf(x);
      const inside = [...graph.readersOf(x)].some((r) => g.members.has(r));
      if (g.members.size > 1 && !inside) graph.evict(x);
    }
  }
}

function isWholeFree(g: Group): boolean {
  return [...g.members].every(isFree);
}

/** Cheap values of one array with several readers are made in each of them, if all can. */
function isDuplicated(x: Instruction, users: readonly Instruction[]): boolean {
  if (users.length < 2 || !isCheapUnary(x) || isFree(x)) return false;
  const [operand] = x.operands.filter((o) => roleOf(o) !== 'inline');
  if (operand && roleOf(operand) === 'loop' && !isFree(operand)) return false;
  return users.every((u) => isElementwise(u.opcode) || u.opcode === 'reduce');
}

/** Result element i of the entry (or loop body) replaces parameter p in memory. */
function replacesOf(computation: Computation, aliases: readonly InputOutputAlias[]): Replaces {
  const pairs = new Set(
    aliases.map((a) => `${computation.root.operands[a.output]?.id}:${computation.parameters[a.parameter]?.id}`),
  );
  return (output, input) => pairs.has(`${output.id}:${input.id}`);
}

/** As `replacesOf`, for loop state: element i of the root replaces element i of the state. */
function replacesState(body: Computation): Replaces {
  return (output, input) =>
    input.opcode === 'get-tuple-element' &&
    input.operands[0] === body.parameters[0] &&
    body.root.operands[input.attrs.index] === output;
}

function fuseModule(module: Module): Module {
  const b = HloBuilder.of(module);
  const done = new Map<Computation, Computation>();
  const fuseInside = (x: Instruction): Instruction['attrs'] => {
    if (x.opcode !== 'while' && x.opcode !== 'conditional') return x.attrs;
    return mapComputations(x.attrs, (c) => fuseComputation(c, replacesState(c)));
  };
  const fuseComputation = (c: Computation, replaces: Replaces): Computation => {
    const known = done.get(c);
    if (known) return known;
    // New parameters: a fusion of the whole body may be interned as the old body, which then stays alive with its own.
    const shapes = c.parameters.map((p) => p.shape);
    const result = b.computation(c.name, shapes, (inner, ...parameters) =>
      buildFusions(inner, groupsOf(c, replaces), parameters, fuseInside),
    );
    done.set(c, result);
    return result;
  };
  const { entry } = module;
  const root = buildFusions(b, groupsOf(entry, replacesOf(entry, module.aliases)), entry.parameters, fuseInside);
  return root === entry.root ? module : b.build(root.operands, module.aliases);
}

function groupsOf(computation: Computation, replaces: Replaces): FusionGraph {
  const graph = new FusionGraph(computation, isDuplicated);
  new Fuser(graph, replaces).run();
  return graph;
}

export const fuse: Pass = {
  name: 'fuse',
  run: (module) => {
    const fused = postOrder(module.entry).some((x) => x.opcode === 'fusion');
    return fused ? module : fuseModule(module);
  },
};
