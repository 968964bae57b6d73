// One-shot pruning of the published ResNet-20 (Singh & Alistarh 2020) on CIFAR-10, beside the published
// differences between methods: npm run build && node bench/second-order-resnet20.mjs --cache DIR --data
// FOLDER [--checkpoint FILE] [--methods a,b] [--sparsities .3,.8] [--seeds 0] [--out FILE] [--times, where
// nothing else ran] Every cell is one `espalier prune --json` in a process of its own, and a line of
// DIR/second-order-resnet20.jsonl when done; running again does those that are missing.
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { markdownTable } from 'markdown-table'
import { writeAtomically } from '../dist/util/files.js'
import { Cells } from './cells.mjs'
import { machineText } from './report.mjs'

/**
 * `published`: as printed, of a network with 91.36 % dense and augmented gradients. `flags`: in place of the
 * defaults; a search as coded is judged on all training samples.
 */
const methods = {
  magnitude: { published: { 0.3: 90.77, 0.4: 89.98, 0.5: 88.44, 0.6: 85.24, 0.7: 78.79, 0.8: 54.01 } },
  woodfisher: { published: { 0.3: 91.37, 0.4: 91.15, 0.5: 90.23, 0.6: 87.96, 0.7: 81.05, 0.8: 62.63 } },
  'cbs-as-coded': {
    flags: ['--method', 'cbs', '--faithful', '--samples', 1000],
    published: { 0.3: 91.35, 0.4: 91.21, 0.5: 90.58, 0.6: 88.88, 0.7: 81.84, 0.8: 51.28 },
  },
  'cbs-update': {},
  cbs: {},
  chita: {},
  obc: {},
}
/** Minutes for every cell: at one sparsity only. */
const OBC = 0.6

const { values: flags } = parseArgs({
  options: {
    cache: { type: 'string' },
    data: { type: 'string' },
    checkpoint: { type: 'string', default: '../shared/data/checkpoints/resnet20-cifar10.safetensors' },
    methods: { type: 'string', default: Object.keys(methods).join() },
    sparsities: { type: 'string', default: '.3,.4,.5,.6,.7,.8' },
    seeds: { type: 'string', default: '0' },
    judge: { type: 'string', default: '5000' },
    times: { type: 'boolean', default: false },
    out: { type: 'string', default: 'docs/results/second-order-resnet20.md' },
  },
})
if (!flags.cache || !flags.data)
  throw new Error('expected --cache with a folder for results, and --data with one of images')
const names = flags.methods.split(',')
const sparsities = flags.sparsities.split(',').map(Number)
const seeds = flags.seeds.split(',').map(Number)

const done = new Cells(join(flags.cache, 'second-order-resnet20.jsonl'))
const runs = (name, sparsity) => name !== 'obc' || sparsity === OBC
const keyOf = (name, sparsity, seed) => [name, sparsity, seed].join(' ')
for (const seed of seeds)
  for (const sparsity of sparsities)
    for (const name of names) {
      const key = keyOf(name, sparsity, seed)
      if (done.has(key) || !runs(name, sparsity)) continue
      const result = prune(name, sparsity, seed)
      done.set(key, result)
      console.log(`${key}: ${result.accuracy} %, ${result.wall.toFixed(0)} s`)
    }
const text = report()
writeAtomically(flags.out, text)
console.log(text)

function prune(name, sparsity, seed) {
  const main = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url))
  // Magnitude draws nothing, and has as little to judge as a method that looks at layers.
  const drawn = name === 'magnitude' ? [] : ['--seed', seed]
  const judged = name === 'magnitude' || name === 'obc' ? [] : ['--judge', flags.judge]
  const given = ['--model', 'resnet20', '--data', flags.data, '--sparsity', sparsity, ...drawn]
  const method = methods[name].flags ?? ['--method', name, ...judged]
  // What methods do by themselves.
  const plain = ['--polish', 0, '--refresh-bn', 'none']
  const output = ['-o', join(flags.cache, 'pruned.safetensors'), '--force', '--json']
  const args = [main, 'prune', flags.checkpoint, ...given, ...method, ...plain, ...output]
  const start = performance.now()
  const out = JSON.parse(execFileSync(process.execPath, args.map(String), { encoding: 'utf8' }))
  const { dense, pruned, prunable, stages, seconds } = out
  return {
    dense: dense.correct / 100,
    accuracy: pruned.correct / 100,
    kept: prunable.kept,
    seconds,
    stages: stages?.length ?? 1,
    wall: (performance.now() - start) / 1000,
  }
}

function report() {
  const of = (name, sparsity) => seeds.map((seed) => done.get(keyOf(name, sparsity, seed)))
  const cells = (name, text) => [name, ...sparsities.map((s) => (runs(name, s) ? text(s) : ''))]
  const mean = (values) => values.reduce((a, b) => a + b, 0) / values.length
  const accuracy = (name, sparsity) => mean(of(name, sparsity).map((cell) => cell.accuracy))
  const head = (first) => [first, ...sparsities.map((s) => `${(100 * s).toFixed(0)} %`)]
  const table = (first, rows) => markdownTable([head(first), ...rows], { align: ['l', ...sparsities.map(() => 'r')] })
  const rows = names.map((name) => cells(name, (s) => accuracy(name, s).toFixed(2)))
  const kept = [
    'weights kept',
    ...sparsities.map((s) =>
      [...new Set(names.filter((name) => runs(name, s)).flatMap((name) => of(name, s).map((c) => c.kept)))].join(', '),
    ),
  ]
  const seconds = names.map((name) => cells(name, (s) => mean(of(name, s).map((c) => c.wall)).toFixed(0)))
  const signed = (x) => `${x < 0 ? '-' : '+'}${Math.abs(x).toFixed(2)}`
  const publishedGains = (name) => [
    `published ${name.replace('-as-coded', '')}`,
    ...sparsities.map((s) => signed(methods[name].published[s] - methods.magnitude.published[s])),
  ]
  const gains = names
    .filter((name) => name !== 'magnitude')
    .flatMap((name) => [
      cells(name, (s) => signed(accuracy(name, s) - accuracy('magnitude', s))),
      ...(methods[name].published ? [publishedGains(name)] : []),
    ])
  return `# Second-order pruning of ResNet-20

Measured with \`node bench/second-order-resnet20.mjs --cache DIR --data FOLDER --methods ${flags.methods} --sparsities ${flags.sparsities} --seeds ${flags.seeds} --judge ${flags.judge}\` on ${machineText()}: for every cell \`espalier prune
--method M --sparsity S\` with its defaults (1,000 gradients in blocks by layer, ${flags.judge} other training images judge; obc 256 images, no labels), and cbs-as-coded \`--method cbs --faithful --samples 1000\` (all training images judge). The published checkpoint on CIFAR-10 images unpacked from JPEG files:
${done.get(keyOf(names[0], sparsities[0], seeds[0])).dense} % dense there. The 18 convolutions of the blocks are pruned (267,264 weights), without training; test accuracy in percent.

${table('method', [...rows, kept])}

Points above magnitude, beside the published differences (of another dense network, with augmented gradients; CBS keeps more weights than labelled there):

${table('method', gains)}

${flags.times ? `Seconds, the two evaluations of 10,000 test images included:\n\n${table('method', seconds)}\n` : ''}`
}
