// Networks pruned to a time, beside uniform, ERK and global sparsity at the same measured time:
//
//   npm run build && node bench/models/write.mjs build/shapes mobilenet-ssd vit
//   node bench/targets.mjs [--checkpoint resnet20.safetensors] [--networks resnet20,mobilenet-v1,...]
//     [--runtimes native,wasm] [--speeds 1.3,1.6,2] [--methods magnitude,obc] [--shapes build/shapes]
//     [--cache FOLDER] [--out FILE]
//
// Uniform, ERK and global sparsities are of magnitude, which asks for no images: what is compared with the
// first method is how sparsity is divided among tensors, and further ones show what they add. A rival's
// sparsity is read off its times at a grid of sparsities; all that is compared is timed in turns. Accuracy is
// that of the test set, which chose nothing; networks without labels, whose weights are random, have
// distances on images that chose nothing. Levels are kept in the cache folder.
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { markdownTable } from 'markdown-table'
import { loadDataset, synthetic } from '../dist/data.js'
import { storeFloats, toFloats } from '../dist/formats/safetensors.js'
import {
  chooseSparsities,
  findModel,
  LevelStore,
  Network,
  networkOfFile,
  openMachine,
  readWeights,
  runOf,
  SparseModel,
  scopes,
  Trials,
  weightsOf,
  Yardstick,
} from '../dist/index.js'
import { BatchNormRefresh, hasBatchNorm } from '../dist/train/refresh-batch-norm.js'
import { writeAtomically } from '../dist/util/files.js'
import { machineText } from './report.mjs'

const { values: flags } = parseArgs({
  options: {
    checkpoint: { type: 'string' },
    networks: { type: 'string', default: 'resnet20,mobilenet-v1,resnet50,mobilenet-ssd,vit' },
    runtimes: { type: 'string', default: 'native,wasm' },
    speeds: { type: 'string', default: '1.3,1.6,2' },
    methods: { type: 'string', default: 'magnitude' },
    shapes: { type: 'string', default: 'build/shapes' },
    cache: { type: 'string', default: join(tmpdir(), 'espalier-targets') },
    out: { type: 'string', default: 'build/targets.md' },
  },
})
const RIVAL = 'magnitude'
/** Unlabelled images: those that judge levels, and those of the comparison. */
const IMAGES = 128
const GRID = [0.3, 0.5, 0.6, 0.7, 0.78, 0.84, 0.88, 0.91, 0.94, 0.96, 0.975, 0.985]
/** Seconds that networks take turns for. */
const SECONDS = 0.6

const machine = await openMachine()
const runtimes = await Promise.all(
  flags.runtimes.split(',').map(async (name) => ({
    name,
    machine: await openMachine(name === 'wasm' ? { engine: 'wasm' } : { threads: 1 }),
  })),
)
const sizeOf = ({ shape }) => shape.reduce((a, b) => a * b, 1)
const valuesOf = ({ weights }, { name }) => toFloats(weights.tensors.get(name))

/** Sparsities by tensor of the usual divisions; global ones are those of one ranking of magnitudes. */
const sharesOf = {
  uniform: ({ tensors }, sparsity) => new Map(tensors.map(({ name }) => [name, sparsity])),
  erk: ({ tensors }, sparsity) =>
    new Map(
      scopes.erk.groups(tensors, sparsity).map(({ layers: [layer], keep }) => [layer.name, 1 - keep / sizeOf(layer)]),
    ),
  global(given, sparsity) {
    const magnitudes = given.tensors.map((tensor) => valuesOf(given, tensor).map(Math.abs))
    const all = new Float32Array(magnitudes.reduce((sum, { length }) => sum + length, 0))
    let start = 0
    for (const list of magnitudes) {
      all.set(list, start)
      start += list.length
    }
    const least = all.sort()[Math.min(all.length - 1, Math.round(sparsity * all.length))]
    return new Map(
      given.tensors.map(({ name }, t) => [
        name,
        magnitudes[t].reduce((n, x) => n + (x < least ? 1 : 0), 0) / magnitudes[t].length,
      ]),
    )
  },
}

const shareOf = ({ tensors }, shares) =>
  tensors.reduce((sum, tensor) => sum + shares.get(tensor.name) * sizeOf(tensor), 0) /
  tensors.reduce((sum, tensor) => sum + sizeOf(tensor), 0)

const rows = []
const seconds = []
for (const name of flags.networks.split(',')) {
  const given = await networkCalled(name)
  const withMethod = (method) => {
    // Repairing networks without normalizations takes a look at the loss for every layer of every choice.
    const settings = hasBatchNorm(given.model) ? {} : { refreshBatchNorm: 'none' }
    const options = { machine, ...given, method, settings, seed: 0 }
    const trials = new Trials(options)
    const tests = new Trials({ ...options, part: 'test' })
    const store = new LevelStore(flags.cache, JSON.stringify([name, given.source, trials.judges, method]))
    return { method, options, trials, tests, store }
  }
  const judged = async ({ tests }, sparsities) => {
    const { network } = await tests.prune(given.tensors, sparsities, { afterwards: true })
    return { ...tests.judge(network), file: { ...given.file, ...weightsOf(network) } }
  }
  const rival = withMethod(RIVAL)
  const { trials, tests } = rival
  const dense = tests.judge(await tests.dense())
  for (const runtime of runtimes) {
    const sparse = (file) => new SparseModel(file, { machine: runtime.machine, model: given.builtIn, source: name })
    const yardstick = new Yardstick(runOf(sparse(given.file), 1), { seconds: SECONDS })
    const timed = async (...files) => (await yardstick.measure(files.map((file) => runOf(sparse(file), 1)))).times
    await yardstick.measure([])
    const rivals = {}
    for (const scope of ['uniform', 'erk', 'global']) {
      const grid = []
      for (const sparsity of GRID) grid.push((await timed(masked(given, sharesOf[scope](given, sparsity))))[0])
      rivals[scope] = grid
    }
    for (const speed of flags.speeds.split(',').map(Number)) {
      const target = yardstick.dense / speed
      const found = []
      for (const method of flags.methods.split(',').map(withMethod)) {
        const started = performance.now()
        const choice = await chooseSparsities({
          ...method.options,
          trials: method.trials,
          store: method.store,
          limits: { milliseconds: target },
          timing: { machine: runtime.machine, batch: 1, yardstick },
        }).catch((error) => error)
        const label = method.method === RIVAL ? 'chosen' : `chosen, ${method.method}`
        seconds.push([name, runtime.name, speed, label, (performance.now() - started) / 1000])
        if (!(choice instanceof Error)) found.push([label, choice.sparsities, method])
        else {
          console.log(`${name} ${runtime.name} ${speed} ${label}: ${choice.message}`)
          rows.push([name, runtime.name, `${speed}`, label, '', '', '', choice.message])
        }
      }
      if (found.length === 0) continue
      const [own] = await timed(masked(given, found[0][1]))
      for (const [scope, grid] of Object.entries(rivals)) {
        const sparsity = sparsityOf(own, grid, yardstick.dense)
        if (sparsity !== undefined) found.push([scope, sharesOf[scope](given, sparsity), rival])
      }
      const networks = []
      for (const [, shares, method] of found) networks.push(await judged(method, shares))
      const times = await timed(...networks.map(({ file }) => file))
      found.forEach(([scope, shares], i) => {
        const { loss, accuracy } = networks[i]
        const quality = accuracy === undefined ? loss.toPrecision(3) : `${(100 * accuracy).toFixed(2)} %`
        const zeros = `${(100 * shareOf(given, shares)).toFixed(1)} %`
        rows.push([
          name,
          runtime.name,
          `${speed}`,
          scope,
          times[i].toPrecision(3),
          (times[i] / target).toFixed(2),
          zeros,
          quality,
        ])
        console.log(rows.at(-1).join(' | '))
      })
    }
  }
  const quality = dense.accuracy === undefined ? '' : `, ${(100 * dense.accuracy).toFixed(2)} % of the test set dense`
  console.log(`${name}: ${trials.effort.sparsities.length} levels judged by ${trials.judges} samples${quality}`)
}

/** A network with its data; `builtIn` is its name where its file does not say it. */
async function networkCalled(name) {
  if (name === 'resnet20') {
    const weights = await readWeights(flags.checkpoint)
    const model = findModel(name)
    const half = [0.5, 0.5, 0.5]
    const data = { ...(await loadDataset('cifar10')), mean: half, std: half }
    return withTensors({ model, data, weights, source: flags.checkpoint, builtIn: name })
  }
  const source = `${flags.shapes}/${name}.onnx`
  const isShape = ['mobilenet-ssd', 'vit', 'yolo', 'u-net', 'crnn'].includes(name)
  const file = isShape ? await readWeights(source) : undefined
  const model = file ? networkOfFile(file, source) : findModel(name)
  const { classes: _, ...data } = synthetic({ image: model.image, classes: 10, train: IMAGES, test: 32 })
  const weights = file ?? randomWeights(model, data)
  return withTensors({
    model,
    data,
    weights,
    source,
    builtIn: file ? undefined : name,
  })
}

/**
 * Random weights, with the statistics of batch normalizations that these images have: without, signals die.
 */
function randomWeights(model, data) {
  const refresh = new BatchNormRefresh(IMAGES, { atOnce: 32 })
  const network = new Network({ machine, model, data, programs: refresh.programs })
  refresh.run(
    network,
    Uint32Array.from({ length: IMAGES }, (_, i) => i),
  )
  return weightsOf(network)
}

function withTensors(given) {
  const network = new Network({ machine, model: given.model, data: given.data, masks: true })
  return { ...given, file: given.weights, tensors: network.prunable }
}

/** The file with each tensor's smallest magnitudes zero, to be timed. */
function masked(given, shares) {
  const tensors = new Map(given.file.tensors)
  for (const tensor of given.tensors) {
    const values = valuesOf(given, tensor)
    const sorted = values.map(Math.abs).sort()
    const least = sorted[Math.min(sorted.length - 1, Math.round(shares.get(tensor.name) * sorted.length))]
    const kept = shares.get(tensor.name) === 0 ? values : values.map((x) => (Math.abs(x) < least ? 0 : x))
    tensors.set(tensor.name, storeFloats(kept, tensor.shape))
  }
  return { ...given.file, tensors }
}

/** Between two places of the grid by the times there; undefined where a rival is never so fast. */
function sparsityOf(time, grid, dense) {
  const points = [[0, dense], ...GRID.map((sparsity, i) => [sparsity, grid[i]])]
  for (let i = 1; i < points.length; i++) {
    const [[low, slow], [high, fast]] = [points[i - 1], points[i]]
    if (fast > time) continue
    const part = slow > fast ? (slow - time) / (slow - fast) : 1
    return low + Math.min(1, Math.max(0, part)) * (high - low)
  }
  return undefined
}

const head = ['network', 'runtime', 'speed', 'sparsities', 'ms', 'of the target', 'zeros', 'accuracy or distance']
writeAtomically(
  flags.out,
  `# Pruned to a time

Written by \`node bench/targets.mjs\` on ${machineText()}: one image, ${runtimes.map(({ machine }) => machine.description).join(' and ')}.
*Speed* is how many times the dense one was asked for. Sparsities are *chosen* by tensor, as \`espalier prune
--target-ms\` does it, or uniform, ERK or global ones at the same measured time; the method is magnitude where
no other is named, with new statistics where there are batch normalizations. A rival that is missing is at no
sparsity that fast.

${markdownTable([head, ...rows], { align: ['l', 'l', 'r', 'l', 'r', 'r', 'r', 'r'] })}

Seconds of each search, the first of a network with its levels: ${seconds.map(([name, runtime, speed, label, took]) => `${name} ${runtime} ${speed} ${label}: ${took.toFixed(0)}`).join('; ')}.
`,
)
