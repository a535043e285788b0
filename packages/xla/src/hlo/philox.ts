/**
 * @file Philox 4×32-10, the counter-based generator of Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3"
 * (SC 2011): ten rounds turn a 128-bit counter and a 64-bit key into four random words, with no state in between.
 *
 * `rng-bit-generator` maps state and results so (every backend must match bit for bit). State u64[2] = (key, counter).
 * Block b has key words (low(key), high(key)) and counter words (low(c), high(c), 0, 0) with c = counter + b mod 2^64.
 * u32: element 4b + j is word j of block b. u64: element 2b + j is word 2j as the low half and word 2j + 1 as the high half.
 * The new state is (key, counter + blocks), blocks = ⌈elements / 4⌉ for u32, ⌈elements / 2⌉ for u64; a rest of a block is thrown away.
 */

const multiplier0 = 0xd2511f53;
const multiplier1 = 0xcd9e8d57;
/** Weyl increments of the key: the golden ratio and √3 − 1. */
const weyl0 = 0x9e3779b9;
const weyl1 = 0xbb67ae85;

export type Words4 = readonly [number, number, number, number];

/** High 32 bits of the product of two unsigned words. */
function multiplyHigh(a: number, b: number): number {
  const [aLow, aHigh, bLow, bHigh] = [a & 0xffff, a >>> 16, b & 0xffff, b >>> 16];
  const middle = aHigh * bLow + Math.floor((aLow * bLow) / 65536);
  const carried = aLow * bHigh + (middle % 65536);
  return (aHigh * bHigh + Math.floor(middle / 65536) + Math.floor(carried / 65536)) >>> 0;
}

/** The four words of one block. */
export function philox4x32(counter: Words4, key: readonly [number, number]): Words4 {
  let [c0, c1, c2, c3] = counter;
  let [k0, k1] = key;
  for (let round = 0; round < 10; round++) {
    const [high0, low0] = [multiplyHigh(multiplier0, c0), Math.imul(multiplier0, c0) >>> 0];
    const [high1, low1] = [multiplyHigh(multiplier1, c2), Math.imul(multiplier1, c2) >>> 0];
    [c0, c1, c2, c3] = [(high1 ^ c1 ^ k0) >>> 0, low1, (high0 ^ c3 ^ k1) >>> 0, low0];
    k0 = (k0 + weyl0) >>> 0;
    k1 = (k1 + weyl1) >>> 0;
  }
  return [c0, c1, c2, c3];
}

const low = (x: bigint): number => Number(BigInt.asUintN(32, x));
const high = (x: bigint): number => Number(x >> 32n);

/** Number of 128-bit blocks that `count` elements use up. */
export function blockCount(count: number, dtype: 'u32' | 'u64'): number {
  return Math.ceil(count / (dtype === 'u32' ? 4 : 2));
}

/** The first `count` words of the stream that starts at `counter`. */
export function philoxWords(key: bigint, counter: bigint, count: number): Uint32Array {
  const words = new Uint32Array(count);
  const keyWords = [low(key), high(key)] as const;
  for (let b = 0; b * 4 < count; b++) {
    const c = BigInt.asUintN(64, counter + BigInt(b));
    const block = philox4x32([low(c), high(c), 0, 0], keyWords);
    for (let j = 0; j < 4 && b * 4 + j < count; j++) words[b * 4 + j] = block[j] as number;
  }
  return words;
}
