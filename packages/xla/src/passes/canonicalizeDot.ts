/**
 * @file Transposes around a dot become its dimension numbers: dot(xᵀ, y) reads x the other way round. Afterwards the dot's schedule
 * sees plain operands. Contractions over one element become products.
 */
import type { HloBuilder } from '../hlo/builder.ts';
import type { Value } from '../hlo/builderApi.ts';
import { dimsOf } from '../hlo/graph.ts';
import type { Instruction } from '../hlo/module.ts';
import type { DotDimensionNumbers } from '../hlo/opcodes.ts';
import { type RuleTable, rulesPass } from './rules.ts';
import type { Pass } from './runner.ts';

type Dot = Instruction<'dot'>;

/** The dims of an operand that are neither batch nor contracting, ascending. */
function freeDims(x: Value, batch: readonly number[], contracting: readonly number[]): number[] {
  return dimsOf(x).flatMap((_, i) => (batch.includes(i) || contracting.includes(i) ? [] : [i]));
}

/** An operand that is a transpose, replaced by what it transposes, if the free dims keep their order. */
function unwrap(x: Value, batch: readonly number[], contracting: readonly number[]) {
  if (x.opcode !== 'transpose') return undefined;
  const { permutation } = x.attrs;
  const free = freeDims(x, batch, contracting).map((i) => permutation[i] as number);
  if (free.some((p, i) => i > 0 && p < (free[i - 1] as number))) return undefined;
  const map = (list: readonly number[]): number[] => list.map((i) => permutation[i] as number);
  return { value: x.operands[0] as Value, batch: map(batch), contracting: map(contracting) };
}

/** dot(transpose x, y) → dot(x, y) with the dims of x */
function absorbLhs(x: Dot, b: HloBuilder): Value | undefined {
  const [lhs, rhs] = x.operands as readonly [Value, Value];
  const d = x.attrs.dimensionNumbers;
  const u = unwrap(lhs, d.lhsBatch, d.lhsContracting);
  return u && b.dot(u.value, rhs, { ...d, lhsBatch: u.batch, lhsContracting: u.contracting });
}

function absorbRhs(x: Dot, b: HloBuilder): Value | undefined {
  const [lhs, rhs] = x.operands as readonly [Value, Value];
  const d = x.attrs.dimensionNumbers;
  const u = unwrap(rhs, d.rhsBatch, d.rhsContracting);
  return u && b.dot(lhs, u.value, { ...d, rhsBatch: u.batch, rhsContracting: u.contracting });
}

/** transpose(dot(x, y)) → dot(y, x), when it swaps the free dims as wholes and leaves batch dims */
function swapOperands(x: Instruction<'transpose'>, b: HloBuilder): Value | undefined {
  const dot = x.operands[0] as Instruction;
  if (dot.opcode !== 'dot') return undefined;
  const [lhs, rhs] = dot.operands as readonly [Value, Value];
  const d = dot.attrs.dimensionNumbers;
  const batches = d.lhsBatch.length;
  const m = freeDims(lhs, d.lhsBatch, d.lhsContracting).length;
  const n = freeDims(rhs, d.rhsBatch, d.rhsContracting).length;
  const swapped = Array.from({ length: batches + m + n }, (_, i) => {
    if (i < batches) return i;
    return i < batches + n ? i + m : i - n;
  });
  if (!x.attrs.permutation.every((p, i) => p === swapped[i])) return undefined;
  return b.dot(rhs, lhs, {
    lhsBatch: d.rhsBatch,
    rhsBatch: d.lhsBatch,
    lhsContracting: d.rhsContracting,
    rhsContracting: d.lhsContracting,
  });
}

/** dot over one element → product of broadcasts */
function outerProduct(x: Dot, b: HloBuilder): Value | undefined {
  const [lhs, rhs] = x.operands as readonly [Value, Value];
  const d: DotDimensionNumbers = x.attrs.dimensionNumbers;
  const dims = dimsOf(lhs);
  if (!d.lhsContracting.every((i) => dims[i] === 1)) return undefined;
  const out = dimsOf(x);
  const spread = (v: Value, batch: readonly number[], contracting: readonly number[], firstFree: number): Value => {
    const free = freeDims(v, batch, contracting);
    const kept = dimsOf(v).flatMap((_, i) => (contracting.includes(i) ? [] : [i]));
    const squeezed = b.reshape(
      v,
      kept.map((i) => dimsOf(v)[i] as number),
    );
    const place = (i: number): number => (batch.includes(i) ? batch.indexOf(i) : firstFree + free.indexOf(i));
    return b.broadcast(squeezed, out, kept.map(place));
  };
  const batches = d.lhsBatch.length;
  const m = freeDims(lhs, d.lhsBatch, d.lhsContracting).length;
  return b.multiply(
    spread(lhs, d.lhsBatch, d.lhsContracting, batches),
    spread(rhs, d.rhsBatch, d.rhsContracting, batches + m),
  );
}

const table: RuleTable = { dot: [outerProduct, absorbLhs, absorbRhs], transpose: [swapOperands] };

export const canonicalizeDot: Pass = rulesPass('canonicalize-dot', table);
