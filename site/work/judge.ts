/** @file A network with samples: what it does before, how it is pruned, what it does afterwards. */
import type { SampleSet } from '../../src/data/dataset.ts'
import type { Machine } from '../../src/engine/machine.ts'
import { sizeOf } from '../../src/graph/tensor.ts'
import { pruneObc } from '../../src/methods/layerwise/driver.ts'
import { pruneInSequence } from '../../src/methods/layerwise/in-sequence.ts'
import { once, type PruningPlan, pruneAsPlanned } from '../../src/methods/method.ts'
import { patternOf } from '../../src/sparsity/granularity/index.ts'
import { loadWeights, weightsOf } from '../../src/train/checkpoint.ts'
import { Network } from '../../src/train/network.ts'
import { UserError } from '../../src/util/errors.ts'
import type { Asked } from './asked.ts'
import type { Opened, Version } from './opened.ts'
import type { Tell } from './prune.ts'
import { withFew } from './samples.ts'

/** How far outputs are from those before, by output: in nats, or in variances. */
export interface OutputDistance {
  name: string
  distance: number
  unit: string
}

/** Samples that layers are pruned on, at most. */
export const SAMPLES = 512

export class Judge {
  readonly #opened: Opened
  readonly #network: Network
  readonly #plan?: PruningPlan

  private constructor(opened: Opened, data: SampleSet, machine: Machine, plan?: PruningPlan) {
    this.#opened = opened
    this.#plan = plan
    const { name, version, model, tensors } = opened
    const prunable = tensors.map((tensor) => tensor.name)
    this.#network = new Network({ machine, model: model!, data, masks: true, prunable, ...plan?.network })
    loadWeights(this.#network, version.weights, name)
  }

  static async of(opened: Opened, asked: Asked, data: SampleSet, machine: Machine): Promise<Judge> {
    const { method, granularity } = asked
    if (method !== 'magnitude' || granularity === 'weight') return new Judge(opened, data, machine)
    const { planOf } = await import('./plan.ts')
    const few = withFew(data)
    return new Judge(opened, few, machine, await planOf(opened, asked, few))
  }

  /** The accuracy, where samples have labels; otherwise what distances are from is remembered. */
  before(): number | undefined {
    if (!this.#network.judgedByDistance) return this.#network.evaluate('test').accuracy
    this.#network.remember()
    return undefined
  }

  /** Prunes to a sparsity, by any method but magnitude of single weights, which needs no network. */
  prune({ method, granularity, goal, scope }: Asked, tell: Tell): Version {
    const sparsity = goal.value
    if (this.#plan) {
      const progress = (phase: string, text: string, share = 0) => tell(`${phase} ${text}`, 0.1 + 0.6 * share)
      pruneAsPlanned(this.#plan, this.#network, once(sparsity), 0, progress)
      return this.version()
    }
    const progress = this.#progress(tell)
    const pattern = patternOf(granularity)
    if (method === 'obc') pruneObc(this.#network, { sparsity, scope, samples: SAMPLES, progress })
    else if (method !== 'magnitude')
      pruneInSequence(this.#network, method, { ...(pattern ? { pattern } : { sparsity }), samples: SAMPLES, progress })
    return this.version()
  }

  /** What the network holds now. */
  version(network = this.#network): Version {
    return changedTo(this.#opened, network)
  }

  after({ weights }: Version): { accuracy?: number; distances?: OutputDistance[] } {
    loadWeights(this.#network, weights, this.#opened.name)
    if (!this.#network.judgedByDistance) return { accuracy: this.#network.evaluate('test').accuracy }
    const { outputs } = this.#network.distance()
    return { distances: outputs.map(({ name, distance, unit }) => ({ name, distance, unit })) }
  }

  #progress(tell: Tell) {
    const began = performance.now()
    const sizes = this.#opened.tensors.map(({ shape }) => sizeOf(shape))
    const sum = (some: readonly number[]) => some.reduce((a, b) => a + b, 0)
    return (layer: string, done: number) => {
      // Large layers take longer; what small ones at the beginning took says little of them.
      const share = sum(sizes.slice(0, done)) / sum(sizes)
      const seconds = (performance.now() - began) / 1000
      tell(`Pruned ${layer}`, 0.1 + 0.6 * share, share > 0.05 ? (seconds / share) * (1 - share) : undefined)
    }
  }
}

/** A file's weights with those of a network in their places. Throws UserError where the file lacks one. */
export function changedTo({ name, version: { weights }, tensors }: Opened, network: Network): Version {
  const after = weightsOf(network)
  const lacking = [...after.tensors.keys()].find((tensor) => !weights.tensors.has(tensor))
  if (lacking !== undefined) throw new UserError(`${name} has no tensor ${lacking}`)
  const all = network.stored.map((tensor) => tensor.name)
  const before = new Set(tensors.map((tensor) => tensor.name))
  const isChanged = (tensor: string) => before.has(tensor) || !sameAs(weights, after, tensor)
  const changed = all.filter(isChanged).map((tensor) => [tensor, after.tensors.get(tensor)!] as const)
  return { weights: { ...weights, tensors: new Map([...weights.tensors, ...changed]) } }
}

/** Whether a tensor has the same values in two files. */
function sameAs(a: Version['weights'], b: Version['weights'], tensor: string): boolean {
  const [x, y] = [a.tensors.get(tensor)!, b.tensors.get(tensor)!]
  return x.dtype === y.dtype && x.data.length === y.data.length && x.data.every((byte, i) => byte === y.data[i])
}
