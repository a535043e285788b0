/**
 * @file From a contraction and its surroundings to a kernel: buffers, scratch, the blocked or the naive loops, cost.
 */
import { type ArrayShape, elementBytes, elementCount } from '../../hlo/shape.ts';
import { emitGroupVectors, isGroupVectors } from '../conv/groupVectors.ts';
import type { Buffer } from '../ir.ts';
import { KernelBuilder } from '../kernelBuilder.ts';
import { type ArgRef, operandArg, type Scheduled, scratchArg } from '../schedule.ts';
import type { Target } from '../target.ts';
import { BlockedEmitter } from './blocked.ts';
import { Epilogue, type Site } from './epilogue.ts';
import { emitNaive } from './naive.ts';
import { type Plan, planContraction, type SidePlan, vectorLanesOf } from './plan.ts';
import { type Contraction, scalarBytes } from './problem.ts';
import { emitRowDots, isRowDots } from './rowDots.ts';

/** Below this many multiply-adds (about) the blocked form's preparation costs more than the sums. */
const naiveLimit = 512;

/** Kernels with fewer multiply-adds run on one thread. */
const parallelLimit = 16384;

/** One kernel that computes `c` for `site`. */
export function scheduleContraction(
  name: string,
  c: Contraction,
  site: Site<'dot' | 'convolution'>,
  target: Target,
): Scheduled {
  const k = new KernelBuilder(name);
  const lhs = k.buffer('lhs', c.lhs.memory, 'read');
  const rhs = k.buffer('rhs', c.rhs.memory, 'read');
  const epilogue = new Epilogue(k, site, target);
  const args: ArgRef[] = [operandArg(c.lhs.operand), operandArg(c.rhs.operand), ...epilogue.args];
  const scratch: number[] = [];
  const work = c.batch * c.rows * c.cols * c.depth;
  const parallel = work >= parallelLimit;
  const finish = epilogue.storer((at) => c.outIndex(k, at));
  if (isGroupVectors(c))
    emitGroupVectors(k, c, { lhs, rhs, lanes: Math.min(vectorLanesOf(c, target), epilogue.lanes) }, finish);
  else if (isRowDots(c, vectorLanesOf(c, target)))
    emitRowDots(k, c, { lhs, rhs, lanes: vectorLanesOf(c, target) }, finish);
  else if (c.out.colStride !== 1 || work <= naiveLimit) emitNaive(k, c, { lhs, rhs }, finish);
  else {
    const plan = planContraction(c, target);
    const addScratch = (label: string, elements: number): Buffer => {
      args.push(scratchArg(scratch.length));
      scratch.push(Math.max(1, elements) * scalarBytes(c.scalar));
      return k.buffer(label, c.partial, 'readwrite');
    };
    const threads = parallel ? target.maxThreads : 1;
    const buffers = {
      lhs,
      rhs,
      partial: partialBuffer(c, plan, epilogue, addScratch),
      packedFixed: packedFixed(plan, threads, addScratch),
      packedMoving:
        plan.moving.form === 'direct'
          ? undefined
          : addScratch('moving', paddedPanel(plan.moving, plan.lanes) * threads),
      parked: parkedTile(plan, threads, epilogue, addScratch),
    };
    new BlockedEmitter(k, { c, plan, buffers, finish, parallel }).emit();
  }
  const bytes = [...site.roots, ...site.center.operands].reduce((sum, x) => {
    const { dtype, dims } = x.shape as ArrayShape;
    return sum + elementCount(dims) * elementBytes[dtype];
  }, 0);
  const kernel = k.finish({ parallel, cost: { flops: 2 * work, bytes } });
  return { launches: [{ kernel, args }], scratch, inPlace: [] };
}

/** Above this many operations (about) the epilogue is written in a loop instead of once for each vector of a tile. */
const longEpilogue = 12;

function parkedTile(
  plan: Plan,
  threads: number,
  epilogue: Epilogue,
  add: (label: string, n: number) => Buffer,
): Buffer | undefined {
  if (plan.splits > 1 || epilogue.weight <= longEpilogue) return undefined;
  return add('parked', threads * plan.lhs.width * plan.rhs.width);
}

function paddedPanel(s: SidePlan, lanes: number): number {
  return s.group * s.panelElements + lanes;
}

function packedFixed(plan: Plan, threads: number, add: (label: string, n: number) => Buffer): Buffer | undefined {
  const { fixed } = plan;
  if (fixed.form === 'direct') return undefined;
  const copies = plan.fixedShared ? plan.kBlocks : threads;
  return add('fixed', copies * fixed.panels * fixed.panelElements);
}

/** Partial sums live in an output of the right type and size, if there is one, else in scratch. */
function partialBuffer(
  c: Contraction,
  plan: Plan,
  epilogue: Epilogue,
  add: (label: string, n: number) => Buffer,
): Buffer | undefined {
  if (plan.splits > 1) return add('partial', plan.splits * c.outCount);
  if (plan.kBlocks === 1) return undefined;
  return epilogue.outputs.find((o) => o.memory === c.partial) ?? add('partial', c.outCount);
}
