// Mutation tests of the folders that compute without a machine: scripts/mutate.mjs runs them on some files at
// a time.
export default {
  testRunner: 'vitest',
  plugins: ['@stryker-mutator/vitest-runner'],
  vitest: { configFile: 'vitest.mutation.config.ts' },
  mutate: ['src/{select,sparsity,graph}/**/*.ts'],
  // Their messages are tested elsewhere, and a changed word survives without harm.
  mutator: { excludedMutations: ['StringLiteral'] },
  coverageAnalysis: 'perTest',
  // Such as tables of a module: every test would have to be run for each of them.
  ignoreStatic: true,
  concurrency: 2,
  timeoutMS: 20_000,
  dryRunTimeoutMinutes: 15,
  ignorePatterns: ['build', 'dist', 'lib', 'docs', 'findings', 'runs', 'recipes', 'coverage'],
  tempDirName: 'build/stryker',
  reporters: ['clear-text', 'json'],
  clearTextReporter: { allowColor: false, logTests: false, reportTests: false },
  jsonReporter: { fileName: 'build/mutation.json' },
}
