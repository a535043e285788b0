/** @file Buffers and kernel of a Winograd convolution. */
import { Epilogue, type Site } from '../gemm/epilogue.ts';
import type { Buffer } from '../ir.ts';
import { KernelBuilder } from '../kernelBuilder.ts';
import { type ArgRef, operandArg, type Scheduled, scratchArg } from '../schedule.ts';
import type { Target } from '../target.ts';
import { convContractions } from './contraction.ts';
import { blockElements, filterElements, planWinograd, WinogradEmitter } from './winograd.ts';

/** The Winograd form of `site`, or undefined where it does not apply or does not pay. */
export function scheduleWinograd(site: Site<'convolution'>, target: Target): Scheduled | undefined {
  const plan = planWinograd(site, target);
  const [contraction] = convContractions(site);
  if (!plan || !contraction) return undefined;
  const k = new KernelBuilder('winograd');
  const input = k.buffer('input', 'f32', 'read');
  const filter = k.buffer('filter', 'f32', 'read');
  const epilogue = new Epilogue(k, site, target);
  const args: ArgRef[] = [
    operandArg(site.operandOf(site.lhs.source)),
    operandArg(site.operandOf(site.rhs.source)),
    ...epilogue.args,
  ];
  const scratch: number[] = [];
  const add = (name: string, elements: number): Buffer => {
    args.push(scratchArg(scratch.length));
    scratch.push(4 * elements);
    return k.buffer(name, 'f32', 'readwrite');
  };
  const each = blockElements(plan);
  const buffers = {
    input,
    filter,
    filters: add('filters', filterElements(plan)),
    inputs: add('inputs', each.inputs * target.maxThreads),
    sums: add('sums', each.sums * target.maxThreads),
    tile: add('tile', each.tile * target.maxThreads),
  };
  const finish = epilogue.storer((at) => contraction.outIndex(k, at));
  new WinogradEmitter(k, plan, buffers, finish).emit(true);
  const flops = 2 * plan.tiles * 36 * plan.channelsIn * plan.channelsOut;
  const bytes = 4 * (plan.tiles * 36 * plan.channelsIn + contraction.outCount);
  return { launches: [{ kernel: k.finish({ parallel: true, cost: { flops, bytes } }), args }], scratch, inPlace: [] };
}
