// What choosing the active weights costs in a training step of ResNet-56 with Global Sparse Momentum: the
// exact selection itself, and all that the method adds to a step of SGD.
import { writeFileSync } from 'node:fs'
import { markdownTable } from 'markdown-table'
import { synthetic } from '../dist/data.js'
import { findModel, Network, openMachine } from '../dist/index.js'
import { roundsOf, threadsText } from './contender.mjs'
import { machineText, milliseconds, percent } from './report.mjs'

const MODEL = 'resnet56'
const BATCH = 64
/** A tenth of 851,504 weights. */
const ACTIVE = 85_150
const ROUNDS = 9
/** What passes over all weights are made of, beside the optimizer, which both kinds of step have. */
const PASSES = ['binary', 'unary', 'reduce', 'running_average']

export async function benchGsmSelection(file) {
  const model = findModel(MODEL)
  const data = synthetic({ train: BATCH, test: 1, image: model.image, classes: model.classes })
  const rows = []
  for (const threads of [1, 2]) {
    const machine = await openMachine({ engine: 'native', threads })
    const [gsm, sgd] = [ACTIVE, undefined].map((active) =>
      profileOf(new Network({ machine, model, data, batch: BATCH, active })),
    )
    const [step, selection] = [timeOf(gsm), timeOf(gsm, ['select_top'])]
    const passes = timeOf(gsm, PASSES) - timeOf(sgd, PASSES)
    rows.push([
      `${machine.description.split(',')[0]}, ${threadsText(threads)}`,
      ...[step, selection, passes].map(milliseconds),
      ...[selection, selection + passes].map((ms) => percent(ms / step, 1)),
    ])
  }
  const head = ['', 'step, ms', 'selection, ms', 'passes, ms', 'selection / step', 'both / step']
  writeFileSync(
    file,
    `# Choosing the active weights of Global Sparse Momentum

Measured with \`npm run bench gsm-selection\` on ${machineText()}. A training step of ResNet-56 on ${BATCH} images, ${ACTIVE.toLocaleString('en')} of its 851,504 weights active, run kernel by kernel after two
steps: the sum of all kernels, each the median of ${ROUNDS}. The selection is one kernel on one thread, whatever the number of threads. What GSM adds beside it to a step of SGD are passes over all weights: |g w| and its
sum, the gradients of the active weights, and which of these were active at the step before. Figures of a machine that does other work are worth their ratios only.

${markdownTable([head, ...rows], { align: ['l', ...Array(5).fill('r')] })}
`,
  )
}

/** Time of every kernel call of a step, with the importances of a network that has begun to train. */
function profileOf(network) {
  const samples = Uint32Array.from({ length: BATCH }, (_, i) => i)
  for (let i = 0; i < 2; i++) network.step(samples)
  return network.executable.profile(`train/${BATCH}`, roundsOf(ROUNDS))
}

const timeOf = (profile, kernels) =>
  profile.filter(({ kernel }) => !kernels || kernels.includes(kernel)).reduce((sum, call) => sum + call.milliseconds, 0)
