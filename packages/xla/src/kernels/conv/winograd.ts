/**
 * @file Convolution with 3×3 or 5×5 filters and stride 1 by Winograd's algorithm: 36 products per tile and pair of channels in
 * place of 144 (3×3, 4×4 results) or 100 (5×5, 2×2 results). Tiles go through in blocks that stay in the cache: transform the
 * inputs, 36 small matrix products, transform back, epilogue. Results differ from direct sums by rounding (about 1e-6 of the largest).
 */

import type { WindowDim } from '../../hlo/opcodes.ts';
import { type ArrayShape, rowMajorStrides } from '../../hlo/shape.ts';
import type { Site } from '../gemm/epilogue.ts';
import { emitMicroKernel, type Tile } from '../gemm/microKernel.ts';
import { split } from '../gemm/problem.ts';
import type { StoreResult } from '../gemm/tile.ts';
import type { Buffer, Expr, Local } from '../ir.ts';
import type { KernelBuilder } from '../kernelBuilder.ts';
import type { Target } from '../target.ts';
import { emitInputTile, type Image, type InputTiles, spatialPair, stepsOf } from './winogradInput.ts';
import { channelsPay, isWinogradFilter, plainWindow, tileGrid } from './winogradSite.ts';
import { outputsFor, points, productStep, products, transformFilter, transformOutput } from './winogradTransforms.ts';

export interface WinogradPlan extends InputTiles {
  readonly taps: number;
  readonly output: Image;
  /** Kernel: steps of y, x, input channel, output channel; start. */
  readonly filter: {
    readonly base: number;
    readonly y: number;
    readonly x: number;
    readonly from: number;
    readonly to: number;
  };
  readonly channelsOut: number;
  readonly tiles: number;
  readonly mr: number;
  readonly nr: number;
}

/** Fewest tiles for which transforming the filter pays. */
const fewestTiles = 32;

/** The plan for `site`, or undefined where the algorithm does not apply or does not pay. */
export function planWinograd(site: Site<'convolution'>, target: Target): WinogradPlan | undefined {
  const window = plainWindow(site);
  const { dimensionNumbers: d } = site.center.attrs;
  const out = site.center.shape as ArrayShape;
  if (!window?.every((w) => w.size === window[0].size) || !isWinogradFilter(window[0].size)) return undefined;
  const lanes = target.vectorBytes / 4;
  const channelsIn = site.lhs.dims[d.inputFeature] as number;
  const channelsOut = out.dims[d.outputFeature] as number;
  const outStrides = rowMajorStrides(out.dims);
  const contiguous = site.lhs.strides[d.inputFeature] === 1 && outStrides[d.outputFeature] === 1;
  if (!contiguous || !channelsPay([channelsIn, channelsOut], lanes)) return undefined;
  const outputs = outputsFor(window[0].size);
  const [height, width] = d.outputSpatial.map((i) => out.dims[i] as number) as [number, number];
  const batch = out.dims[d.outputBatch] as number;
  const grid = tileGrid({ batch, height, width }, outputs, fewestTiles);
  if (!grid) return undefined;
  const { mr, nr } = target.gemm;
  const fit = (0.6 * target.l2Bytes) / (4 * products * (channelsIn + channelsOut));
  const output = { ...stepsOf(outStrides, [d.outputBatch, ...spatialPair(d.outputSpatial)]), height, width };
  return {
    taps: window[0].size,
    outputs,
    batch,
    input: {
      ...stepsOf(site.lhs.strides, [d.inputBatch, ...spatialPair(d.inputSpatial)]),
      height: site.lhs.dims[d.inputSpatial[0] as number] as number,
      width: site.lhs.dims[d.inputSpatial[1] as number] as number,
    },
    output,
    pad: [window[0].padLow, window[1].padLow],
    filter: filterSteps(site, window[0]),
    channelsIn,
    channelsOut,
    ...grid,
    lanes,
    mr,
    nr,
    block: blockOf(grid.tiles, fit, mr),
  };
}

function filterSteps(site: Site<'convolution'>, window: WindowDim): WinogradPlan['filter'] {
  const { dimensionNumbers: d } = site.center.attrs;
  const { strides } = site.rhs;
  const [ky, kx] = d.kernelSpatial.map((i) => strides[i] as number) as [number, number];
  const sign = window.reversal ? -1 : 1;
  return {
    base: window.reversal ? (window.size - 1) * (ky + kx) : 0,
    y: sign * ky,
    x: sign * kx,
    from: strides[d.kernelInputFeature] as number,
    to: strides[d.kernelOutputFeature] as number,
  };
}

/** Large enough that the transformed filter is read seldom, small enough that a block stays in L2 if it can. */
function blockOf(tiles: number, fit: number, mr: number): number {
  const wanted = Math.max(4, Math.round(fit / mr));
  return Math.max(1, Math.min(wanted, Math.ceil(tiles / (8 * mr)))) * mr;
}

/** Elements of the transformed filter: products × panels of nr output channels × input channels × nr. */
export function filterElements(p: WinogradPlan): number {
  return products * filterStep(p);
}

/** Elements of the transformed filter for one product. */
function filterStep(p: WinogradPlan): number {
  return productStep(Math.ceil(p.channelsOut / p.nr) * p.channelsIn * p.nr);
}

/** Elements of one thread: transformed inputs, products, and one tile between the two passes of a transform. */
export function blockElements(p: WinogradPlan): {
  readonly inputs: number;
  readonly sums: number;
  readonly tile: number;
} {
  return {
    inputs: products * productStep(p.block * p.channelsIn),
    sums: products * productStep(p.block * p.channelsOut),
    tile: 2 * products * p.lanes,
  };
}

export interface WinogradBuffers {
  readonly input: Buffer;
  readonly filter: Buffer;
  /** Transformed filter, shared. */
  readonly filters: Buffer;
  /** Of each thread. */
  readonly inputs: Buffer;
  readonly sums: Buffer;
  readonly tile: Buffer;
}

export class WinogradEmitter {
  private readonly k: KernelBuilder;
  private readonly p: WinogradPlan;
  private readonly buffers: WinogradBuffers;
  private readonly finish: StoreResult;

  constructor(k: KernelBuilder, p: WinogradPlan, buffers: WinogradBuffers, finish: StoreResult) {
    this.k = k;
    this.p = p;
    this.buffers = buffers;
    this.finish = finish;
  }

  emit(): void {
    const { k, p, buffers } = this;
    const own = blockElements(p);
    const inputs = k.view(buffers.inputs, k.mul(k.tid, own.inputs), 'inputs');
    const sums = k.view(buffers.sums, k.mul(k.tid, own.sums), 'sums');
    const tile = k.view(buffers.tile, k.mul(k.tid, own.tile), 'tile');
    this.filters(tile);
    k.barrier();
    const { lo, hi } = k.share(Math.ceil(p.tiles / p.block));
    k.for(lo, hi, (block) => {
      const first = k.let(k.mul(block, p.block), 'first');
      const count = k.let(k.min(k.sub(p.tiles, first), p.block), 'count');
      k.for(0, count, (t) => emitInputTile(k, p, { source: buffers.input, index: k.add(first, t), t, inputs, tile }));
      k.for(0, products, (product) => this.multiply(product, inputs, sums));
      k.for(0, count, (t) => this.output(k.add(first, t), t, sums, tile));
    });
  }

  /** G g Gᵀ for all pairs of channels, `lanes` output channels at once. */
  private filters(tile: Buffer): void {
    const { k, p, buffers } = this;
    const { filter, taps, lanes } = p;
    const vectors = p.channelsOut / lanes;
    const { lo, hi } = k.share(p.channelsIn * vectors);
    k.for(lo, hi, (u) => {
      const from = k.let(k.div(u, vectors));
      const to = k.let(k.mul(k.rem(u, vectors), lanes));
      const start = k.add(k.add(k.mul(from, filter.from), k.mul(to, filter.to)), filter.base);
      const source = k.view(buffers.filter, start, 'filterAt');
      k.for(0, taps, (x) => {
        const column = k.let(k.mul(x, filter.x));
        const g = Array.from({ length: taps }, (_, y) => this.tap(source, k.add(column, y * filter.y)));
        transformFilter(k, g).forEach((value, i) => {
          k.store(tile, k.add(k.mul(x, lanes), i * taps * lanes), value);
        });
      });
      const at = k.add(k.mul(k.div(to, p.nr), p.channelsIn * p.nr), k.add(k.mul(from, p.nr), k.rem(to, p.nr)));
      const target = k.view(buffers.filters, at, 'filtersAt');
      const step = filterStep(p);
      k.for(0, points, (i) => {
        const row = k.view(tile, k.mul(i, taps * lanes));
        const g = Array.from({ length: taps }, (_, x) => k.let(k.load(row, x * lanes, lanes)));
        transformFilter(k, g).forEach((value, j) => {
          k.store(target, k.mul(k.add(k.mul(i, points), j), step), value);
        });
      });
    });
  }

  /** `lanes` output channels of one tap. */
  private tap(source: Buffer, at: Expr): Expr {
    const { k, p } = this;
    if (p.filter.to === 1) return k.let(k.load(source, at, p.lanes));
    let v = k.splat(k.load(source, at), p.lanes);
    for (let l = 1; l < p.lanes; l++) v = k.insert(v, l, k.load(source, k.add(at, l * p.filter.to)));
    return k.let(v);
  }

  /** One of the 36 products of a block: [block × in] · [in × out]. */
  private multiply(product: Expr, inputs: Buffer, sums: Buffer): void {
    const { k, p, buffers } = this;
    const a = k.view(inputs, k.mul(product, productStep(p.block * p.channelsIn)));
    const b = k.view(buffers.filters, k.mul(product, filterStep(p)));
    const out = k.view(sums, k.mul(product, productStep(p.block * p.channelsOut)));
    const full = Math.floor(p.channelsOut / p.nr);
    const panel = (j: Expr, cols: number): void => {
      const right = { buffer: k.view(b, k.mul(j, p.channelsIn * p.nr)), rowStep: 1, kStep: p.nr };
      k.for(
        0,
        p.block,
        (row) => {
          const left = { buffer: k.view(a, k.mul(row, p.channelsIn)), rowStep: p.channelsIn, kStep: 1 };
          const tile: Tile = { rows: p.mr, cols, lanes: p.lanes, scalar: 'f32', unroll: 1 };
          const zero = k.const('f32', 0, p.lanes);
          const acc: Local[][] = Array.from({ length: p.mr }, () =>
            Array.from({ length: cols / p.lanes }, () => k.variable(zero, 'sum')),
          );
          emitMicroKernel(k, tile, acc, { left, right }, k.index(p.channelsIn));
          const to = k.view(out, k.add(k.mul(row, p.channelsOut), k.mul(j, p.nr)));
          acc.forEach((sumsOf, r) => {
            sumsOf.forEach((sum, v) => {
              k.store(to, r * p.channelsOut + v * p.lanes, k.read(sum));
            });
          });
        },
        p.mr,
      );
    };
    if (full > 0) k.for(0, full, (j) => panel(j, p.nr));
    if (p.channelsOut % p.nr > 0) panel(k.index(full), p.channelsOut % p.nr);
  }

  /** Aᵀ m A of one tile, all channels, and the epilogue. */
  private output(index: Expr, t: Expr, sums: Buffer, tile: Buffer): void {
    const { k, p } = this;
    const { output, lanes, outputs } = p;
    const [n, ty, tx] = split(k, k.let(index), [p.batch, p.tilesY, p.tilesX]) as [Expr, Expr, Expr];
    const y0 = k.let(k.mul(ty, outputs), 'y');
    const x0 = k.let(k.mul(tx, outputs), 'x');
    const base = k.add(k.mul(n, output.batch), k.add(k.mul(y0, output.y), k.mul(x0, output.x)));
    const start = k.let(base, 'start');
    const rows = k.let(k.min(k.sub(output.height, y0), outputs), 'rows');
    const source = k.view(sums, k.mul(t, p.channelsOut));
    const step = productStep(p.block * p.channelsOut);
    k.for(
      0,
      p.channelsOut,
      (c) => {
        k.for(0, points, (x) => {
          const column = k.view(source, k.add(k.mul(x, step), c));
          const m = Array.from({ length: points }, (_, i) => k.let(k.load(column, i * points * step, lanes)));
          transformOutput(k, m, outputs).forEach((value, i) => {
            k.store(tile, k.add(k.mul(x, lanes), i * points * lanes), value);
          });
        });
        k.for(0, output.height % outputs === 0 ? outputs : rows, (i) => {
          const row = k.view(tile, k.mul(i, points * lanes));
          const m = Array.from({ length: points }, (_, x) => k.let(k.load(row, x * lanes, lanes)));
          const at = k.let(k.add(k.add(start, k.mul(i, output.y)), c), 'at');
          transformOutput(k, m, outputs).forEach((value, x) => {
            const store = (): void => this.result(k.let(k.add(at, x * output.x)), c, value);
            if (output.width % outputs === 0) store();
            else k.if(k.compare('LT', k.add(x0, x), output.width), store);
          });
        });
      },
      lanes,
    );
  }

  private result(offset: Expr, c: Expr, value: Expr): void {
    const { k, p } = this;
    // The result's features run innermost, so a row of the product is a position of the dense result.
    this.finish({ batch: k.index(0), row: k.div(offset, p.channelsOut), col: c, offset, lanes: p.lanes }, value);
  }
}
