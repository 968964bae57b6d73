/** @file Prunes an opened network, and says what became of it. */
import type { SampleSet } from '../../src/data/dataset.ts'
import type { Machine } from '../../src/engine/machine.ts'
import type { TensorFile } from '../../src/formats/safetensors-bytes.ts'
import { sizeOf } from '../../src/graph/tensor.ts'
import { SparseModel } from '../../src/infer/sparse-model.ts'
import { pruneOnnx } from '../../src/methods/by-value/prune-onnx.ts'
import { pruneStored } from '../../src/methods/by-value/prune-stored.ts'
import { pruneObc } from '../../src/methods/layerwise/driver.ts'
import { pruneInSequence } from '../../src/methods/layerwise/in-sequence.ts'
import { loadWeights, weightsOf } from '../../src/train/checkpoint.ts'
import { Network } from '../../src/train/network.ts'
import { UserError } from '../../src/util/errors.ts'
import { random } from '../../src/util/random.ts'
import { encoded, formatsOf, type Opened, type Version, valuesOf } from './opened.ts'
import { type AskedSamples, samplesFor } from './samples.ts'
import { countZeros } from './tensor.ts'

export type PageMethod = 'magnitude' | 'obc' | 'sparsegpt' | 'wanda'

export interface Asked {
  method: PageMethod
  /** Share of zeros, 0 to 1. */
  sparsity: number
  /** Whether layers compete for weights, or each has that share: all that SparseGPT and Wanda know. */
  scope: 'global' | 'layerwise'
  samples: AskedSamples
}

/** What can be said of the network before, and of the one after. */
export interface Side {
  zeros: number
  /** Bytes of the file, and of that file compressed by gzip. */
  bytes: number
  compressed: number
  /** Of one sample, in this browser: absent where the network does not run here. */
  milliseconds?: number
  /** Share of digits that are told right; absent where samples have no labels. */
  accuracy?: number
}

export interface Outcome {
  asked: Omit<Asked, 'samples'> & { samples?: string }
  weights: number
  before: Side
  after: Side
  /** How far outputs are from those before, by output: in nats, or in variances. */
  distances?: { name: string; distance: number; unit: string }[]
  samples?: number
  layers: { name: string; size: number; zeros: number }[]
  seconds: number
}

/** Hears what is done, the share of all that is done, and the seconds that are left, where they are known. */
export type Tell = (text: string, share: number, left?: number) => void

/** Throws UserError where the network cannot be pruned so. */
export async function pruned(opened: Opened, asked: Asked, machine: Machine, tell: Tell) {
  const began = performance.now()
  const { sparsity, scope, method } = asked
  if (!(sparsity >= 0 && sparsity <= 1)) throw new UserError(`sparsity: expected 0 to 1, found ${sparsity}`)
  if (method !== 'magnitude' && !opened.model)
    throw new UserError(`${method} runs the network, which does not run here: ${opened.reason}`)
  tell('Reading samples', 0)
  const data = opened.model && (await samplesFor(opened, asked.samples))
  const judge = data && new Judge(opened, data, machine)
  tell('Measuring the network as it is', 0.05)
  const accuracy = judge?.before()
  const found = withFacts(
    method === 'magnitude'
      ? byMagnitude(opened, asked)
      : judge!.pruneBy(asked, (layer, share, left) => tell(`Pruned ${layer}`, 0.1 + 0.6 * share, left)),
    asked,
  )
  tell('Measuring the pruned network', 0.7)
  const judged = judge?.after(found)
  tell('Timing both', 0.8)
  const times = opened.model ? timesOf(opened, [opened.version, found], machine) : []
  tell('Writing', 0.9)
  const [zerosBefore, zerosAfter] = [opened.version, found].map((version) =>
    opened.tensors.map(({ name }) => countZeros(valuesOf(opened, version, name))),
  )
  const sides: Side[] = []
  for (const [i, version] of [opened.version, found].entries()) {
    const bytes = encoded(opened, version, formatsOf(opened)[0])
    sides.push({
      zeros: [zerosBefore, zerosAfter][i].reduce((a, b) => a + b, 0),
      bytes: bytes.length,
      compressed: await gzipped(bytes),
      milliseconds: times[i],
      accuracy: [accuracy, judged?.accuracy][i],
    })
  }
  const layers = opened.tensors.map(({ name, shape }, i) => ({ name, size: sizeOf(shape), zeros: zerosAfter[i] }))
  const outcome: Outcome = {
    asked: { method, sparsity, scope, samples: data?.name },
    weights: layers.reduce((sum, { size }) => sum + size, 0),
    before: sides[0],
    after: sides[1],
    distances: judged?.distances,
    samples: data?.test.count,
    layers,
    seconds: (performance.now() - began) / 1000,
  }
  return { version: found, outcome }
}

function byMagnitude({ version, stored, tensors }: Opened, { sparsity, scope }: Asked): Version {
  const removing = { method: 'magnitude', sparsity, scope, seed: 0 } as const
  if (stored) return { ...version, changed: pruneOnnx([...stored.values()], removing).changes }
  const { file } = pruneStored(version.weights, { ...removing, tensors: tensors.map(({ name }) => name) })
  return { weights: file }
}

function withFacts({ weights, changed }: Version, { method, sparsity, scope }: Asked): Version {
  const facts = { method, sparsity: String(sparsity), ...(method === 'magnitude' && { scope }) }
  return { weights: { ...weights, metadata: { ...weights.metadata, ...facts } }, changed }
}

/** The network with samples. */
class Judge {
  readonly #opened: Opened
  readonly #network: Network

  constructor(opened: Opened, data: SampleSet, machine: Machine) {
    this.#opened = opened
    const { name, version, model, tensors } = opened
    const prunable = tensors.map((tensor) => tensor.name)
    this.#network = new Network({ machine, model: model!, data, masks: true, prunable })
    loadWeights(this.#network, version.weights, name)
  }

  /** The accuracy, where samples have labels; otherwise what distances are from is remembered. */
  before(): number | undefined {
    if (!this.#network.judgedByDistance) return this.#network.evaluate('test').accuracy
    this.#network.remember()
    return undefined
  }

  pruneBy({ method, sparsity, scope }: Asked, tell: Tell): Version {
    const { version, name } = this.#opened
    const began = performance.now()
    const sizes = this.#opened.tensors.map(({ shape }) => sizeOf(shape))
    const sum = (some: readonly number[]) => some.reduce((a, b) => a + b, 0)
    const progress = (layer: string, done: number) => {
      // Large layers take longer; what small ones at the beginning took says little of them.
      const share = sum(sizes.slice(0, done)) / sum(sizes)
      const seconds = (performance.now() - began) / 1000
      tell(layer, share, share > 0.05 ? (seconds / share) * (1 - share) : undefined)
    }
    if (method === 'obc') pruneObc(this.#network, { sparsity, scope, samples: SAMPLES, progress })
    else if (method !== 'magnitude') pruneInSequence(this.#network, method, { sparsity, samples: SAMPLES, progress })
    const after = weightsOf(this.#network)
    const lacking = [...after.tensors.keys()].find((tensor) => !version.weights.tensors.has(tensor))
    if (lacking !== undefined) throw new UserError(`${name} has no tensor ${lacking}`)
    const { weights } = version
    const changed = this.#opened.tensors.map(({ name: tensor }) => [tensor, after.tensors.get(tensor)!] as const)
    return { weights: { ...weights, tensors: new Map([...weights.tensors, ...changed]) } }
  }

  after({ weights }: Version): Pick<Outcome, 'distances'> & { accuracy?: number } {
    loadWeights(this.#network, weights, this.#opened.name)
    if (!this.#network.judgedByDistance) return { accuracy: this.#network.evaluate('test').accuracy }
    const { outputs } = this.#network.distance()
    return { distances: outputs.map(({ name, distance, unit }) => ({ name, distance, unit })) }
  }
}

/** Samples that layers are pruned on, at most. */
const SAMPLES = 512

/** Rounds, milliseconds that they may take together, and those of a network in each: clocks are coarse. */
const ROUNDS = { most: 15, milliseconds: 4000, each: 25 }

/** Milliseconds of one sample, of each version: the median. */
function timesOf({ name, onnx, model }: Opened, versions: readonly Version[], machine: Machine): number[] {
  const draw = random(0, 'timing')
  const sample = Float32Array.from({ length: sizeOf(model!.image) }, () =>
    model!.inputs?.some(({ whole }) => whole) ? draw.below(2) : draw.normal(),
  )
  const networks = versions.map(({ weights }) => {
    const file: TensorFile = { ...weights, metadata: weights.metadata }
    return new SparseModel({ ...file, onnx }, { machine, source: name })
  })
  const times = networks.map((network) => {
    network.run(sample)
    return [] as number[]
  })
  const began = performance.now()
  for (let round = 0; round < ROUNDS.most && performance.now() - began < ROUNDS.milliseconds; round++)
    for (const [i, network] of networks.entries()) {
      const start = performance.now()
      let runs = 0
      let now = start
      do {
        network.run(sample)
        runs++
        now = performance.now()
      } while (now - start < ROUNDS.each)
      times[i].push((now - start) / runs)
    }
  return times.map((list) => list.sort((a, b) => a - b)[Math.floor(list.length / 2)])
}

async function gzipped(bytes: Uint8Array): Promise<number> {
  const stream = new Blob([bytes as Uint8Array<ArrayBuffer>]).stream().pipeThrough(new CompressionStream('gzip'))
  let length = 0
  for (const reader = stream.getReader(); ; ) {
    const { done, value } = await reader.read()
    if (done) return length
    length += value.length
  }
}
