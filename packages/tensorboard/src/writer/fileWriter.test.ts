import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Event, GraphDef, type ISummary, MetaGraphDef, RunMetadata, Summary, toBigInt } from '@tsflow/formats';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { eventFiles, FileWriter, readRunEvents, summaryIterator } from '../index.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tsflow-events-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const scalar = (tag: string, simpleValue: number): ISummary => ({ value: [{ tag, simpleValue }] });

async function read(path: string | undefined): Promise<Event[]> {
  const events: Event[] = [];
  for await (const event of summaryIterator(path ?? '')) events.push(event);
  return events;
}

test('names the file as TensorFlow does and begins with the version', async () => {
  const before = Math.floor(Date.now() / 1000);
  const writer = new FileWriter(join(folder, 'new/run'), null, { filenameSuffix: '.train' });
  const [name = ''] = readdirSync(join(folder, 'new/run'));
  const seconds = Number(/^events\.out\.tfevents\.(\d{10})\./.exec(name)?.[1]);
  expect(name).toBe(`events.out.tfevents.${seconds}.${hostname()}.train`);
  expect(seconds - before).toBeLessThan(60);
  expect(writer.getLogdir()).toBe(join(folder, 'new/run'));
  await writer.close();
  const [version, ...rest] = await read(join(folder, 'new/run', name));
  expect(version).toMatchObject({ what: 'fileVersion', fileVersion: 'brain.Event:2' });
  expect(rest).toEqual([]);
});

test('two writers of one directory in the same second do not share a file', async () => {
  const writers = [new FileWriter(folder), new FileWriter(folder)];
  expect(new Set(writers.map((writer) => writer.path)).size).toBe(2);
  await Promise.all(writers.map((writer) => writer.close()));
  expect(await eventFiles(folder)).toHaveLength(2);
});

test('takes summaries as bytes, as a fetched string scalar, and as a message', async () => {
  const writer = new FileWriter(folder);
  const bytes = Summary.encode(scalar('loss', 0.5)).finish();
  writer.addSummary(bytes, 1);
  writer.addSummary({ item: () => bytes }, 2n);
  writer.addSummary(scalar('loss', 0.25), { item: () => 3 });
  writer.addSummary(scalar('loss', 0));
  const { path } = writer;
  await writer.close();
  const events = (await read(path)).slice(1);
  expect(events.map((event) => [toBigInt(event.step), event.summary?.value?.[0]?.simpleValue])).toEqual([
    [1n, 0.5],
    [2n, 0.5],
    [3n, 0.25],
    [0n, 0],
  ]);
  expect(events.every((event) => Math.abs(Number(event.wallTime) - Date.now() / 1000) < 60)).toBe(true);
});

test('keeps int64 steps exact', async () => {
  const writer = new FileWriter(folder);
  writer.addSummary(scalar('x', 1), 2n ** 62n + 1n);
  const { path } = writer;
  await writer.close();
  expect(toBigInt((await read(path))[1]?.step ?? 0)).toBe(2n ** 62n + 1n);
});

test('writes the metadata of a tag once, and leaves the caller its message', async () => {
  const writer = new FileWriter(folder);
  const metadata = { pluginData: { pluginName: 'scalars' } };
  const summary = {
    value: [
      { tag: 'a', simpleValue: 1, metadata },
      { tag: 'a', simpleValue: 2, metadata },
    ],
  };
  writer.addSummary({ value: [summary.value[0] ?? {}] }, 0);
  writer.addSummary(summary, 1);
  expect(summary.value.every((value) => value.metadata === metadata)).toBe(true);
  const { path } = writer;
  await writer.close();
  const values = (await read(path)).flatMap((event) => event.summary?.value ?? []);
  expect(values.map((value) => [value.simpleValue, value.metadata?.pluginData?.pluginName])).toEqual([
    [1, 'scalars'],
    [1, undefined],
    [2, undefined],
  ]);
});

test('writes a graph, with shapes, as graph and as meta graph', async () => {
  const asked: unknown[] = [];
  const graph = {
    asGraphDef(options?: { addShapes?: boolean }) {
      asked.push(options);
      return { node: [{ name: 'c', op: 'Const' }], versions: { producer: 24 } };
    },
  };
  const writer = new FileWriter(folder, graph);
  writer.addGraph({ node: [{ name: 'later', op: 'NoOp' }] }, 7);
  const { path } = writer;
  await writer.close();
  expect(asked).toEqual([{ addShapes: true }]);
  const [, first, meta, later] = await read(path);
  expect(GraphDef.decode(first?.graphDef ?? new Uint8Array(0)).node[0]?.name).toBe('c');
  expect(MetaGraphDef.decode(meta?.metaGraphDef ?? new Uint8Array(0)).graphDef?.versions?.producer).toBe(24);
  expect(GraphDef.decode(later?.graphDef ?? new Uint8Array(0)).node[0]?.op).toBe('NoOp');
});

test('writes run metadata under tags of its own', async () => {
  const writer = new FileWriter(folder);
  writer.addRunMetadata({ stepStats: { devStats: [{ device: '/cpu:0' }] } }, 'step 3', 3);
  expect(() => writer.addRunMetadata({}, 'step 3', 4)).toThrow(
    'addRunMetadata: the tag "step 3" was used before; give each traced step its own, such as "step 100"',
  );
  const { path } = writer;
  await writer.close();
  const { taggedRunMetadata } = (await read(path))[1] ?? {};
  expect(taggedRunMetadata?.tag).toBe('step 3');
  const metadata = RunMetadata.decode(taggedRunMetadata?.runMetadata ?? new Uint8Array(0));
  expect(metadata.stepStats?.devStats?.[0]?.device).toBe('/cpu:0');
});

describe('queue', () => {
  const countOnDisk = async () => (await readRunEvents(folder)).length - 1;

  test('holds up to maxQueue events, then writes them all', async () => {
    const writer = new FileWriter(folder, null, { maxQueue: 3 });
    for (let step = 0; step < 3; step++) writer.addSummary(scalar('x', step), step);
    expect(await countOnDisk()).toBe(0);
    writer.addSummary(scalar('x', 3), 3);
    expect(await countOnDisk()).toBe(4);
    writer.addSummary(scalar('x', 4), 4);
    await writer.flush();
    expect(await countOnDisk()).toBe(5);
    await writer.close();
  });

  test('writes after flushSecs', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const writer = new FileWriter(folder, null, { flushSecs: 30 });
      writer.addSummary(scalar('x', 1), 1);
      vi.advanceTimersByTime(29_999);
      expect(await countOnDisk()).toBe(0);
      vi.advanceTimersByTime(1);
      expect(await countOnDisk()).toBe(1);
      await writer.close();
    } finally {
      vi.useRealTimers();
    }
  });

  test('closing twice is fine; adding after it is not, until reopen', async () => {
    const writer = new FileWriter(folder);
    await writer.close();
    await writer.close();
    await writer.flush();
    expect(() => writer.addSummary(scalar('x', 1), 1)).toThrow(
      `the FileWriter of "${folder}" is closed; call reopen() to go on in a new event file`,
    );
    writer.reopen();
    writer.reopen();
    writer.addSummary(scalar('x', 1), 1);
    await writer.close();
    expect(await eventFiles(folder)).toHaveLength(2);
    expect((await readRunEvents(folder)).filter((event) => event.what === 'summary')).toHaveLength(1);
  });

  test('closes itself at the end of `await using`', async () => {
    {
      await using writer = new FileWriter(folder);
      writer.addSummary(scalar('x', 1), 1);
    }
    expect(await countOnDisk()).toBe(1);
  });
});

describe('bad input', () => {
  test('what is no summary', async () => {
    const writer = new FileWriter(folder);
    expect(() => writer.addSummary({ item: () => 0.5 }, 1)).toThrow(
      'addSummary: the fetched value holds 0.5 (number), not a serialized summary. ' +
        'Fetch a summary op such as summary.mergeAll(), not the tensor it shows.',
    );
    expect(() => writer.addSummary(new Uint8Array([0x0a, 0x50, 1]), 1)).toThrow(
      /^addSummary: the 3 bytes are not a Summary message/,
    );
    expect(() => writer.addGraph(Object.assign({ node: [] }, { node: undefined }))).toThrow(
      'addGraph: neither a graph (with asGraphDef) nor a GraphDef (with node) was given. Pass sess.graph.',
    );
    expect(() => writer.addSummary(scalar('x', 1), 0.5)).toThrow('globalStep is 0.5; it must be an integer');
    expect(() => writer.addSummary(scalar('x', 1), Number.NaN)).toThrow('globalStep is NaN; it must be an integer');
    await writer.close();
    expect(await readRunEvents(folder)).toHaveLength(1);
  });

  test('options', () => {
    expect(() => new FileWriter('')).toThrow('FileWriter: logdir is ""; it must be a path');
    expect(() => new FileWriter(folder, null, { maxQueue: -1 })).toThrow('maxQueue is -1; it must be an integer ≥ 0');
    expect(() => new FileWriter(folder, null, { flushSecs: 0 })).toThrow('flushSecs is 0; it must be positive');
    expect(() => new FileWriter(folder, null, { filenameSuffix: '/x' })).toThrow('"/x" holds a path separator');
  });

  test('a log directory that is a file', () => {
    writeFileSync(join(folder, 'file'), '');
    for (const logdir of [join(folder, 'file'), join(folder, 'file', 'run')]) {
      expect(() => new FileWriter(logdir)).toThrow(
        expect.objectContaining({
          code: 'FAILED_PRECONDITION',
          message: expect.stringMatching(/^cannot create the log directory ".*file.*": a file is where a directory is/),
        }),
      );
    }
  });
});

// Children run from source, with the loader that the examples use.
const index = pathToFileURL(join(import.meta.dirname, '..', 'index.ts')).href;
const nodeFlags = ['--conditions=tsflow-source', '--import', 'tsx', '--input-type=module', '-e'];
const repository = join(import.meta.dirname, '..', '..', '..', '..');

describe('the end of a process', () => {
  test('events that were written survive a kill', async () => {
    const script = `
      const { FileWriter } = await import(${JSON.stringify(index)});
      const writer = new FileWriter(${JSON.stringify(folder)}, null, { maxQueue: 4 });
      for (let step = 0; ; step++) {
        writer.addSummary({ value: [{ tag: 'x', simpleValue: step }] }, step);
        if (step === 1000) console.log('running');
        if (step > 1000) await new Promise((resolve) => setImmediate(resolve));
      }`;
    const child = spawn(process.execPath, [...nodeFlags, script], { cwd: repository });
    await once(child.stdout, 'data');
    child.kill('SIGKILL');
    await once(child, 'exit');
    const summaries = (await readRunEvents(folder)).filter((event) => event.what === 'summary');
    expect(summaries.length).toBeGreaterThanOrEqual(1000 - 4);
    expect(summaries.map((event) => event.summary?.value?.[0]?.simpleValue)).toEqual(summaries.map((_, i) => i));
  });

  test('events that waited are written when the process just ends', async () => {
    const script = `
      const { FileWriter } = await import(${JSON.stringify(index)});
      new FileWriter(${JSON.stringify(folder)}).addSummary({ value: [{ tag: 'x', simpleValue: 1 }] }, 5);`;
    execFileSync(process.execPath, [...nodeFlags, script], { cwd: repository });
    expect((await readRunEvents(folder)).map((event) => event.what)).toEqual(['fileVersion', 'summary']);
  });
});
