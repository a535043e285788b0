import { defineConfig } from 'vitest/config';

export default defineConfig({
  resolve: { conditions: ['tsflow-source', 'node', 'import', 'module', 'default'] },
  ssr: { resolve: { conditions: ['tsflow-source', 'node', 'import', 'module', 'default'], externalConditions: ['tsflow-source'] } },
  test: {
    include: ['packages/*/src/**/*.test.ts', 'apps/*/src/**/*.test.ts', 'tools/*/src/**/*.test.ts'],
    testTimeout: 60_000,
  },
});
