import { expect, test } from 'vitest';
import { checkHygiene } from './hygiene.ts';

test('finds registry hosts and home paths with their lines', () => {
  const text = `a\nresolved: https://${['registry', 'npmjs', 'org'].join('.')}/x\nsee ${['', 'home', 'ann', 'notes'].join('/')}\n`;
  expect(checkHygiene([{ path: 'x.yaml', text }])).toEqual([
    `x.yaml:2: names "${['registry', 'npmjs', 'org'].join('.')}", which only exists elsewhere`,
    `x.yaml:3: names "${['', 'home', 'ann'].join('/')}", which only exists elsewhere`,
  ]);
});

test('accepts relative paths, URLs and routes', () => {
  const text =
    "import './root/a.ts';\nfetch('https://example.org/home/x');\n'/data/runs' and ./work/x and packages/work/x\n";
  expect(checkHygiene([{ path: 'x.ts', text }])).toEqual([]);
});
