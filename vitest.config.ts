import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['{common,collector,processor,sinks,api,scripts,tests,bench}/**/*.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // One more than there are cores where this is made: a quarter of the tests' time is waiting.
    maxWorkers: 3,
    pool: 'forks',
  },
});
