import { expect, test } from 'vitest';
import { checkCycles } from './cycles.ts';

const files = (graph: Record<string, string>) => Object.entries(graph).map(([path, text]) => ({ path, text }));

test('prints the shortest cycle of a knot', () => {
  const found = checkCycles(
    files({
      'p/a.ts': "import './b.ts';\n",
      'p/b.ts': "import './c.ts';\n",
      'p/c.ts': "import './a.ts';\nimport './d.ts';\n",
      'p/d.ts': "import './c.ts';\n",
      'p/e.ts': "import './a.ts';\n",
    }),
  );
  expect(found).toEqual(['import cycle: p/c.ts → p/d.ts → p/c.ts (2 more files in the knot)']);
});

test('does not count type-only imports', () => {
  expect(
    checkCycles(files({ 'p/a.ts': "import './b.ts';\n", 'p/b.ts': "import type { A } from './a.ts';\n" })),
  ).toEqual([]);
});

test('lets an exempt folder knot within itself, not through others', () => {
  const ops = { 'ops/a.ts': "import './b.ts';\n", 'ops/b.ts': "import './a.ts';\n" };
  expect(checkCycles(files(ops), ['ops/'])).toEqual([]);
  expect(checkCycles(files(ops), [])).toEqual(['import cycle: ops/a.ts → ops/b.ts → ops/a.ts']);
  const through = { 'ops/a.ts': "import '../t.ts';\n", 't.ts': "import './ops/a.ts';\n" };
  expect(checkCycles(files(through), ['ops/'])).toEqual(['import cycle: ops/a.ts → t.ts → ops/a.ts']);
});
