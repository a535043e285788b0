/**
 * @file The order in which a computation's instructions run. Creation order is kept where nothing speaks against it; readers of a
 * parameter go before the instruction that overwrites it, and among ready instructions the one that frees most memory goes first
 * when that lowers the peak.
 */
import { postOrder } from '../hlo/graph.ts';
import type { Computation, Instruction } from '../hlo/module.ts';
import { byteSize, type Shape } from '../hlo/shape.ts';
import { arraysOf } from './interpretScheduled.ts';
import { isForwarding } from './leaves.ts';

/** Result array `output` shares memory with parameter array `parameter` (both counted flat). */
export interface AliasPair {
  readonly output: number;
  readonly parameter: number;
}

const bytesOf = (shape: Shape): number => arraysOf(shape).reduce((n, a) => n + byteSize(a), 0);

/** All instructions but parameters, operands first. */
export function orderInstructions(computation: Computation, aliases: readonly AliasPair[]): Instruction[] {
  const all = postOrder(computation).filter((x) => x.opcode !== 'parameter');
  const before = extraEdges(computation, all, aliases);
  const plain = schedule(all, before, () => 0);
  const frugal = schedule(
    all,
    before,
    (x, freed) => bytesOf(isForwarding(x) ? { kind: 'tuple', elements: [] } : x.shape) - freed,
  );
  return peakBytes(frugal) < peakBytes(plain) ? frugal : plain;
}

/** For each instruction, others that must run before it although it does not use them: readers of a parameter it overwrites. */
function extraEdges(
  { root, parameters }: Computation,
  all: readonly Instruction[],
  aliases: readonly AliasPair[],
): Map<Instruction, Instruction[]> {
  const edges = new Map<Instruction, Instruction[]>();
  const flat = parameters.flatMap((p) => arraysOf(p.shape).map((_, element) => ({ p, element })));
  for (const { output, parameter } of aliases) {
    const result = root.opcode === 'tuple' ? root.operands[output] : root;
    const source = flat[parameter];
    const writer = result && producerOf(result);
    if (!writer || !source || writer.opcode === 'parameter') continue;
    const carriers = carriersOf(source.p, source.element, all);
    const readers = all.filter((x) => x !== writer && !isForwarding(x) && x.operands.some((o) => carriers.has(o)));
    // A reader that needs the new value cannot go first; the lowering then copies.
    const free = readers.filter((r) => !dependsOn(r, writer));
    edges.set(writer, [...(edges.get(writer) ?? []), ...free]);
  }
  return edges;
}

/** The instruction whose kernel makes the memory of `x`. */
function producerOf(x: Instruction): Instruction {
  return isForwarding(x) && x.opcode !== 'tuple' && x.operands[0] ? producerOf(x.operands[0]) : x;
}

/** The values that are array `element` of a parameter's memory: itself or its tuple element, and reshapes of that. */
function carriersOf(p: Instruction, element: number, all: readonly Instruction[]): Set<Instruction> {
  const carriers = new Set<Instruction>(p.shape.kind === 'array' ? [p] : []);
  for (const x of all) {
    if (x.opcode === 'tuple' || !isForwarding(x)) continue;
    const [from] = x.operands;
    if (from && carriers.has(from)) carriers.add(x);
    if (x.opcode === 'get-tuple-element' && from === p && x.attrs.index === element) carriers.add(x);
  }
  return carriers;
}

function ancestorsOf(x: Instruction): Set<Instruction> {
  const seen = new Set<Instruction>(x.operands);
  for (const y of seen) for (const operand of y.operands) seen.add(operand);
  return seen;
}

function dependsOn(x: Instruction, y: Instruction): boolean {
  return y.id < x.id && ancestorsOf(x).has(y);
}

/**
 * List scheduling: of the ready instructions the one of least `price(x, bytes it frees)`, the older one if equal. Extra edges that would
 * close a cycle (two updates that read each other's old value) are dropped when nothing else is ready.
 */
function schedule(
  all: readonly Instruction[],
  before: ReadonlyMap<Instruction, readonly Instruction[]>,
  price: (x: Instruction, freed: number) => number,
): Instruction[] {
  const users = new Map<Instruction, Instruction[]>(all.map((x) => [x, []]));
  const blockers = new Map<Instruction, number>();
  const usesLeft = new Map<Instruction, number>();
  for (const x of all) {
    const operands = new Set(x.operands.filter((o) => o.opcode !== 'parameter'));
    blockers.set(x, operands.size);
    for (const o of operands) users.get(o)?.push(x);
    for (const o of operands) usesLeft.set(o, (usesLeft.get(o) ?? 0) + 1);
  }
  const done = new Set<Instruction>();
  const ready = new Set(all.filter((x) => blockers.get(x) === 0));
  const allowed = (x: Instruction): boolean => (before.get(x) ?? []).every((o) => done.has(o));
  const freedBy = (x: Instruction): number => {
    const dying = [...new Set(x.operands)].filter((o) => usesLeft.get(o) === 1 && o.opcode !== 'constant');
    return dying.reduce((n, o) => n + bytesOf(o.shape), 0);
  };
  while (ready.size > 0) {
    const free = [...ready].filter(allowed);
    const next = cheapest(free.length > 0 ? free : [...ready], (x) => price(x, freedBy(x)));
    ready.delete(next);
    done.add(next);
    for (const o of new Set(next.operands)) usesLeft.set(o, (usesLeft.get(o) ?? 1) - 1);
    for (const user of users.get(next) as readonly Instruction[]) {
      const left = (blockers.get(user) as number) - 1;
      blockers.set(user, left);
      if (left === 0) ready.add(user);
    }
  }
  return [...done];
}

function cheapest(xs: readonly Instruction[], price: (x: Instruction) => number): Instruction {
  let best = xs[0] as Instruction;
  let bestPrice = price(best);
  for (const x of xs) {
    const p = price(x);
    if (p < bestPrice || (p === bestPrice && x.id < best.id)) [best, bestPrice] = [x, p];
  }
  return best;
}

/** Greatest sum of live values, counting each value from its making to its last use. */
function peakBytes(order: readonly Instruction[]): number {
  const lastUse = new Map<Instruction, number>();
  for (const [i, x] of order.entries()) for (const o of x.operands) lastUse.set(o, i);
  const dying = new Map<number, number>();
  let live = 0;
  let peak = 0;
  for (const [i, x] of order.entries()) {
    const bytes = isForwarding(x) || x.opcode === 'constant' ? 0 : bytesOf(x.shape);
    live += bytes;
    peak = Math.max(peak, live);
    const last = lastUse.get(x);
    if (last !== undefined) dying.set(last, (dying.get(last) ?? 0) + bytes);
    live -= dying.get(i) ?? 0;
  }
  return peak;
}
