// WoodFisher in stages on the published MLPNet, of two builds of this repository in turn:
// npm run build && node bench/woodfisher-stages.mjs before=DIR after=. [--rounds 3] [--checkpoint FILE]
// [--out FILE]. Of every stage the seconds of its inverse and the processor time (user) that passed
// meanwhile, of all threads, which other work on the machine disturbs less. Reads /proc, so Linux only.
import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { markdownTable } from 'markdown-table'
import { writeAtomically } from '../dist/util/files.js'
import { machineText } from './report.mjs'

const STAGES = 8
const [WEIGHTS, KEPT] = [32_360, 647]
/** Of a second; what /proc counts in. */
const TICK = 100

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '3' },
    checkpoint: { type: 'string', default: '../shared/data/checkpoints/mlpnet-mnist.safetensors' },
    out: { type: 'string', default: 'docs/results/woodfisher-stages.md' },
  },
})
const builds = positionals.map((text) => text.split('='))
if (builds.length !== 2 || builds.some((build) => build.length !== 2))
  throw new Error(`expected two builds, such as before=../before after=., found ${positionals.join(' ')}`)
const folder = mkdtempSync(join(tmpdir(), 'woodfisher-'))

/** Seconds of user time of a process so far. */
const userTime = (pid) => Number(readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ')[11]) / TICK

/** Seconds of each stage's inverse and of the whole command, by the clock and in user time; what it found. */
async function run(directory) {
  const main = join(directory, 'dist/cli/main.js')
  // What later builds do after the last stage is not what is measured.
  const polishes = execFileSync(process.execPath, [main, 'prune', '--help'], { encoding: 'utf8' }).includes('--polish')
  const plain = polishes ? ['--polish', 0] : []
  const settings = ['--method', 'woodfisher', '--stages', STAGES, '--sparsity', 0.98, '--force', ...plain]
  const files = [flags.checkpoint, '--model', 'mlpnet', '--data', 'mnist', '-o', join(folder, 'pruned.safetensors')]
  const started = performance.now()
  const child = spawn(process.execPath, [main, 'prune', ...files, ...settings], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const stages = []
  let begun = 0
  let [accuracy, user] = ['', 0]
  const read = (line) => {
    user = userTime(child.pid)
    if (line.startsWith('gradients: ')) begun = user
    const [, seconds] = line.match(/^inverse: 32360 of 32360 weights, ([\d.]+) s$/) ?? []
    if (seconds) stages.push({ wall: Number(seconds), user: user - begun })
    if (line.startsWith('| test accuracy')) accuracy = line.split('|')[3].trim()
  }
  for (const stream of [child.stdout, child.stderr]) createInterface({ input: stream }).on('line', read)
  const code = await new Promise((resolve) => child.on('close', resolve))
  if (code !== 0 || stages.length !== STAGES)
    throw new Error(`${directory}: exit status ${code}, ${stages.length} stages`)
  return { stages: [...stages, { wall: (performance.now() - started) / 1000, user }], accuracy }
}

const runs = builds.map(() => [])
for (let round = 0; round < Number(flags.rounds); round++)
  for (const [b, [name, directory]] of builds.entries()) {
    const result = await run(directory)
    runs[b].push(result)
    console.log(name, result.accuracy, JSON.stringify(result.stages.at(-1)))
  }
rmSync(folder, { recursive: true })

const median = (numbers) => numbers.sort((a, b) => a - b)[Math.floor(numbers.length / 2)]
const of = (b, stage, what) => median(runs[b].map(({ stages }) => stages[stage][what]))
const row = (label, stage) => {
  const [before, after] = [0, 1].map((b) => ['wall', 'user'].map((what) => of(b, stage, what)))
  const ratios = [0, 1].map((i) => (before[i] / after[i]).toFixed(1))
  return [...label, ...before.map((x) => x.toFixed(1)), ...after.map((x) => x.toFixed(1)), ...ratios]
}
const [[before], [after]] = builds
const active = (stage) => Math.round(WEIGHTS * (KEPT / WEIGHTS) ** (stage / STAGES))
const table = markdownTable(
  [
    ['stage', 'weights', `${before}, s`, 'user', `${after}, s`, 'user', 'ratio', 'of user'],
    ...Array.from({ length: STAGES }, (_, stage) => row([`${stage + 1}`, active(stage).toLocaleString('en')], stage)),
    row(['command', ''], STAGES),
  ],
  { align: Array(8).fill('r') },
)
const accuracies = builds.map(([name], b) => `${name} ${[...new Set(runs[b].map((one) => one.accuracy))].join(', ')}`)
writeAtomically(flags.out, [
  `# WoodFisher in stages

Seconds of the inverse of every stage by the clock, and of processor time (user, all threads), of
\`espalier prune mlpnet-mnist.safetensors --model mlpnet --data mnist --method woodfisher --stages ${STAGES} --sparsity 0.98\`
(4,000 gradients at every stage), and of the whole command. Measured with
\`node bench/woodfisher-stages.mjs before=DIR after=.\` on ${machineText()}:
two builds in turn, medians of ${flags.rounds} runs each. Other work was on the machine, which disturbs times by the
clock most. Test accuracy of the result: ${accuracies.join('; ')}.

${table}
`,
])
