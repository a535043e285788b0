import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { eventFiles, FileWriterCache } from '../index.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tsflow-cache-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('gives one writer per directory, however it is spelled', async () => {
  const writer = FileWriterCache.get(join(folder, 'a'));
  expect(FileWriterCache.get(join(folder, 'b', '..', 'a'))).toBe(writer);
  expect(FileWriterCache.get(join(folder, 'b'))).not.toBe(writer);
  await writer.close();
  expect(FileWriterCache.get(join(folder, 'a')).path).toBeDefined();
  expect(await eventFiles(join(folder, 'a'))).toHaveLength(2);
  await FileWriterCache.clear();
  expect(writer.path).toBeUndefined();
  expect(FileWriterCache.get(join(folder, 'a'))).not.toBe(writer);
  await FileWriterCache.clear();
});
