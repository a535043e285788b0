/** @file The schedule of rng-bit-generator: Philox 4×32-10 after hlo/philox.ts, one block of four words per iteration. */
import { internal } from '../hlo/errors.ts';
import type { Instruction } from '../hlo/module.ts';
import { blockCount } from '../hlo/philox.ts';
import { elementCount } from '../hlo/shape.ts';
import { isParallel, KernelArguments, openFusion } from './fused.ts';
import type { Buffer, Cost, Expr } from './ir.ts';
import { KernelBuilder } from './kernelBuilder.ts';
import type { Scheduled } from './schedule.ts';
import type { Target } from './target.ts';

const multipliers = [0xd2511f53, 0xcd9e8d57] as const;
const weyl = [0x9e3779b9, 0xbb67ae85] as const;

const u32 = (k: KernelBuilder, v: number): Expr => k.const('u32', v);
const u64 = (k: KernelBuilder, v: number | bigint): Expr => k.const('u64', v);
const low = (k: KernelBuilder, x: Expr): Expr => k.convert('u32', x);
const high = (k: KernelBuilder, x: Expr): Expr => k.convert('u32', k.binary('shift-right', x, u64(k, 32)));

/** The four words of the block with this 64-bit counter; `keys` are the words of the key in every round. */
function philox(
  k: KernelBuilder,
  counter: Expr,
  keys: readonly (readonly [Expr, Expr])[],
): readonly [Expr, Expr, Expr, Expr] {
  let words: readonly [Expr, Expr, Expr, Expr] = [
    k.let(low(k, counter), 'c0'),
    k.let(high(k, counter), 'c1'),
    u32(k, 0),
    u32(k, 0),
  ];
  for (const [k0, k1] of keys) {
    const [c0, c1, c2, c3] = words;
    const product = (word: Expr, multiplier: number): Expr =>
      k.let(k.binary('multiply', k.convert('u64', word), u64(k, multiplier)), 'product');
    const p0 = product(c0, multipliers[0]);
    const p1 = product(c2, multipliers[1]);
    words = [
      k.let(k.binary('xor', k.binary('xor', high(k, p1), c1), k0), 'c0'),
      k.let(low(k, p1), 'c1'),
      k.let(k.binary('xor', k.binary('xor', high(k, p0), c3), k1), 'c2'),
      k.let(low(k, p0), 'c3'),
    ];
  }
  return words;
}

/** The key grows by the Weyl increments from round to round. */
function roundKeys(k: KernelBuilder, key: Expr): (readonly [Expr, Expr])[] {
  const k0 = k.let(low(k, key), 'k0');
  const k1 = k.let(high(k, key), 'k1');
  return Array.from({ length: 10 }, (_, round) => [
    k.let(k.binary('add', k0, u32(k, Math.imul(weyl[0], round) >>> 0)), 'k0'),
    k.let(k.binary('add', k1, u32(k, Math.imul(weyl[1], round) >>> 0)), 'k1'),
  ]);
}

export function scheduleRng(x: Instruction, target: Target): Scheduled {
  if (x.opcode !== 'rng-bit-generator') throw internal(`the generator of random bits met ${x.opcode}`);
  const { dtype, dims } = x.attrs;
  const count = elementCount(dims);
  const blocks = blockCount(count, dtype);
  const perBlock = dtype === 'u32' ? 4 : 2;
  const cost: Cost = { flops: blocks * 160, bytes: count * (dtype === 'u32' ? 4 : 8) };
  const parallel = isParallel(cost, target);
  const k = new KernelBuilder(`philox_${dtype}`);
  const args = new KernelArguments(k, openFusion(x));
  const state = args.operand(0);
  const next = args.outputArray(0, 'u64');
  const out = args.outputArray(1, dtype);
  const counter = k.let(k.load(state, 1), 'counter');
  const key = k.let(k.load(state, 0), 'key');
  const keys = roundKeys(k, key);
  const block = (b: Expr): readonly Expr[] => {
    const words = philox(k, k.let(k.binary('add', counter, k.convert('u64', k.convert('s64', b))), 'c'), keys);
    if (dtype === 'u32') return words;
    const pair = (a: Expr, c: Expr): Expr =>
      k.binary('or', k.convert('u64', a), k.binary('shift-left', k.convert('u64', c), u64(k, 32)));
    return [pair(words[0], words[1]), pair(words[2], words[3])];
  };
  const whole = Math.floor(count / perBlock);
  const { lo, hi } = parallel ? k.share(whole, 4) : { lo: k.index(0), hi: k.index(whole) };
  k.for(lo, hi, (b) => writeBlock(k, out, k.let(k.mul(b, perBlock), 'at'), block(b)));
  const last = (): void => {
    if (blocks > whole)
      writeBlock(k, out, k.index(whole * perBlock), block(k.index(whole)).slice(0, count - whole * perBlock));
    k.store(next, 0, key);
    k.store(next, 1, k.binary('add', counter, u64(k, blocks)));
  };
  if (parallel) k.if(k.compare('EQ', k.tid, 0), last);
  else last();
  return { launches: [{ kernel: k.finish({ parallel, cost }), args: args.args }], scratch: [], inPlace: [] };
}

function writeBlock(k: KernelBuilder, out: Buffer, at: Expr, words: readonly Expr[]): void {
  for (const [i, word] of words.entries()) k.store(out, k.add(at, i), word);
}
