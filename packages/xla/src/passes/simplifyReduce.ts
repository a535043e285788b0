/**
 * @file Reductions and windows that do nothing, less, or the work of two: over no elements, over dims of size 1, behind transposes and
 * reshapes that drop dims of size 1, and reductions of reductions.
 */
import type { HloBuilder } from '../hlo/builder.ts';
import type { Value } from '../hlo/builderApi.ts';
import { dimsOf, dtypeOf } from '../hlo/graph.ts';
import type { Instruction } from '../hlo/module.ts';
import { inlineComputation } from '../hlo/rewrite.ts';
import { identityOf } from '../hlo/traits.ts';
import { binaryOf, broadcastScalar, splatOf } from './match.ts';
import { type RuleTable, rulesPass } from './rules.ts';
import type { Pass } from './runner.ts';

type Reduce = Instruction<'reduce'>;

/** A reduction of one array by a binary operation that starts from its identity. */
function isPlain(x: Reduce): boolean {
  if (x.operands.length !== 2) return false;
  const op = binaryOf(x.attrs.computation);
  const init = splatOf(x.operands[1] as Value);
  if (!op || init === undefined) return false;
  const identity = identityOf(op, dtypeOf(x));
  // 0 starts a sum as well as −0 does, but for the sign of an empty sum.
  return identity !== undefined && Number(identity) === Number(init);
}

const input = (x: Reduce): Value => x.operands[0] as Value;

/** reduce over dims of size 1 → reshape; over some of them → over the others */
function withoutUnitDims(x: Reduce, b: HloBuilder): Value | undefined {
  if (!isPlain(x)) return undefined;
  const dims = dimsOf(input(x));
  const dimensions = x.attrs.dimensions.filter((d) => dims[d] !== 1);
  if (dimensions.length === 0) return b.reshape(input(x), dimsOf(x));
  if (dims.every((d) => d !== 1)) return undefined;
  // Squeeze all dims of size 1, reduced or not.
  const places = dims.flatMap((d, i) => (d === 1 ? [] : [i]));
  const squeezed = b.reshape(
    input(x),
    places.map((i) => dims[i] as number),
  );
  const moved = dimensions.map((d) => places.indexOf(d));
  return b.reshape(b.reduce([squeezed], [x.operands[1] as Value], moved, x.attrs.computation), dimsOf(x));
}

/** reduce(transpose x) → reduce x, when the dims that stay keep their order */
function throughTranspose(x: Reduce, b: HloBuilder): Value | undefined {
  const t = input(x);
  if (x.operands.length !== 2 || t.opcode !== 'transpose' || !binaryOf(x.attrs.computation)) return undefined;
  const { permutation } = t.attrs;
  const kept = permutation.filter((_, i) => !x.attrs.dimensions.includes(i));
  if (kept.some((p, i) => i > 0 && p < (kept[i - 1] as number))) return undefined;
  const dimensions = x.attrs.dimensions.map((d) => permutation[d] as number).sort((p, q) => p - q);
  return b.reduce([t.operands[0] as Value], [x.operands[1] as Value], dimensions, x.attrs.computation);
}

/** reduce(reduce x) → one reduce over both sets of dims */
function ofReduce(x: Reduce, b: HloBuilder): Value | undefined {
  const inner = input(x);
  if (inner.opcode !== 'reduce' || !isPlain(x) || !isPlain(inner) || inner.attrs.computation !== x.attrs.computation) {
    return undefined;
  }
  const left = dimsOf(input(inner)).flatMap((_, i) => (inner.attrs.dimensions.includes(i) ? [] : [i]));
  const dimensions = [...inner.attrs.dimensions, ...x.attrs.dimensions.map((d) => left[d] as number)];
  return b.reduce(
    [input(inner)],
    [x.operands[1] as Value],
    dimensions.sort((p, q) => p - q),
    x.attrs.computation,
  );
}

/** reduce over no dims: f(init, x) at every element */
function overNothing(x: Reduce, b: HloBuilder): Value | undefined {
  if (x.attrs.dimensions.length > 0 || x.operands.length !== 2) return undefined;
  if (isPlain(x)) return input(x);
  const op = binaryOf(x.attrs.computation);
  return op && b.binary(op, b.broadcast(x.operands[1] as Value, dimsOf(x), []), input(x));
}

/** reduce of a repeated scalar by maximum, minimum, and, or → the scalar with init */
function ofScalar(x: Reduce, b: HloBuilder): Value | undefined {
  const scalar = x.operands.length === 2 ? broadcastScalar(input(x)) : undefined;
  const op = binaryOf(x.attrs.computation);
  const idempotent = op === 'maximum' || op === 'minimum' || op === 'and' || op === 'or';
  if (!scalar || !idempotent || dimsOf(input(x)).includes(0)) return undefined;
  const value = inlineComputation(b, x.attrs.computation, [x.operands[1] as Value, scalar]);
  return dimsOf(x).length === 0 ? value : b.broadcast(value, dimsOf(x), []);
}

const table: RuleTable = {
  reduce: [overNothing, withoutUnitDims, throughTranspose, ofReduce, ofScalar],
  'reduce-window': [
    (x) => {
      const [value, init] = x.operands as readonly [Value, Value];
      const op = binaryOf(x.attrs.computation);
      const identity = op && identityOf(op, dtypeOf(x));
      const still = x.attrs.window.every(
        (w) => w.size === 1 && w.stride === 1 && w.padLow === 0 && w.padHigh === 0 && w.baseDilation === 1,
      );
      return still && identity !== undefined && Number(splatOf(init)) === Number(identity) ? value : undefined; // windows of one → x
    },
  ],
};

export const simplifyReduce: Pass = rulesPass('simplify-reduce', table);
