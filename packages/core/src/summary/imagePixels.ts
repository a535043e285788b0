/** @file How TF's ImageSummary turns tensors into 8-bit pixels (core/kernels/summary_image_op). */

/** Below this magnitude an image counts as all zero. */
const ZERO_THRESHOLD = 1e-6;

/**
 * Scales the pixels of one float image to bytes. No negative value: the largest becomes 255. Else: 0 becomes 128 and the largest
 * magnitude 127 steps from it. Pixels with a value that is not finite take `badColor`.
 */
export function normalizeImage(pixels: ArrayLike<number>, channels: number, badColor: Uint8Array): Uint8Array {
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < pixels.length; i += channels) {
    if (!finitePixel(pixels, i, channels)) continue;
    for (let c = 0; c < channels; c++) {
      const v = pixels[i + c] as number;
      if (v < min) min = v;
      if (v > max) max = v;
    }
  }
  const magnitude = min < 0 ? Math.max(-min, Math.abs(max)) : max;
  const range = min < 0 ? 127 : 255;
  const scale = magnitude < ZERO_THRESHOLD ? 0 : Math.fround(range / magnitude);
  const offset = min < 0 ? 128 : 0;
  const out = new Uint8Array(pixels.length);
  for (let i = 0; i < pixels.length; i += channels) {
    if (finitePixel(pixels, i, channels)) {
      for (let c = 0; c < channels; c++)
        out[i + c] = Math.trunc(Math.fround(Math.fround((pixels[i + c] as number) * scale) + offset));
    } else {
      for (let c = 0; c < channels; c++) out[i + c] = badColor[c] as number;
    }
  }
  return out;
}

function finitePixel(pixels: ArrayLike<number>, at: number, channels: number): boolean {
  for (let c = 0; c < channels; c++) if (!Number.isFinite(pixels[at + c])) return false;
  return true;
}
