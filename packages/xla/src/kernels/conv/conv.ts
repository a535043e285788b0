/** @file The schedule of `convolution` (any window, dimension numbers, groups), alone or in a fusion of kind `convolution`. */
import type { Instruction } from '../../hlo/module.ts';
import { scheduleContraction } from '../gemm/contract.ts';
import { findSite } from '../gemm/epilogue.ts';
import type { Launch, Scheduled } from '../schedule.ts';
import type { Target } from '../target.ts';
import { convContractions } from './contraction.ts';
import { scheduleWinograd } from './winogradSchedule.ts';

/** Schedules `convolution` or a fusion around one: implicit GEMM; one launch, or one for each phase of a dilated base. */
export function scheduleConvolution(instruction: Instruction, target: Target): Scheduled {
  const site = findSite(instruction, 'convolution');
  const winograd = scheduleWinograd(site, target);
  if (winograd) return winograd;
  const parts = convContractions(site).map((c) => scheduleContraction('convolution', c, site, target));
  const launches: Launch[] = parts.flatMap((p) => p.launches);
  const entries = Math.max(0, ...parts.map((p) => p.scratch.length));
  // Launches use the same scratch one after the other.
  const scratch = Array.from({ length: entries }, (_, i) => Math.max(...parts.map((p) => p.scratch[i] ?? 0)));
  return { launches, scratch, inPlace: [] };
}
