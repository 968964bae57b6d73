/** The tests that a mutation run repeats: those of the folder that MUTATION_FOLDER names. */
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: [`test/${process.env.MUTATION_FOLDER ?? 'select'}/**/*.test.ts`],
    setupFiles: ['test/support/setup.ts'],
    testTimeout: 30_000,
  },
})
