// Kernels that were one thread's work before another build of the addon and this one, in turns.
//
// node bench/split-kernels.mjs --before ADDON [FILE]
//
// ADDON is build/native/espalier.node of a checkout from before select_top, running_average and count_correct
// were split over threads.
import { writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { markdownTable } from 'markdown-table'
import { floatBits } from '../dist/engine/bits.js'
import { call } from '../dist/engine/kernel.js'
import { countCorrect } from '../dist/engine/kernels/loss.js'
import { runningAverage } from '../dist/engine/kernels/norm.js'
import { selectTopCall } from '../dist/engine/kernels/select.js'
import { openNative } from '../dist/engine/machines/native.js'
import { Program } from '../dist/engine/program.js'
import { random } from '../dist/util/random.js'
import { roundsOf, threadsText, timedSync } from './contender.mjs'
import { machineText, milliseconds } from './report.mjs'

/** The weights of ResNet-56, and a tenth of them. */
const WEIGHTS = 851_504
const ACTIVE = 85_150
const [SAMPLES, CLASSES] = [1000, 100]
/** Programs of each kind that are run; one is so long that waking the threads does not count. */
const ROUNDS = 1000

const { values, positionals } = parseArgs({ options: { before: { type: 'string' } }, allowPositionals: true })
if (!values.before) throw new Error('expected --before ADDON')
const file = positionals[0] ?? fileURLToPath(new URL('../docs/results/bench-split-kernels.md', import.meta.url))
const builds = [resolve(values.before), fileURLToPath(new URL('../build/native/espalier.node', import.meta.url))]

/** [name, call, calls per program] */
const kernels = [
  [
    `select_top: ${ACTIVE.toLocaleString('en')} of ${WEIGHTS.toLocaleString('en')}`,
    selectTopCall(ACTIVE, [{ scores: 0, n: WEIGHTS, mask: WEIGHTS }]),
    1,
  ],
  [
    `running_average of ${WEIGHTS.toLocaleString('en')}`,
    call(runningAverage, { n: WEIGHTS, x: 0, y: WEIGHTS, rate: floatBits(0.1), factor: floatBits(1) }),
    50,
  ],
  [
    `count_correct: ${SAMPLES} samples, ${CLASSES} classes`,
    call(countCorrect, { classes: CLASSES, n: SAMPLES, logits: 0, labels: WEIGHTS, y: 2 * WEIGHTS - 1 }),
    50,
  ],
]
const rng = random(1, 'values')
const uniform = Float32Array.from({ length: 2 * WEIGHTS }, () => rng.uniform())

const rows = []
let set = ''
for (const [name, instruction, calls] of kernels) {
  const cells = []
  for (const threads of [1, 2]) {
    const runs = builds.map((addon) => {
      process.env.ESPALIER_ADDON = addon
      const machine = openNative(threads)
      set = machine.description.split(',')[0]
      const arena = machine.allocate(2 * WEIGHTS)
      arena.floats.set(uniform)
      const program = Program.assemble(Array(calls).fill(instruction), 2 * WEIGHTS)
      return () => timedSync(1, () => arena.run(program)) / calls
    })
    const least = builds.map(() => Number.POSITIVE_INFINITY)
    for (let round = 0; round < roundsOf(ROUNDS); round++)
      for (const [i, run] of runs.entries()) least[i] = Math.min(least[i], run())
    cells.push(...least.map(milliseconds), (least[0] / least[1]).toFixed(2))
  }
  rows.push([name, ...cells])
}
const head = ['ms', ...[1, 2].flatMap((n) => [`${threadsText(n)}, before`, 'after', 'before / after'])]
writeFileSync(
  file,
  `# Kernels that were one thread's work

Measured with \`node bench/split-kernels.mjs --before ADDON\` on ${machineText()}, ${set}; ADDON is
\`build/native/espalier.node\` of a checkout from before the three were split over threads. Both builds take
turns in one process with programs of some calls; each figure is that of the fastest of ${ROUNDS} programs, per
call, since the machine does other work. The results are the same bits. \`count_correct\` also became vector
code, which is what one thread gains.

${markdownTable([head, ...rows], { align: ['l', ...Array(6).fill('r')] })}
`,
)
process.exit(0)
