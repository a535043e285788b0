/**
 * @file Convolution as a contraction: (batch, positions) × (window, input features) times (window, input features) × (output features).
 * Any dimension numbers; gradients are convolutions with other dimension numbers, so they come out well too. Which array is
 * the left factor follows the memory order of the result, whose innermost dimension must run along the vectors.
 */
import type { ArrayShape } from '../../hlo/shape.ts';
import { elementCount, rowMajorStrides } from '../../hlo/shape.ts';
import type { Site } from '../gemm/epilogue.ts';
import {
  type Contraction,
  type Couple,
  collapse,
  type Dim,
  type OutputPoint,
  partialType,
  type Side,
  sizeOf,
  split,
} from '../gemm/problem.ts';
import { computeType, type Expr } from '../ir.ts';
import type { KernelBuilder } from '../kernelBuilder.ts';
import { type SpatialLoop, spatialLoops } from './spatial.ts';

/** A loop over one dimension of the result, with its steps in result, input and kernel. */
interface ResultDim {
  readonly what: 'batch' | 'group' | 'feature' | 'spatial';
  /** Spatial axis; 0 for others. */
  readonly axis: number;
  readonly size: number;
  readonly out: number;
  readonly input: number;
  readonly kernel: number;
}

interface Roles {
  readonly batch: readonly ResultDim[];
  readonly rows: readonly ResultDim[];
  readonly cols: readonly ResultDim[];
  /** The patches are the left factor, the kernel the right one. */
  readonly patchesLeft: boolean;
}

/** The contractions that make up `site`'s convolution: one, or one for each combination of phases of a dilated base. */
export function convContractions(site: Site<'convolution'>): Contraction[] {
  const { window, dimensionNumbers: d } = site.center.attrs;
  const out = site.center.shape as ArrayShape;
  const featureLast = out.dims.every((size, i) => size === 1 || i <= d.outputFeature);
  const choices = window.map((w, i) =>
    spatialLoops(w, {
      input: site.lhs.dims[d.inputSpatial[i] as number] as number,
      output: out.dims[d.outputSpatial[i] as number] as number,
      phases: featureLast,
    }),
  );
  const all = choices.reduce<SpatialLoop[][]>((sets, loops) => sets.flatMap((s) => loops.map((l) => [...s, l])), [[]]);
  return all.map((loops) => new ConvContraction(site, loops).contraction());
}

class ConvContraction {
  private readonly site: Site<'convolution'>;
  private readonly loops: readonly SpatialLoop[];
  private readonly outStrides: readonly number[];

  constructor(site: Site<'convolution'>, loops: readonly SpatialLoop[]) {
    this.site = site;
    this.loops = loops;
    this.outStrides = rowMajorStrides((site.center.shape as ArrayShape).dims);
  }

  contraction(): Contraction {
    const { site, loops, outStrides } = this;
    const { dims, dtype } = site.center.shape as ArrayShape;
    const { dimensionNumbers: d } = site.center.attrs;
    const roles = this.roles();
    const { batch, rows, cols } = roles;
    const parts = (xs: readonly ResultDim[], step: 'out' | 'input' | 'kernel'): Dim[] =>
      xs.map((x) => ({ size: x.size, stride: x[step] }));
    const batches = collapse([parts(batch, 'input'), parts(batch, 'kernel'), parts(batch, 'out')]).parts;
    const features = roles.patchesLeft ? cols : rows;
    const { patches, kernelK } = this.patchSide(roles.patchesLeft ? rows : cols, batches[0] as readonly Dim[]);
    const kernel = this.kernelSide(parts(features, 'kernel'), batches[1] as readonly Dim[], kernelK);
    const scalar = computeType[dtype];
    const outRows = collapse([parts(rows, 'out')]).parts[0] as readonly Dim[];
    const outCols = collapse([parts(cols, 'out')]).parts[0] as readonly Dim[];
    const size = (xs: readonly ResultDim[]): number => xs.reduce((n, x) => n * x.size, 1);
    return {
      lhs: roles.patchesLeft ? patches : kernel,
      rhs: roles.patchesLeft ? kernel : patches,
      out: {
        base: loops.reduce((sum, l, i) => sum + l.first * (outStrides[d.outputSpatial[i] as number] as number), 0),
        batch: batches[2] as readonly Dim[],
        rows: outRows,
        colStride: size(cols) === 1 ? 1 : (outCols[0] as Dim).stride,
      },
      outCount: elementCount(dims),
      outIndex: (k, at) => this.outIndex(k, at, roles),
      batch: size(batch),
      rows: size(rows),
      cols: size(cols),
      depth: sizeOf(kernelK),
      scalar,
      partial: partialType(scalar),
    };
  }

  /** The loops over the result in its memory order; the feature is cut into group and feature of the group. */
  private resultDims(): ResultDim[] {
    const { site, loops, outStrides } = this;
    const { dims } = site.center.shape as ArrayShape;
    const { dimensionNumbers: d, featureGroupCount, batchGroupCount } = site.center.attrs;
    const groups = Math.max(featureGroupCount, batchGroupCount);
    const input = site.lhs.strides;
    return dims.flatMap((size, i): ResultDim[] => {
      const out = outStrides[i] as number;
      if (i === d.outputBatch) {
        return [{ what: 'batch', axis: 0, size, out, input: input[d.inputBatch] as number, kernel: 0 }];
      }
      if (i === d.outputFeature) {
        const own = size / groups;
        const kernel = site.rhs.strides[d.kernelOutputFeature] as number;
        const grouped =
          featureGroupCount > 1
            ? ((site.lhs.dims[d.inputFeature] as number) / groups) * (input[d.inputFeature] as number)
            : ((site.lhs.dims[d.inputBatch] as number) / groups) * (input[d.inputBatch] as number);
        return [
          { what: 'group', axis: 0, size: groups, out: own * out, input: grouped, kernel: own * kernel },
          { what: 'feature', axis: 0, size: own, out, input: 0, kernel },
        ];
      }
      const axis = d.outputSpatial.indexOf(i);
      const l = loops[axis] as SpatialLoop;
      const stride = input[d.inputSpatial[axis] as number] as number;
      const move = l.dilation > 1 ? 0 : l.move * stride;
      return [{ what: 'spatial', axis, size: l.size, out: out * l.step, input: move, kernel: 0 }];
    });
  }

  private roles(): Roles {
    const dims = this.resultDims();
    const at = dims.findIndex((x) => x.what === 'feature');
    const feature = [dims[at] as ResultDim];
    const group = dims.filter((x) => x.what === 'group');
    const before = dims.slice(0, at).filter((x) => x.what !== 'group');
    const after = dims.slice(at + 1);
    const plane = after.some((x) => x.size > 1) && before.every((x) => x.what !== 'spatial' || x.size === 1);
    if (!plane) return { batch: group, rows: [...before, ...after], cols: feature, patchesLeft: true };
    // Channels first: the positions run along the vectors, the kernel is the left factor.
    const spatialBefore = before.filter((x) => x.what === 'spatial');
    const batch = [...before.filter((x) => x.what !== 'spatial'), ...group];
    return { batch, rows: feature, cols: [...spatialBefore, ...after], patchesLeft: false };
  }

  /** Window dimensions and input features: kernel's steps decide the order, the fastest innermost. */
  private contracting(): { readonly what: number; readonly input: Dim; readonly kernel: Dim }[] {
    const { site, loops } = this;
    const { dimensionNumbers: d } = site.center.attrs;
    const { strides: input } = site.lhs;
    const { strides: kernel, dims } = site.rhs;
    const size = dims[d.kernelInputFeature] as number;
    const features = {
      what: -1,
      input: { size, stride: input[d.inputFeature] as number },
      kernel: { size, stride: kernel[d.kernelInputFeature] as number },
    };
    const spatial = loops.map((l, what) => {
      const step = l.kStep * (kernel[d.kernelSpatial[what] as number] as number);
      const stride = l.dilation > 1 ? 0 : l.kMove * (input[d.inputSpatial[what] as number] as number);
      const reversed = site.center.attrs.window[what]?.reversal ?? false;
      return { what, input: { size: l.kSize, stride }, kernel: { size: l.kSize, stride: reversed ? -step : step } };
    });
    return [...spatial, features].sort((a, b) => Math.abs(b.kernel.stride) - Math.abs(a.kernel.stride));
  }

  private patchSide(
    free: readonly ResultDim[],
    batch: readonly Dim[],
  ): { readonly patches: Side; readonly kernelK: readonly Dim[] } {
    const { site, loops } = this;
    const { dimensionNumbers: d } = site.center.attrs;
    const contracting = this.contracting();
    const checkedAxes = loops.flatMap((l, axis) => (l.inside ? [] : [axis]));
    const indices = (f: (axis: number) => number): Set<number> => new Set(checkedAxes.map(f));
    const freeAt = (axis: number): number => free.findIndex((x) => x.what === 'spatial' && x.axis === axis);
    const kAt = (axis: number): number => contracting.findIndex((x) => x.what === axis);
    const frees = collapse([free.map((x) => ({ size: x.size, stride: x.input }))], indices(freeAt));
    const ks = collapse([contracting.map((x) => x.input), contracting.map((x) => x.kernel)], indices(kAt));
    const strideOf = (axis: number): number => site.lhs.strides[d.inputSpatial[axis] as number] as number;
    const couples = checkedAxes.map((axis): Couple => {
      const l = loops[axis] as SpatialLoop;
      return {
        free: frees.moved.get(freeAt(axis)) as number,
        k: ks.moved.get(kAt(axis)) as number,
        freeStep: l.move,
        kStep: l.kMove,
        offset: l.offset,
        limit: l.limit,
        dilation: l.dilation,
        stride: strideOf(axis),
      };
    });
    const patches: Side = {
      operand: site.operandOf(site.lhs.source),
      memory: site.lhs.memory,
      base: loops.reduce((sum, l, axis) => sum + (l.dilation > 1 ? 0 : l.offset * strideOf(axis)), 0),
      batch,
      free: frees.parts[0] as readonly Dim[],
      k: ks.parts[0] as readonly Dim[],
      couples,
    };
    return { patches, kernelK: ks.parts[1] as readonly Dim[] };
  }

  private kernelSide(free: readonly Dim[], batch: readonly Dim[], kDims: readonly Dim[]): Side {
    const { site, loops } = this;
    const { window, dimensionNumbers: d } = site.center.attrs;
    const base = loops.reduce((sum, l, i) => {
      const size = (window[i] as { size: number }).size;
      const first = window[i]?.reversal ? size - 1 - l.kFirst : l.kFirst;
      return sum + first * (site.rhs.strides[d.kernelSpatial[i] as number] as number);
    }, 0);
    return {
      operand: site.operandOf(site.rhs.source),
      memory: site.rhs.memory,
      base,
      batch,
      free: collapse([free]).parts[0] as readonly Dim[],
      k: kDims,
      couples: [],
    };
  }

  private outIndex(k: KernelBuilder, at: OutputPoint, { batch, rows, cols }: Roles): readonly Expr[] {
    const { dimensionNumbers: d } = this.site.center.attrs;
    const { dims } = this.site.center.shape as ArrayShape;
    const index: Expr[] = dims.map(() => k.index(0));
    const add = (xs: readonly ResultDim[], linear: Expr): void => {
      split(
        k,
        linear,
        xs.map((x) => x.size),
      ).forEach((digit, i) => {
        const x = xs[i] as ResultDim;
        const own = (dims[d.outputFeature] as number) / Math.max(1, this.groups());
        const [dim, step, first] =
          x.what === 'batch'
            ? [d.outputBatch, 1, 0]
            : x.what === 'group'
              ? [d.outputFeature, own, 0]
              : x.what === 'feature'
                ? [d.outputFeature, 1, 0]
                : [d.outputSpatial[x.axis] as number, this.loops[x.axis]!.step, this.loops[x.axis]!.first];
        index[dim] = k.add(index[dim] as Expr, k.add(k.mul(digit, step), first));
      });
    };
    add(batch, at.batch);
    add(rows, at.row);
    add(cols, at.col);
    return index;
  }

  private groups(): number {
    const { featureGroupCount, batchGroupCount } = this.site.center.attrs;
    return Math.max(featureGroupCount, batchGroupCount);
  }
}
