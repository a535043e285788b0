import { existsSync, readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type Compression,
  DataLossError,
  decodeRecords,
  Example,
  encodeRecord,
  type IFeature,
  RecordParser,
  readRecords,
  SequenceExample,
  toBigInt,
  writeRecords,
} from './index.ts';

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const join = (parts: Iterable<Uint8Array>) => new Uint8Array(Buffer.concat([...parts]));

async function collect<T>(source: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of source) found.push(item);
  return found;
}

/** The records before the failure, and the failure. */
async function collectUntilLoss(source: AsyncIterable<Uint8Array>): Promise<[Uint8Array[], DataLossError]> {
  const found: Uint8Array[] = [];
  try {
    for await (const item of source) found.push(item);
  } catch (error) {
    if (error instanceof DataLossError) return [found, error];
    throw error;
  }
  throw new Error('expected a loss');
}

test('frames a record as TensorFlow does', () => {
  const bytes = encodeRecord(new TextEncoder().encode('The Quick Brown Fox'));
  expect(hex(bytes)).toBe('13000000000000000c91321b54686520517569636b2042726f776e20466f78180de83a');
});

test('reads back what it wrote, however the bytes are cut', () => {
  const property = fc.property(
    fc.array(fc.uint8Array({ maxLength: 60 })),
    fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 }),
    (payloads, cuts) => {
      const bytes = join(payloads.map(encodeRecord));
      const parser = new RecordParser();
      const found: Uint8Array[] = [];
      for (let at = 0, i = 0; at < bytes.length; i++) {
        const size = cuts[i % cuts.length] ?? 1;
        parser.push(bytes.subarray(at, at + size));
        at += size;
        for (let record = parser.next(); record !== undefined; record = parser.next()) found.push(record);
      }
      parser.finish();
      expect(found.map(hex)).toEqual(payloads.map(hex));
      expect(parser.offset).toBe(bytes.length);
    },
  );
  fc.assert(property);
});

test('an empty file has no records', () => {
  expect([...decodeRecords(new Uint8Array(0))]).toEqual([]);
});

describe('damage', () => {
  const records = ['first', 'second', 'third'].map((text) => encodeRecord(new TextEncoder().encode(text)));
  const bytes = join(records);
  const second = records[0]?.length ?? 0;
  const read = (damaged: Uint8Array) => collectUntilLoss(readRecords([damaged]));

  test('every flipped bit is found, at the record it is in', async () => {
    for (let at = second; at < second + 22; at++) {
      const damaged = bytes.slice();
      damaged[at] = (damaged[at] ?? 0) ^ (1 << (at % 8));
      const [found, error] = await read(damaged);
      expect(found.map((record) => new TextDecoder().decode(record))).toEqual(['first']);
      expect(error).toMatchObject({ code: 'DATA_LOSS', details: { kind: 'corrupt', offset: second } });
    }
  });

  test('a cut-off tail is not corruption, and says what is sound', async () => {
    for (let length = second + 1; length < second + 22; length++) {
      const [found, error] = await read(bytes.subarray(0, length));
      expect(found).toHaveLength(1);
      expect(error.details).toEqual({ kind: 'truncated', offset: second });
    }
    const [, error] = await read(bytes.subarray(0, second + 20));
    expect(error.message).toMatchInlineSnapshot(
      `"truncated record at byte 21: the data ends 20 bytes into it, before the end of 22 bytes. The 21 bytes before it are sound."`,
    );
  });

  test('text is refused with a hint', () => {
    expect(() => [...decodeRecords(new TextEncoder().encode('wall_time: 1.5e9 step: 3'))]).toThrow(
      /corrupt record at byte 0: the stored checksum of its length is 0x[0-9a-f]{8}, the data gives 0x[0-9a-f]{8}\. Is it/,
    );
  });

  test('a record beyond the limit is refused before memory is set aside', () => {
    expect(() => [...decodeRecords(bytes, { maxRecordBytes: 5 })]).toThrow(
      'record at byte 21 is 6 bytes long; at most 5 are accepted (maxRecordBytes)',
    );
  });
});

describe.each<Compression>(['GZIP', 'ZLIB', ''])('compression "%s"', (compression) => {
  const payloads = Array.from({ length: 3000 }, (_, i) =>
    new TextEncoder().encode(`record ${i} ${'x'.repeat(i % 90)}`),
  );

  test('reads back what it wrote', async () => {
    const pieces = await collect(writeRecords(payloads, compression));
    const found = await collect(readRecords(pieces, { compression }));
    expect(found.map(hex)).toEqual(payloads.map(hex));
  });

  test('a failing source is reported as it is', async () => {
    const failing = async function* () {
      yield join(await collect(writeRecords(payloads.slice(0, 1), compression))).subarray(0, 8);
      throw new Error('disk on fire');
    };
    await expect(collect(readRecords(failing(), { compression }))).rejects.toThrow('disk on fire');
  });
});

test('a cut-off or wrong gzip stream is loss of data', async () => {
  const whole = gzipSync(join([encodeRecord(new Uint8Array(10)), encodeRecord(new Uint8Array(20))]));
  const [, cut] = await collectUntilLoss(readRecords([whole.subarray(0, -9)], { compression: 'GZIP' }));
  expect(cut.details.kind).toBe('truncated');
  const [, wrong] = await collectUntilLoss(readRecords([new Uint8Array(40).fill(7)], { compression: 'GZIP' }));
  expect(wrong.details).toEqual({ kind: 'corrupt', offset: 0 });
});

test('several gzip members in a row are one file', async () => {
  const members = [1, 2].map((size) => gzipSync(encodeRecord(new Uint8Array(size))));
  const found = await collect(readRecords([Buffer.concat(members)], { compression: 'GZIP' }));
  expect(found.map((record) => record.length)).toEqual([1, 2]);
});

const artefacts = new URL('../../../../shared/data/tf-artefacts/', import.meta.url);

describe.skipIf(!existsSync(artefacts))('files of real TensorFlow (skipped where they are absent)', () => {
  interface Expected {
    readonly compression: string;
    readonly records: number;
    readonly payload_bytes: number;
    readonly first_examples?: readonly unknown[];
  }
  const load = (path: string): { files: Record<string, Expected> } =>
    JSON.parse(readFileSync(new URL(path, artefacts), 'utf8'));
  const expected = existsSync(artefacts) ? load('expected/tfrecord/tfrecord.json').files : {};

  test.each(Object.entries(expected))('%s', async (path, { compression, records, payload_bytes, first_examples }) => {
    const bytes = readFileSync(new URL(path, artefacts));
    const found = await collect(readRecords([bytes], { compression: compression === 'GZIP' ? 'GZIP' : '' }));
    expect(found).toHaveLength(records);
    expect(found.reduce((sum, record) => sum + record.length, 0)).toBe(payload_bytes);
    const plain: (bytes: Uint8Array) => unknown = path.includes('sequence') ? plainSequence : plainExample;
    expect(found.slice(0, first_examples?.length ?? 0).map(plain)).toEqual(first_examples ?? []);
  });

  // Messages as the expected values spell them: int64 as strings, bytes as text, an empty feature as null.
  function plainFeature({ int64List, floatList, bytesList }: IFeature) {
    if (int64List) return { int64_list: int64List.value?.map((value) => String(toBigInt(value))) };
    if (floatList) return { float_list: floatList.value };
    if (bytesList) return { bytes_list: bytesList.value?.map((value) => Buffer.from(value).toString()) };
    return null;
  }
  const mapValues = <A, B>(values: Record<string, A> | null | undefined, f: (value: A) => B) =>
    Object.fromEntries(Object.entries(values ?? {}).map(([name, value]) => [name, f(value)]));
  const plainExample = (bytes: Uint8Array) => mapValues(Example.decode(bytes).features?.feature, plainFeature);
  const plainSequence = (bytes: Uint8Array) => {
    const { context, featureLists } = SequenceExample.decode(bytes);
    return {
      context: mapValues(context?.feature, plainFeature),
      feature_lists: mapValues(featureLists?.featureList, (list) => list.feature?.map(plainFeature)),
    };
  };
});
