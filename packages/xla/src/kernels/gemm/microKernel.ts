/**
 * @file The register block: rows × cols sums kept in locals while k runs over a panel pair. Left values are splat, right values are
 * vectors, so one step costs rows + vectors loads for rows · vectors multiply-adds.
 */
import type { Buffer, Expr, IrScalar, Local } from '../ir.ts';
import type { KernelBuilder } from '../kernelBuilder.ts';

/** Where a panel's elements are: offset = row·rowStep + k·kStep from the view's start (a right panel has rowStep 1). */
export interface Panel {
  readonly buffer: Buffer;
  readonly rowStep: number;
  readonly kStep: number;
}

export interface Tile {
  readonly rows: number;
  /** Valid columns; the last vector may be partly used. */
  readonly cols: number;
  readonly lanes: number;
  readonly scalar: IrScalar;
  readonly unroll: number;
}

export function vectorsOf(tile: Tile): number {
  return Math.ceil(tile.cols / tile.lanes);
}

export function multiplyAdd(k: KernelBuilder, a: Expr, b: Expr, c: Expr): Expr {
  const float = c.type.scalar === 'f32' || c.type.scalar === 'f64';
  return float ? k.fma(a, b, c) : k.add(c, k.mul(a, b));
}

/** Adds left · right over `depth` steps to `sums[row][vector]`. */
export function emitMicroKernel(
  k: KernelBuilder,
  tile: Tile,
  sums: readonly (readonly Local[])[],
  panels: { readonly left: Panel; readonly right: Panel },
  depth: Expr,
): void {
  const { left, right } = panels;
  const steps = (from: Expr, to: Expr, unroll: number): void =>
    k.for(
      from,
      to,
      (i) => {
        const a = k.view(left.buffer, k.mul(i, left.kStep));
        const b = k.view(right.buffer, k.mul(i, right.kStep));
        for (let u = 0; u < unroll; u++) {
          const vectors = Array.from({ length: vectorsOf(tile) }, (_, j) =>
            k.let(k.load(b, u * right.kStep + j * tile.lanes, tile.lanes), 'b'),
          );
          for (let r = 0; r < tile.rows; r++) {
            const row = sums[r] as readonly Local[];
            const x = k.let(k.splat(k.load(a, u * left.kStep + r * left.rowStep), tile.lanes), 'a');
            vectors.forEach((v, j) => {
              const sum = row[j] as Local;
              k.set(sum, multiplyAdd(k, x, v, k.read(sum)));
            });
          }
        }
      },
      unroll,
    );
  if (tile.unroll === 1) {
    steps(k.index(0), depth, 1);
    return;
  }
  const cut = k.let(k.mul(k.div(depth, tile.unroll), tile.unroll), 'cut');
  steps(k.index(0), cut, tile.unroll);
  if (depth.kind === 'const' && Number(depth.value) % tile.unroll === 0) return;
  steps(cut, depth, 1);
}
