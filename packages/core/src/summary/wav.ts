/**
 * @file Audio summaries as WAV files: 16-bit PCM, little-endian, samples interleaved by channel, scaled as TF's
 * EncodeAudioAsS16LEWav does (round(x · 2¹⁵), saturating).
 */

export interface AudioClip {
  /** Hz. */
  readonly sampleRate: number;
  readonly channels: number;
  /** [frames, channels], row-major, in [−1, 1]. */
  readonly samples: ArrayLike<number>;
}

/** Encodes a clip as a WAV file. Samples outside [−1, 1] saturate; NaN becomes silence. */
export function encodeWav({ sampleRate, channels, samples }: AudioClip): Uint8Array {
  const bytes = samples.length * 2;
  const out = new Uint8Array(44 + bytes);
  const view = new DataView(out.buffer);
  const text = (at: number, s: string): void => {
    for (let i = 0; i < s.length; i++) out[at + i] = s.charCodeAt(i);
  };
  text(0, 'RIFF');
  view.setUint32(4, 36 + bytes, true);
  text(8, 'WAVEfmt ');
  view.setUint32(16, 16, true); // size of the format chunk
  view.setUint16(20, 1, true); // PCM
  view.setUint16(22, channels, true);
  view.setUint32(24, sampleRate, true);
  view.setUint32(28, sampleRate * channels * 2, true); // bytes a second
  view.setUint16(32, channels * 2, true); // bytes a frame
  view.setUint16(34, 16, true); // bits a sample
  text(36, 'data');
  view.setUint32(40, bytes, true);
  for (let i = 0; i < samples.length; i++) {
    view.setInt16(44 + 2 * i, Math.max(-32768, Math.min(32767, roundHalfAway((samples[i] as number) * 32768))), true);
  }
  return out;
}

/** C's roundf: halves go away from zero. NaN → 0. */
function roundHalfAway(x: number): number {
  return Number.isNaN(x) ? 0 : Math.sign(x) * Math.floor(Math.abs(x) + 0.5);
}
