// Runs the tests of the engine, of linear algebra and of training with sparse and tied weights on a build of
// the addon that checks every access to memory and every undefined operation (AddressSanitizer and
// UndefinedBehaviorSanitizer of gcc). Says that it skipped where gcc or its sanitizers are missing.
//
// Usage: node scripts/test-sanitized.mjs [tests...]
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const training = ['weights', 'group-lasso', 'tied'].map((name) => `test/train/${name}.test.ts`)
const tests = process.argv.length > 2 ? process.argv.slice(2) : ['test/engine', 'test/linear', ...training]

/** Where gcc keeps one of its libraries, or undefined. */
function library(name) {
  try {
    // gcc echoes a name that it does not know.
    const path = execFileSync('gcc', [`-print-file-name=${name}`], { encoding: 'utf8' }).trim()
    return existsSync(path) ? path : undefined
  } catch {
    return undefined
  }
}

const preload = [library('libasan.so'), library('libubsan.so')]
if (process.platform !== 'linux' || preload.includes(undefined)) {
  console.log('sanitized tests skipped: they need Linux, gcc, libasan and libubsan')
  process.exit(0)
}

const run = (args, env) => {
  const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit', env: { ...process.env, ...env } })
  if (status !== 0) {
    console.log('sanitized tests failed')
    process.exit(1)
  }
}
run(['scripts/build-native.mjs', '--sanitize'], { CC: 'gcc' })
// Checked code is several times slower, and threads that spin on a busy machine more than that.
run(['node_modules/vitest/vitest.mjs', 'run', '--testTimeout=300000', ...tests], {
  ESPALIER_ADDON: join(root, 'build', 'sanitize', 'espalier.node'),
  LD_PRELOAD: preload.join(' '),
  // Node frees little at exit; what it leaves is not ours.
  ASAN_OPTIONS: 'detect_leaks=0',
  UBSAN_OPTIONS: 'print_stacktrace=1',
  VITEST_REPORT: '',
})
console.log('sanitized tests passed')
