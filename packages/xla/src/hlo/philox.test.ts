import { expect, it } from 'vitest';
import { HloBuilder } from './builder.ts';
import { interpretModule } from './interpret.ts';
import { literalFrom } from './literals.ts';
import { philox4x32, philoxWords } from './philox.ts';
import { arrayShape } from './shape.ts';

// Known answers of the Random123 distribution (kat_vectors, philox4x32 with 10 rounds).
it('gives the published answers', () => {
  expect(philox4x32([0, 0, 0, 0], [0, 0])).toEqual([0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]);
  const ones = 0xffffffff;
  expect(philox4x32([ones, ones, ones, ones], [ones, ones])).toEqual([0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd]);
  expect(philox4x32([0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], [0xa4093822, 0x299f31d0])).toEqual([
    0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1,
  ]);
});

it('is one stream: u64 pairs the words of u32, and the state counts blocks', () => {
  const run = (dtype: 'u32' | 'u64', count: number, counter: bigint) => {
    const b = new HloBuilder('rng');
    const r = b.rngBitGenerator(b.parameter(0, arrayShape('u64', [2])), dtype, [count]);
    return interpretModule(b.build([b.getTupleElement(r, 0), b.getTupleElement(r, 1)]), [
      literalFrom([0x123456789abcdefn, counter], 'u64', [2]),
    ]);
  };
  const [state, bits] = run('u32', 6, 5n);
  expect(Array.from(state!.data as BigUint64Array)).toEqual([0x123456789abcdefn, 7n]);
  expect(Array.from(bits!.data as Uint32Array)).toEqual(Array.from(philoxWords(0x123456789abcdefn, 5n, 6)));
  const words = bits!.data as Uint32Array;
  const [next, wide] = run('u64', 3, 5n);
  expect(next!.data[1]).toBe(7n);
  expect(Array.from(wide!.data as BigUint64Array)).toEqual(
    [0, 1, 2].map((i) => BigInt(words[2 * i]!) | (BigInt(words[2 * i + 1]!) << 32n)),
  );
  expect(run('u32', 1, (1n << 64n) - 1n)[0]!.data[1]).toBe(0n);
});
