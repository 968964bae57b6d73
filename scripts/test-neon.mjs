// Runs the kernels for 64-bit ARM (NEON) under QEMU: records every call that the kernel tests make on
// WebAssembly, with what the reference machine computes, and replays them (scripts/replay-cases.c) on 1, 2
// and 4 threads. Says that it skipped where something is missing. On Debian: apt-get install qemu-user
// clang-19 lld-19 gcc-aarch64-linux-gnu libc6-dev-arm64-cross
//
// Usage: node scripts/test-neon.mjs [tests...] default: test/engine/kernels. CLANG names clang (default
// clang-19).
import { execFile, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const tests = process.argv.length > 2 ? process.argv.slice(2) : ['test/engine/kernels']
const clang = process.env.CLANG || 'clang-19'
const gcc = 'aarch64-linux-gnu-gcc'
const qemu = 'qemu-aarch64'

const run = promisify(execFile)
const runs = (program) => spawnSync(program, ['--version']).status === 0
// clang takes the C library and the startup files of the cross compiler's packages.
const missing = [qemu, clang, gcc].filter((program) => !runs(program))
if (missing.length) {
  console.log(`NEON tests skipped: ${missing.join(' and ')} ${missing.length > 1 ? 'are' : 'is'} missing`)
  process.exit(0)
}

const kernels = join(root, 'kernels')
const sources = readdirSync(kernels)
  .filter((name) => name.endsWith('.c') && !['addon.c', 'wasm.c'].includes(name))
  .map((name) => join(kernels, name))
const flags = ['-std=gnu11', '-O3', '-fno-math-errno', '-Wall', '-Wextra', '-static', '-pthread']
const compilers = { clang: [clang, '--target=aarch64-linux-gnu', '-fuse-ld=lld'], gcc: [gcc] }

/** The cases of a file with the first expected value of the first of them changed by far. */
function spoiled(bytes) {
  const copy = Buffer.from(bytes)
  const [, name, args, floats] = Array.from({ length: 4 }, (_, i) => copy.readInt32LE(4 * i))
  const region = 20 + name + 4 * (args + floats)
  copy.writeDoubleLE((copy.readDoubleLE(region + 12) || 0) + 1e9, region + 12)
  return copy
}

/** Writes the calls that the tests make into a folder; returns its files. */
async function record(folder) {
  mkdirSync(folder)
  const vitest = spawn(process.execPath, ['node_modules/vitest/vitest.mjs', 'run', ...tests], {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, ESPALIER_RECORD: folder, VITEST_REPORT: '' },
  })
  const [status] = await once(vitest, 'exit')
  if (status !== 0) throw new Error('the tests that are recorded failed')
  return readdirSync(folder).map((name) => join(folder, name))
}

/** The program that replays them, by one compiler. Throws what the compiler says. */
async function build(name, path) {
  const [compiler, ...extra] = compilers[name]
  const replay = join(root, 'scripts', 'replay-cases.c')
  const { stderr } = await run(compiler, [...extra, ...flags, replay, ...sources, '-o', path, '-lm'])
  process.stderr.write(stderr)
  return path
}

const folder = mkdtempSync(join(tmpdir(), 'espalier-neon-'))
try {
  // Both compilers, and what they make, at the same time.
  const names = Object.keys(compilers)
  const [files, ...programs] = await Promise.all([
    record(join(folder, 'cases')),
    ...names.map((name) => build(name, join(folder, name))),
  ])
  const wrong = join(folder, 'wrong.cases')
  writeFileSync(wrong, spoiled(readFileSync(files[0])))
  const replays = programs.map(async (replay, i) => {
    if (spawnSync(qemu, [replay, wrong]).status !== 1) throw new Error('a wrong expectation was not noticed')
    const { stdout } = await run(qemu, [replay, ...files]).catch((error) => {
      throw new Error(`${names[i]}: ${error.stdout || error.message}`)
    })
    process.stdout.write(`NEON, ${names[i]}: ${stdout}`)
  })
  await Promise.all(replays)
  console.log('NEON tests passed')
} catch (error) {
  console.log(`NEON tests failed: ${error.message}`)
  process.exitCode = 1
} finally {
  rmSync(folder, { recursive: true, force: true })
}
