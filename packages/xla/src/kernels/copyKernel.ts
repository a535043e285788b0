/** @file The kernel that moves bytes from one buffer to another: results that are parameters, constants or loop state in the wrong place. */
import type { Kernel } from './ir.ts';
import { KernelBuilder } from './kernelBuilder.ts';
import type { Target } from './target.ts';

/** Below this many bytes one thread copies faster than all of them meet. */
const parallelBytes = 65536;

/** A kernel (from, to) that copies `bytes` bytes, as vectors of 32-bit words with a tail of words or bytes. */
export function copyKernel(bytes: number, target: Target): Kernel {
  const k = new KernelBuilder(`copy_${bytes}`);
  const memory = bytes % 4 === 0 ? 's32' : 'u8';
  const from = k.buffer('from', memory, 'read');
  const to = k.buffer('to', memory, 'write');
  const count = memory === 's32' ? bytes / 4 : bytes;
  const lanes = memory === 's32' ? target.vectorBytes / 4 : 1;
  const parallel = bytes >= parallelBytes && target.maxThreads > 1;
  const whole = count - (count % lanes);
  const { lo, hi } = parallel ? k.share(whole, lanes) : { lo: k.index(0), hi: k.index(whole) };
  if (whole > 0) k.for(lo, hi, (i) => k.store(to, i, k.load(from, i, lanes)), lanes);
  const tail = (): void => {
    for (let i = whole; i < count; i++) k.store(to, i, k.load(from, i));
  };
  if (whole < count && parallel) k.if(k.compare('EQ', k.tid, 0), tail);
  else tail();
  return k.finish({ parallel, cost: { flops: 0, bytes: 2 * bytes } });
}
