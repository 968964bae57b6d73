// What zeros gain: training steps of pruned networks on dense and on sparse kernels beside PyTorch, and single layers at several densities.
import { writeFileSync } from 'node:fs'
import { takeTurns } from './contender.mjs'
import { trainingSteps } from './espalier.mjs'
import { pyTorchContenders } from './pytorch.mjs'
import { machineText, ratio, stepTable } from './report.mjs'
import { STEP_FLOPS } from './resnet20.mjs'
import { sparseKernels } from './sparse-kernels.mjs'

const BATCH = 128
const SPARSITIES = [0.8, 0.9, 0.95]
/** The stem, the shortcuts and the classifier of ResNet-20 stay dense. */
const networks = [
  {
    ...{ name: 'ResNet-20', model: 'resnet20', script: 'pytorch-resnet20.py', settings: { steps: 1, coreTypes: [''] } },
    ...{ flops: STEP_FLOPS, pruned: /^layer.*conv/ },
  },
  {
    ...{ name: 'LeNet-300-100', model: 'lenet-300-100', script: 'pytorch-mlp.py' },
    ...{ flops: 2 * BATCH * (3 * (784 * 300 + 300 * 100 + 100 * 10) - 784 * 300), pruned: /weight$/ },
  },
]

async function training({ name, model, script, settings, flops, pruned }, notes) {
  const rivals = await pyTorchContenders(script, notes, settings)
  const dense = []
  const sparse = []
  for (const threads of [1, 2]) {
    const options = { engine: 'native', threads }
    dense.push(await trainingSteps(model, BATCH, options))
    for (const sparsity of SPARSITIES) sparse.push(await trainingSteps(model, BATCH, options, { sparsity, pruned }))
  }
  const contenders = [...dense, ...sparse, ...rivals]
  const times = await takeTurns(contenders, { rounds: 7, seconds: 0.6 })
  const gains = sparse.map(({ name }, i) => {
    const gain = ratio(times[dense.length + i], times[Math.floor(i / SPARSITIES.length)])
    return `- ${name}: ${gain.toFixed(2)}`
  })
  const megabytes = ({ memory, dataBytes }) => ((4 * memory.persistent - dataBytes) / 1e6).toFixed(2)
  return `## ${name}, batch ${BATCH}

${stepTable(contenders, times, { flops, rival: 'PyTorch' })}

Rates over that of our dense step on as many threads:

${gains.join('\n')}

What stays in memory between steps, without the data set (weights, masks, momentum, patterns, constants): ${megabytes(dense[0])} MB dense,
${megabytes(sparse.at(-1))} MB at ${100 * SPARSITIES.at(-1)} %.`
}

export async function benchSparse(out) {
  const notes = []
  const sections = [
    `# Sparse training

Measured with \`npm run bench sparse\` on ${machineText()}. Random masks, the same share of zeros in every pruned layer; which layers run on sparse kernels is looked
up (\`--kernels auto\`). Contenders take turns, medians of rounds, ratios round by round. GFLOP/s count what a dense network would do.`,
  ]
  for (const network of networks) sections.push(await training(network, notes))
  sections.push(await sparseKernels(), notes.join('\n'))
  const report = `${sections.filter(Boolean).join('\n\n')}\n`
  writeFileSync(out, report)
  console.log(report)
}
