import { expect, test } from 'vitest';
import { HloBuilder } from '../hlo/builder.ts';
import { internal } from '../hlo/errors.ts';
import type { Module } from '../hlo/module.ts';
import { arrayShape } from '../hlo/shape.ts';
import { pipeline } from './pipeline.ts';
import { fixpoint, type Pass, passNames, runPipeline } from './runner.ts';

const start: Module = new HloBuilder('m').build([]);

/** Renames the module until it has this many marks. */
function mark(name: string, times: number): Pass {
  return { name, run: (m) => (m.name.split(name).length > times ? m : { ...m, name: m.name + name }) };
}

test('repeats a group until nothing changes', () => {
  const seen: string[] = [];
  const result = runPipeline(start, [fixpoint('group', [mark('a', 2), mark('b', 1)]), mark('c', 1)], {
    onPass: (e) => seen.push(`${e.sequence}${e.pass}${e.before === e.after ? '' : '!'}`),
  });
  expect(result.module.name).toBe('mabac');
  expect(seen.join(' ')).toBe('0a! 1b! 2a! 3b 4a 5b 6c!');
  expect([...result.timings.keys()]).toEqual(['a', 'b', 'c']);
});

test('stops at the limit', () => {
  expect(runPipeline(start, [fixpoint('group', [mark('a', 100)], 3)]).module.name).toBe('maaa');
});

test('leaves passes and groups out by name', () => {
  const parts = [fixpoint('group', [mark('a', 1)]), mark('b', 1)];
  expect(runPipeline(start, parts, { disabled: new Set(['group']) }).module.name).toBe('mb');
  expect(runPipeline(start, parts, { disabled: new Set(['a', 'b']) }).module).toBe(start);
});

test('verifies after every change and names the pass', () => {
  const verify = (m: Module) => {
    if (m.name.includes('b')) throw internal('there is a b.');
  };
  expect(() => runPipeline(start, [mark('a', 1), mark('b', 1)], { verify })).toThrowErrorMatchingInlineSnapshot(
    `[XlaError: internal: verify failed after \`b\`: internal: there is a b.]`,
  );
});

test('knows the names of the standard pipeline', () => {
  expect(passNames(pipeline)).toMatchInlineSnapshot(`
    [
      "simplify",
      "inline-calls",
      "fold-constants",
      "simplify-algebra",
      "simplify-shape",
      "simplify-reduce",
      "convolution-to-dot",
      "canonicalize-dot",
      "cse",
      "dce",
      "fuse",
    ]
  `);
});

test('an unchanged module keeps its identity', () => {
  const b = new HloBuilder('m');
  const module = b.build([b.parameter(0, arrayShape('f32', [3]))]);
  expect(runPipeline(module, pipeline).module).toBe(module);
});
