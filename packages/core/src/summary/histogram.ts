/**
 * @file TensorFlow's histogram (core/lib/histogram): exponential buckets that grow by 10%, mirrored for negative values,
 * encoded with runs of empty buckets folded into one. Bucket i counts limit[i−1] ≤ x < limit[i].
 */

/** The fields of HistogramProto. */
export interface HistogramValue {
  readonly min: number;
  readonly max: number;
  readonly num: number;
  readonly sum: number;
  readonly sumSquares: number;
  readonly bucketLimit: number[];
  readonly bucket: number[];
}

const limits: Float64Array = makeLimits();

function makeLimits(): Float64Array {
  const positive: number[] = [];
  for (let v = 1e-12; v < 1e20; v *= 1.1) positive.push(v);
  positive.push(Number.MAX_VALUE);
  return Float64Array.from([...positive.map((v) => -v).reverse(), 0, ...positive]);
}

/**
 * The histogram of `values`. All must be finite: the caller reports NaN and infinities with the node's name.
 * No values give min 0, max 0 and one empty bucket.
 */
export function histogramOf(values: ArrayLike<number>): HistogramValue {
  bucketByKey ??= makeKeys();
  const keys = bucketByKey;
  const counts = new Float64Array(limits.length);
  let min = Number.MAX_VALUE;
  let max = -Number.MAX_VALUE;
  let sum = 0;
  let sumSquares = 0;
  for (let i = 0; i < values.length; i++) {
    const x = values[i] as number;
    const bucket = bucketOf(x, keys);
    counts[bucket] = (counts[bucket] as number) + 1;
    if (x < min) min = x;
    if (x > max) max = x;
    sum += x;
    sumSquares += x * x;
  }
  if (values.length === 0) min = max = 0;
  return { min, max, num: values.length, sum, sumSquares, ...foldEmpty(counts) };
}

/**
 * Bucket of the least double with given upper 16 bits (sign, exponent, 4 bits of mantissa), by those bits. Such doubles span 6%, less
 * than a bucket's 10%, so the bucket of any x is that of its key or a step from it. Made on first use.
 */
let bucketByKey: Uint16Array | undefined;

const bits = new DataView(new ArrayBuffer(8));

function makeKeys(): Uint16Array {
  return Uint16Array.from({ length: 1 << 16 }, (_, key) => {
    bits.setUint32(0, key << 16);
    bits.setUint32(4, 0);
    const x = bits.getFloat64(0);
    return Number.isNaN(x) ? 0 : search(x);
  });
}

/** Index of the first limit greater than x, the last bucket when there is none; by bisection. */
function search(x: number): number {
  let low = 0;
  let high = limits.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((limits[middle] as number) > x) high = middle;
    else low = middle + 1;
  }
  return low;
}

const scratch = new Float64Array(1);
const scratchWords = new Uint16Array(scratch.buffer);
const topWord = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1 ? 3 : 0;

/** Index of the first limit greater than x. */
function bucketOf(x: number, keys: Uint16Array): number {
  scratch[0] = x;
  let i = keys[scratchWords[topWord] as number] as number;
  while (i > 0 && (limits[i - 1] as number) > x) i--;
  while (i < limits.length - 1 && (limits[i] as number) <= x) i++;
  return i;
}

/** Each run of empty buckets is written once, with the limit of its last bucket. */
function foldEmpty(counts: Float64Array): { bucketLimit: number[]; bucket: number[] } {
  const bucketLimit: number[] = [];
  const bucket: number[] = [];
  for (let i = 0; i < counts.length; ) {
    const count = counts[i] as number;
    let last = i;
    if (count === 0) while (last + 1 < counts.length && counts[last + 1] === 0) last++;
    bucketLimit.push(limits[last] as number);
    bucket.push(count);
    i = last + 1;
  }
  return { bucketLimit, bucket };
}
