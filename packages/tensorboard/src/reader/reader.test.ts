import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  Event,
  encodeRecord,
  GraphDef,
  type IEvent,
  type ISummary,
  SessionLog,
  Summary,
  type Summary as SummaryMessage,
  toBigInt,
} from '@tsflow/formats';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type DataLossError, EventFileReader, isEventFile, readRunEvents, summaryIterator } from '../index.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tsflow-events-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const record = (event: IEvent) => encodeRecord(Event.encode(event).finish());
const version = record({ wallTime: 1, fileVersion: 'brain.Event:2' });
const value = (step: number, simpleValue: number, tag = 'x') =>
  record({ step, summary: { value: [{ tag, simpleValue }] } });
const start = (step: number) => record({ step, sessionLog: { status: SessionLog.SessionStatus.START } });

async function collect(events: AsyncIterable<Event>): Promise<{ events: Event[]; error?: unknown }> {
  const found: Event[] = [];
  try {
    for await (const event of events) found.push(event);
  } catch (error) {
    return { events: found, error };
  }
  return { events: found };
}

const valuesOf = (events: readonly Event[]) =>
  events.flatMap((event) => event.summary?.value?.map((v) => [v.tag, Number(event.step), v.simpleValue]) ?? []);

describe('EventFileReader', () => {
  test('follows a file that grows, byte by byte', async () => {
    const path = join(folder, 'a.tfevents');
    writeFileSync(path, '');
    const reader = new EventFileReader(path);
    const bytes = Buffer.concat([version, value(1, 0.5), value(2, 0.25)]);
    const found: Event[] = [];
    for (const byte of bytes) {
      appendFileSync(path, Uint8Array.of(byte));
      found.push(...(await reader.poll()));
    }
    expect(found.map((event) => event.what)).toEqual(['fileVersion', 'summary', 'summary']);
    expect(valuesOf(found)).toEqual([
      ['x', 1, 0.5],
      ['x', 2, 0.25],
    ]);
    expect(reader.offset).toBe(bytes.length);
    expect(await reader.poll()).toEqual([]);
  });

  test('goes on after an abandoned iteration', async () => {
    const path = join(folder, 'a.tfevents');
    writeFileSync(path, Buffer.concat([version, value(1, 1), value(2, 2)]));
    const reader = new EventFileReader(path);
    for await (const event of reader.events()) if (event.what === 'fileVersion') break;
    expect(valuesOf(await reader.poll())).toEqual([
      ['x', 1, 1],
      ['x', 2, 2],
    ]);
  });

  test('gives the sound events first, then reports where a file is corrupt', async () => {
    const path = join(folder, 'a.tfevents');
    const bytes = Buffer.concat([version, value(1, 1), value(2, 2)]);
    const offset = version.length + value(1, 1).length;
    bytes[offset + 14] = (bytes[offset + 14] ?? 0) ^ 4;
    writeFileSync(path, bytes);
    const reader = new EventFileReader(path);
    expect(await reader.poll()).toHaveLength(2);
    await expect(reader.poll()).rejects.toMatchObject({
      code: 'DATA_LOSS',
      details: { kind: 'corrupt', offset },
      message: expect.stringContaining(`"${path}": corrupt record at byte ${offset}`),
    });
    const { events, error } = await collect(summaryIterator(path));
    expect(events).toHaveLength(2);
    expect(error).toMatchObject({ details: { kind: 'corrupt', offset } });
  });

  test('a record that is no event is corrupt', async () => {
    const path = join(folder, 'a.tfevents');
    writeFileSync(path, encodeRecord(Uint8Array.of(0x0a, 0xff)));
    await expect(new EventFileReader(path).poll()).rejects.toThrow(/the record at byte 0 is sound but holds no Event/);
  });

  test('a cut-off tail waits for more in a reader, and is a loss in summaryIterator', async () => {
    const path = join(folder, 'a.tfevents');
    const tail = value(1, 1);
    writeFileSync(path, Buffer.concat([version, tail.subarray(0, 20)]));
    const reader = new EventFileReader(path);
    expect(await reader.poll()).toHaveLength(1);
    expect(reader.pendingBytes).toBe(20);
    const { events, error } = await collect(summaryIterator(path));
    expect(events).toHaveLength(1);
    expect(error).toMatchObject({ code: 'DATA_LOSS', details: { kind: 'truncated', offset: version.length } });
    appendFileSync(path, tail.subarray(20));
    expect(valuesOf(await reader.poll())).toEqual([['x', 1, 1]]);
  });

  test('a file that shrank or is missing is a coded error', async () => {
    const path = join(folder, 'a.tfevents');
    const reader = new EventFileReader(path);
    await expect(reader.poll()).rejects.toMatchObject({ code: 'NOT_FOUND' });
    writeFileSync(path, Buffer.concat([version, value(1, 1)]));
    await reader.poll();
    truncateSync(path, 10);
    await expect(reader.poll()).rejects.toThrow(/shrank from \d+ to 10 bytes while it was read; open a new reader/);
  });
});

describe('readRunEvents', () => {
  const file = (name: string, ...records: Uint8Array[]) => writeFileSync(join(folder, name), Buffer.concat(records));

  test('knows event files by name', () => {
    expect(isEventFile('events.out.tfevents.1585769947.cvp')).toBe(true);
    expect(isEventFile('events.out.tfevents.1585231889.LEMON.profile-empty')).toBe(false);
    expect(isEventFile('model.ckpt-1.index')).toBe(false);
  });

  test('reads the files of a directory in name order', async () => {
    file('b.tfevents.2', version, value(2, 2));
    file('b.tfevents.1', version, value(1, 1));
    file('notes.txt', new TextEncoder().encode('hello'));
    expect(valuesOf(await readRunEvents(folder)).map((found) => found[1])).toEqual([1, 2]);
  });

  test('a restart drops what it writes again', async () => {
    file('a.tfevents.1', version, start(0), value(1, 1), value(2, 2), value(3, 3));
    file('a.tfevents.2', version, start(2), value(2, 22));
    const left = valuesOf(await readRunEvents(folder));
    expect(left.map((found) => found.slice(1))).toEqual([
      [1, 1],
      [2, 22],
    ]);
    expect(valuesOf(await readRunEvents(folder, { purgeOrphanedData: false }))).toHaveLength(4);
  });

  test('in files without a version, a step that goes back drops later values of its tags', async () => {
    file('a.tfevents.1', value(1, 1, 'a'), value(2, 2, 'b'), value(5, 5, 'a'), value(5, 6, 'b'));
    file('a.tfevents.2', value(2, 22, 'a'));
    expect(valuesOf(await readRunEvents(folder))).toEqual([
      ['a', 1, 1],
      ['b', 2, 2],
      ['b', 5, 6],
      ['a', 2, 22],
    ]);
  });

  test('a corrupt file does not hide the others when the caller wants to go on', async () => {
    file('a.tfevents.1', version, value(1, 1), Buffer.alloc(40, 7));
    file('a.tfevents.2', version, value(2, 2));
    const losses: [DataLossError, string][] = [];
    const events = await readRunEvents(folder, { onDataLoss: (...loss) => losses.push(loss) });
    expect(valuesOf(events)).toHaveLength(2);
    expect(losses).toMatchObject([
      [{ details: { kind: 'corrupt', offset: version.length + value(1, 1).length } }, join(folder, 'a.tfevents.1')],
    ]);
    await expect(readRunEvents(folder)).rejects.toMatchObject({ code: 'DATA_LOSS' });
  });

  test('a missing directory is a coded error', async () => {
    await expect(readRunEvents(join(folder, 'none'))).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

const artefacts = new URL('../../../../../shared/data/tf-artefacts/', import.meta.url);

describe.skipIf(!existsSync(artefacts))('files of real TensorFlow (skipped where they are absent)', () => {
  interface Expected {
    readonly bytes: number;
    readonly events: number;
    readonly file_version: string;
    readonly graph_nodes?: readonly number[];
    readonly session_log?: readonly (readonly [number, string])[];
    readonly what: Readonly<Record<string, number>>;
    readonly tags: Readonly<Record<string, ExpectedTag>>;
  }
  interface ExpectedTag {
    readonly kind: string;
    readonly plugin: string;
    readonly count: number;
    readonly first_step: number;
    readonly last_step: number;
    readonly last_wall_time: number;
    readonly last?: number | Record<string, number>;
  }
  const load = (path: string) => JSON.parse(readFileSync(new URL(path, artefacts), 'utf8'));
  const files: Record<string, Expected> = existsSync(artefacts) ? load('expected/events/events.json').files : {};
  const snake = (text: string) => text.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

  /** What the expected values say of a tag, from our reading. */
  function factsOfTags(events: readonly Event[]) {
    const tags: Record<string, { -readonly [K in keyof ExpectedTag]: ExpectedTag[K] }> = {};
    for (const event of events) {
      for (const item of event.summary?.value ?? []) {
        const step = Number(toBigInt(event.step));
        const tag = item.tag ?? '';
        const facts = tags[tag] ?? {
          kind: 'value' in item && item.value !== undefined ? snake(String(item.value)) : 'none',
          plugin: item.metadata?.pluginData?.pluginName ?? '',
          count: 0,
          first_step: step,
          last_step: step,
          last_wall_time: 0,
        };
        tags[tag] = facts;
        facts.count++;
        facts.last_step = step;
        facts.last_wall_time = event.wallTime;
        if (item.simpleValue != null) facts.last = item.simpleValue;
        if (item.histo) {
          const { min = 0, max = 0, num = 0, sum = 0, sumSquares = 0, bucket = [] } = item.histo;
          facts.last = { min, max, num, sum, sum_squares: sumSquares, buckets: bucket?.length ?? 0 } as Record<
            string,
            number
          >;
        }
      }
    }
    return tags;
  }

  test.each(Object.entries(files))('%s', async (path, expected) => {
    const reader = new EventFileReader(fileURLToPath(new URL(path, artefacts)));
    const events = await reader.poll();
    reader.finish();
    expect(reader.offset).toBe(expected.bytes);
    expect(events).toHaveLength(expected.events);
    expect(events[0]?.fileVersion).toBe(expected.file_version);
    const what: Record<string, number> = {};
    for (const event of events) what[snake(String(event.what))] = (what[snake(String(event.what))] ?? 0) + 1;
    expect(what).toEqual(expected.what);
    const graphs = events.filter((event) => event.what === 'graphDef');
    const nodes = graphs.map((event) => GraphDef.decode(event.graphDef ?? new Uint8Array(0)).node.length);
    expect(nodes).toEqual(expected.graph_nodes ?? []);
    const logs = events.flatMap(({ sessionLog }) =>
      sessionLog ? [[sessionLog.status ?? 0, basename(sessionLog.checkpointPath ?? '')]] : [],
    );
    expect(logs).toEqual(expected.session_log ?? []);
    const facts = factsOfTags(events);
    expect(Object.keys(facts).sort()).toEqual(Object.keys(expected.tags).sort());
    for (const [tag, { last, ...rest }] of Object.entries(expected.tags)) {
      expect([tag, facts[tag]]).toMatchObject([tag, rest]);
      if (typeof last === 'number' || (last && 'buckets' in last)) expect([tag, facts[tag]?.last]).toEqual([tag, last]);
    }
  });

  test('a Summary message outside an event file', () => {
    const { values } = load('expected/events/tf1_mnist_summary.json');
    const bytes = readFileSync(new URL('events/tf1_mnist_summary.pb', artefacts));
    const found: SummaryMessage = Summary.decode(bytes);
    expect(found.value.map((item) => item.tag)).toEqual(values.map((item: { tag: string }) => item.tag));
    const again: ISummary = found;
    expect(Summary.encode(again).finish().length).toBe(bytes.length);
  });

  test('the directory of the Estimator run, restarted once', async () => {
    const directory = fileURLToPath(new URL('events/tf1_estimator_train', artefacts));
    expect(readdirSync(directory)).toHaveLength(1);
    const summaries = (await readRunEvents(directory)).filter((event) => event.what === 'summary');
    expect(summaries).toHaveLength(19);
  });
});
