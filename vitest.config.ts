import { defineConfig } from 'vitest/config'

// VITEST_REPORT names a file for a JSON report beside the usual output.
const report = process.env.VITEST_REPORT

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    setupFiles: ['test/support/setup.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 30_000,
    // --coverage; what runs in processes of its own, as the tests of signals do, is not counted.
    coverage: { provider: 'v8', include: ['src/**'], reporter: ['text-summary', 'html'] },
    reporters: report ? ['default', ['json', { outputFile: report }]] : ['default'],
  },
})
