import { mkdtempSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { EventFileError, FileWriter, readRunEvents } from '../index.ts';

/** Bytes that the pretended disk still has room for. */
const disk = vi.hoisted(() => ({ free: Number.POSITIVE_INFINITY }));

vi.mock('node:fs', async (importOriginal) => {
  const fs = await importOriginal<typeof import('node:fs')>();
  const write = (descriptor: number, bytes: Uint8Array, from = 0) => {
    if (disk.free === 0) throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
    const written = fs.writeSync(descriptor, bytes, from, Math.min(bytes.length - from, disk.free));
    disk.free -= written;
    return written;
  };
  return { ...fs, writeSync: vi.fn(write) };
});

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tsflow-full-'));
  disk.free = Number.POSITIVE_INFINITY;
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const add = (writer: FileWriter, step: number) => writer.addSummary({ value: [{ tag: 'x', simpleValue: step }] }, step);
const steps = async () =>
  (await readRunEvents(folder)).filter((event) => event.what === 'summary').map((event) => Number(event.step));

test('a full disk is a coded error of the next add, of flush and of close, and loses nothing that was taken', async () => {
  const writer = new FileWriter(folder, null, { maxQueue: 2 });
  disk.free = 50; // the first record and a part of the second
  add(writer, 1);
  add(writer, 2);
  add(writer, 3); // writes, fails
  const full = expect.objectContaining({
    code: 'RESOURCE_EXHAUSTED',
    message: expect.stringMatching(/^cannot write to the event file ".*": the disk is full\. .* \(ENOSPC\)$/),
  });
  expect(() => add(writer, 4)).toThrow(full);
  await expect(writer.flush()).rejects.toThrow(full);
  await expect(writer.close()).rejects.toThrow(EventFileError);
  expect(await steps()).toEqual([1]);

  disk.free = Number.POSITIVE_INFINITY;
  await writer.flush();
  expect(await steps()).toEqual([1, 2, 3]);
  add(writer, 5);
  await writer.close();
  expect(await steps()).toEqual([1, 2, 3, 5]);
  expect(vi.mocked(writeSync)).toHaveBeenCalled();
});
