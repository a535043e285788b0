/**
 * @file One register tile from start to end: partial sums in, multiply-adds over a block of k, partial sums or finished results out.
 */
import type { Buffer, Expr, Local } from '../ir.ts';
import type { KernelBuilder } from '../kernelBuilder.ts';
import { emitMicroKernel, type Panel, type Tile, vectorsOf } from './microKernel.ts';
import { type Contraction, type Dim, digits, type OutputPoint, offsetOf } from './problem.ts';

/** A run of `lanes` results in one row. */
export interface Point extends OutputPoint {
  /** Offset in the dense output. */
  readonly offset: Expr;
  readonly lanes: number;
}

/** Finishes a result (epilogue) and stores it. */
export type StoreResult = (at: Point, value: Expr) => void;

/** Where a tile is and what it multiplies. */
export interface TileJob {
  readonly tile: Tile;
  readonly left: Panel;
  readonly right: Panel;
  readonly batch: Expr;
  readonly row0: Expr;
  readonly col0: Expr;
  readonly depth: Expr;
  /** Sums of earlier blocks are in `partial` when this holds; undefined: never. */
  readonly continued: Expr | undefined;
  /** More blocks follow when this holds; undefined: never; 'always': a later pass finishes. */
  readonly unfinished: Expr | 'always' | undefined;
  readonly partial: Buffer | undefined;
  /** Offset of this part's sums in `partial`, on top of the output's offset. */
  readonly partialAt: Expr;
  /** This thread's space for one tile: a long epilogue runs over it in a loop. */
  readonly parked: Buffer | undefined;
  readonly finish: StoreResult;
}

/** One vector of the tile. */
interface Piece {
  readonly sum: Local;
  readonly row: number;
  /** First column. */
  readonly col: number;
  /** Lanes that are results. */
  readonly used: number;
  /** Output offset of the row at the tile's first column. */
  readonly offset: Expr;
}

export function emitTile(k: KernelBuilder, c: Contraction, job: TileJob): void {
  const { tile } = job;
  const batch = offsetOf(k, digits(k, job.batch, c.out.batch), c.out.batch);
  const start = k.let(k.add(k.add(batch, c.out.base), job.col0), 'at');
  const zero = k.const(c.scalar, 0, tile.lanes);
  const sums: Local[][] = Array.from({ length: tile.rows }, () =>
    Array.from({ length: vectorsOf(tile) }, () => k.variable(zero, 'sum')),
  );
  const offsets = rowOffsets(k, c, { start, row0: job.row0, rows: tile.rows });
  const pieces = sums.flatMap((row, r) =>
    row.map((sum, j): Piece => {
      const col = j * tile.lanes;
      return { sum, row: r, col, used: Math.min(tile.lanes, tile.cols - col), offset: offsets[r] as Expr };
    }),
  );
  if (job.continued)
    k.if(job.continued, () => {
      for (const p of pieces) loadPartial(k, job, p);
    });
  emitMicroKernel(k, tile, sums, job, job.depth);
  const keep = (): void => {
    for (const p of pieces) storePartial(k, job, p);
  };
  const done = (): void => {
    if (job.parked) finishParked(k, c, { ...job, parked: job.parked }, { start, pieces });
    else for (const p of pieces) finishPiece(k, job, p);
  };
  if (job.unfinished === 'always') keep();
  else if (job.unfinished) k.if(job.unfinished, keep, done);
  else done();
}

/** Output offset of each row of a tile, at the tile's first column. */
function rowOffsets(
  k: KernelBuilder,
  c: Contraction,
  { start, row0, rows }: { readonly start: Expr; readonly row0: Expr; readonly rows: number },
): Expr[] {
  const flat = c.out.rows.length === 1 ? (c.out.rows[0] as Dim) : undefined;
  if (flat) {
    const first = k.let(k.add(start, k.mul(row0, flat.stride)), 'at');
    return Array.from({ length: rows }, (_, r) => k.add(first, r * flat.stride));
  }
  return Array.from({ length: rows }, (_, r) => k.let(rowOffset(k, c, start, k.add(row0, r)), 'at'));
}

function rowOffset(k: KernelBuilder, c: Contraction, start: Expr, row: Expr): Expr {
  return k.add(start, offsetOf(k, digits(k, row, c.out.rows), c.out.rows));
}

function loadPartial(k: KernelBuilder, job: TileJob, p: Piece): void {
  const { lanes } = job.tile;
  const partial = job.partial as Buffer;
  const at = k.add(k.add(job.partialAt, p.offset), p.col);
  if (p.used === lanes) {
    k.set(p.sum, k.load(partial, at, lanes));
    return;
  }
  for (let l = 0; l < p.used; l++) k.set(p.sum, k.insert(k.read(p.sum), l, k.load(partial, k.add(at, l))));
}

function storePartial(k: KernelBuilder, job: TileJob, p: Piece): void {
  const { lanes } = job.tile;
  const partial = job.partial as Buffer;
  const at = k.add(k.add(job.partialAt, p.offset), p.col);
  if (p.used === lanes) k.store(partial, at, k.read(p.sum));
  else for (let l = 0; l < p.used; l++) k.store(partial, k.add(at, l), k.extract(k.read(p.sum), l));
}

function finishPiece(k: KernelBuilder, job: TileJob, p: Piece): void {
  const { lanes } = job.tile;
  const sum = k.read(p.sum);
  const point = (lane: number, n: number): Point => ({
    batch: job.batch,
    row: k.add(job.row0, p.row),
    col: k.add(job.col0, p.col + lane),
    offset: k.add(p.offset, p.col + lane),
    lanes: n,
  });
  if (p.used === lanes) job.finish(point(0, lanes), sum);
  else for (let l = 0; l < p.used; l++) job.finish(point(l, 1), k.extract(sum, l));
}

/** Sums go to memory once and are finished by loops, so that a long epilogue is written once, not once for each vector. */
function finishParked(
  k: KernelBuilder,
  c: Contraction,
  job: TileJob & { readonly parked: Buffer },
  { start, pieces }: { readonly start: Expr; readonly pieces: readonly Piece[] },
): void {
  const { tile, parked } = job;
  const width = vectorsOf(tile) * tile.lanes;
  for (const p of pieces) k.store(parked, p.row * width + p.col, k.read(p.sum));
  const full = Math.floor(tile.cols / tile.lanes) * tile.lanes;
  k.for(0, tile.rows, (r) => {
    const row = k.let(k.add(job.row0, r), 'row');
    const offset = k.let(rowOffset(k, c, start, row), 'at');
    const piece = (from: number, to: number, lanes: number): void =>
      k.for(
        from,
        to,
        (col) => {
          const value = k.load(parked, k.add(k.mul(r, width), col), lanes);
          const at = {
            batch: job.batch,
            row,
            col: k.let(k.add(job.col0, col)),
            offset: k.let(k.add(offset, col)),
            lanes,
          };
          job.finish(at, value);
        },
        lanes,
      );
    if (full > 0) piece(0, full, tile.lanes);
    if (full < tile.cols) piece(full, tile.cols, 1);
  });
}
