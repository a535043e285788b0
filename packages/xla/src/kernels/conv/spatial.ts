/**
 * @file One spatial dimension of a convolution as two loops: result positions and window positions. A dilated base is cut into phases
 * that meet only real elements, so that strided transposed convolutions do not multiply zeros.
 */
import type { WindowDim } from '../../hlo/opcodes.ts';

/** Loop o' over results (output index first + step·o') and loop w' over the window (kernel index kFirst + kStep·w'). */
export interface SpatialLoop {
  readonly size: number;
  readonly first: number;
  readonly step: number;
  readonly kSize: number;
  readonly kFirst: number;
  readonly kStep: number;
  /** Position in the (still dilated) base: o'·move + w'·kMove + offset, inside [0, limit). */
  readonly move: number;
  readonly kMove: number;
  readonly offset: number;
  readonly limit: number;
  readonly dilation: number;
  /** Every position is inside: no checks. */
  readonly inside: boolean;
}

/** The loops that together cover a spatial dimension of `input` elements and `output` results: one, or one for each phase. */
export function spatialLoops(
  w: WindowDim,
  { input, output, phases }: { readonly input: number; readonly output: number; readonly phases: boolean },
): SpatialLoop[] {
  const b = w.baseDilation;
  if (!phases || b === 1 || w.stride !== 1 || w.windowDilation !== 1) return [undividedLoop(w, input, output)];
  return Array.from({ length: Math.min(b, output) }, (_, phase) => {
    // phase + w − pad must be a multiple of b
    const kFirst = (((w.padLow - phase) % b) + b) % b;
    const kSize = Math.max(0, Math.ceil((w.size - kFirst) / b));
    return checked({
      size: Math.ceil((output - phase) / b),
      first: phase,
      step: b,
      kSize,
      kFirst: kSize === 0 ? 0 : kFirst,
      kStep: b,
      move: 1,
      kMove: 1,
      offset: (phase + kFirst - w.padLow) / b,
      limit: input,
      dilation: 1,
    });
  });
}

function undividedLoop(w: WindowDim, input: number, output: number): SpatialLoop {
  return checked({
    size: output,
    first: 0,
    step: 1,
    kSize: w.size,
    kFirst: 0,
    kStep: 1,
    move: w.stride,
    kMove: w.windowDilation,
    offset: -w.padLow,
    limit: input === 0 ? 0 : (input - 1) * w.baseDilation + 1,
    dilation: w.baseDilation,
  });
}

function checked(loop: Omit<SpatialLoop, 'inside'>): SpatialLoop {
  const last = (loop.size - 1) * loop.move + Math.max(0, loop.kSize - 1) * loop.kMove + loop.offset;
  return { ...loop, inside: loop.dilation === 1 && loop.offset >= 0 && last < loop.limit };
}
