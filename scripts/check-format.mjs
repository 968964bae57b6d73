// Checks that the C sources are laid out as .clang-format says, comments included. Says that it skipped where
// clang-format 14 is missing: other versions differ.
//
// Usage: node scripts/check-format.mjs [--fix]     CLANG_FORMAT names the program (default clang-format-14).
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const program = process.env.CLANG_FORMAT || 'clang-format-14'
const run = (args, stdio = 'inherit') => spawnSync(program, args, { cwd: root, encoding: 'utf8', stdio })

const version = run(['--version'], 'pipe').stdout?.match(/version (\d+)/)?.[1]
if (version !== '14') {
  console.log(`format check skipped: needs clang-format 14, found ${version ?? 'none'}`)
  process.exit(0)
}
const files = ['kernels', 'scripts'].flatMap((folder) =>
  readdirSync(join(root, folder))
    .filter((name) => /\.[ch]$/.test(name))
    .map((name) => join(folder, name)),
)
if (run([...(process.argv.includes('--fix') ? ['-i'] : ['--dry-run', '-Werror']), ...files]).status !== 0) {
  console.log('format check failed: run node scripts/check-format.mjs --fix')
  process.exitCode = 1
} else console.log(`format check: ${files.length} files are laid out as .clang-format says`)
