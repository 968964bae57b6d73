/**
 * @file Gradients of single samples, or of mini-batches, of a network: programs over its parameters, and what they put into gradient columns. Batch
 * normalization uses its running statistics, since second-order pruning follows training.
 */
import { differentiate } from '../graph/differentiate.ts'
import { type Graph, prunableParameters } from '../graph/graph.ts'
import { perSampleFactors } from '../graph/per-sample.ts'
import { sizeOf, type Tensor } from '../graph/tensor.ts'
import { Workspace } from '../linear/workspace.ts'
import type { GramColumns } from '../prune/second-order/columns.ts'
import { solverRoom } from '../prune/second-order/inverse.ts'
import { RankOneColumns, rankOneRoom } from '../prune/second-order/rank-one-columns.ts'
import { StoredColumns } from '../prune/second-order/stored-columns.ts'
import type { Forward, Network } from '../train/network.ts'
import { type GradientCache, gradientKey } from './gradient-cache.ts'

export interface GradientOptions {
  /** Names of the tensors. */
  tensors: readonly string[]
  /** N: how many gradients. */
  samples: number
  /** Training samples whose mean loss one gradient belongs to. Default 1: per-sample gradients. */
  miniBatch?: number
  /** Where gradients are kept for the next time. Default: nowhere. */
  cache?: GradientCache
}

/** Gradient columns of some tensors, in one workspace with room for systems of order N. */
export interface Gradients {
  space: Workspace
  samples: number
  tensors: GramColumns[]
}

/** Samples per run where gradients are kept apart. */
const AT_ONCE = 100

/** Most samples per run of a mini-batch, whose activations are all in memory. */
const MOST_OF_MINI_BATCH = 50

/** The largest part of equal parts of a mini-batch that fits. */
function chunkOf(miniBatch: number): number {
  let parts = Math.ceil(miniBatch / MOST_OF_MINI_BATCH)
  while (miniBatch % parts !== 0) parts++
  return miniBatch / parts
}

/** Make it before the network, whose option `programs` takes its programs; then collect as often as the weights change. */
export class GradientSource {
  readonly #options: GradientOptions & { miniBatch: number }
  readonly programs: Record<string, (forward: Forward) => Graph> = {}
  /** Factors [P, Q] of rank-one gradients, by tensor. */
  readonly #factors = new Map<string, readonly [number, number]>()

  constructor(options: GradientOptions) {
    this.#options = { miniBatch: 1, ...options }
    const { samples, miniBatch } = this.#options
    const sizes =
      miniBatch === 1
        ? [Math.min(samples, AT_ONCE), samples % AT_ONCE].filter((size) => size > 0)
        : [chunkOf(miniBatch)]
    for (const size of sizes) this.programs[`gradients/${size}`] = (forward) => this.#build(forward, size)
  }

  /** Names of the tensors. */
  get tensors(): readonly string[] {
    return this.#options.tensors
  }

  /** How many training samples {@link collect} takes. */
  get count(): number {
    return this.#options.samples * this.#options.miniBatch
  }

  #build(forward: Forward, size: number): Graph {
    const { graph: pass, loss, losses } = forward(size)
    const wrt = prunableParameters(pass).filter(({ name }) => this.#options.tensors.includes(name))
    if (this.#options.miniBatch > 1) {
      const { graph, gradients } = differentiate(pass, loss, wrt)
      gradients.forEach((gradient, i) => {
        graph.output(`${wrt[i].name}/values`, gradient)
      })
      return graph
    }
    const { graph, results } = perSampleFactors(pass, losses, wrt)
    results.forEach((result, i) => {
      for (const [what, tensor] of Object.entries(result) as [string, Tensor][])
        graph.output(`${wrt[i].name}/${what}`, tensor)
      if ('left' in result) this.#factors.set(wrt[i].name, [result.left.shape[1], result.right.shape[1]])
    })
    return graph
  }

  /** Floats that {@link collect} will allocate for a network's tensors of these sizes (weights). */
  room(network: Network): number {
    const { samples } = this.#options
    const columns = this.#shapes(network).map(({ name, size }) => {
      const factors = this.#factors.get(name)
      return samples * (factors ? factors[0] + factors[1] : size) + 2
    })
    const scratch = Math.max(0, ...[...this.#factors.values()].map((factors) => rankOneRoom(factors, samples)))
    return columns.reduce((sum, floats) => sum + floats, 0) + solverRoom(samples) + scratch
  }

  /** Takes what the cache holds, else runs over the given training samples (samples x miniBatch of them) with the present weights. */
  collect(
    network: Network,
    indices: Uint32Array,
    progress: (done: number, total: number) => void = () => {},
  ): Gradients {
    const { samples, miniBatch, cache } = this.#options
    if (indices.length !== samples * miniBatch)
      throw new Error(`expected ${samples * miniBatch} training samples, found ${indices.length}`)
    const space = new Workspace(network.machine, this.room(network))
    const stored = new Map<string, StoredColumns>()
    const rankOne = new Map<string, RankOneColumns>()
    const tensors = this.#shapes(network).map(({ name, size }) => {
      const factors = this.#factors.get(name)
      const columns = factors
        ? new RankOneColumns(space, name, factors, samples)
        : new StoredColumns(space, name, size, samples)
      if (columns instanceof StoredColumns) stored.set(name, columns)
      else rankOne.set(name, columns)
      return columns
    })
    const result = { space, samples, tensors }
    const key = cache && gradientKey(network, { tensors: tensors.map(({ name }) => name), indices, miniBatch })
    const floats = tensors.flatMap((columns) => columns.floats())
    if (key && cache.restore(key, floats)) {
      progress(samples, samples)
      return result
    }
    const run = (some: Uint32Array) => {
      const program = `gradients/${some.length}`
      network.executable.write(program, 'index', some)
      network.executable.run(program)
      return (output: string) => network.executable.raw(program, output) as Float32Array
    }
    if (miniBatch === 1)
      for (let first = 0; first < samples; first += AT_ONCE) {
        const some = indices.subarray(first, first + AT_ONCE)
        const raw = run(some)
        for (const [name, columns] of stored) columns.put(first, some.length, raw(`${name}/values`))
        for (const [name, columns] of rankOne)
          columns.put(first, some.length, raw(`${name}/left`), raw(`${name}/right`))
        progress(first + some.length, samples)
      }
    else {
      const chunk = chunkOf(miniBatch)
      for (let i = 0; i < samples; i++) {
        const means = new Map([...stored].map(([name, { size }]) => [name, new Float32Array(size)]))
        for (let at = i * miniBatch; at < (i + 1) * miniBatch; at += chunk) {
          const raw = run(indices.subarray(at, at + chunk))
          for (const [name, mean] of means) {
            const values = raw(`${name}/values`)
            for (let q = 0; q < mean.length; q++) mean[q] += (values[q] * chunk) / miniBatch
          }
        }
        for (const [name, columns] of stored) columns.put(i, 1, means.get(name)!)
        progress(i + 1, samples)
      }
    }
    if (key) cache.save(key, floats)
    return result
  }

  #shapes(network: Network): { name: string; size: number }[] {
    return network.prunable
      .filter(({ name }) => this.#options.tensors.includes(name))
      .map(({ name, shape }) => ({ name, size: sizeOf(shape) }))
  }
}
