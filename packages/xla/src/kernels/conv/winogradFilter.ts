/**
 * @file Filter gradients of 3×3 and 5×5 convolutions by Winograd's algorithm: the result gradient's tiles take the part of the filter,
 * and the 36 products are summed over all tiles before one transform back. The tiles are summed in a fixed number of parts, in order,
 * so results do not depend on the number of threads.
 */
import { type ArrayShape, rowMajorStrides } from '../../hlo/shape.ts';
import type { Site } from '../gemm/epilogue.ts';
import { emitMicroKernel, type Panel, type Tile } from '../gemm/microKernel.ts';
import { split } from '../gemm/problem.ts';
import type { StoreResult } from '../gemm/tile.ts';
import type { Buffer, Expr, Local } from '../ir.ts';
import type { KernelBuilder } from '../kernelBuilder.ts';
import type { Target } from '../target.ts';
import { emitInputTile, type Image, type InputTiles, spatialPair, stepsOf } from './winogradInput.ts';
import { channelsPay, isWinogradFilter, plainWindow, tileGrid } from './winogradSite.ts';
import { outputsFor, points, productStep, products, transformFilter, transformOutput } from './winogradTransforms.ts';

/** `outputs` is the side of a tile of the result gradient. */
export interface FilterGradientPlan extends InputTiles {
  /** Side of the filter. */
  readonly taps: number;
  readonly gradient: Image;
  readonly channelsOut: number;
  readonly tiles: number;
  /** Filter: steps of y, x and input channel; output channels are innermost. */
  readonly result: { readonly y: number; readonly x: number; readonly from: number };
  readonly mr: number;
  readonly nr: number;
}

/** Parts of the tiles that are summed apart. */
export const gradientParts = 8;

/** All sums are read and written once for each block of tiles: few tiles are summed faster directly. */
const fewestTiles = 128;

/** Tiles that pass together. */
const blockTiles = 48;

/** The plan for `site`, or undefined where it is no such gradient or the transforms do not pay. */
export function planFilterGradient(site: Site<'convolution'>, target: Target): FilterGradientPlan | undefined {
  const window = plainWindow(site);
  const { dimensionNumbers: d } = site.center.attrs;
  const out = site.center.shape as ArrayShape;
  if (!window || window[0].reversal) return undefined;
  const [taps, across] = d.outputSpatial.map((i) => out.dims[i] as number) as [number, number];
  if (taps !== across || !isWinogradFilter(taps)) return undefined;
  const lanes = target.vectorBytes / 4;
  const channelsIn = out.dims[d.outputBatch] as number;
  const channelsOut = out.dims[d.outputFeature] as number;
  const steps = rowMajorStrides(out.dims);
  const innermost = [site.lhs.strides[d.inputBatch], site.rhs.strides[d.kernelOutputFeature], steps[d.outputFeature]];
  if (innermost.some((s) => s !== 1) || !channelsPay([channelsIn, channelsOut], lanes)) return undefined;
  const outputs = outputsFor(taps);
  const batch = site.rhs.dims[d.kernelInputFeature] as number;
  const [height, width] = [window[0].size, window[1].size];
  const grid = tileGrid({ batch, height, width }, outputs, fewestTiles);
  if (!grid) return undefined;
  const gradient = {
    ...stepsOf(site.rhs.strides, [d.kernelInputFeature, ...spatialPair(d.kernelSpatial)]),
    height,
    width,
  };
  const result = stepsOf(steps, [d.outputBatch, ...spatialPair(d.outputSpatial)]);
  return {
    taps,
    outputs,
    batch,
    input: {
      ...stepsOf(site.lhs.strides, [d.inputFeature, ...spatialPair(d.inputSpatial)]),
      height: site.lhs.dims[d.inputSpatial[0] as number] as number,
      width: site.lhs.dims[d.inputSpatial[1] as number] as number,
    },
    gradient,
    result: { y: result.y, x: result.x, from: result.batch },
    pad: [window[0].padLow, window[1].padLow],
    channelsIn,
    channelsOut,
    ...grid,
    lanes,
    mr: 4,
    nr: target.gemm.nr,
    block: Math.min(blockTiles, Math.ceil(grid.tiles / gradientParts)),
  };
}

/** Elements of scratch: sums of all parts; transformed inputs, gradients and one tile of each thread. */
export function gradientElements(p: FilterGradientPlan) {
  return {
    sums: gradientParts * products * p.channelsIn * p.channelsOut,
    inputs: products * productStep(p.block * p.channelsIn),
    gradients: products * productStep(p.block * p.channelsOut),
    tile: products * p.lanes,
  };
}

export interface FilterGradientBuffers {
  readonly input: Buffer;
  readonly gradient: Buffer;
  readonly sums: Buffer;
  readonly inputs: Buffer;
  readonly gradients: Buffer;
  readonly tile: Buffer;
}

export class FilterGradientEmitter {
  private readonly k: KernelBuilder;
  private readonly p: FilterGradientPlan;
  private readonly buffers: FilterGradientBuffers;
  private readonly finish: StoreResult;

  constructor(k: KernelBuilder, p: FilterGradientPlan, buffers: FilterGradientBuffers, finish: StoreResult) {
    this.k = k;
    this.p = p;
    this.buffers = buffers;
    this.finish = finish;
  }

  emit(): void {
    const { k, p, buffers } = this;
    const own = gradientElements(p);
    const inputs = k.view(buffers.inputs, k.mul(k.tid, own.inputs), 'inputs');
    const gradients = k.view(buffers.gradients, k.mul(k.tid, own.gradients), 'gradients');
    const tile = k.view(buffers.tile, k.mul(k.tid, own.tile), 'tile');
    const blocks = Math.ceil(p.tiles / p.block);
    const { lo, hi } = k.share(gradientParts);
    k.for(lo, hi, (part) => {
      const sums = k.view(buffers.sums, k.mul(part, own.sums / gradientParts), 'part');
      const from = k.let(k.div(k.mul(part, blocks), gradientParts), 'from');
      const to = k.let(k.div(k.mul(k.add(part, 1), blocks), gradientParts), 'to');
      k.for(from, to, (block) => {
        const first = k.let(k.mul(block, p.block), 'first');
        const count = k.let(k.min(k.sub(p.tiles, first), p.block), 'count');
        k.for(0, count, (t) => {
          const index = k.let(k.add(first, t), 'index');
          emitInputTile(k, p, { source: buffers.input, index, t, inputs, tile });
          this.gradient({ index, t, gradients, tile });
        });
        const continued = k.let(k.select(k.compare('GT', block, from), 1, 0), 'continued');
        k.for(0, products, (product) => this.multiply({ product, inputs, gradients, sums, count, continued }));
      });
    });
    k.barrier();
    this.results(tile);
  }

  /** G g Gᵀ of one tile of the result gradient, all channels; beyond the edges it is zero. */
  private gradient(at: { index: Expr; t: Expr; gradients: Buffer; tile: Buffer }): void {
    const { k, p, buffers } = this;
    const { gradient, outputs, lanes } = p;
    const [n, ty, tx] = split(k, at.index, [p.batch, p.tilesY, p.tilesX]) as [Expr, Expr, Expr];
    const y0 = k.let(k.mul(ty, outputs), 'y');
    const x0 = k.let(k.mul(tx, outputs), 'x');
    const base = k.add(k.mul(n, gradient.batch), k.add(k.mul(y0, gradient.y), k.mul(x0, gradient.x)));
    const start = k.let(base, 'start');
    const target = k.view(at.gradients, k.mul(at.t, p.channelsOut));
    const exact = gradient.height % outputs === 0 && gradient.width % outputs === 0;
    const mask = (position: Expr, size: number): Expr => k.select(k.compare('LT', position, size), -1, 0);
    const read = (c: Expr, y: number, x: Expr): Expr => {
      const index = k.add(k.add(start, k.mul(x, gradient.x)), y * gradient.y);
      if (exact) return k.load(buffers.gradient, k.add(index, c), lanes);
      const both = k.binary('and', mask(k.add(y0, y), gradient.height), mask(k.add(x0, x), gradient.width));
      const m = k.let(both, 'mask');
      const value = k.load(buffers.gradient, k.add(k.binary('and', index, m), c), lanes);
      return k.bitcast('f32', k.binary('and', k.bitcast('s32', value), k.splat(m, lanes)));
    };
    const step = productStep(p.block * p.channelsOut);
    const channel = (c: Expr): void => {
      k.for(0, outputs, (x) => {
        const g = Array.from({ length: outputs }, (_, y) => k.let(read(c, y, x)));
        transformFilter(k, g).forEach((value, i) => {
          k.store(at.tile, k.add(k.mul(x, lanes), i * outputs * lanes), value);
        });
      });
      k.for(0, points, (i) => {
        const row = k.view(at.tile, k.mul(i, outputs * lanes));
        const g = Array.from({ length: outputs }, (_, x) => k.let(k.load(row, x * lanes, lanes)));
        const out = k.view(target, k.add(k.mul(i, points * step), c));
        transformFilter(k, g).forEach((value, j) => {
          k.store(out, j * step, value);
        });
      });
    };
    k.for(0, p.channelsOut, channel, lanes);
  }

  /** sums[in, out] += Σₜ inputs[t, in] · gradients[t, out] for one of the 36 products. */
  private multiply(at: MultiplyJob): void {
    const { k, p } = this;
    const a = k.view(at.inputs, k.mul(at.product, productStep(p.block * p.channelsIn)));
    const b = k.view(at.gradients, k.mul(at.product, productStep(p.block * p.channelsOut)));
    const out = k.view(at.sums, k.mul(at.product, p.channelsIn * p.channelsOut));
    const panel = (col: Expr, cols: number): void => {
      const right = { buffer: k.view(b, col), rowStep: 1, kStep: p.channelsOut };
      const block = (row: Expr, rows: number): void => {
        const left = { buffer: k.view(a, row), rowStep: 1, kStep: p.channelsIn };
        const to = k.view(out, k.add(k.mul(row, p.channelsOut), col));
        this.tile({ rows, cols, lanes: p.lanes, scalar: 'f32', unroll: 1 }, { left, right, to }, at);
      };
      const full = p.channelsIn - (p.channelsIn % p.mr);
      k.for(0, full, (row) => block(row, p.mr), p.mr);
      if (full < p.channelsIn) block(k.index(full), p.channelsIn - full);
    };
    const full = p.channelsOut - (p.channelsOut % p.nr);
    if (full > 0) k.for(0, full, (col) => panel(col, p.nr), p.nr);
    if (full < p.channelsOut) panel(k.index(full), p.channelsOut - full);
  }

  private tile(
    tile: Tile,
    io: { readonly left: Panel; readonly right: Panel; readonly to: Buffer },
    at: MultiplyJob,
  ): void {
    const { k, p } = this;
    const zero = k.const('f32', 0, p.lanes);
    const sums: Local[][] = Array.from({ length: tile.rows }, () =>
      Array.from({ length: tile.cols / p.lanes }, () => k.variable(zero, 'sum')),
    );
    const place = (r: number, v: number): number => r * p.channelsOut + v * p.lanes;
    const each = (use: (sum: Local, at: number) => void): void => {
      for (const [r, row] of sums.entries()) for (const [v, sum] of row.entries()) use(sum, place(r, v));
    };
    k.if(k.compare('NE', at.continued, 0), () => each((sum, i) => k.set(sum, k.load(io.to, i, p.lanes))));
    emitMicroKernel(k, tile, sums, io, at.count);
    each((sum, i) => k.store(io.to, i, k.read(sum)));
  }

  /** Adds the parts and transforms back: Aᵀ s A for each pair of channels. */
  private results(tile: Buffer): void {
    const { k, p, buffers } = this;
    const { lanes, taps } = p;
    const vectors = p.channelsOut / lanes;
    const step = p.channelsIn * p.channelsOut;
    const { lo, hi } = k.share(p.channelsIn * vectors);
    k.for(lo, hi, (u) => {
      const from = k.let(k.div(u, vectors), 'from');
      const c = k.let(k.mul(k.rem(u, vectors), lanes), 'to');
      const source = k.view(buffers.sums, k.add(k.mul(from, p.channelsOut), c));
      k.for(0, points, (x) => {
        const m = Array.from({ length: points }, (_, i) => {
          const at = k.let(k.mul(k.add(x, i * points), step));
          const sum = k.variable(k.load(source, at, lanes), 'sum');
          k.for(1, gradientParts, (part) => {
            k.set(sum, k.add(k.read(sum), k.load(source, k.add(at, k.mul(part, products * step)), lanes)));
          });
          return k.read(sum);
        });
        transformOutput(k, m, taps).forEach((value, i) => {
          k.store(tile, k.add(k.mul(x, lanes), i * points * lanes), value);
        });
      });
      k.for(0, taps, (y) => {
        const row = k.view(tile, k.mul(y, points * lanes));
        const m = Array.from({ length: points }, (_, x) => k.let(k.load(row, x * lanes, lanes)));
        const at = k.let(k.add(k.add(k.mul(y, p.result.y), k.mul(from, p.result.from)), c), 'at');
        transformOutput(k, m, taps).forEach((value, x) => {
          const offset = k.let(k.add(at, x * p.result.x));
          this.finish({ batch: k.index(0), row: k.div(offset, p.channelsOut), col: c, offset, lanes }, value);
        });
      });
    });
  }
}

interface MultiplyJob {
  readonly product: Expr;
  readonly inputs: Buffer;
  readonly gradients: Buffer;
  readonly sums: Buffer;
  /** Tiles in the block. */
  readonly count: Expr;
  /** Not 0 when earlier blocks of this part are in the sums. */
  readonly continued: Expr;
}
