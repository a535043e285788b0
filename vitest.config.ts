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
    // Plain generated JavaScript: Node loads it faster than vite would transform it.
    server: { deps: { external: [/\/generated\/messages\.js$/] } },
    testTimeout: 60_000,
  },
});
