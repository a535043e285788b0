import { expect, test } from 'vitest';
import * as browser from './browser.ts';
import * as node from './index.ts';

test('offers the same names as in Node', () => {
  expect(Object.keys(browser).sort()).toEqual(Object.keys(node).sort());
});

test('refuses files with a code and the way out', () => {
  for (const use of [
    () => new browser.FileWriter(),
    () => browser.FileWriterCache.get(),
    () => new browser.EventFileReader(),
    browser.readRunEvents,
    browser.summaryIterator,
    browser.eventFiles,
  ]) {
    expect(use).toThrowError(
      expect.objectContaining({ code: 'FAILED_PRECONDITION', message: expect.stringContaining('needs a file system') }),
    );
  }
});
