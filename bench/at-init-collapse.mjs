// Layer collapse of VGG-19 at initialization, and what prevents it: statistics of batch normalizations taken
// anew, scores in rounds, a floor. npm run build && node bench/at-init-collapse.mjs --data FOLDER [--samples
// 100] [--tries a,b] [--sparsities x,y] [--out docs/results/at-init-collapse.md]
import { parseArgs } from 'node:util'
import { markdownTable } from 'markdown-table'
import { findModel, loadDataset, Network, openMachine, prune, Scoring } from '../dist/index.js'
import { writeAtomically } from '../dist/util/files.js'
import { machineText } from './report.mjs'

const { values: flags } = parseArgs({
  options: {
    data: { type: 'string', default: 'cifar10' },
    samples: { type: 'string', default: '100' },
    /** Methods. Default: all. */
    tries: { type: 'string' },
    sparsities: { type: 'string', default: '0.8,0.9,0.95,0.98,0.99' },
    out: { type: 'string', default: 'docs/results/at-init-collapse.md' },
  },
})
const samples = Number(flags.samples)
/** Of scores that are taken again and again. */
const ROUNDS = 10
const sparsities = flags.sparsities.split(',').map(Number)
const tries = [
  ['magnitude', {}],
  ['snip', { samples }],
  ['snip, with a floor', { samples }, { onCollapse: 'floor' }],
  ['snip, refreshed', { samples, batchNorm: 'refreshed' }],
  ['fisher-diagonal', { samples }],
  ['fisher-diagonal, refreshed', { samples, batchNorm: 'refreshed' }],
  ['iter-snip', { samples: samples / 2, rounds: ROUNDS }],
  ['iter-snip, refreshed', { samples: samples / 2, rounds: ROUNDS, batchNorm: 'refreshed' }],
  ['force', { samples: samples / 2, rounds: ROUNDS }],
  ['synflow', {}],
]

const machine = await openMachine()
const data = await loadDataset(flags.data, { normalization: 'cifar10' })
const chosen = tries.filter(([name]) => !flags.tries || flags.tries.split(',').includes(name.split(',')[0]))
const rows = chosen.map(([name, scoringOptions, options = {}]) => {
  const scoring = new Scoring({ method: name.split(',')[0], ...scoringOptions })
  const network = new Network({ machine, model: findModel('vgg19'), data, batch: 100, programs: scoring.programs })
  const initial = network.stored.map(({ name }) => network.values(name).slice())
  const started = performance.now()
  const cells = sparsities.map((sparsity) => {
    network.stored.forEach(({ name }, i) => void network.values(name).set(initial[i]))
    for (const { name } of network.prunable) network.mask(name).fill(1)
    const { layers, collapsed, deadOutputs, outputs, floor } = prune(network, { method: scoring, sparsity, ...options })
    const size = layers.reduce((sum, layer) => sum + layer.size, 0)
    const effective = 1 - layers.reduce((sum, layer) => sum + layer.effective, 0) / size
    const cut = deadOutputs === outputs ? 'no path' : deadOutputs > 0 ? 'some outputs cut off' : ''
    const notes = [cut, floor ? `floor ${floor}` : ''].filter(Boolean).join(', ')
    return `${collapsed.length} (${(100 * effective).toFixed(2)})${notes && `, ${notes}`}`
  })
  console.log(name, cells.join(' | '), `${((performance.now() - started) / 1000).toFixed(0)} s`)
  return [name, ...cells]
})
const head = ['', ...sparsities.map((s) => `${(100 * s).toFixed(0)} %`)]
writeAtomically(
  flags.out,
  `# Layer collapse at initialization

Measured with \`node bench/at-init-collapse.mjs --data FOLDER --samples ${samples}\` on ${machineText()}. VGG-19 with its initial weights (seed 0), pruned to a share of zeros among the weights of its 17 layers by scores of
${samples} images of CIFAR-10. For each: how many layers keep nothing, and in parentheses the effective sparsity in percent, which counts weights on no path from input to output as zeros.

${markdownTable([head, ...rows], { align: ['l', ...sparsities.map(() => 'l')] })}

refreshed: batch normalizations take the statistics of the scored images (\`prune.scoring.batchNorm\`). iter-snip, force: ${ROUNDS} rounds of ${samples / 2} images; synflow: 100 rounds, no images. floor: \`--on-collapse floor\`, the least floor in every layer that leaves none of them empty.
`,
)
