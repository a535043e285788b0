/** @file Tests run from source: the `tsflow-source` condition makes packages resolve to each other's `src`. */
import { defineConfig } from 'vitest/config';

const conditions = ['tsflow-source', 'module', 'node', 'development|production'];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: ['tsflow-source'] } },
  test: {
    include: [
      'packages/*/src/**/*.test.ts',
      'apps/*/src/**/*.test.ts',
      'tools/*/src/**/*.test.ts',
      'tools/setup/*.test.mjs',
    ],
    testTimeout: 60_000,
  },
});
