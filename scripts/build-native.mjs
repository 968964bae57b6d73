// Builds the native addon with the machine's C compiler and the N-API headers of the npm package
// node-api-headers; nothing is downloaded. Where that fails one line says so, and the engine uses the
// committed WebAssembly module. `npm ci` in the repository runs it, and `espalier native` where the package
// is installed.
//
// Usage: node scripts/build-native.mjs [--sanitize] [--force] [--progress]
//
// CC names the compiler. Default: cc, and clang where cc is too old. --progress tells standard error of every
// file: compiled 3 of 200.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const sanitize = process.argv.includes('--sanitize')
const force = process.argv.includes('--force')
const progress = process.argv.includes('--progress')
const out = join(root, 'build', sanitize ? 'sanitize' : 'native')
const addon = join(out, 'espalier.node')
const compilers = process.env.CC ? [process.env.CC] : ['cc', 'clang']
/** GCC has had __builtin_shufflevector since version 12, clang from the beginning. */
const NEEDED = 'GCC 12 or later, or clang'
const isTooOld = (error) => /__builtin_shufflevector/.test(String(error.stderr))

/** Everything but the faces, the declarations and the thread pool is compiled once per instruction set. */
const kernelFiles = readdirSync(join(root, 'kernels'))
  .filter((name) => name.endsWith('.c') && !['addon.c', 'declarations.c', 'pool.c', 'wasm.c'].includes(name))
  .map((name) => name.slice(0, -2))
  .sort()
const instructionSets = {
  baseline: [],
  ...(process.arch === 'x64' && {
    avx2: ['-mavx2', '-mfma'],
    avx512: ['-mavx512f', '-mavx512vl', '-mavx512bw', '-mavx512dq', '-mfma'],
  }),
}
const flags = [
  '-std=gnu11',
  '-fPIC',
  '-fno-math-errno',
  '-fvisibility=hidden',
  '-Wall',
  '-Wextra',
  '-Wno-psabi',
  '-Werror=implicit-function-declaration',
]
// Sums of bytes are then made as on processors without an instruction for them, which other tests may never
// see.
const checked = ['-O1', '-g', '-fsanitize=address,undefined', '-fno-sanitize-recover=undefined', '-DWITHOUT_DOT']
flags.push(...(sanitize ? checked : ['-O3']))

function build() {
  if (process.platform === 'win32') throw new Error('the native engine is built on Linux and macOS only')
  const headers = createRequire(import.meta.url)('node-api-headers').include_dir
  const sources = readdirSync(join(root, 'kernels'))
    .filter((name) => /\.(c|h|def)$/.test(name))
    .sort()
  const hash = createHash('sha256').update([...compilers, process.arch, ...flags].join(' '))
  for (const name of sources) hash.update(name).update(readFileSync(join(root, 'kernels', name)))
  const stamp = `${hash.update(readFileSync(fileURLToPath(import.meta.url))).digest('hex')}\n`
  const stampFile = join(out, 'stamp')
  if (!force && existsSync(addon) && existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) return

  mkdirSync(out, { recursive: true })
  // A folder of its own: two builds at the same time do not meet, and nothing is left behind by one that
  // fails.
  const work = mkdtempSync(join(out, 'build-'))
  try {
    renameSync(linkByAny(work, headers), addon)
  } finally {
    rmSync(work, { recursive: true })
  }
  writeFileSync(stampFile, stamp)
}

/**
 * The addon, by the first compiler that is not too old. Throws the error of the first that fails for any
 * other reason.
 */
function linkByAny(work, headers) {
  const reasons = []
  for (const compiler of compilers) {
    try {
      return link(compiler, work, headers)
    } catch (error) {
      if (isTooOld(error)) reasons.push(`${compiler} is older`)
      // The second is only asked because the first is too old, and need not be there.
      else if (error.code === 'ENOENT' && reasons.length > 0) reasons.push(`${compiler} was not found`)
      else throw error
    }
  }
  throw new Error(`expected ${NEEDED}: ${reasons.join(', ')}`)
}

/** Compiles and links in the folder `work`; returns the path of the addon there. */
function link(compiler, work, headers) {
  const objects = []
  const total = kernelFiles.length * Object.keys(instructionSets).length + 3
  const compile = (source, object, extra) => {
    execFileSync(compiler, [...flags, ...extra, '-c', join(root, 'kernels', source), '-o', join(work, object)], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    objects.push(join(work, object))
    if (progress) process.stderr.write(`compiled ${objects.length} of ${total}\n`)
  }
  for (const [set, extra] of Object.entries(instructionSets))
    for (const file of kernelFiles) compile(`${file}.c`, `${file}.${set}.o`, [...extra, `-DISA=${set}`])
  compile('declarations.c', 'declarations.o', [])
  compile('pool.c', 'pool.o', [])
  compile('addon.c', 'addon.o', ['-I', headers])
  const shared = process.platform === 'darwin' ? ['-bundle', '-undefined', 'dynamic_lookup'] : ['-shared']
  if (sanitize) shared.push('-fsanitize=address,undefined')
  const linked = join(work, 'espalier.node')
  execFileSync(compiler, [...shared, '-pthread', '-o', linked, ...objects], { stdio: ['ignore', 'pipe', 'pipe'] })
  return linked
}

const firstError = (text) =>
  text
    .split('\n')
    .find((line) => /error/i.test(line))
    ?.trim() ?? text.trim().split('\n')[0]

try {
  build()
} catch (error) {
  const reason =
    error.code === 'ENOENT' && error.path
      ? `${error.path} was not found`
      : firstError(String(error.stderr ?? error.message)) || `${compilers[0]} failed`
  rmSync(addon, { force: true })
  console.log(`espalier: the native engine was not built (${reason}); the slower WebAssembly engine will be used.`)
  if (sanitize) process.exitCode = 1
}
