import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['{common,collector,processor,sinks,api,scripts,tests,bench}/**/*.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // Two cores: more workers only make real servers wait for one another.
    maxWorkers: 2,
    pool: 'forks',
  },
});
