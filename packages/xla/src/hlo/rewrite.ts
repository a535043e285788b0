/**
 * @file The engine of passes: maps a module instruction by instruction through a builder that continues it. What a rewriting
 * leaves alone keeps its identity, so an unchanged module comes back as the same object.
 */
import { HloBuilder } from './builder.ts';
import type { Value } from './builderApi.ts';
import { internal } from './errors.ts';
import { mapComputations, postOrder } from './graph.ts';
import { checkSameShape } from './instructionFactory.ts';
import type { Computation, Instruction, Module } from './module.ts';

/**
 * Answers the replacement of `y`, or `y` itself. `y` is the instruction `x` of the old module on operands already replaced; the
 * shape must stay. New values get the metadata of `y`. Parameters and the entry's root tuple are not offered.
 */
export type Rewrite = (b: HloBuilder, y: Instruction, x: Instruction) => Value;

export interface MapOptions {
  /** Whether to rewrite inside `computation`, an attribute of `user`. Default: everywhere. */
  readonly enter?: (user: Instruction, computation: Computation) => boolean;
}

/** Rewrites all live instructions, operands first, nested computations before their users. */
export function mapModule(module: Module, rewrite: Rewrite, { enter = () => true }: MapOptions = {}): Module {
  const b = HloBuilder.of(module);
  const done = new Map<Computation, Computation>();

  const mapped = (user: Instruction, computation: Computation): Computation => {
    if (!enter(user, computation)) return computation;
    let result = done.get(computation);
    if (result === undefined) {
      const inner = b.within(computation);
      const root = mapBody(inner, computation).get(computation.root) as Value;
      result = root === computation.root ? computation : inner.finish(root);
      done.set(computation, result);
    }
    return result;
  };

  const mapBody = (inner: HloBuilder, computation: Computation): Map<Instruction, Value> => {
    const values = new Map<Instruction, Value>();
    for (const x of postOrder(computation)) {
      if (x.opcode === 'parameter') {
        values.set(x, x);
        continue;
      }
      const operands = x.operands.map((o) => values.get(o) as Value);
      const y = inner.rebuild(
        x,
        operands,
        mapComputations(x.attrs, (c) => mapped(x, c)),
      );
      const isEntryRoot = x === module.entry.root;
      values.set(
        x,
        isEntryRoot
          ? y
          : checkSameShape(
              x,
              inner.withMetadata(y.metadata, () => rewrite(inner, y, x)),
            ),
      );
    }
    return values;
  };

  const root = mapBody(b, module.entry).get(module.entry.root);
  if (root === module.entry.root || root === undefined) return module;
  return b.build(root.operands, module.aliases);
}

/** The body of `computation`, rebuilt in `b` with `args` for its parameters: the value of its root. */
export function inlineComputation(b: HloBuilder, computation: Computation, args: readonly Value[]): Value {
  const values = new Map<Instruction, Value>();
  for (const x of postOrder(computation)) {
    const value =
      x.opcode === 'parameter'
        ? args[x.attrs.index]
        : b.rebuild(
            x,
            x.operands.map((o) => values.get(o) as Value),
          );
    if (value === undefined) throw internal(`no argument for a parameter of "${computation.name}".`);
    values.set(x, value);
  }
  return values.get(computation.root) as Value;
}
