/**
 * @file Runs what a schedule answers for one instruction on given operands, through the kernel interpreter: the test tool of schedules.
 * Output memory starts as garbage, scratch too, so a schedule that counts on zeros fails.
 */
import { internal } from '../hlo/errors.ts';
import { type Literal, storageConstructors } from '../hlo/literal.ts';
import { literalBytes } from '../hlo/literals.ts';
import type { Instruction } from '../hlo/module.ts';
import { type ArrayShape, byteSize, elementCount, type Shape } from '../hlo/shape.ts';
import { interpretKernel } from './interpretKernel.ts';
import { RaceDetector } from './interpretMemory.ts';
import type { ArgRef, Scheduled } from './schedule.ts';

export interface InterpretOptions {
  /** Simulated threads; default 1. */
  readonly threads?: number;
  /** Share memory as `scheduled.inPlace` allows; default false. */
  readonly inPlace?: boolean;
}

/** The arrays of a result, flattened. */
export function arraysOf(shape: Shape): ArrayShape[] {
  return shape.kind === 'array' ? [shape] : shape.elements.flatMap(arraysOf);
}

const garbage = (bytes: number): Uint8Array => new Uint8Array(bytes).fill(0xa5);

/** The literal whose bytes these are. */
export function literalFromBytes(bytes: Uint8Array, shape: ArrayShape): Literal {
  const copy = bytes.slice();
  return { shape, data: new storageConstructors[shape.dtype](copy.buffer, 0, elementCount(shape.dims)) };
}

/** Results of `instruction` (one literal per array) computed by the launches of `scheduled` on `operands`. */
export function interpretScheduled(
  instruction: Instruction,
  scheduled: Scheduled,
  operands: readonly Literal[],
  options: InterpretOptions = {},
): Literal[] {
  const { threads = 1, inPlace = false } = options;
  const races = new RaceDetector(threads);
  const inputs = operands.map((x) => literalBytes(x).slice());
  const shapes = arraysOf(instruction.shape);
  const taken = new Set<number>();
  const outputs = shapes.map((shape, i) => {
    const shared = inPlace ? scheduled.inPlace.find((p) => p.output === i && !taken.has(p.operand)) : undefined;
    if (shared) taken.add(shared.operand);
    return (shared && inputs[shared.operand]) ?? garbage(byteSize(shape));
  });
  for (const { operand, output } of scheduled.copied ?? []) outputs[output]?.set(inputs[operand] as Uint8Array);
  const scratch = scheduled.scratch.map(garbage);
  const region = (arg: ArgRef): Uint8Array => {
    const list = { operand: inputs, output: outputs, scratch };
    const found = arg.kind === 'constant' ? arg.data.slice() : list[arg.kind][arg.index];
    if (!found) throw internal(`a launch names ${arg.kind} ${'index' in arg ? arg.index : ''}, which does not exist`);
    return found;
  };
  for (const { kernel, args } of scheduled.launches) {
    interpretKernel(kernel, args.map(region), { threads, races });
    races.barrier();
  }
  return shapes.map((shape, i) => literalFromBytes(outputs[i] as Uint8Array, shape));
}
