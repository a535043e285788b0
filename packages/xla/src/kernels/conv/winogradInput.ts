/**
 * @file The input side of Winograd convolutions: 6×6 patches of an image become 36 rows of channels, Bᵀ d B, zeros outside of the image.
 */

import { split } from '../gemm/problem.ts';
import type { Buffer, Expr } from '../ir.ts';
import type { KernelBuilder } from '../kernelBuilder.ts';
import { points, productStep, transformInput } from './winogradTransforms.ts';

/** An image batch with its channels innermost. */
export interface Image {
  readonly batch: number;
  readonly y: number;
  readonly x: number;
  readonly height: number;
  readonly width: number;
}

export interface InputTiles {
  readonly batch: number;
  readonly input: Image;
  readonly pad: readonly [number, number];
  /** Distance of neighbouring tiles. */
  readonly outputs: number;
  readonly tilesY: number;
  readonly tilesX: number;
  readonly channelsIn: number;
  readonly lanes: number;
  /** Tiles that pass together. */
  readonly block: number;
}

export function stepsOf(
  strides: readonly number[],
  dims: readonly [number, number, number],
): Pick<Image, 'batch' | 'y' | 'x'> {
  const [batch, y, x] = dims.map((i) => strides[i] as number) as [number, number, number];
  return { batch, y, x };
}

/** The two spatial dimensions. */
export function spatialPair(dims: readonly number[]): [number, number] {
  return [dims[0] as number, dims[1] as number];
}

export interface InputTileJob {
  readonly source: Buffer;
  /** Number of the tile, and its place in the block. */
  readonly index: Expr;
  readonly t: Expr;
  /** [36][block][channels], products `productStep` apart. */
  readonly inputs: Buffer;
  /** Between the two passes. */
  readonly tile: Buffer;
}

/** Bᵀ d B of one tile, all channels. */
export function emitInputTile(k: KernelBuilder, p: InputTiles, job: InputTileJob): void {
  const { input, lanes, outputs } = p;
  const { tile, source } = job;
  const [n, ty, tx] = split(k, k.let(job.index), [p.batch, p.tilesY, p.tilesX]) as [Expr, Expr, Expr];
  const y0 = k.let(k.sub(k.mul(ty, outputs), p.pad[0]), 'y');
  const x0 = k.let(k.sub(k.mul(tx, outputs), p.pad[1]), 'x');
  const start = k.let(k.add(k.mul(n, input.batch), k.add(k.mul(y0, input.y), k.mul(x0, input.x))), 'start');
  const target = k.view(job.inputs, k.mul(job.t, p.channelsIn));
  const channels = (read: Read): void =>
    k.for(
      0,
      p.channelsIn,
      (c) => {
        k.for(0, points, (x) => {
          const d = Array.from({ length: points }, (_, i) => k.let(read(c, i, x)));
          transformInput(k, d).forEach((value, i) => {
            k.store(tile, k.add(k.mul(x, lanes), i * points * lanes), value);
          });
        });
        inputRows(k, p, { tile, target, c });
      },
      lanes,
    );
  const whole = (position: Expr, size: number): Expr =>
    k.compare('LE', k.bitcast('u32', position), k.const('u32', size - points));
  const inside: Read = (c, i, x) =>
    k.load(source, k.add(k.add(start, k.mul(x, input.x)), k.add(c, i * input.y)), lanes);
  const border = (): void => channels(borderRead(k, p, { source, y0, x0, start }));
  if (input.height < points || input.width < points) border();
  else k.if(k.binary('and', whole(y0, input.height), whole(x0, input.width)), () => channels(inside), border);
}

/** `lanes` channels from c of the patch's row i, column x. */
type Read = (c: Expr, i: number, x: Expr) => Expr;

/** A tile that hangs over an edge: its inputs are taken one by one, zeros outside. */
function borderRead(
  k: KernelBuilder,
  { input, lanes }: InputTiles,
  at: { readonly source: Buffer; readonly y0: Expr; readonly x0: Expr; readonly start: Expr },
): Read {
  const inside = (position: Expr, size: number): Expr =>
    k.select(k.compare('LT', k.bitcast('u32', position), k.const('u32', size)), -1, 0);
  const rows = Array.from({ length: points }, (_, i) => k.let(inside(k.add(at.y0, i), input.height), 'row'));
  return (c, i, x) => {
    // The mask picks a place inside of the operand too, so that nothing is read elsewhere.
    const mask = k.let(k.binary('and', rows[i] as Expr, inside(k.add(at.x0, x), input.width)), 'mask');
    const index = k.add(k.add(at.start, k.mul(x, input.x)), i * input.y);
    const value = k.load(at.source, k.add(k.binary('and', index, mask), c), lanes);
    return k.bitcast('f32', k.binary('and', k.bitcast('s32', value), k.splat(mask, lanes)));
  };
}

/** The second pass: rows of the tile to the 36 rows of the block. */
function inputRows(
  k: KernelBuilder,
  p: InputTiles,
  { tile, target, c }: { readonly tile: Buffer; readonly target: Buffer; readonly c: Expr },
): void {
  const { lanes } = p;
  const step = productStep(p.block * p.channelsIn);
  k.for(0, points, (i) => {
    const row = k.view(tile, k.mul(i, points * lanes));
    const d = Array.from({ length: points }, (_, x) => k.let(k.load(row, x * lanes, lanes)));
    const out = k.view(target, k.add(k.mul(i, points * step), c));
    transformInput(k, d).forEach((value, j) => {
      k.store(out, j * step, value);
    });
  });
}
