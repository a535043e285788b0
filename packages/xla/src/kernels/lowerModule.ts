/**
 * @file Module → Program: steps on slots (`lowerComputation`), addresses (`assignBuffers`), barriers (`placeBarriers`), and the image of
 * constants. The passes have run; nothing is simplified here.
 */
import { shapeOf } from '../hlo/graph.ts';
import type { Module } from '../hlo/module.ts';
import { byteSize } from '../hlo/shape.ts';
import type { Program, Step } from '../program.ts';
import { type Assignment, assignBuffers } from './assignBuffers.ts';
import { placeBarriers } from './barriers.ts';
import { ConstantImage } from './constantImage.ts';
import type { Cost } from './ir.ts';
import { lowerComputation } from './lowerComputation.ts';
import type { Schedule } from './schedule.ts';
import { rememberSchedules } from './scheduleCache.ts';
import { scheduleInstruction } from './schedules.ts';
import { type LogicalStep, SlotFactory } from './slots.ts';
import type { Target } from './target.ts';

/** The program that computes `module` on `target`. */
export function lowerModule(module: Module, target: Target, schedule: Schedule = scheduleInstruction): Program {
  const { entry } = module;
  const parameters = entry.parameters.map((p) => shapeOf(p));
  const results = entry.root.operands.map((r) => shapeOf(r));
  const aliases = new Map(module.aliases.map((a) => [a.output, a.parameter]));

  const slots = new SlotFactory();
  const constants = new ConstantImage();
  const inputs = parameters.map((p, index) => slots.make(byteSize(p), { space: 'parameter', index }));
  const outputs = results.map((r, index) => {
    const parameter = aliases.get(index);
    return parameter === undefined ? slots.make(byteSize(r), { space: 'result', index }) : inputs[parameter];
  });
  const context = { target, schedule: rememberSchedules(schedule), constants, slots };
  const { steps } = lowerComputation(entry, inputs, outputs, context);
  const assignment = assignBuffers(steps);
  const addressed = steps.map((s) => addressStep(s, assignment));
  return {
    name: module.name,
    parameters,
    results,
    aliases,
    steps: target.maxThreads > 1 ? placeBarriers(addressed, aliases) : addressed,
    arenaBytes: assignment.arenaBytes,
    constants: constants.finish(),
    cost: costOf(addressed),
  };
}

function addressStep(step: LogicalStep, assignment: Assignment): Step {
  const all = (steps: readonly LogicalStep[]): Step[] => steps.map((s) => addressStep(s, assignment));
  switch (step.kind) {
    case 'kernel':
      return { ...step, args: step.args.map(assignment.refOf), barrier: false };
    case 'while':
      return {
        ...step,
        condition: all(step.condition),
        predicate: assignment.refOf(step.predicate),
        body: all(step.body),
      };
    case 'conditional':
      return { ...step, selector: assignment.refOf(step.selector), branches: step.branches.map(all) };
    default:
      return step satisfies never;
  }
}

/** Work of one run: loops count once, conditionals by their costliest branch. */
function costOf(steps: readonly Step[]): Cost {
  const zero: Cost = { flops: 0, bytes: 0 };
  const add = (a: Cost, b: Cost): Cost => ({ flops: a.flops + b.flops, bytes: a.bytes + b.bytes });
  const one = (step: Step): Cost => {
    if (step.kind === 'kernel') return step.kernel.cost;
    if (step.kind === 'while') return add(costOf(step.condition), costOf(step.body));
    return step.branches.map(costOf).reduce((a, b) => (b.flops + b.bytes > a.flops + a.bytes ? b : a), zero);
  };
  return steps.map(one).reduce(add, zero);
}
