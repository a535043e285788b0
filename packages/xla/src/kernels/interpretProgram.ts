/**
 * @file Runs a whole program through the kernel interpreter, with simulated threads and race detection across kernels: the oracle of
 * the lowering (memory sharing, barriers) and of backends' runtimes.
 */
import { internal } from '../hlo/errors.ts';
import type { Literal } from '../hlo/literal.ts';
import { literalBytes } from '../hlo/literals.ts';
import { byteSize } from '../hlo/shape.ts';
import type { BufferRef, Program, Step } from '../program.ts';
import { interpretKernel } from './interpretKernel.ts';
import { RaceDetector } from './interpretMemory.ts';
import { literalFromBytes } from './interpretScheduled.ts';

interface Machine {
  readonly threads: number;
  readonly races: RaceDetector;
  readonly memory: (ref: BufferRef) => Uint8Array;
}

/** Results of one run. Arguments are copied; updated parameters are seen through the results that alias them. */
export function interpretProgram(program: Program, args: readonly Literal[], threads = 1): Literal[] {
  const { parameters, results, aliases } = program;
  if (args.length !== parameters.length) {
    throw internal(`program ${program.name} takes ${parameters.length} arguments, got ${args.length}`);
  }
  const inputs = args.map((a) => literalBytes(a).slice());
  const outputs = results.map((shape, i) => {
    const parameter = aliases.get(i);
    return parameter === undefined ? new Uint8Array(byteSize(shape)).fill(0xa5) : (inputs[parameter] as Uint8Array);
  });
  const arena = new Uint8Array(program.arenaBytes).fill(0xa5);
  const constants = program.constants.slice();
  const memory = (ref: BufferRef): Uint8Array => {
    if (ref.space === 'parameter') return inputs[ref.index] as Uint8Array;
    if (ref.space === 'result') return outputs[ref.index] as Uint8Array;
    return (ref.space === 'arena' ? arena : constants).subarray(ref.offset, ref.offset + ref.bytes);
  };
  runSteps(program.steps, { threads, races: new RaceDetector(threads), memory });
  return results.map((shape, i) => literalFromBytes(outputs[i] as Uint8Array, shape));
}

function runSteps(steps: readonly Step[], m: Machine): void {
  for (const step of steps) runStep(step, m);
}

function runStep(step: Step, m: Machine): void {
  switch (step.kind) {
    case 'kernel':
      if (step.barrier) m.races.barrier();
      interpretKernel(step.kernel, step.args.map(m.memory), { threads: m.threads, races: m.races });
      return;
    case 'while':
      for (;;) {
        runSteps(step.condition, m);
        if (readByAll(step.predicate, 1, m)[0] === 0) return;
        runSteps(step.body, m);
      }
    case 'conditional': {
      const bytes = readByAll(step.selector, step.selectorType === 'pred' ? 1 : 4, m);
      const last = step.branches.length - 1;
      const index =
        step.selectorType === 'pred' ? (bytes[0] ? 0 : 1) : new DataView(bytes.slice().buffer).getInt32(0, true);
      runSteps(step.branches[index < 0 || index > last ? last : index] ?? [], m);
      return;
    }
    default:
      step satisfies never;
  }
}

/** The first bytes of a buffer, read by every thread between two barriers. */
function readByAll(ref: BufferRef, count: number, m: Machine): Uint8Array {
  m.races.barrier();
  const bytes = m.memory(ref).subarray(0, count);
  for (let tid = 0; tid < m.threads; tid++) {
    m.races.touch(bytes.buffer, bytes.byteOffset, count, {
      tid,
      write: false,
      what: 'read of a predicate or selector',
    });
  }
  m.races.barrier();
  return bytes;
}
