/**
 * @file Schedules each kind of instruction once: layers repeat, and a schedule depends on nothing but operand shapes, attributes, which
 * operands are the same value, and scalar constants. Equal instructions share their kernels, so emitters write them once, too.
 */
import { instructionKey } from '../hlo/internKey.ts';
import { literalBytes } from '../hlo/literals.ts';
import type { Instruction } from '../hlo/module.ts';
import { shapeText } from '../hlo/shape.ts';
import type { Schedule, Scheduled } from './schedule.ts';

/** `schedule` with a memory; for one target. */
export function rememberSchedules(schedule: Schedule): Schedule {
  const known = new Map<string, Scheduled>();
  return (x, target) => {
    const key = scheduleKey(x);
    const scheduled = known.get(key) ?? schedule(x, target);
    known.set(key, scheduled);
    return scheduled;
  };
}

/** Equal keys: equal kernels. */
function scheduleKey(x: Instruction): string {
  const own = instructionKey(x);
  // What follows the operands' numbers: attributes, computations by identity, a declared shape.
  const attributes = own.slice(own.indexOf(')'));
  return `${x.opcode}(${x.operands.map((o) => operandKey(o, x)).join()}${attributes}`;
}

function operandKey(o: Instruction, user: Instruction): string {
  const place = user.operands.indexOf(o);
  const constant = o.opcode === 'constant' && o.attrs.literal.data.length === 1;
  return `${place}:${shapeText(o.shape)}${constant ? `=${literalBytes(o.attrs.literal).join('.')}` : ''}`;
}
