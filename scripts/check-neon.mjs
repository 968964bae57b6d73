// Compiles the kernels for 64-bit ARM (NEON), so that they stay portable. Needs no headers or libraries of
// that system. Says that it skipped where clang is missing. CLANG names the compiler (default clang-19).
import { execFileSync, spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const kernels = join(dirname(fileURLToPath(import.meta.url)), '..', 'kernels')
const clang = process.env.CLANG || 'clang-19'

if (spawnSync(clang, ['--version']).status !== 0) {
  console.log(`NEON check skipped: ${clang} is missing`)
  process.exit(0)
}

// Threads and the faces to Node and WebAssembly are not part of the kernel table.
const files = readdirSync(kernels).filter((name) => /\.c$/.test(name) && !/^(addon|pool|wasm)\.c$/.test(name))
const flags = ['--target=aarch64-linux-gnu', '-ffreestanding', '-std=gnu11', '-O3', '-Wall', '-Wextra', '-Werror']
try {
  for (const file of files)
    execFileSync(clang, [...flags, '-c', file, '-o', '/dev/null'], { cwd: kernels, stdio: 'inherit' })
  console.log(`NEON check: ${files.length} files compile`)
} catch {
  console.log('NEON check failed')
  process.exitCode = 1
}
