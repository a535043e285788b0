/**
 * @file Instructions grouped into future kernels. Groups merge only where no path leads out of one and into the other, so the graph of
 * groups stays without cycles. Inline values (constants, broadcasts …) belong to no group: every reader makes its own.
 */
import { internal } from '../hlo/errors.ts';
import { postOrder } from '../hlo/graph.ts';
import type { Computation, Instruction } from '../hlo/module.ts';
import { type Role, roleOf } from './fusionTraits.ts';

export interface Group {
  readonly id: number;
  /** In post-order when emitted. */
  readonly members: Set<Instruction>;
  role: Exclude<Role, 'inline'>;
}

const nobody: ReadonlySet<Instruction> = new Set();

/** First and last id of a group's members. */
interface Span {
  readonly first: number;
  readonly last: number;
}

export class FusionGraph {
  readonly computation: Computation;
  /** All live instructions but parameters, operands first. */
  readonly order: readonly Instruction[];
  private readonly groups = new Map<Instruction, Group>();
  private readonly inline = new Set<Instruction>();
  /** Grouped instructions that read a value, directly or through inline values. */
  private readonly readers = new Map<Instruction, Set<Instruction>>();
  /** Instructions that read a value directly, inline ones included. */
  private readonly users = new Map<Instruction, Instruction[]>();
  /** Of groups that grew by merging; after an eviction they may be wider than the group. */
  private readonly spans = new Map<Group, Span>();

  constructor(computation: Computation, isInline: (x: Instruction, users: readonly Instruction[]) => boolean) {
    this.computation = computation;
    this.order = postOrder(computation).filter((x) => x.opcode !== 'parameter');
    for (const x of this.order) {
      for (const o of new Set(x.operands)) {
        const users = this.users.get(o);
        if (users) users.push(x);
        else this.users.set(o, [x]);
      }
    }
    for (const x of this.order) {
      const role = roleOf(x);
      if (role === 'inline' || isInline(x, this.usersOf(x))) this.inline.add(x);
      else this.groups.set(x, { id: x.id, members: new Set([x]), role });
    }
    for (const x of [...this.order].reverse()) this.readers.set(x, this.findReaders(x));
    for (const p of computation.parameters) this.readers.set(p, this.findReaders(p));
  }

  private findReaders(x: Instruction): Set<Instruction> {
    const found = new Set<Instruction>();
    for (const user of this.usersOf(x)) {
      if (this.inline.has(user)) for (const r of this.readers.get(user) ?? []) found.add(r);
      else found.add(user);
    }
    return found;
  }

  isInline(x: Instruction): boolean {
    return this.inline.has(x);
  }

  usersOf(x: Instruction): readonly Instruction[] {
    return this.users.get(x) ?? [];
  }

  readersOf(x: Instruction): ReadonlySet<Instruction> {
    return this.readers.get(x) ?? nobody;
  }

  groupOf(x: Instruction): Group {
    const g = this.groups.get(x);
    if (!g) throw internal(`${x.opcode} is in no fusion group`);
    return g;
  }

  /** All groups, by the place of their last member. */
  allGroups(): Group[] {
    return [...new Set(this.groups.values())];
  }

  readerGroups(x: Instruction): Set<Group> {
    return new Set([...this.readersOf(x)].map((r) => this.groupOf(r)));
  }

  /** Members whose value something outside reads. */
  outputsOf(g: Group): Instruction[] {
    return [...g.members].filter((m) => this.isOutput(m, g));
  }

  private isOutput(m: Instruction, g: Group): boolean {
    if (m === this.computation.root) return true;
    for (const r of this.readersOf(m)) if (!g.members.has(r)) return true;
    return false;
  }

  /** Values that a group's kernel reads from memory, through inline values: parameters and members of other groups. */
  inputsOf(g: Group): Set<Instruction> {
    const inputs = new Set<Instruction>();
    const visit = (x: Instruction): void => {
      for (const o of x.operands) {
        if (this.inline.has(o)) visit(o);
        else if (!g.members.has(o)) inputs.add(o);
      }
    };
    for (const m of g.members) visit(m);
    return inputs;
  }

  /** A path leads from `a` through other groups to `b`. */
  hasPathAround(a: Group, b: Group): boolean {
    const seen = new Set<Group>([a]);
    const work: Group[] = [];
    const last = this.lastBefore(b);
    const push = (from: Group): boolean => {
      for (const m of from.members) {
        for (const r of this.readersOf(m)) {
          const g = this.groups.get(r) as Group;
          if (g === b && from !== a) return true;
          if (g === b || r.id > last || seen.has(g)) continue;
          seen.add(g);
          work.push(g);
        }
      }
      return false;
    };
    if (push(a)) return true;
    for (let g = work.pop(); g; g = work.pop()) if (push(g)) return true;
    return false;
  }

  /**
   * An id beyond which nothing leads to `g`. Ids ascend from instruction to instruction, but a path that enters a group at a young
   * member goes on from its old ones, so the last id of g is raised over every group that straddles it.
   */
  private lastBefore(g: Group): number {
    let last = this.spanOf(g).last;
    for (let before = -1; before !== last; ) {
      before = last;
      for (const span of this.spans.values()) if (span.first <= last) last = Math.max(last, span.last);
    }
    return last;
  }

  private spanOf(g: Group): Span {
    return this.spans.get(g) ?? { first: g.id, last: g.id };
  }

  /** Moves all members of `from` into `into`. */
  merge(from: Group, into: Group): void {
    const [p, q] = [this.spanOf(from), this.spanOf(into)];
    this.spans.set(into, { first: Math.min(p.first, q.first), last: Math.max(p.last, q.last) });
    this.spans.delete(from);
    for (const m of from.members) {
      into.members.add(m);
      this.groups.set(m, into);
    }
  }

  /** Takes `x` out of its group, into one of its own. */
  evict(x: Instruction): void {
    this.groupOf(x).members.delete(x);
    this.groups.set(x, { id: x.id, members: new Set([x]), role: 'alone' });
  }
}
