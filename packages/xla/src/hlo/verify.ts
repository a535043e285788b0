/**
 * @file Checks a module as a whole: every shape follows from its operands, ids ascend along edges (so there are no cycles), parameters
 * are numbered and belong to their computation, the entry returns a tuple of arrays, aliases fit. Pass runners call it after every change.
 */
import { checkAlias } from './builder.ts';
import { XlaError } from './errors.ts';
import { computationsInOrder, computationsOf } from './graph.ts';
import { inferShape } from './infer.ts';
import type { Computation, Instruction, Module } from './module.ts';
import type { Opcode } from './opcodes.ts';
import { printInstruction } from './print.ts';
import { sameShape, shapeText } from './shape.ts';

/** Throws an internal error that names the instruction and what is wrong with it. */
export function verifyModule(module: Module): void {
  checkNesting(module);
  const owners = new Map<Instruction, Computation>();
  for (const computation of computationsInOrder(module)) verifyComputation(computation, owners);
  const { root } = module.entry;
  if (root.opcode !== 'tuple')
    throw wrong(module.entry, root, `the entry's root is ${root.opcode}, a tuple is needed.`);
  for (const x of root.operands) {
    if (x.shape.kind === 'tuple')
      throw wrong(module.entry, root, 'a result of the module is a tuple, arrays are needed.');
  }
  checkAliases(module);
}

function wrong(computation: Computation, x: Instruction, message: string, cause?: unknown): XlaError {
  const where = `%${x.id} = ${printInstruction(x, undefined, { maxLiteralElements: 8 })}`;
  return new XlaError('INTERNAL', `internal: in computation "${computation.name}", ${where}: ${message}`, { cause });
}

function verifyComputation(computation: Computation, owners: Map<Instruction, Computation>): void {
  const live = new Set<Instruction>([...computation.parameters, computation.root]);
  for (const x of live) {
    for (const operand of x.operands) {
      if (operand.id >= x.id) throw wrong(computation, x, `operand %${operand.id} does not come before it.`);
      live.add(operand);
    }
  }
  for (const [i, p] of computation.parameters.entries()) {
    if (p.opcode !== 'parameter' || p.attrs.index !== i) throw wrong(computation, p, `it stands at parameter ${i}.`);
  }
  const ids = new Map<number, Instruction>();
  for (const x of live) {
    const owner = owners.get(x);
    if (owner !== undefined) throw wrong(computation, x, `it belongs to computation "${owner.name}" too.`);
    if (ids.has(x.id)) throw wrong(computation, x, `id ${x.id} is used twice.`);
    owners.set(x, computation);
    ids.set(x.id, x);
    if (x.opcode === 'parameter' && computation.parameters[x.attrs.index] !== x) {
      throw wrong(computation, x, 'it is not among the parameters of its computation.');
    }
    verifyInstruction(computation, x);
  }
}

function verifyInstruction(computation: Computation, x: Instruction): void {
  let shape: ReturnType<typeof inferShape>;
  try {
    const operands = x.operands.map((o) => o.shape);
    shape = inferShape<Opcode>({ opcode: x.opcode, operands, attrs: x.attrs, declared: x.shape });
  } catch (error) {
    if (error instanceof XlaError) throw wrong(computation, x, error.message, error);
    throw error;
  }
  if (!sameShape(shape, x.shape)) throw wrong(computation, x, `its operands make it ${shapeText(shape)}.`);
}

/** Computations may not contain themselves. */
function checkNesting(module: Module): void {
  const open = new Set<Computation>();
  const done = new Set<Computation>();
  const visit = (computation: Computation): void => {
    if (done.has(computation)) return;
    open.add(computation);
    const seen = new Set<Instruction>([computation.root]);
    for (const x of seen) {
      for (const operand of x.operands) seen.add(operand);
      for (const callee of computationsOf(x)) {
        if (open.has(callee)) throw wrong(computation, x, `computation "${callee.name}" contains itself.`);
        visit(callee);
      }
    }
    open.delete(computation);
    done.add(computation);
  };
  visit(module.entry);
}

function checkAliases(module: Module): void {
  const outputs = new Set<number>();
  const parameters = new Set<number>();
  for (const alias of module.aliases) {
    checkAlias(module.entry, alias);
    if (outputs.has(alias.output) || parameters.has(alias.parameter)) {
      const { output, parameter } = alias;
      throw wrong(
        module.entry,
        module.entry.root,
        `alias of result ${output} with parameter ${parameter} repeats one of them.`,
      );
    }
    outputs.add(alias.output);
    parameters.add(alias.parameter);
  }
}
