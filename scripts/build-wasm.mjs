// Builds the WebAssembly modules of kernels/ with clang and wasm-ld, version 19, so that everyone gets
// the same bytes: espalier.wasm; espalier-threads.wasm over shared memory; and espalier-relaxed.wasm, whose
// multiplications and additions are one operation where the processor has it, so that its last bits differ.
//
// Usage: node scripts/build-wasm.mjs [--check] --check compares with the committed modules instead of
// replacing them, and says that it skipped where another version (or none) is installed.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { fused } from './relaxed-simd.mjs'

const kernels = join(dirname(fileURLToPath(import.meta.url)), '..', 'kernels')
const check = process.argv.includes('--check')

/** All that a memory may have: 65,536 pages. */
const MOST_BYTES = 2 ** 32
const builds = [
  { name: 'espalier.wasm' },
  {
    name: 'espalier-threads.wasm',
    compile: ['-matomics', '-mmutable-globals'],
    // Every thread has a stack of its own, to which its instance is pointed.
    link: ['--shared-memory', '--import-memory', `--max-memory=${MOST_BYTES}`, '--export=__stack_pointer'],
  },
  { name: 'espalier-relaxed.wasm', compile: ['-mrelaxed-simd', '-ffp-contract=fast'], rewrite: fused },
]

const sources = readdirSync(kernels)
  .filter((name) => name.endsWith('.c') && !['addon.c', 'pool.c'].includes(name))
  .map((name) => name.slice(0, -2))
  .sort()

const tools = ['clang-19', 'wasm-ld-19']
const missing = tools.filter((tool) => !runs(tool))
if (missing.length > 0) {
  const reason = `${missing.join(' and ')} ${missing.length === 1 ? 'is' : 'are'} not installed`
  console.log(check ? `wasm check skipped: ${reason}` : `the modules were not built: ${reason}`)
  process.exit(check ? 0 : 1)
}

for (const build of builds) {
  const { name } = build
  const bytes = built(build)
  const committed = join(kernels, name)
  if (!check) {
    writeFileSync(committed, bytes)
    console.log(`kernels/${name}: ${bytes.length} bytes`)
  } else if (bytes.equals(readFileSync(committed))) {
    console.log(`wasm check: kernels/${name} equals a rebuild`)
  } else {
    console.log(`wasm check failed: kernels/${name} differs from a rebuild; run npm run build:wasm and commit it`)
    process.exitCode = 1
  }
}

function runs(program) {
  try {
    execFileSync(program, ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** `rewrite` changes the text form of every file's optimized code. */
function built({ name, compile = [], link = [], rewrite }) {
  const [clang, linker] = tools
  const folder = mkdtempSync(join(tmpdir(), 'espalier-wasm-'))
  const run = (program, flags) => execFileSync(program, flags, { cwd: kernels, stdio: 'inherit' })
  try {
    const target = ['--target=wasm32', '-msimd128', '-mbulk-memory', ...compile, '-Os']
    const objects = sources.map((file) => {
      const object = join(folder, `${file}.o`)
      // Relative names and no debug information: the bytes must not depend on where this checkout lies.
      const flags = [...target, '-std=gnu11', '-ffreestanding', '-fvisibility=hidden', `${file}.c`]
      if (!rewrite) run(clang, [...flags, '-c', '-o', object])
      else {
        const text = join(folder, `${file}.ll`)
        run(clang, [...flags, '-S', '-emit-llvm', '-o', text])
        writeFileSync(text, rewrite(readFileSync(text, 'utf8')))
        run(clang, [...target, '-c', text, '-o', object])
      }
      return object
    })
    const module = join(folder, name)
    const always = ['--no-entry', '--export-dynamic', '--export=__heap_base', '--strip-all', '-z', 'stack-size=65536']
    run(linker, [...always, ...link, '-o', module, ...objects])
    return readFileSync(module)
  } finally {
    rmSync(folder, { recursive: true })
  }
}
