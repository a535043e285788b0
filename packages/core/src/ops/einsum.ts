/**
 * @file Einstein summation of one or two tensors as one op: labels summed alone, one general dot product, one transposition. Sums of
 * more tensors are chains of it. Repeated labels of one operand (diagonals) are not supported.
 */
import { type Builder, dimsOf, type Value } from '@tsflow/xla';
import { real } from '../dtype.ts';
import { InvalidArgumentError } from '../errors.ts';
import type { Tensor, TensorLike } from '../graph/tensor.ts';
import { count, type } from '../op/attr.ts';
import { call, convertToTensor } from '../op/call.ts';
import { defineOp } from '../op/defineOp.ts';
import { reduceAxes } from '../op/hlo.ts';
import type { ShapeContext } from '../op/record.ts';
import { uniform } from '../op/sample.ts';
import { type Dimension, formatShape, mergeDimension, type PartialShape } from '../shape.ts';
import { reshape, shape } from './array.ts';
import { getItem } from './arraySlice.ts';
import { broadcastToShape } from './broadcast.ts';

type Fail = (text: string) => never;
type Labels = readonly string[];

/** Labels of operands and result, ellipses written out as '0', '1' … counted from the right. */
interface Equation {
  readonly inputs: readonly Labels[];
  readonly output: Labels;
}

function parse(equation: string, ranks: readonly (number | null)[], fail: Fail): Equation {
  const text = equation.replaceAll(' ', '');
  const [left = '', right] = text.split('->');
  const terms = left.split(',');
  if (terms.length !== ranks.length) {
    return fail(`"${equation}" has ${terms.length} operands, but ${ranks.length} tensors were given.`);
  }
  const hidden = terms.map((t, i) => ellipsisRank(t, ranks[i] ?? null, equation, fail));
  const inputs = terms.map((t, i) => labelsOf(t, hidden[i] as number));
  for (const labels of inputs) checkDistinct(labels, equation, fail);
  const output = right === undefined ? implied(inputs) : labelsOf(right, Math.max(0, ...hidden));
  checkDistinct(output, equation, fail);
  const missing = output.find((l) => !inputs.some((labels) => labels.includes(l)));
  if (missing !== undefined) fail(`"${equation}": label ${missing} of the result is in no operand.`);
  return { inputs, output };
}

function ellipsisRank(term: string, rank: number | null, equation: string, fail: Fail): number {
  const named = term.replace('...', '');
  if (!/^[A-Za-z]*$/.test(named)) return fail(`"${equation}": "${term}" has other signs than letters and one "...".`);
  const open = term !== named;
  if (rank === null) {
    return open ? fail(`"${equation}" has "..." for a tensor of unknown rank. Set the rank with setShape(…).`) : 0;
  }
  if (open ? rank < named.length : rank !== named.length) {
    return fail(`"${equation}": "${term}" names ${named.length} dimensions, but the tensor has rank ${rank}.`);
  }
  return rank - named.length;
}

function labelsOf(term: string, hidden: number): Labels {
  const at = term.indexOf('...');
  if (at < 0) return [...term];
  const dots = Array.from({ length: hidden }, (_, i) => `${hidden - 1 - i}`);
  return [...term.slice(0, at), ...dots, ...term.slice(at + 3)];
}

/** Without "->": the ellipsis, then labels that occur once, alphabetically. */
function implied(inputs: readonly Labels[]): Labels {
  const all = inputs.flat();
  const dots = [...new Set(all.filter((l) => /\d/.test(l)))].sort((p, q) => Number(q) - Number(p));
  const once = all.filter((l) => /\D/.test(l) && all.indexOf(l) === all.lastIndexOf(l)).sort();
  return [...dots, ...once];
}

function checkDistinct(labels: Labels, equation: string, fail: Fail): void {
  const twice = labels.find((l, i) => labels.indexOf(l) !== i);
  if (twice !== undefined) fail(`"${equation}": label ${twice} occurs twice in one operand. Take the diagonal first.`);
}

function sumShape(equation: string, shapes: readonly PartialShape[], ctx: Pick<ShapeContext, 'fail'>): PartialShape {
  const { inputs, output } = parse(
    equation,
    shapes.map((s) => s?.length ?? null),
    ctx.fail,
  );
  const sizes = new Map<string, Dimension>();
  for (const [k, labels] of inputs.entries()) {
    for (const [i, label] of labels.entries()) {
      const own = shapes[k]?.[i] ?? null;
      const merged = mergeDimension(sizes.get(label) ?? null, own);
      if (merged === undefined) {
        return ctx.fail(
          `"${equation}" of ${shapes.map(formatShape).join(', ')}: dimension ${label} is both ${sizes.get(label)} and ${own}.`,
        );
      }
      sizes.set(label, merged);
    }
  }
  return output.map((l) => sizes.get(l) ?? null);
}

/** x with the labels that nobody else needs summed away. */
function summedAlone(b: Builder, x: Value, labels: Labels, needed: ReadonlySet<string>): readonly [Value, Labels] {
  const axes = labels.flatMap((l, i) => (needed.has(l) ? [] : [i]));
  return [reduceAxes(b, x, { opcode: 'add', init: 0, axes }), labels.filter((l) => needed.has(l))];
}

function arranged(b: Builder, x: Value, labels: Labels, output: Labels): Value {
  const perm = output.map((l) => labels.indexOf(l));
  return perm.every((p, i) => p === i) ? x : b.transpose(x, perm);
}

function lowerSum(b: Builder, xs: readonly Value[], { inputs, output }: Equation): Value {
  const [x, y] = xs as [Value, Value | undefined];
  const [p = [], q = []] = inputs;
  const [first, own] = summedAlone(b, x, p, new Set([...q, ...output]));
  if (y === undefined) return arranged(b, first, own, output);
  const [second, other] = summedAlone(b, y, q, new Set([...p, ...output]));
  const shared = own.filter((l) => other.includes(l));
  const batch = shared.filter((l) => output.includes(l));
  const contracted = shared.filter((l) => !output.includes(l));
  const product = b.dot(first, second, {
    lhsBatch: batch.map((l) => own.indexOf(l)),
    rhsBatch: batch.map((l) => other.indexOf(l)),
    lhsContracting: contracted.map((l) => own.indexOf(l)),
    rhsContracting: contracted.map((l) => other.indexOf(l)),
  });
  const free = [...own, ...other].filter((l) => !shared.includes(l));
  return arranged(b, product, [...batch, ...free], output);
}

const term = (labels: Labels, letters: ReadonlyMap<string, string>): string =>
  labels.map((l) => letters.get(l) ?? l).join('');

/** Letters for the labels of ellipses, which no equation uses. */
function lettersFor({ inputs }: Equation): Map<string, string> {
  const used = new Set(inputs.flat());
  const spare = [...'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'].filter((l) => !used.has(l));
  const dots = [...used].filter((l) => /\d/.test(l));
  return new Map(dots.map((l, i) => [l, spare[i] as string]));
}

/**
 * Gradient by operand k: dy summed with the other operand into k's labels; labels that only k has were summed, so dy repeats along them.
 */
function gradient(k: number, inputs: readonly Tensor[], dy: Tensor, equation: Equation): Tensor {
  const own = equation.inputs[k] as Labels;
  const others = inputs.flatMap((x, i) => (i === k ? [] : [{ x, labels: equation.inputs[i] as Labels }]));
  const reachable = new Set([...equation.output, ...others.flatMap(({ labels }) => labels)]);
  const kept = own.filter((l) => reachable.has(l));
  const letters = lettersFor(equation);
  const left = [equation.output, ...others.map(({ labels }) => labels)].map((l) => term(l, letters)).join(',');
  const g = einsum(`${left}->${term(kept, letters)}`, dy, ...others.map(({ x }) => x));
  if (kept.length === own.length) return g;
  const x = inputs[k] as Tensor;
  const wide = own.map((l, i): TensorLike => (reachable.has(l) ? (x.shape?.[i] ?? getItem(shape(x), i)) : 1));
  return broadcastToShape(reshape(g, wide), shape(x));
}

export const Einsum = defineOp('Einsum', {
  inputs: ['inputs: N * T'],
  outputs: ['output: T'],
  attrs: { equation: 'string', N: count(1), T: type(real) },
  shape: ({ inputs }, ctx) => {
    if (inputs.length > 2)
      ctx.fail(`${inputs.length} operands were given; the op takes 1 or 2. Use the function einsum.`);
    return { output: sumShape(ctx.attrs.equation, inputs, ctx) };
  },
  grad: ({ inputs }, dy, { attrs }) => {
    const ranks = inputs.map((x) => x.shape?.length ?? null);
    const equation = parse(attrs.equation, ranks, fail);
    return { inputs: inputs.map((_, k) => gradient(k, inputs, dy.output, equation)) };
  },
  lower: (b, { inputs }, ctx) => {
    const ranks = inputs.map((x) => dimsOf(x).length);
    return { output: lowerSum(b, inputs, parse(ctx.attrs.equation, ranks, ctx.fail)) };
  },
  sample: [
    { inputs: { inputs: [uniform([2, 3]), uniform([3, 4])] }, attrs: { equation: 'ij,jk->ik' } },
    { inputs: { inputs: [uniform([2, 3, 2]), uniform([2, 4, 3])] }, attrs: { equation: 'bij,bki->kbj' } },
    { inputs: { inputs: [uniform([2, 3])] }, attrs: { equation: 'ij->j' } },
    { inputs: { inputs: [uniform([2, 3]), uniform([4])] }, attrs: { equation: 'ij,k->ik' } },
    { inputs: { inputs: [uniform([2, 2, 3]), uniform([2, 3, 2])] }, attrs: { equation: '...ij,...jk->...ik' } },
  ],
});

function fail(text: string): never {
  throw new InvalidArgumentError(text, { opType: 'Einsum' });
}

/**
 * Sums of products by labels: `einsum('ij,jk->ik', a, b)` is a matrix product. One letter a dimension, `...` for any leading ones;
 * labels that are not in the result are summed. Without `->` the result has the labels that occur once, in alphabetical order. More than
 * two operands are combined from left to right. TF `einsum`.
 */
export function einsum(equation: string, ...inputs: readonly TensorLike[]): Tensor {
  const xs = inputs.map((x) => convertToTensor(x));
  if (xs.length === 0) fail(`einsum("${equation}") was given no tensors.`);
  if (xs.length <= 2) return call(Einsum, { inputs: xs }, { attrs: { equation }, name: 'einsum' }).output;
  const ranks = xs.map((x) => x.shape?.length ?? null);
  const full = parse(equation, ranks, fail);
  const letters = lettersFor(full);
  let acc = xs[0] as Tensor;
  let labels = full.inputs[0] as Labels;
  for (let k = 1; k < xs.length; k++) {
    const mine = full.inputs[k] as Labels;
    const later = new Set([...full.output, ...full.inputs.slice(k + 1).flat()]);
    const last = k === xs.length - 1;
    const kept = last ? full.output : [...new Set([...labels, ...mine])].filter((l) => later.has(l));
    acc = einsum(`${term(labels, letters)},${term(mine, letters)}->${term(kept, letters)}`, acc, xs[k] as Tensor);
    labels = kept;
  }
  return acc;
}
