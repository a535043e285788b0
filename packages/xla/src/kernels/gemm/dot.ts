/** @file The schedule of `dot` (any dimension numbers), alone or in a fusion of kind `dot`. */
import type { Instruction } from '../../hlo/module.ts';
import { type ArrayShape, elementCount, rowMajorStrides } from '../../hlo/shape.ts';
import { computeType } from '../ir.ts';
import type { Scheduled } from '../schedule.ts';
import type { Target } from '../target.ts';
import { scheduleContraction } from './contract.ts';
import { findSite, type Site } from './epilogue.ts';
import type { StridedOperand } from './operand.ts';
import { type Contraction, collapse, type Dim, partialType, sizeOf, split } from './problem.ts';

/** Schedules `dot` or a fusion around one. */
export function scheduleDot(instruction: Instruction, target: Target): Scheduled {
  const site = findSite(instruction, 'dot');
  return scheduleContraction('dot', dotContraction(site), site, target);
}

function dimsOf(x: StridedOperand, which: readonly number[]): Dim[] {
  return which.map((d) => ({ size: x.dims[d] as number, stride: x.strides[d] as number }));
}

function freeDims(x: StridedOperand, ...used: (readonly number[])[]): number[] {
  return x.dims.map((_, d) => d).filter((d) => !used.some((u) => u.includes(d)));
}

export function dotContraction(site: Site<'dot'>): Contraction {
  const { lhs, rhs, center } = site;
  const n = center.attrs.dimensionNumbers;
  const shape = center.shape as ArrayShape;
  const scalar = computeType[shape.dtype];
  const rowDims = dimsOf(lhs, freeDims(lhs, n.lhsBatch, n.lhsContracting));
  const colDims = dimsOf(rhs, freeDims(rhs, n.rhsBatch, n.rhsContracting));
  const rows = sizeOf(rowDims);
  const cols = sizeOf(colDims);
  const outStrides = rowMajorStrides(shape.dims);
  const outBatch = n.lhsBatch.map((_, i) => ({ size: shape.dims[i] as number, stride: outStrides[i] as number }));
  const batch = collapse([dimsOf(lhs, n.lhsBatch), dimsOf(rhs, n.rhsBatch), outBatch]).parts;
  // The dimension that the right side steps through fastest goes innermost: panels are gathered along it.
  const order = n.rhsContracting
    .map((_, i) => i)
    .sort((a, b) => rhs.strides[n.rhsContracting[b]!]! - rhs.strides[n.rhsContracting[a]!]!);
  const contracting = collapse([
    dimsOf(
      lhs,
      order.map((i) => n.lhsContracting[i] as number),
    ),
    dimsOf(
      rhs,
      order.map((i) => n.rhsContracting[i] as number),
    ),
  ]).parts;
  const side = (x: StridedOperand, free: readonly Dim[], i: number) => ({
    operand: site.operandOf(x.source),
    memory: x.memory,
    base: 0,
    batch: batch[i] as readonly Dim[],
    free: collapse([free]).parts[0] as readonly Dim[],
    k: contracting[i] as readonly Dim[],
    couples: [],
  });
  return {
    lhs: side(lhs, rowDims, 0),
    rhs: side(rhs, colDims, 1),
    out: { base: 0, batch: batch[2] as readonly Dim[], rows: [{ size: rows, stride: cols }], colStride: 1 },
    outCount: elementCount(shape.dims),
    outIndex: (k, at) => [
      ...split(
        k,
        at.batch,
        n.lhsBatch.map((_, i) => shape.dims[i] as number),
      ),
      ...split(
        k,
        at.row,
        rowDims.map((d) => d.size),
      ),
      ...split(
        k,
        at.col,
        colDims.map((d) => d.size),
      ),
    ],
    batch: sizeOf(outBatch),
    rows,
    cols,
    depth: sizeOf(contracting[0] as readonly Dim[]),
    scalar,
    partial: partialType(scalar),
  };
}
