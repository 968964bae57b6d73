import { defineConfig } from 'vitest/config'

// VITEST_REPORT names a file for a JSON report beside the usual output.
const report = process.env.VITEST_REPORT

/** Tests that change what a process has but once: its environment, modules, folder, signals. */
const alone = [
  'test/cli/bench/**/*.test.ts',
  'test/cli/{gsm-files,gsm-scripts,interruptible,io,one-score,onnx}.test.ts',
  'test/cli/{prune,prune-progress,queue,recipes,sweep,targets,wait}.test.ts',
  'test/data/{datasets,get,gray,image-folder,missing-mnist,svhn}.test.ts',
  'test/scripts/**/*.test.ts',
  'test/support/**/*.test.ts',
  'test/engine/{declarations,machine}.test.ts',
  'test/experiment/run.test.ts',
  'test/formats/onnx/{built-in,fuzz}.test.ts',
  'test/*.test.ts',
]

const shared = {
  setupFiles: ['test/support/setup.ts'],
  pool: 'forks',
  // Room for young objects: collecting them took a tenth of the time.
  execArgv: ['--max-semi-space-size=64'],
  testTimeout: 30_000,
} as const

/** What published experiments found, repeated at their size: minutes, so that it runs where it is wanted. */
const published = 'test/published/**/*.test.ts'
const withPublished = process.env.ESPALIER_PUBLISHED
  ? [{ test: { ...shared, name: 'published', include: [published] } }]
  : []

export default defineConfig({
  test: {
    maxWorkers: 2,
    // --coverage; what runs in processes of its own, as the tests of signals do, is not counted.
    coverage: { provider: 'v8', include: ['src/**'], reporter: ['text-summary', 'html'] },
    reporters: report ? ['default', ['json', { outputFile: report }]] : ['default'],
    projects: [
      { test: { ...shared, name: 'alone', include: alone } },
      // A process for many files: importing the same modules for each of them took a fifth of the time.
      {
        test: {
          ...shared,
          name: 'together',
          include: ['test/**/*.test.ts'],
          exclude: [...alone, published],
          isolate: false,
        },
      },
      ...withPublished,
    ],
  },
})
