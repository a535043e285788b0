import { expect, test } from 'vitest';
import { markers, replaceTable } from './readme.ts';

const readme = `# Title\n\n${markers.begin}\nold\n${markers.end}\n\nrest\n`;

test('replaces what stands between the markers, and nothing else', () => {
  const once = replaceTable(readme, '| a |');
  expect(once).toBe(`# Title\n\n${markers.begin}\n\n| a |\n\n${markers.end}\n\nrest\n`);
  expect(replaceTable(once, '| a |')).toBe(once);
});

test('refuses a text without both markers in order', () => {
  for (const text of ['', markers.begin, markers.end, `${markers.end}${markers.begin}`, readme + readme]) {
    expect(() => replaceTable(text, 'x')).toThrow('once each, in that order');
  }
});
