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
  const counts = new Float64Array(limits.length);
  let min = Number.MAX_VALUE;
  let max = -Number.MAX_VALUE;
  let sum = 0;
  let sumSquares = 0;
  for (let i = 0; i < values.length; i++) {
    const x = values[i] as number;
    const bucket = bucketOf(x);
    counts[bucket] = (counts[bucket] as number) + 1;
    if (x < min) min = x;
    if (x > max) max = x;
    sum += x;
    sumSquares += x * x;
  }
  if (values.length === 0) min = max = 0;
  return { min, max, num: values.length, sum, sumSquares, ...foldEmpty(counts) };
}

/** Index of the first limit greater than x: guessed by the logarithm, corrected by comparing. */
function bucketOf(x: number): number {
  const zero = (limits.length - 1) / 2;
  const magnitude = Math.abs(x);
  const steps = magnitude < 1e-12 ? 0 : Math.floor(Math.log(magnitude / 1e-12) / Math.log(1.1)) + 1;
  let i = Math.max(0, Math.min(limits.length - 1, x < 0 ? zero - steps : zero + steps));
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
