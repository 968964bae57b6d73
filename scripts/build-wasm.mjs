// Builds kernels/espalier.wasm, and espalier-threads.wasm over shared memory, with clang and wasm-ld, version
// 14, so that everyone gets the same bytes.
//
// Usage: node scripts/build-wasm.mjs [--check] --check compares with the committed modules instead of
// replacing them, and says that it skipped where another version (or none) is installed.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const kernels = join(dirname(fileURLToPath(import.meta.url)), '..', 'kernels')
const check = process.argv.includes('--check')
const clang = process.env.CLANG || 'clang-14'
const linker = process.env.WASM_LD || 'wasm-ld-14'

const version = (program) => {
  try {
    return execFileSync(program, ['--version'], { encoding: 'utf8' }).match(/(?:version|LLD) (\d+)/)?.[1]
  } catch {
    return undefined
  }
}
const found = [version(clang), version(linker)]
if (found.some((v) => v !== '14')) {
  const message = `needs clang and lld 14, found clang ${found[0] ?? 'missing'} and lld ${found[1] ?? 'missing'}`
  console.log(check ? `wasm check skipped: ${message}` : `espalier.wasm was not built: ${message}`)
  process.exit(check ? 0 : 1)
}

/** Pages of 64 KiB in 4 GiB, all that a memory may have. */
const MOST_BYTES = 2 ** 32
const builds = [
  { name: 'espalier.wasm', compile: [], link: [] },
  {
    name: 'espalier-threads.wasm',
    compile: ['-matomics', '-mmutable-globals'],
    // Every thread has a stack of its own, to which its instance is pointed.
    link: ['--shared-memory', '--import-memory', `--max-memory=${MOST_BYTES}`, '--export=__stack_pointer'],
  },
]

const sources = readdirSync(kernels).filter((name) => name.endsWith('.c') && !['addon.c', 'pool.c'].includes(name))
for (const { name, compile, link } of builds) {
  const bytes = built(name, compile, link)
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

function built(name, compile, link) {
  const folder = mkdtempSync(join(tmpdir(), 'espalier-wasm-'))
  try {
    const objects = []
    for (const file of sources.map((source) => source.slice(0, -2)).sort()) {
      const object = join(folder, `${file}.o`)
      // Relative names and no debug information: the bytes must not depend on where this checkout lies.
      execFileSync(
        clang,
        [
          '--target=wasm32',
          '-msimd128',
          '-mbulk-memory',
          ...compile,
          '-Os',
          '-std=gnu11',
          '-ffreestanding',
          '-fvisibility=hidden',
          '-c',
          `${file}.c`,
          '-o',
          object,
        ],
        { cwd: kernels, stdio: 'inherit' },
      )
      objects.push(object)
    }
    const module = join(folder, name)
    const always = ['--no-entry', '--export-dynamic', '--export=__heap_base', '--strip-all', '-z', 'stack-size=65536']
    execFileSync(linker, [...always, ...link, '-o', module, ...objects], { stdio: 'inherit' })
    return readFileSync(module)
  } finally {
    rmSync(folder, { recursive: true })
  }
}
