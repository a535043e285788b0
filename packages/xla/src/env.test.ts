import { expect, test } from 'vitest';
import { env, envHelp, readEnv, withEnv } from './env.ts';

test('reads every variable', () => {
  expect(
    readEnv({
      TSFLOW_DEBUG: '4',
      TSFLOW_DUMP: 'out',
      TSFLOW_PASS: '-fuse,-cse',
      TSFLOW_VERIFY: '1',
      TSFLOW_BACKEND: 'wasm',
      TSFLOW_THREADS: '2',
    }),
  ).toEqual({
    debug: 4,
    dump: 'out',
    disabledPasses: new Set(['fuse', 'cse']),
    verify: true,
    backend: 'wasm',
    threads: 2,
  });
});

test('has defaults', () => {
  expect(readEnv({})).toEqual({
    debug: 0,
    dump: undefined,
    disabledPasses: new Set(),
    verify: false,
    backend: undefined,
    threads: undefined,
  });
});

test('refuses nonsense and says what is expected', () => {
  expect(() => readEnv({ TSFLOW_DEBUG: 'loud' })).toThrowErrorMatchingInlineSnapshot(
    `[XlaError: the environment variable TSFLOW_DEBUG is "loud", expected a number from 0 to 6. TSFLOW_DEBUG: 0 quiet · 1 compile events · 2 timings · 3 kernel source · 4 IR before/after · 5 each pass · 6 each rewrite.]`,
  );
  expect(() => readEnv({ TSFLOW_PASS: 'fuse' })).toThrow(/names of passes with a minus/);
  expect(() => readEnv({ TSFLOW_BACKEND: 'abacus' })).toThrow(/expected interpret or wasm/);
  expect(() => readEnv({ TSFLOW_THREADS: '0' })).toThrow(/whole number from 1 to 256/);
});

test('overrides for the time of a call, synchronous or not', async () => {
  const before = env().debug;
  expect(withEnv({ debug: 5 }, () => env().debug)).toBe(5);
  expect(env().debug).toBe(before);
  const later = withEnv({ threads: 3 }, async () => {
    await Promise.resolve();
    return env().threads;
  });
  expect(await later).toBe(3);
  expect(() =>
    withEnv({ debug: 6 }, () => {
      throw new Error('inside');
    }),
  ).toThrow('inside');
  expect(env().debug).toBe(before);
});

test('explains each variable', () => {
  for (const help of Object.values(envHelp)) expect(help.length).toBeGreaterThan(20);
});
