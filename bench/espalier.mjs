// This engine as a contender, and how much of the machine's arithmetic peak its kernels reach.

import { synthetic } from '../dist/data.js'
import { call } from '../dist/engine/kernel.js'
import { peak } from '../dist/engine/kernels/peak.js'
import { Program } from '../dist/engine/program.js'
import { loadBatch } from '../dist/graph/operators/batch.js'
import { compile, Graph } from '../dist/graph.js'
import { findModel, Network, openMachine, random, readOnnx, SparseModel, scopes } from '../dist/index.js'
import { setHyper } from '../dist/optim/sgd.js'
import { median, takeTurns, timedSync } from './contender.mjs'
import { percent } from './report.mjs'

/**
 * Training steps of a built-in network on synthetic data: forward, backward, SGD with momentum and weight
 * decay. `sparse`: a share of the weights of the tensors whose names match `pruned` is taken away at random,
 * as many in each as the scope says. @param {{ sparsity: number, pruned: RegExp, scope?: 'uniform' | 'erk' }}
 * [sparse]
 */
export async function trainingSteps(modelName, batch, options, sparse) {
  const machine = await openMachine(options)
  const model = findModel(modelName)
  const data = synthetic({ train: 2 * batch, test: 1, image: model.image, classes: model.classes })
  const network = new Network({ machine, model, data, batch, kernels: sparse ? 'auto' : 'dense' })
  if (sparse) prune(network, sparse)
  setHyper(network.executable, 0.01, { momentum: 0.9, weightDecay: 1e-4 })
  const samples = Uint32Array.from({ length: batch }, (_, i) => i)
  return {
    key: keyOf(machine),
    name: `espalier ${machine.description}${sparse ? `, ${100 * sparse.sparsity} % zeros` : ''}${sparse?.scope === 'erk' ? ' (ERK)' : ''}`,
    threads: machine.threads,
    memory: network.executable.memory,
    dataBytes: data.train.images.length + data.test.images.length,
    run: (steps) => timedSync(steps, () => network.step(samples)),
    profile: (rounds) => network.executable.profile(`train/${batch}`, rounds),
  }
}

function prune(network, { sparsity, pruned, scope = 'uniform' }) {
  const layers = network.prunable.filter((tensor) => pruned.test(tensor.name))
  for (const {
    layers: [layer],
    keep,
  } of scopes[scope].groups(layers, sparsity)) {
    const rng = random(1, layer.name)
    const mask = network.mask(layer.name)
    const density = keep / mask.length
    for (const i of mask.keys()) mask[i] = rng.uniform() < density ? 1 : 0
  }
  network.applyMasks()
  network.fitKernels()
}

/**
 * Inference of a network: its batch is read from a data set of bytes and normalized, its logits end up row by
 * row.
 */
export async function inference({ model, batch, weights, data }, options) {
  const machine = await openMachine(options)
  const graph = new Graph()
  const source = { name: 'test', count: batch, image: model.image, mean: data.mean, std: data.std }
  graph.output('logits', model.build(graph, loadBatch(graph, source, batch).images, false))
  const executable = compile(machine, { infer: graph })
  executable.bytes('test.images').set(data.test.images)
  for (const [name, values] of weights) executable.view(name).set(values)
  const index = Uint32Array.from({ length: batch }, (_, i) => i)
  const infer = () => {
    executable.write('infer', 'index', index)
    executable.run('infer')
    return executable.read('infer', 'logits')
  }
  return {
    key: keyOf(machine),
    name: `espalier ${machine.description}`,
    infer,
    run: (steps) => timedSync(steps, infer),
  }
}

/** What ratios between contenders are named by. */
const keyOf = ({ engine, threads }) => (engine === 'native' ? `native ${threads}` : engine)

/** Where a case's operands lie: up to three, each this many floats. */
export const PLACES = { first: 1024, second: 1024 + 2 ** 24, third: 1024 + 2 ** 25 }

/** A pruned network that only infers; row-major images in, logits out. */
export async function sparseInference({ file, images, batch, sparsity }, options, kernels) {
  const machine = await openMachine(options)
  const model = new SparseModel(file, { machine, kernels })
  const infer = () => model.run(images)
  const dense = kernels === 'dense'
  return {
    name: `espalier ${machine.description}, ${dense ? 'dense kernels' : `${percent(sparsity)} zeros`}`,
    threads: machine.threads,
    sparsity: dense ? undefined : sparsity,
    infer,
    run: (steps) => timedSync(steps, infer),
    profile: (rounds) => model.profile(batch, rounds),
  }
}

/** The same network from a model in QDQ form (quantize.mjs), computed in whole numbers. */
export async function int8Inference({ images, batch, sparsity }, options, kernels, bytes) {
  const machine = await openMachine(options)
  const model = new SparseModel(readOnnx(bytes, 'quantized.onnx'), { machine, kernels })
  const infer = () => model.run(images)
  return {
    name: `espalier ${machine.description} int8, ${kernels === 'dense' ? 'dense kernels' : `${percent(sparsity)} zeros`}`,
    threads: machine.threads,
    infer,
    run: (steps) => timedSync(steps, infer),
    profile: (rounds) => model.profile(batch, rounds),
  }
}

/**
 * The rate of some kernel calls in GFLOP/s beside the arithmetic peak, turn by turn, so that each has the
 * clock of the other. @param {{ name: string, flops: number, instruction: object }[]} cases operands in
 * PLACES
 */
export async function ratesOf(threads, cases, engine = 'native') {
  const machine = await openMachine({ engine, threads })
  const arena = machine.allocate(1024 + 3 * 2 ** 24)
  arena.floats.forEach((_, i) => {
    arena.floats[i] = Math.random() - 0.5
  })
  const rounds = 400_000
  const program = (instruction) => Program.assemble([instruction], arena.floats.length)
  const peakProgram = program(call(peak, { rounds, y: 0 }))
  const contenders = [peakProgram, ...cases.map(({ instruction }) => program(instruction))].map((one) => ({
    run: (steps) => timedSync(steps, () => arena.run(one)),
  }))
  const times = await takeTurns(contenders, { rounds: 11, seconds: 0.08 })
  arena.run(peakProgram)
  const peakFlops = arena.floats[0] * rounds * threads
  const peakRates = times[0].values.map((ms) => peakFlops / ms / 1e6)
  return cases.map(({ name, flops }, i) => {
    const rates = times[i + 1].values.map((ms) => flops / ms / 1e6)
    const share = median(rates.map((rate, round) => rate / peakRates[round]))
    return { name, threads, rate: median(rates), peak: median(peakRates), share }
  })
}
