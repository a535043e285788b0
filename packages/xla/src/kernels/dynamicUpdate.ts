/** @file The schedule of dynamic-update-slice: the result starts as the operand (for nothing, in place), then the slice is written over. */
import type { Instruction } from '../hlo/module.ts';
import { type ArrayShape, elementBytes, elementCount } from '../hlo/shape.ts';
import { ElementalEmitter } from './elemental/elemental.ts';
import { lanesFor } from './elemental/lanes.ts';
import { clampedStart } from './elemental/shapeRules.ts';
import { isParallel, KernelArguments, kernelName, openFusion } from './fused.ts';
import type { Cost, Expr } from './ir.ts';
import { KernelBuilder } from './kernelBuilder.ts';
import { gridAt, type LoopSpace, loopPieces, loopSizes } from './loop.ts';
import { emitNest } from './loopNest.ts';
import type { Scheduled } from './schedule.ts';
import type { Target } from './target.ts';

const shapeOf = (x: Instruction): ArrayShape => x.shape as ArrayShape;

export function scheduleDynamicUpdateSlice(x: Instruction, target: Target): Scheduled {
  const [operand, update, ...starts] = x.operands as [Instruction, Instruction, ...Instruction[]];
  const { dims, dtype } = shapeOf(operand);
  const small = shapeOf(update).dims;
  const pairs = [{ operand: 0, output: 0 }];
  if (elementCount(small) === 0) return { launches: [], scratch: [], inPlace: pairs, copied: pairs };
  const fused = openFusion(x);
  const space = updateSpace(dims, small);
  const sizes = loopSizes(space);
  const lanes = lanesFor([dtype], target);
  const room = (sizes[sizes.length - 1] ?? 1) >= lanes ? lanes : 1;
  const cost: Cost = { flops: 0, bytes: 2 * elementCount(small) * elementBytes[dtype] };
  const parallel = isParallel(cost, target);
  const k = new KernelBuilder(kernelName('update', fused));
  const args = new KernelArguments(k, fused);
  const e = new ElementalEmitter({ k, leaf: args.leaf });
  const firsts = dims.map((n, d) => clampedStart(e, starts[d] as Instruction, n, small[d] as number));
  const pieces = loopPieces(space);
  emitNest(k, {
    sizes,
    lanes: room,
    parallel,
    visit: (index, width) => {
      const from = gridAt(space, index, width);
      const value = new ElementalEmitter({ k, leaf: args.leaf }).emitAt(update, from, width);
      // Below the first dim of a piece everything is whole, so its start counts in units of what is below.
      const at = pieces.reduce<Expr>((sum, p, i) => {
        const whole = elementCount(dims.slice(p.from, p.to));
        const inner = elementCount(dims.slice(p.from + 1, p.to));
        return k.add(k.mul(sum, whole), k.add(k.mul(firsts[p.from] as Expr, inner), from.groups[i]?.at ?? 0));
      }, k.index(0));
      k.store(args.output(0), k.let(at, 'at'), k.let(value, 'value'));
    },
  });
  const kernel = k.finish({ parallel, cost });
  return { launches: [{ kernel, args: args.args }], scratch: [], inPlace: pairs, copied: pairs };
}

/** Loops over the update: a dim that is not whole begins a new loop. */
function updateSpace(dims: readonly number[], small: readonly number[]): LoopSpace {
  return { dims: small, cuts: small.flatMap((n, d) => (d > 0 && n !== dims[d] ? [d] : [])) };
}
