// What pruning layer by layer costs for a large network: seconds, processor time and peak memory of every
// method, on synthetic images and initial weights. node bench/layerwise.mjs [--model resnet50] [--samples 64]
// [--methods a,b] [--out build/bench-layerwise.md]
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { markdownTable } from 'markdown-table'
import { synthetic } from '../dist/data.js'
import { findModel, Network, openMachine, pruneInSequence } from '../dist/index.js'
import { writeAtomically } from '../dist/util/files.js'
import { machineText } from './report.mjs'

const SPARSITY = 0.5
const { values: flags } = parseArgs({
  options: {
    model: { type: 'string', default: 'resnet50' },
    samples: { type: 'string', default: '64' },
    methods: { type: 'string', default: 'sparsegpt,wanda' },
    out: { type: 'string', default: 'build/bench-layerwise.md' },
    /** In a process of its own, whose peak memory is that of one method. */
    only: { type: 'string' },
  },
})
const samples = Number(flags.samples)
const model = findModel(flags.model)

if (flags.only) console.log(JSON.stringify(await measure(flags.only)))
else writeAtomically(flags.out, report())

async function measure(method) {
  const data = synthetic({ image: model.image, classes: model.classes, train: samples, test: 1 })
  const network = new Network({ machine: await openMachine(), model, data, masks: true })
  const layers = network.prunable.map(({ name }) => name)
  const before = { at: performance.now(), cpu: process.cpuUsage(), rss: process.memoryUsage.rss() }
  const progress = (layer, done, total) => console.error(`${method}: ${done} of ${total}, ${layer}`)
  const { reconstructions } = pruneInSequence(network, method, { sparsity: SPARSITY, samples, layers, progress })
  const { user, system } = process.cpuUsage(before.cpu)
  return {
    engine: network.machine.description,
    layers: layers.length,
    error: reconstructions.reduce((sum, { error }) => sum + error, 0) / layers.length,
    seconds: (performance.now() - before.at) / 1000,
    cpu: (user + system) / 1e6,
    before: before.rss,
    peak: process.resourceUsage().maxRSS * 1024,
  }
}

function report() {
  const script = fileURLToPath(import.meta.url)
  const rows = flags.methods.split(',').map((method) => {
    const args = [script, '--only', method, '--model', flags.model, '--samples', flags.samples]
    const stdio = ['ignore', 'pipe', 'inherit']
    return { method, ...JSON.parse(execFileSync(process.execPath, args, { stdio, encoding: 'utf8' })) }
  })
  const gigabytes = (bytes) => (bytes / 1e9).toFixed(2)
  const body = rows.map(({ method, seconds, cpu, peak, before, error }) => {
    return [method, seconds.toFixed(0), cpu.toFixed(0), gigabytes(peak), gigabytes(before), error.toPrecision(3)]
  })
  const head = ['method', 'seconds', 'processor seconds', 'peak GB', 'GB before', 'mean error of outputs']
  return `# Pruning a large network layer by layer

${flags.model} with ${samples} synthetic images of ${model.image.join(' x ')} and initial weights, at
${100 * SPARSITY} % zeros in ${rows[0].layers} layers, each on the inputs that it gets from those pruned before it.

${markdownTable([head, ...body], { align: ['l', 'r', 'r', 'r', 'r', 'r'] })}

*Seconds* are by the clock, of pruning alone; *processor seconds* are those of all threads. *GB before* are
the process with the network, its programs of evaluation and the images. The *error* is |(W - V) X|² over
|W X|², the mean over layers.

Made by \`node bench/layerwise.mjs --model ${flags.model} --samples ${samples} --methods ${flags.methods}\` on ${machineText()},
${rows[0].engine}.
`
}
