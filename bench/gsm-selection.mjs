// What choosing the active weights costs in a training step of ResNet-56 with Global Sparse Momentum: the exact selection itself, and all that the method adds to a step of SGD.
import { writeFileSync } from 'node:fs'
import { markdownTable } from 'markdown-table'
import { findModel, Network, openMachine, synthetic } from '../dist/index.js'
import { median, takeTurns, threadsText } from './contender.mjs'
import { machineText, milliseconds, percent } from './report.mjs'

const MODEL = 'resnet56'
const BATCH = 64
/** A tenth of 851,504 weights. */
const ACTIVE = 85_150
const STEPS = 9

export async function benchGsmSelection(file) {
  const model = findModel(MODEL)
  const data = synthetic({ train: BATCH, test: 1, image: model.image, classes: model.classes })
  const rows = []
  for (const threads of [1, 2]) {
    const machine = await openMachine({ engine: 'native', threads })
    const [gsm, plain] = [ACTIVE, undefined].map(
      (active) => new Network({ machine, model, data, batch: BATCH, active }),
    )
    const times = await takeTurns(
      [gsm, plain].map((network) => ({ name: '', run: (steps) => stepsOf(network, steps) })),
    )
    const selection = selectionTime(gsm)
    const cells = [times[0].median, times[1].median, selection].map(milliseconds)
    rows.push([
      `${machine.description.split(',')[0]}, ${threadsText(threads)}`,
      ...cells,
      ...[percent(selection / times[0].median, 1), percent(times[0].least / times[1].least - 1, 1)],
    ])
  }
  const head = ['', 'GSM step, ms', 'SGD step, ms', 'selection, ms', 'share of the GSM step', 'GSM over SGD']
  writeFileSync(
    file,
    `# Choosing the active weights of Global Sparse Momentum

Measured with \`npm run bench gsm-selection\` on ${machineText()}. A training step of ResNet-56 on ${BATCH} images, ${ACTIVE.toLocaleString('en')} of its 851,504 weights active. The two kinds of step take turns; times
are medians of rounds, the last column is of the fastest rounds; the selection, one kernel on one thread whatever the number of threads, is timed alone, median of ${STEPS}. What GSM adds besides it are passes over all weights: |g w|, its sum, the
gradients of the active weights, and which of these were active at the step before.

${markdownTable([head, ...rows], { align: ['l', ...Array(5).fill('r')] })}
`,
  )
}

function stepsOf(network, steps) {
  const samples = Uint32Array.from({ length: BATCH }, (_, i) => i)
  const start = performance.now()
  for (let i = 0; i < steps; i++) network.step(samples)
  return (performance.now() - start) / steps
}

/** Milliseconds of the selection, with the importances of a step. */
const selectionTime = (network) =>
  median(
    network.executable
      .profile(`train/${BATCH}`, STEPS)
      .filter(({ kernel }) => kernel === 'select_top')
      .map(({ milliseconds: ms }) => ms),
  )
