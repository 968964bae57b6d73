/**
 * @file Gradients of single samples, or of mini-batches, of a network: programs over its parameters, and what
 * they put into gradient columns. Batch normalization uses its running statistics, since second-order pruning
 * follows training.
 */
import { differentiate } from '../../../graph/differentiate.ts'
import { type Graph, prunableParameters } from '../../../graph/graph.ts'
import { reduceMean } from '../../../graph/operators/mean.ts'
import { perSampleFactors } from '../../../graph/per-sample.ts'
import type { Tensor } from '../../../graph/tensor.ts'
import { Workspace } from '../../../linear/workspace.ts'
import type { Model } from '../../../models/model.ts'
import type { Network } from '../../../train/network.ts'
import type { Forward } from '../../../train/options.ts'
import type { GramColumns } from './columns.ts'
import type { GradientCache } from './gradient-cache.ts'
import { solverRoom } from './inverse.ts'
import type { Part } from './parts.ts'
import { RankOneColumns, rankOneRoom } from './rank-one-columns.ts'
import { StoredColumns } from './stored-columns.ts'

export interface GradientOptions {
  /** Names of the tensors. */
  tensors: readonly string[]
  /** N: how many gradients. */
  samples: number
  /** Training samples whose mean loss one gradient belongs to. Default 1: per-sample gradients. */
  miniBatch?: number
  /** Where gradients are kept for the next time. Default: nowhere. */
  cache?: GradientCache
  /**
   * Parts of the tensors (numbered as in `tensors`) that are collected together. Default: one group of all
   * tensors. See ./gradient-plan.ts.
   */
  groups?: readonly (readonly Part[])[]
  /** Most samples in one run. Default 100. */
  atOnce?: number
  /**
   * Whether gradients are those of the losses themselves, also where these are distances, whose gradients are
   * 0 at the dense network: what descends asks for them. Default: of the losses that stand for single
   * samples.
   */
  descends?: boolean
  /** What its programs are called, where a network has those of several. Default `gradients`. */
  program?: string
}

/**
 * Gradient columns of a group, in one workspace with room for systems of order N: `tensors[i]` are those of
 * `parts[i]`.
 */
export interface Gradients {
  space: Workspace
  samples: number
  parts: readonly Part[]
  tensors: GramColumns[]
  /** Where they are kept, and under which key. */
  cached?: { key: string; cache: GradientCache }
}

/** Most samples per run of a mini-batch, whose activations are all in memory. */
const MOST_OF_MINI_BATCH = 50

/** The largest part of equal parts of a mini-batch that fits. */
function chunkOf(miniBatch: number, atOnce: number): number {
  let parts = Math.ceil(miniBatch / Math.min(atOnce, MOST_OF_MINI_BATCH))
  while (miniBatch % parts !== 0) parts++
  return miniBatch / parts
}

/**
 * Make it before the network, whose option `programs` takes its programs; then collect as often as the
 * weights change.
 */
export class GradientSource {
  readonly #options: GradientOptions & { miniBatch: number; atOnce: number; program: string }
  readonly programs: Record<string, (forward: Forward, model: Model) => Graph> = {}
  /**
   * Names of the tensors of every group, and the group of which each takes the programs: the first with the
   * same tensors.
   */
  readonly #names: readonly (readonly string[])[]
  readonly #program: readonly number[]
  /** Factors [P, Q] of rank-one gradients, by tensor. */
  readonly #factors = new Map<string, readonly [number, number]>()

  constructor(options: GradientOptions) {
    this.#options = { miniBatch: 1, atOnce: 100, program: 'gradients', ...options }
    const { tensors, samples, miniBatch, atOnce, groups, program } = this.#options
    this.#names = groups?.map((parts) => parts.map(({ tensor }) => tensors[tensor])) ?? [tensors]
    this.#program = this.#names.map((names) => this.#names.findIndex((others) => others.join() === names.join()))
    const sizes =
      miniBatch === 1
        ? [Math.min(samples, atOnce), samples % atOnce].filter((size) => size > 0)
        : [chunkOf(miniBatch, atOnce)]
    for (const group of new Set(this.#program))
      for (const size of sizes)
        this.programs[`${program}/${group}/${size}`] = (forward, model) =>
          this.#build(forward, size, this.#names[group], model.oneByOne)
  }

  /** Names of the tensors. */
  get tensors(): readonly string[] {
    return this.#options.tensors
  }

  /** How many training samples {@link collect} takes. */
  get count(): number {
    return this.#options.samples * this.#options.miniBatch
  }

  /** How many groups of parts are collected one after another. */
  get groups(): number {
    return this.#names.length
  }

  /** `oneByOne`: samples do not come as a batch, so that a single one is told from others by being alone. */
  #build(forward: Forward, size: number, names: readonly string[], oneByOne = false): Graph {
    const { graph: pass, losses: own, sampled } = forward(size)
    const losses = this.#options.descends ? own : sampled()
    const wrt = prunableParameters(pass).filter(({ name }) => names.includes(name))
    if (this.#options.miniBatch > 1 || (oneByOne && size === 1)) {
      const { graph, gradients } = differentiate(pass, reduceMean(pass, losses, [0], 0), wrt)
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

  /**
   * Floats of a workspace that {@link collect} needs, whatever the group, and for systems of order N; of that
   * of the weights that are left where these are fewer.
   */
  room(network: Network, left?: number): number {
    const { samples } = this.#options
    const columns = this.#names.map((_, group) =>
      this.#parts(network, group).reduce((sum, { tensor, size }) => {
        const factors = this.#factors.get(this.tensors[tensor])
        return sum + samples * (factors ? factors[0] + factors[1] : size) + 2
      }, 0),
    )
    const scratch = Math.max(0, ...[...this.#factors.values()].map((factors) => rankOneRoom(factors, samples)))
    return Math.max(...columns) + solverRoom(samples, left) + scratch
  }

  /**
   * The gradients of a group (default: the first) at the present weights: what the cache holds, or else by
   * running over the given training samples (samples x miniBatch of them). They lie in `space`, by default a
   * new one, from where it is used so far.
   */
  collect(
    network: Network,
    indices: Uint32Array,
    progress: (done: number, total: number) => void = () => {},
    group = 0,
    space = new Workspace(network.machine, this.room(network)),
  ): Gradients {
    const { samples, miniBatch, cache } = this.#options
    if (indices.length !== samples * miniBatch)
      throw new Error(`expected ${samples * miniBatch} training samples, found ${indices.length}`)
    const parts = this.#parts(network, group)
    const columns = parts.map((part) => this.#columns(network, space, part))
    const key = cache?.keyOf(network, { tensors: columns.map(({ name }) => name), indices, miniBatch })
    const floats = columns.flatMap((some) => some.floats())
    if (key && cache?.restore(key, floats)) progress(samples, samples)
    else {
      this.#fill(network, indices, group, columns, progress)
      if (key) cache?.save(key, floats)
    }
    return {
      space,
      samples,
      parts,
      tensors: columns.map(({ columns: some }) => some),
      ...(key && cache && { cached: { key, cache } }),
    }
  }

  /** Whole tensors where no groups were asked for. */
  #parts(network: Network, group: number): readonly Part[] {
    const whole = (name: string, tensor: number) => ({ tensor, first: 0, size: network.values(name).length })
    return this.#options.groups?.[group] ?? this.tensors.map(whole)
  }

  #columns(network: Network, space: Workspace, { tensor, first, size }: Part): Columns {
    const { samples } = this.#options
    const name = this.tensors[tensor]
    const factors = this.#factors.get(name)
    const whole = network.values(name).length
    if (factors) {
      if (size !== whole) throw new Error(`the gradients of ${name} are rank one: they are collected as a whole`)
      const columns = RankOneColumns.allocate(space, name, factors, samples)
      const put = (at: number, count: number, raw: Raw) => columns.put(at, count, raw('left'), raw('right'))
      return { name, columns, put, floats: () => columns.floats() }
    }
    const label = size === whole ? name : `${name}[${first}..${first + size - 1}]`
    const columns = new StoredColumns(space, label, size, samples)
    const put = (at: number, count: number, raw: Raw) =>
      columns.put(at, count, raw('values').subarray(first * count, (first + size) * count))
    return { name: label, columns, put, floats: () => columns.floats() }
  }

  #fill(
    network: Network,
    indices: Uint32Array,
    group: number,
    columns: readonly Columns[],
    progress: (done: number, total: number) => void,
  ): void {
    const { samples, miniBatch, atOnce } = this.#options
    const names = this.#names[group]
    /** Runs over some training samples; what comes out is `raw(tensor, what)`. */
    const run = (some: Uint32Array) => {
      const program = `${this.#options.program}/${this.#program[group]}/${some.length}`
      network.executable.write(program, 'index', some)
      network.executable.run(program)
      return (i: number, what: string) => network.executable.raw(program, `${names[i]}/${what}`) as Float32Array
    }
    if (miniBatch === 1) {
      for (let first = 0; first < samples; first += atOnce) {
        const some = indices.subarray(first, first + atOnce)
        const raw = run(some)
        columns.forEach((one, i) => void one.put(first, some.length, (what) => raw(i, what)))
        progress(first + some.length, samples)
      }
      return
    }
    const chunk = chunkOf(miniBatch, atOnce)
    const means = names.map((name) => new Float32Array(network.values(name).length))
    for (let i = 0; i < samples; i++) {
      for (const mean of means) mean.fill(0)
      for (let at = i * miniBatch; at < (i + 1) * miniBatch; at += chunk) {
        const raw = run(indices.subarray(at, at + chunk))
        means.forEach((mean, t) => {
          const values = raw(t, 'values')
          for (let q = 0; q < mean.length; q++) mean[q] += (values[q] * chunk) / miniBatch
        })
      }
      columns.forEach((one, t) => void one.put(i, 1, () => means[t]))
      progress(i + 1, samples)
    }
  }
}

/** An output of a program by what it is: `values`, or the factors `left` and `right`. */
type Raw = (what: string) => Float32Array

/**
 * Columns of a part, and how outputs of a run over `count` samples, those from `first` on, come into them.
 */
interface Columns {
  /** Of the tensor, with its range where it is not whole. */
  name: string
  columns: GramColumns
  put(first: number, count: number, raw: Raw): void
  /** All that is stored, live, to be saved or restored. */
  floats(): Float32Array[]
}
