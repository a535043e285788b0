/**
 * @file The arithmetic of sliding windows over images: which dimension of a layout is which, output sizes, and how many zeros SAME,
 * VALID and EXPLICIT padding put before and after. Shared by convolutions and pools. TF: tensorflow/core/framework/kernel_shape_util.
 */
import type { Dimension, PartialShape } from '../shape.ts';
import { formatShape } from '../shape.ts';

export type Padding = 'SAME' | 'VALID' | 'EXPLICIT';
export type DataFormat = 'NHWC' | 'NCHW';

/** Positions of batch, height, width and channels in a 4-D image tensor. */
export interface ImageAxes {
  readonly batch: number;
  readonly spatial: readonly [number, number];
  readonly channels: number;
}

const axesOfFormat: Readonly<Record<DataFormat, ImageAxes>> = {
  NHWC: { batch: 0, spatial: [1, 2], channels: 3 },
  NCHW: { batch: 0, spatial: [2, 3], channels: 1 },
};

export function imageAxes(format: DataFormat): ImageAxes {
  return axesOfFormat[format];
}

/** One spatial dimension of a window. */
export interface WindowSpec {
  readonly size: number;
  readonly stride: number;
  readonly dilation: number;
  readonly padding: Padding;
  /** Zeros before and after, for EXPLICIT. */
  readonly explicit: readonly [number, number];
}

/** Extent of a dilated window: (size − 1)·dilation + 1. */
export function windowExtent({ size, dilation }: WindowSpec): number {
  return (size - 1) * dilation + 1;
}

/** Positions of the window over `input` elements; null when `input` is unknown. May be ≤ 0: the caller reports it. */
export function windowCount(input: Dimension, spec: WindowSpec): Dimension {
  if (input === null) return null;
  if (spec.padding === 'SAME') return Math.ceil(input / spec.stride);
  const [low, high] = spec.padding === 'EXPLICIT' ? spec.explicit : [0, 0];
  return Math.floor((input + low + high - windowExtent(spec)) / spec.stride) + 1;
}

/** Zeros before and after `input` elements. SAME puts the odd one after. */
export function windowPadding(input: number, spec: WindowSpec): readonly [number, number] {
  if (spec.padding === 'VALID') return [0, 0];
  if (spec.padding === 'EXPLICIT') return spec.explicit;
  const total = Math.max(0, (Math.ceil(input / spec.stride) - 1) * spec.stride + windowExtent(spec) - input);
  const low = Math.floor(total / 2);
  return [low, total - low];
}

/** The attributes that convolutions and pools share. */
export interface WindowAttrs {
  readonly strides: readonly number[];
  readonly padding: Padding;
  readonly data_format: string;
  readonly dilations?: readonly number[];
  /** Eight numbers for EXPLICIT: before and after of each dimension. */
  readonly explicit_paddings?: readonly number[];
}

type Fail = (text: string) => never;

/** The two spatial windows of an op, its attributes checked. `sizes` are the window's height and width. */
export function windowSpecs(
  sizes: readonly [number, number],
  attrs: WindowAttrs,
  fail: Fail,
): readonly [WindowSpec, WindowSpec] {
  const axes = imageAxes(attrs.data_format as DataFormat);
  const dilations = attrs.dilations ?? [1, 1, 1, 1];
  checkSteps('strides', attrs.strides, axes, fail);
  checkSteps('dilations', dilations, axes, fail);
  const explicit = attrs.explicit_paddings ?? [];
  if (attrs.padding === 'EXPLICIT') checkExplicit(explicit, axes, fail);
  else if (explicit.length > 0) {
    fail(`explicit_paddings [${explicit.join(', ')}] need padding 'EXPLICIT', but padding is '${attrs.padding}'.`);
  }
  const spec = (i: 0 | 1): WindowSpec => {
    const axis = axes.spatial[i];
    return {
      size: sizes[i],
      stride: attrs.strides[axis] as number,
      dilation: dilations[axis] as number,
      padding: attrs.padding,
      explicit: [explicit[2 * axis] ?? 0, explicit[2 * axis + 1] ?? 0],
    };
  };
  return [spec(0), spec(1)];
}

function checkSteps(name: string, steps: readonly number[], axes: ImageAxes, fail: Fail): void {
  if (steps.length !== 4) fail(`${name} [${steps.join(', ')}] must have 4 entries, one a dimension.`);
  if (steps[axes.batch] !== 1 || steps[axes.channels] !== 1) {
    fail(`${name} [${steps.join(', ')}] must be 1 in the batch and channel dimensions; only height and width move.`);
  }
  if (axes.spatial.some((a) => (steps[a] as number) < 1)) fail(`${name} [${steps.join(', ')}] must be at least 1.`);
}

function checkExplicit(explicit: readonly number[], axes: ImageAxes, fail: Fail): void {
  const text = `explicit_paddings [${explicit.join(', ')}]`;
  if (explicit.length !== 8) fail(`${text} must have 8 entries: before and after of each dimension.`);
  if (explicit.some((p) => p < 0)) fail(`${text} must not be negative.`);
  for (const axis of [axes.batch, axes.channels]) {
    if (explicit[2 * axis] !== 0 || explicit[2 * axis + 1] !== 0)
      fail(`${text} must be 0 in the batch and channel dimensions.`);
  }
}

/** Shape of an image op's output; complains when a window does not fit. */
export function windowedShape(
  input: PartialShape,
  specs: readonly [WindowSpec, WindowSpec],
  options: { readonly format: string; readonly channels: Dimension; readonly fail: Fail },
): PartialShape {
  const axes = imageAxes(options.format as DataFormat);
  const output: Dimension[] = [null, null, null, null];
  output[axes.batch] = input === null ? null : (input[axes.batch] as Dimension);
  output[axes.channels] = options.channels;
  for (const [i, axis] of axes.spatial.entries()) {
    const spec = specs[i as 0 | 1];
    const count = windowCount(input === null ? null : (input[axis] as Dimension), spec);
    if (count !== null && count <= 0) {
      options.fail(
        `a window of ${windowExtent(spec)} does not fit in dimension ${axis} of the input ${formatShape(input)} with padding '${spec.padding}'. ` +
          `Use a smaller window, or padding 'SAME'.`,
      );
    }
    output[axis] = count;
  }
  return output;
}

/** The input as a 4-D shape (null = unknown rank); complains about other ranks. */
export function requireImage(shape: PartialShape, what: string, fail: Fail): PartialShape {
  if (shape !== null && shape.length !== 4) {
    fail(`${what} must have 4 dimensions, got ${formatShape(shape)}. Add missing ones with expandDims or reshape.`);
  }
  return shape;
}
