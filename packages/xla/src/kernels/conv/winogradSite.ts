/** @file What all Winograd forms ask of a convolution: plain float windows in two dimensions, wide channels, tiles that waste little. */
import type { WindowDim } from '../../hlo/opcodes.ts';
import type { ArrayShape } from '../../hlo/shape.ts';
import type { Site } from '../gemm/epilogue.ts';

/** Fewest channels on either side for which the transforms pay. */
const fewestChannels = 16;

/** Most results computed for each one kept. */
const mostWaste = 1.6;

/** The two window dimensions, if the convolution is ungrouped f32 without strides and dilations. */
export function plainWindow(site: Site<'convolution'>): readonly [WindowDim, WindowDim] | undefined {
  const { window, featureGroupCount, batchGroupCount } = site.center.attrs;
  const [y, x] = window;
  if (window.length !== 2 || !y || !x || featureGroupCount * batchGroupCount > 1) return undefined;
  const plain = window.every((w) => w.stride === 1 && w.baseDilation === 1 && w.windowDilation === 1);
  const types = [site.lhs.memory, site.rhs.memory, (site.center.shape as ArrayShape).dtype];
  return plain && y.reversal === x.reversal && types.every((t) => t === 'f32') ? [y, x] : undefined;
}

/** Filter sides for which the six points are accurate and save work. */
export function isWinogradFilter(taps: number): boolean {
  return taps === 3 || taps === 5;
}

export function channelsPay(channels: readonly number[], lanes: number): boolean {
  return channels.every((c) => c >= fewestChannels && c % lanes === 0);
}

export interface TileGrid {
  readonly tilesY: number;
  readonly tilesX: number;
  readonly tiles: number;
}

/** The grid of tiles of side `outputs`, if there are at least `fewest` of them and little hangs over the edges. */
export function tileGrid(
  image: { readonly batch: number; readonly height: number; readonly width: number },
  outputs: number,
  fewest: number,
): TileGrid | undefined {
  const { batch, height, width } = image;
  const [tilesY, tilesX] = [Math.ceil(height / outputs), Math.ceil(width / outputs)];
  const waste = (tilesY * tilesX * outputs * outputs) / (height * width);
  const tiles = batch * tilesY * tilesX;
  return waste <= mostWaste && tiles >= fewest ? { tilesY, tilesX, tiles } : undefined;
}
