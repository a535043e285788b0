/** @file Deals a node's flat inputs and outputs out to the named arguments of its signature. */
import type { Operation } from '../graph/operation.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { AttrMap } from './bindAttrs.ts';
import type { Named } from './record.ts';
import { type Arg, isList } from './signature.ts';

/** Tensors in one argument of a node with these attributes. */
export function argCount(arg: Arg, attrs: Readonly<AttrMap>): number {
  if (!isList(arg)) return 1;
  if (arg.numberAttr !== undefined) return attrs[arg.numberAttr] as number;
  return (attrs[arg.typeAttr as string] as readonly unknown[]).length;
}

/** Values by argument name; list arguments take a slice. */
export function byName<T>(args: readonly Arg[], flat: readonly T[], attrs: Readonly<AttrMap>): Named<T> {
  const result: Record<string, T | readonly T[]> = {};
  let next = 0;
  for (const arg of args) {
    const n = argCount(arg, attrs);
    result[arg.name] = isList(arg) ? flat.slice(next, next + n) : (flat[next] as T);
    next += n;
  }
  return result;
}

/** The argument of each flat position. */
export function expandArgs(args: readonly Arg[], attrs: Readonly<AttrMap>): Arg[] {
  return args.flatMap((arg) => new Array<Arg>(argCount(arg, attrs)).fill(arg));
}

/** Flattens values by argument name to a list in signature order. */
export function flatten<T>(args: readonly Arg[], named: Named<T>): T[] {
  return args.flatMap((arg) => (isList(arg) ? (named[arg.name] as readonly T[]) : [named[arg.name] as T]));
}

/** Outputs of a node by name, lists for list outputs. */
export function outputsByName(node: Operation): Named<Tensor> {
  return byName(node.record.outputs, node.outputs, node.attrs);
}

/** Inputs of a node by name, lists for list inputs. */
export function inputsByName(node: Operation): Named<Tensor> {
  return byName(node.record.inputs, node.inputs, node.attrs);
}
