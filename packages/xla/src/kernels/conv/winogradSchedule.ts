/** @file Buffers and kernels of Winograd convolutions: forward (and input gradients), and filter gradients. */
import { Epilogue, type Site } from '../gemm/epilogue.ts';
import type { Buffer } from '../ir.ts';
import { KernelBuilder } from '../kernelBuilder.ts';
import { type ArgRef, operandArg, type Scheduled, scratchArg } from '../schedule.ts';
import type { Target } from '../target.ts';
import { convContractions } from './contraction.ts';
import { blockElements, filterElements, planWinograd, WinogradEmitter, type WinogradPlan } from './winograd.ts';
import {
  FilterGradientEmitter,
  type FilterGradientPlan,
  gradientElements,
  planFilterGradient,
} from './winogradFilter.ts';
import { products } from './winogradTransforms.ts';

/** The Winograd form of `site`, or undefined where it does not apply or does not pay. */
export function scheduleWinograd(site: Site<'convolution'>, target: Target): Scheduled | undefined {
  const forward = planWinograd(site, target);
  if (forward) return new WinogradKernel('winograd', site, target).forward(forward);
  const gradient = planFilterGradient(site, target);
  if (gradient) return new WinogradKernel('winogradGradient', site, target).gradient(gradient);
  return undefined;
}

class WinogradKernel {
  private readonly k: KernelBuilder;
  private readonly site: Site<'convolution'>;
  private readonly threads: number;
  private readonly lhs: Buffer;
  private readonly rhs: Buffer;
  private readonly epilogue: Epilogue;
  private readonly args: ArgRef[];
  private readonly scratch: number[] = [];

  constructor(name: string, site: Site<'convolution'>, target: Target) {
    this.k = new KernelBuilder(name);
    this.site = site;
    this.threads = target.maxThreads;
    this.lhs = this.k.buffer('lhs', 'f32', 'read');
    this.rhs = this.k.buffer('rhs', 'f32', 'read');
    this.epilogue = new Epilogue(this.k, site, target);
    const operands = [site.lhs, site.rhs].map((x) => operandArg(site.operandOf(x.source)));
    this.args = [...operands, ...this.epilogue.args];
  }

  forward(plan: WinogradPlan): Scheduled {
    const each = blockElements(plan);
    const buffers = {
      input: this.lhs,
      filter: this.rhs,
      filters: this.space('filters', filterElements(plan)),
      inputs: this.space('inputs', each.inputs * this.threads),
      sums: this.space('sums', each.sums * this.threads),
      tile: this.space('tile', each.tile * this.threads),
    };
    new WinogradEmitter(this.k, plan, buffers, this.storer()).emit();
    return this.finish(plan);
  }

  gradient(plan: FilterGradientPlan): Scheduled {
    const each = gradientElements(plan);
    const buffers = {
      input: this.lhs,
      gradient: this.rhs,
      sums: this.space('sums', each.sums),
      inputs: this.space('inputs', each.inputs * this.threads),
      gradients: this.space('gradients', each.gradients * this.threads),
      tile: this.space('tile', each.tile * this.threads),
    };
    new FilterGradientEmitter(this.k, plan, buffers, this.storer()).emit();
    return this.finish(plan);
  }

  /** Declares a scratch argument of `elements` floats. */
  private space(name: string, elements: number): Buffer {
    this.args.push(scratchArg(this.scratch.length));
    this.scratch.push(4 * elements);
    return this.k.buffer(name, 'f32', 'readwrite');
  }

  private storer(): ReturnType<Epilogue['storer']> {
    // Positions and channels of the result are those of the direct form.
    const [direct] = convContractions(this.site);
    return this.epilogue.storer((at) => direct?.outIndex(this.k, at) ?? []);
  }

  private finish(p: { readonly tiles: number; readonly channelsIn: number; readonly channelsOut: number }): Scheduled {
    const flops = 2 * p.tiles * products * p.channelsIn * p.channelsOut;
    const bytes = 4 * p.tiles * products * (p.channelsIn + p.channelsOut);
    const kernel = this.k.finish({ parallel: true, cost: { flops, bytes } });
    return { launches: [{ kernel, args: this.args }], scratch: this.scratch, inPlace: [] };
  }
}
