/** @file Which schedule computes which instruction: one table by opcode, one by kind of fusion. */
import { unimplemented } from '../hlo/errors.ts';
import type { Instruction } from '../hlo/module.ts';
import type { FusionKind, Opcode } from '../hlo/opcodes.ts';
import { scheduleAllReduce } from './allReduce.ts';
import { scheduleConvolution } from './conv/conv.ts';
import { scheduleDynamicUpdateSlice } from './dynamicUpdate.ts';
import { scheduleDot } from './gemm/dot.ts';
import { loopOpcodes, scheduleLoop } from './loop.ts';
import { scheduleReduce } from './reduce.ts';
import { scheduleRng } from './rng.ts';
import { scheduleScatter } from './scatter.ts';
import type { Schedule, Scheduled } from './schedule.ts';
import { scheduleSort } from './sort.ts';
import type { Target } from './target.ts';
import { scheduleTopK } from './topK.ts';
import { scheduleTranspose } from './transpose.ts';
import { scheduleWindow } from './window.ts';

const byOpcode: { readonly [K in Opcode]?: Schedule } = {
  ...Object.fromEntries(loopOpcodes.map((opcode) => [opcode, scheduleLoop])),
  transpose: scheduleTranspose,
  dot: scheduleDot,
  reduce: scheduleReduce,
  'reduce-window': scheduleWindow,
  'select-and-scatter': scheduleWindow,
  convolution: scheduleConvolution,
  scatter: scheduleScatter,
  'dynamic-update-slice': scheduleDynamicUpdateSlice,
  sort: scheduleSort,
  'top-k': scheduleTopK,
  'rng-bit-generator': scheduleRng,
  'all-reduce': scheduleAllReduce,
};

const byFusionKind: { readonly [K in FusionKind]?: Schedule } = {
  loop: scheduleLoop,
  dot: scheduleDot,
  reduce: scheduleReduce,
  window: scheduleWindow,
  convolution: scheduleConvolution,
  scatter: scheduleScatter,
};

/** The kernels of one top-level instruction. */
export function scheduleInstruction(x: Instruction, target: Target): Scheduled {
  const schedule = x.opcode === 'fusion' ? byFusionKind[x.attrs.kind] : byOpcode[x.opcode];
  if (schedule) return schedule(x, target);
  const what = x.opcode === 'fusion' ? `fusion of kind ${x.attrs.kind}` : x.opcode;
  const known = [...Object.keys(byOpcode), ...Object.keys(byFusionKind).map((k) => `fusion of kind ${k}`)];
  const { opName } = x.metadata;
  throw unimplemented(`no kernels for ${what} on ${target.name}; there are kernels for ${known.join(', ')}.`, {
    opcode: x.opcode,
    ...(opName !== undefined && { opName }),
  });
}
