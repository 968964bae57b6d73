/** The tests that a mutation run repeats: the quick ones of the folder that MUTATION_FOLDER names. */
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: [`test/${process.env.MUTATION_FOLDER ?? 'select'}/**/*.test.ts`],
    exclude: ['test/sparsity/collapse-oracle.test.ts', 'test/graph/{onnxruntime,compact-random}.test.ts'],
    setupFiles: ['test/support/setup.ts'],
    testTimeout: 30_000,
  },
})
