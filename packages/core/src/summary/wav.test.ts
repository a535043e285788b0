import { expect, test } from 'vitest';
import { encodeWav } from './wav.ts';

test('writes header and saturating 16-bit samples', () => {
  const wav = encodeWav({ sampleRate: 8000, channels: 2, samples: [0, 0.5, -1, 1.5, Number.NaN, -0.25] });
  const view = new DataView(wav.buffer);
  expect(new TextDecoder().decode(wav.subarray(0, 4))).toBe('RIFF');
  expect([
    view.getUint32(4, true),
    view.getUint16(22, true),
    view.getUint32(24, true),
    view.getUint32(28, true),
  ]).toEqual([48, 2, 8000, 32000]);
  expect(view.getUint32(40, true)).toBe(12);
  expect([...new Int16Array(wav.buffer.slice(44))]).toEqual([0, 16384, -32768, 32767, 0, -8192]);
});
