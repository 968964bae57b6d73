// Networks pruned to a time, beside uniform, ERK and global sparsity by the same method at the same measured
// time: node bench/targets.mjs --checkpoint FILE [--model resnet20] [--data cifar10] [--mean .5,.5,.5]
// [--std .5,.5,.5] [--methods magnitude,obc] [--speeds 1.5,2,3] [--threads 1] [--out FILE].
//
// The rivals' sparsity is found by halving, until their time is that of the target; accuracy is that of the
// test set, which chose nothing.
import { parseArgs } from 'node:util'
import { markdownTable } from 'markdown-table'
import { loadDataset } from '../dist/data.js'
import {
  findModel,
  measureLatency,
  measureLevels,
  openMachine,
  pruneBy,
  readWeights,
  SparseModel,
  search,
  Trials,
  weightCosts,
  weightsOf,
} from '../dist/index.js'
import { timeAt, wholeTime } from '../dist/target/latency.js'
import { writeAtomically } from '../dist/util/files.js'
import { machineText } from './report.mjs'

const { values: flags } = parseArgs({
  options: {
    checkpoint: { type: 'string' },
    model: { type: 'string', default: 'resnet20' },
    data: { type: 'string', default: 'cifar10' },
    mean: { type: 'string', default: '.5,.5,.5' },
    std: { type: 'string', default: '.5,.5,.5' },
    methods: { type: 'string', default: 'magnitude,obc' },
    speeds: { type: 'string', default: '1.5,2,3' },
    threads: { type: 'string', default: '1' },
    out: { type: 'string', default: 'build/targets.md' },
  },
})
const numbers = (list) => list.split(',').map(Number)
const model = findModel(flags.model)
const data = {
  ...(await loadDataset(flags.data)),
  mean: numbers(flags.mean),
  std: numbers(flags.std),
}
const weights = await readWeights(flags.checkpoint)
const machine = await openMachine()
const runtime = await openMachine({ threads: Number(flags.threads) })
const ROUNDS = 15
const timing = { machine: runtime, file: weights, model: flags.model, source: flags.checkpoint, rounds: ROUNDS }
const timeOf = (file) => wholeTime(new SparseModel(file, timing), 1, ROUNDS)

/** Halvings of a rival's sparsity. */
const STEPS = 7
const SETTINGS = { magnitude: {}, obc: { polish: 0 }, sparsegpt: { polish: 0 } }

const rows = []
let dense
for (const method of flags.methods.split(',')) {
  const settings = SETTINGS[method] ?? {}
  const options = { machine, model, data, weights, source: flags.checkpoint, seed: 0 }
  const started = performance.now()
  const probe = await pruneBy('magnitude', { ...options, sparsity: 0 })
  dense ??= { time: timeOf(weights), accuracy: probe.network.evaluate('test').accuracy }
  const tensors = probe.network.prunable
  const trials = new Trials({ ...options, tensors, method, settings })
  const levels = await measureLevels(trials, tensors)
  const latency = measureLatency(levels, timing)
  const seconds = (performance.now() - started) / 1000
  console.log(`${method}: levels and times in ${seconds.toFixed(0)} s; dense ${dense.time.toFixed(3)} ms`)
  for (const speed of numbers(flags.speeds)) {
    const target = dense.time / speed
    const choice = search({
      tensors: levels,
      targets: { milliseconds: target },
      latency,
      time: (chosen) => timeAt(levels, chosen, timing),
      otherBytes: 0,
      costs: weightCosts(model),
    })
    const { network } = await trials.prune(tensors, choice.sparsities, { afterwards: true })
    const ours = { time: timeOf(weightsOf(network)), ...network.evaluate('test') }
    const found = { chosen: ours }
    for (const scope of rivalsOf(method))
      found[scope] = await rival(
        method,
        { ...options, settings, scope, include: tensors.map(({ name }) => name) },
        ours.time,
      )
    for (const [name, { time, accuracy, sparsity }] of Object.entries(found)) {
      const share = sparsity ?? 1 - kept(network, tensors)
      rows.push([
        method,
        `${speed}`,
        name,
        time.toFixed(3),
        (time / target).toFixed(3),
        percent(share),
        percent(accuracy),
      ])
      console.log(rows.at(-1).join(' | '))
    }
  }
}

/** Scopes that differ; methods that go from layer to layer take global as ERK. */
function rivalsOf(method) {
  return method === 'sparsegpt' ? ['layerwise', 'erk'] : ['uniform', 'erk', 'global']
}

/** The network of that scope whose time is nearest to a time from below. */
async function rival(method, options, time) {
  let [low, high] = [0, 0.995]
  let best
  for (let step = 0; step < STEPS; step++) {
    const sparsity = (low + high) / 2
    const { network } = await pruneBy(method, { ...options, sparsity })
    const took = timeOf(weightsOf(network))
    if (took <= 1.01 * time) {
      best = { sparsity, time: took, accuracy: network.evaluate('test').accuracy }
      high = sparsity
    } else low = sparsity
    // Arenas of networks that are gone are freed between two turns.
    await new Promise((resolve) => setImmediate(resolve))
  }
  return best ?? { sparsity: Number.NaN, time: Number.NaN, accuracy: Number.NaN }
}

function kept(network, tensors) {
  const names = new Set(tensors.map(({ name }) => name))
  const counts = network.counts().filter(({ name }) => names.has(name))
  const sum = (key) => counts.reduce((all, one) => all + one[key], 0)
  return sum('kept') / sum('size')
}

function percent(share) {
  return `${(100 * share).toFixed(2)} %`
}

const head = [
  'method',
  'times the dense speed asked for',
  'sparsities',
  'ms',
  'of the target',
  'zeros',
  'test accuracy',
]
writeAtomically(
  flags.out,
  `# Pruned to a time

Written by \`node bench/targets.mjs\` with ${flags.model} on ${flags.data}, ${machineText()}; one image on ${runtime.description}. Dense:
${dense.time.toFixed(3)} ms, ${percent(dense.accuracy)} of the test set. Sparsities are *chosen* by tensor (\`espalier prune --target-ms\`), or the
same method's uniform, ERK or global ones at the same measured time, found by halving.

${markdownTable([head, ...rows], { align: ['l', 'r', 'l', 'r', 'r', 'r', 'r'] })}
`,
)
