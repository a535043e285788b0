/**
 * @file Dead state. Instructions nobody uses do not exist (a computation hangs from its root), so what is left to remove is loop
 * state that only feeds itself: while (a, b) → while (a) when no result and no other state reads b.
 */
import type { HloBuilder } from '../hlo/builder.ts';
import type { Value } from '../hlo/builderApi.ts';
import { postOrder, usersOf } from '../hlo/graph.ts';
import type { Computation, Instruction, Module } from '../hlo/module.ts';
import { mapModule } from '../hlo/rewrite.ts';
import { type Shape, tupleShape } from '../hlo/shape.ts';
import type { Pass } from './runner.ts';

type Loop = Instruction<'while'>;

/** State elements of a loop that a computation on the state reads, per element; all of them if it uses the tuple as a whole. */
function elementsRead(computation: Computation, count: number, besides?: Instruction): Set<number> {
  const [state] = computation.parameters;
  const read = new Set<number>();
  for (const x of postOrder(computation)) {
    if (x === besides || !x.operands.includes(state as Instruction)) continue;
    if (x.opcode !== 'get-tuple-element') return new Set(Array.from({ length: count }, (_, i) => i));
    read.add(x.attrs.index);
  }
  return read;
}

/** Elements that the value of root element `i` depends on. */
function dependencies(body: Computation, root: Instruction, count: number): Set<number> {
  return elementsRead({ ...body, root }, count);
}

/** Elements that matter: used outside or by the condition, and all that those depend on. */
function liveElements(loop: Loop, usedOutside: ReadonlySet<number>, count: number): Set<number> {
  const { condition, body } = loop.attrs;
  const live = new Set([...usedOutside, ...elementsRead(condition, count)]);
  for (const i of live) {
    const root = body.root.operands[i] as Instruction;
    for (const d of dependencies(body, root, count)) live.add(d);
  }
  return live;
}

function shrinkLoops(module: Module): Module {
  const used = new Map<Instruction, ReadonlySet<number> | undefined>();
  const note = (computation: Computation): void => {
    for (const [x, users] of usersOf(computation)) {
      if (x.opcode !== 'while') continue;
      const elements = users.map((u) => (u.opcode === 'get-tuple-element' ? u.attrs.index : -1));
      const whole = x === computation.root || elements.includes(-1);
      used.set(x, whole ? undefined : new Set(elements));
    }
  };
  note(module.entry);
  for (const x of postOrder(module.entry)) if (x.opcode === 'while') note(x.attrs.body);
  return mapModule(module, (b, y, x) => {
    const outside = used.get(x);
    return y.opcode === 'while' && outside ? shrink(b, y, outside) : y;
  });
}

function shrink(b: HloBuilder, loop: Loop, outside: ReadonlySet<number>): Value {
  const { condition, body } = loop.attrs;
  if (loop.shape.kind !== 'tuple' || body.root.opcode !== 'tuple') return loop;
  const shapes = loop.shape.elements;
  const live = liveElements(loop, outside, shapes.length);
  if (live.size === shapes.length || live.size === 0) return loop;
  const kept = [...live].sort((p, q) => p - q);
  const init = loop.operands[0] as Value;
  const state = tupleShape(kept.map((i) => shapes[i] as Shape));
  /** The old state, with dead elements taken from anywhere: nobody reads them. */
  const narrowed = (computation: Computation, pick: (c: HloBuilder, root: Value) => Value): Computation =>
    b.computation(computation.name, [state], (c, s) => pick(c, inlineOnElements(c, computation, s as Value, kept)));
  const newCondition = narrowed(condition, (_, root) => root);
  const newBody = narrowed({ ...body, root: body.root }, (c, root) => c.tuple(kept.map((i) => elementOf(c, root, i))));
  const start = b.tuple(kept.map((i) => elementOf(b, init, i)));
  const end = b.while(start, newCondition, newBody);
  const result = shapes.map((_, i) => {
    const at = kept.indexOf(i);
    return at < 0 ? elementOf(b, init, i) : b.getTupleElement(end, at);
  });
  return b.tuple(result);
}

const elementOf = (b: HloBuilder, tuple: Value, i: number): Value =>
  tuple.opcode === 'tuple' ? (tuple.operands[i] as Value) : b.getTupleElement(tuple, i);

/** `computation` on a state of which only the elements `kept` exist. */
function inlineOnElements(c: HloBuilder, computation: Computation, state: Value, kept: readonly number[]): Value {
  const values = new Map<Instruction, Value>();
  const [old] = computation.parameters;
  for (const x of postOrder(computation)) {
    if (x.opcode === 'get-tuple-element' && x.operands[0] === old) {
      const at = kept.indexOf(x.attrs.index);
      if (at >= 0) values.set(x, c.getTupleElement(state, at));
      continue;
    }
    if (x === old) continue;
    const operands = x.operands.map((o) => values.get(o));
    if (x === computation.root && x.opcode === 'tuple') {
      const some = operands.find((o) => o !== undefined) as Value;
      return c.tuple(operands.map((o) => o ?? some));
    }
    if (operands.every((o) => o !== undefined)) values.set(x, c.rebuild(x, operands as Value[]));
  }
  return values.get(computation.root) as Value;
}

export const dce: Pass = { name: 'dce', run: shrinkLoops };
