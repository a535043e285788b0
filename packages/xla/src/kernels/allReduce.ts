/** @file All-reduce on one device: the only member of its group has the result already. */
import { unimplemented } from '../hlo/errors.ts';
import { shapeOf } from '../hlo/graph.ts';
import type { Instruction } from '../hlo/module.ts';
import { byteSize } from '../hlo/shape.ts';
import { copyKernel } from './copyKernel.ts';
import { operandArg, outputArg, type Scheduled } from './schedule.ts';
import type { Target } from './target.ts';

/** A copy, for groups of one replica; larger groups are UNIMPLEMENTED. */
export function scheduleAllReduce(x: Instruction, target: Target): Scheduled {
  const groups = x.opcode === 'all-reduce' ? x.attrs.replicaGroups : [];
  const largest = Math.max(1, ...groups.map((g) => g.length));
  if (largest > 1) {
    throw unimplemented(`a group of ${largest} replicas; one device has groups of one replica.`, { opcode: x.opcode });
  }
  return {
    launches: [{ kernel: copyKernel(byteSize(shapeOf(x)), target), args: [operandArg(0), outputArg()] }],
    scratch: [],
    inPlace: [{ operand: 0, output: 0 }],
  };
}
