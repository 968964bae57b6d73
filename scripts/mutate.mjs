// Mutation tests (Stryker) of the folders that compute without a machine, one file after the other in a
// random order, until the time is over: every night another part. It says how many mutants of each file the
// tests of its folder notice, and lists those that they do not.
//
// Usage: node scripts/mutate.mjs [--minutes 60] [--seed 1] [files...] default: all of select, sparsity, graph
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { minutes: { type: 'string', default: '60' }, seed: { type: 'string', default: '1' } },
})
const stryker = join(root, 'node_modules/@stryker-mutator/core/bin/stryker.js')
const end = Date.now() + 60_000 * Number(values.minutes)
const rank = (file) => createHash('sha256').update(`${values.seed} ${file}`).digest('hex')
const files = positionals.length > 0 ? positionals : sources().sort((a, b) => (rank(a) < rank(b) ? -1 : 1))

let [tried, killed, all] = [0, 0, 0]
for (const file of files) {
  const left = end - Date.now()
  if (left < 60_000) break
  const folder = file.split('/')[1]
  const { status, stdout } = spawnSync(process.execPath, [stryker, 'run', 'stryker.config.mjs', '--mutate', file], {
    cwd: root,
    env: { ...process.env, MUTATION_FOLDER: folder },
    encoding: 'utf8',
    timeout: left,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  if (Date.now() >= end) {
    console.log(`${file}: not finished in time`)
    break
  }
  if (status !== 0) {
    console.log(`${stdout}\n${file}: the mutation run failed`)
    process.exitCode = 1
    continue
  }
  const mutants = Object.values(JSON.parse(readFileSync(join(root, 'build/mutation.json'), 'utf8')).files)
    .flatMap((one) => one.mutants)
    .filter((mutant) => !['Ignored', 'CompileError', 'RuntimeError'].includes(mutant.status))
  const survived = mutants.filter((mutant) => ['Survived', 'NoCoverage'].includes(mutant.status))
  tried++
  all += mutants.length
  killed += mutants.length - survived.length
  console.log(`${file}: ${mutants.length - survived.length} of ${mutants.length} mutants noticed`)
  for (const { location, mutatorName, replacement } of survived)
    console.log(`  ${file}:${location.start.line}:${location.start.column} ${mutatorName}: ${replacement ?? 'removed'}`)
}
console.log(`${tried} of ${files.length} files, ${killed} of ${all} mutants noticed (--seed ${values.seed})`)

/** All files of the folders. */
function sources() {
  return ['select', 'sparsity', 'graph'].flatMap((folder) =>
    readdirSync(join(root, 'src', folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .map((file) => `src/${folder}/${file}`),
  )
}
