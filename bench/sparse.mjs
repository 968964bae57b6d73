// What zeros gain in training: steps of pruned networks on dense and on sparse kernels beside PyTorch, and
// what bounds them.
import { writeFileSync } from 'node:fs'
import { sizeOf } from '../dist/graph/tensor.js'
import { Graph, prunableParameters } from '../dist/graph.js'
import { findModel } from '../dist/index.js'
import { takeTurns } from './contender.mjs'
import { trainingSteps } from './espalier.mjs'
import { pyTorchContenders } from './pytorch.mjs'
import { machineText, ratio, stepTable } from './report.mjs'
import { STEP_FLOPS } from './resnet20.mjs'
import { peaksOf, ROOFLINE_TEXT, rooflineTable } from './roofline.mjs'

const BATCH = 128
const THREADS = [1, 2]
const SPARSITIES = [
  ...[0.5, 0.8, 0.9, 0.95, 0.98, 0.99].map((sparsity) => ({ sparsity })),
  /** As many weights as at 95 % uniformly, small layers denser than large ones. */
  { sparsity: 0.95, scope: 'erk' },
]
/**
 * Stem, shortcuts and classifier of convolutional networks stay dense. One step of theirs is enough to tell
 * PyTorch's settings apart.
 */
const conv = { pruned: /^layer.*conv/, settings: { steps: 1, coreTypes: [''] } }
const resnet20 = { ...conv, name: 'ResNet-20', model: 'resnet20', script: 'pytorch-resnet20.py', flops: STEP_FLOPS }
const lenet = {
  name: 'LeNet-300-100',
  model: 'lenet-300-100',
  script: 'pytorch-mlp.py',
  pruned: /weight$/,
  flops: 2 * BATCH * (3 * (784 * 300 + 300 * 100 + 100 * 10) - 784 * 300),
}
const wrn = {
  ...conv,
  name: 'WRN-28-2',
  model: 'wrn-28',
  script: 'pytorch-wrn28.py',
  flops: stepFlops('wrn-28'),
  rounds: 5,
}

/**
 * Of a step of a convolutional network: forward, and as much again for each of the two gradients, of which
 * the first layer needs one.
 */
function stepFlops(model) {
  const graph = new Graph()
  const { image, build } = findModel(model)
  build(graph, graph.input('images', [1, ...image]), true)
  const weights = new Set(prunableParameters(graph))
  const work = graph.nodes.flatMap(({ inputs: [, weight], outputs: [y] }) =>
    weights.has(weight) ? [sizeOf(weight.shape) * sizeOf(y.shape.slice(2))] : [],
  )
  return 2 * BATCH * (3 * work.reduce((a, b) => a + b) - work[0])
}

async function training({ name, model, script, settings, flops, pruned, rounds = 7 }, peaks, notes) {
  const rivals = await pyTorchContenders(script, notes, settings)
  const dense = []
  const sparse = []
  for (const threads of THREADS) {
    const options = { engine: 'native', threads }
    dense.push(await trainingSteps(model, BATCH, options))
    for (const one of SPARSITIES) sparse.push(await trainingSteps(model, BATCH, options, { ...one, pruned }))
  }
  const contenders = [...dense, ...sparse, ...rivals]
  const times = await takeTurns(contenders, { rounds, seconds: 0.6 })
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
${megabytes(sparse[SPARSITIES.findIndex(({ sparsity }) => sparsity === 0.95)])} MB at 95 %.

What bounds the steps:

${rooflineTable(contenders, times, peaks)}`
}

async function bench(command, networks, out) {
  const notes = []
  const peaks = new Map()
  for (const threads of THREADS) peaks.set(threads, await peaksOf(threads))
  const sections = [
    `# Sparse training: ${networks.map(({ name }) => name).join(', ')}

Measured with \`npm run bench ${command}\` on ${machineText()}. Random masks, the same share of zeros in every pruned layer or Erdős–Rényi-Kernel densities (ERK) with as many zeros in all;
in convolutional networks the 3x3 convolutions are pruned and the first layer, shortcuts and classifier are dense. Which layers run on sparse kernels is looked up (\`--kernels auto\`). Contenders take
turns, medians of rounds, ratios round by round. GFLOP/s count what a dense network would do.

${ROOFLINE_TEXT}`,
  ]
  for (const network of networks) sections.push(await training(network, peaks, notes))
  const report = `${[...sections, notes.join('\n')].filter(Boolean).join('\n\n')}\n`
  writeFileSync(out, report)
  console.log(report)
}

export const benchSparse = (out) => bench('sparse', [resnet20, lenet], out)
export const benchSparseWrn = (out) => bench('sparse-wrn', [wrn], out)
