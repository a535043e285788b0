/**
 * @file Summary ops: host ops that turn values into serialized Summary protobufs, byte-compatible with TensorFlow 1.x (the tags,
 * the legacy value kinds, histogram buckets, PNG and WAV payloads). FileWriter writes what they answer.
 */
import { Summary, SummaryMetadata } from '@tsflow/formats';
import { real } from '../dtype.ts';
import { bytesOf, NdArray, textOf } from '../ndarray.ts';
import { count, int, type } from '../op/attr.ts';
import { defineOp } from '../op/defineOp.ts';
import { uniform, values } from '../op/sample.ts';
import { formatShape, type PartialShape } from '../shape.ts';
import { histogramOf } from '../summary/histogram.ts';
import { normalizeImage } from '../summary/imagePixels.ts';
import { encodePng, pngChannels } from '../summary/png.ts';
import { encodeWav } from '../summary/wav.ts';
import { tensorProtoOf } from '../tensorProto.ts';

type SummaryValue = NonNullable<Parameters<typeof Summary.create>[0]>['value'];
type Values = NonNullable<SummaryValue>;

/** A scalar string tensor that holds the serialized summary. */
function serialized(value: Values): { summary: NdArray } {
  return { summary: new NdArray('string', [], [Summary.encode(Summary.create({ value })).finish()]) };
}

/** Elements as numbers without copying where the storage already is a numeric array. */
function numbersOf(x: NdArray): ArrayLike<number> {
  const { data, dtype } = x;
  const direct = dtype !== 'float16' && dtype !== 'bfloat16' && !Array.isArray(data);
  if (direct && !(data instanceof BigInt64Array) && !(data instanceof BigUint64Array)) return data as ArrayLike<number>;
  return x.toNumbers();
}

const scalarShape = (): { summary: PartialShape } => ({ summary: [] });

/** One or many (tag, value) pairs of one shape; each becomes a simple_value. */
export const ScalarSummary = defineOp('ScalarSummary', {
  inputs: ['tags: string', 'values: T'],
  outputs: ['summary: string'],
  attrs: { T: type(real) },
  shape: ({ tags, values: v }, ctx) => {
    const differ =
      tags !== null &&
      v !== null &&
      (tags.length !== v.length || tags.some((d, i) => d !== null && v[i] !== null && d !== v[i]));
    if (differ)
      ctx.fail(`tags ${formatShape(tags)} and values ${formatShape(v)} have different shapes. Give one tag a value.`);
    return { summary: [] };
  },
  grad: null,
  host: ({ tags, values: v }) => {
    const numbers = numbersOf(v);
    return serialized(
      tags.data.length === 0 ? [] : Array.from(numbers, (simpleValue, i) => ({ tag: tagAt(tags, i), simpleValue })),
    );
  },
  sample: { inputs: { tags: values('loss', 'string'), values: uniform([]) } },
});

function tagAt(tags: NdArray, i: number): string {
  return textOf(tags.at(i) as string | Uint8Array);
}

/** HistogramProto of all elements. NaN or infinity is an error, as in TensorFlow. */
export const HistogramSummary = defineOp('HistogramSummary', {
  inputs: ['tag: string', 'values: T'],
  outputs: ['summary: string'],
  attrs: { T: type(real, 'float32') },
  shape: scalarShape,
  grad: null,
  host: ({ tag, values: v }, { fail }) => {
    const numbers = numbersOf(v);
    for (let i = 0; i < numbers.length; i++) {
      if (!Number.isFinite(numbers[i])) {
        fail(
          `element ${i} of the values for the histogram "${tagAt(tag, 0)}" is ${numbers[i]}. A histogram needs finite values; fetch what they are computed from to find where it begins.`,
        );
      }
    }
    return serialized([{ tag: tagAt(tag, 0), histo: histogramOf(numbers) }]);
  },
  sample: { inputs: { tag: values('weights', 'string'), values: uniform([4, 3]) } },
});

/** Tag of the i-th of n images or clips: `tag/image` for one, else `tag/image/i`. */
function numbered(tag: string, kind: string, { i, limit }: { i: number; limit: number }): string {
  return limit === 1 ? `${tag}/${kind}` : `${tag}/${kind}/${i}`;
}

/** Up to max_images images of [batch, height, width, channels] as PNGs; floats are rescaled (summary/imagePixels). */
export const ImageSummary = defineOp('ImageSummary', {
  inputs: ['tag: string', 'tensor: T'],
  outputs: ['summary: string'],
  attrs: {
    max_images: int(3, 1),
    T: type(['uint8', 'float32', 'float16', 'float64'], 'float32'),
    bad_color: { kind: 'tensor', default: new NdArray('uint8', [4], Uint8Array.of(255, 0, 0, 255)) },
  },
  shape: ({ tensor }, ctx) => {
    const channels = tensor?.[3] ?? null;
    if (tensor !== null && (tensor.length !== 4 || (channels !== null && !pngChannels.includes(channels)))) {
      ctx.fail(
        `images have shape ${formatShape(tensor)}. Give [batch, height, width, channels] with 1, 3 or 4 channels.`,
      );
    }
    return { summary: [] };
  },
  grad: null,
  host: async ({ tag, tensor }, { attrs, fail }) => {
    const [batch, height, width, channels] = tensor.shape as readonly [number, number, number, number];
    const badColor = attrs.bad_color.data;
    if (!(badColor instanceof Uint8Array) || badColor.length < channels) {
      return fail(
        `bad_color must be uint8 with at least ${channels} entries, got ${attrs.bad_color.dtype}[${attrs.bad_color.shape}].`,
      );
    }
    const numbers = numbersOf(tensor);
    const size = height * width * channels;
    const images: Values = [];
    for (let i = 0; i < Math.min(batch, attrs.max_images); i++) {
      const pixels = Array.prototype.slice.call(numbers, i * size, (i + 1) * size) as number[];
      const data = tensor.dtype === 'uint8' ? Uint8Array.from(pixels) : normalizeImage(pixels, channels, badColor);
      const encodedImageString = await encodePng({ width, height, channels, data });
      images.push({
        tag: numbered(tagAt(tag, 0), 'image', { i, limit: attrs.max_images }),
        image: { height, width, colorspace: channels, encodedImageString },
      });
    }
    return serialized(images);
  },
  sample: { inputs: { tag: values('input', 'string'), tensor: uniform([2, 3, 4, 1]) } },
});

/** Up to max_outputs clips of [batch, frames] or [batch, frames, channels], values in [−1, 1], as 16-bit WAV files. */
export const AudioSummaryV2 = defineOp('AudioSummaryV2', {
  inputs: ['tag: string', 'tensor: float32', 'sample_rate: float32'],
  outputs: ['summary: string'],
  attrs: { max_outputs: int(3, 1) },
  shape: ({ tensor }, ctx) => {
    if (tensor !== null && tensor.length !== 2 && tensor.length !== 3) {
      ctx.fail(`audio has shape ${formatShape(tensor)}. Give [batch, frames] or [batch, frames, channels].`);
    }
    return { summary: [] };
  },
  grad: null,
  host: ({ tag, tensor, sample_rate: rate }, { attrs, fail }) => {
    const [batch, lengthFrames, numChannels = 1] = tensor.shape as readonly [number, number, number?];
    const sampleRate = Number(rate.item());
    if (!(sampleRate > 0)) fail(`sample_rate is ${sampleRate}. Give a rate in Hz above 0.`);
    const samples = tensor.data as Float32Array;
    const size = lengthFrames * numChannels;
    return serialized(
      Array.from({ length: Math.min(batch, attrs.max_outputs) }, (_, i) => ({
        tag: numbered(tagAt(tag, 0), 'audio', { i, limit: attrs.max_outputs }),
        audio: {
          sampleRate,
          numChannels,
          lengthFrames,
          encodedAudioString: encodeWav({
            sampleRate,
            channels: numChannels,
            samples: samples.subarray(i * size, (i + 1) * size),
          }),
          contentType: 'audio/wav',
        },
      })),
    );
  },
  sample: { inputs: { tag: values('tone', 'string'), tensor: uniform([1, 8]), sample_rate: values(8000) } },
});

/** Any tensor with its plugin's metadata: text, PR curves, custom plugins. */
export const TensorSummaryV2 = defineOp('TensorSummaryV2', {
  inputs: ['tag: string', 'tensor: T', 'serialized_summary_metadata: string'],
  outputs: ['summary: string'],
  attrs: { T: 'type' },
  shape: scalarShape,
  grad: null,
  host: ({ tag, tensor, serialized_summary_metadata: metadata }) => {
    const bytes = bytesOf(metadata.at(0) as string | Uint8Array);
    return serialized([{ tag: tagAt(tag, 0), metadata: SummaryMetadata.decode(bytes), tensor: tensorProtoOf(tensor) }]);
  },
  sample: {
    inputs: {
      tag: values('note', 'string'),
      tensor: values(['a'], 'string'),
      serialized_summary_metadata: values('', 'string'),
    },
  },
});

/** All values of several summaries in one; a tag that appears twice is an error. */
export const MergeSummary = defineOp('MergeSummary', {
  inputs: ['inputs: N * string'],
  outputs: ['summary: string'],
  attrs: { N: count() },
  shape: scalarShape,
  grad: null,
  host: ({ inputs }, { fail }) => {
    const all: Values = [];
    const seen = new Set<string>();
    for (const input of inputs) {
      for (let i = 0; i < input.size; i++) {
        for (const value of Summary.decode(bytesOf(input.at(i) as string | Uint8Array)).value) {
          const tag = value.tag ?? '';
          if (seen.has(tag)) fail(`tag "${tag}" appears in two merged summaries. Give each summary its own name.`);
          seen.add(tag);
          all.push(value);
        }
      }
    }
    return serialized(all);
  },
});
