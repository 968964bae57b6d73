/**
 * @file The K-step reconstruction loss of one layer on some images, as a function of the weights that it
 * keeps: graphs compiled for this layer alone, which are gone with it. What lies before the layer is computed
 * once and kept; batches are added up in float64.
 */
import type { Samples } from '../../data/dataset.ts'
import { compile, type Executable } from '../../engine/compile.ts'
import { layOut } from '../../engine/lay-out.ts'
import type { Floats, Machine } from '../../engine/machine.ts'
import type { Graph } from '../../graph/graph.ts'
import { sizeOf } from '../../graph/tensor.ts'
import { writeSamples } from '../../train/write-samples.ts'
import { UserError } from '../../util/errors.ts'
import { grouped } from '../../util/format.ts'
import type { Evaluation, Objective } from './newton-cg.ts'
import { DIRECTION, denseName, type HorizonGraphs, horizonGraphs } from './snows-horizon.ts'
import type { Calibrated } from './walk.ts'

/** The network that is pruned, whose `values` are those at present, and the dense one of the same model. */
export interface PrunedNetwork extends Calibrated {
  machine: Machine
  /** Parameters and buffers of the dense network. */
  denseValues(name: string): Floats
}

export interface LayerOptions {
  /** K: how many activations are compared, counted from the layer's own outputs. */
  horizon: number
  /** [count, C, H, W], bytes or floats as the data are. */
  images: Samples['images']
  /** Products with the Hessian take so many images, other ones at every step; rounded up to batches. */
  curvature: number
  /** Floats that may be kept of what lies before the layer. Default 2^29, 2 GiB. */
  memory?: number
}

/** The most images per run, and the most floats that a program or what is kept between runs may take. */
const BATCH = 32
const PROGRAM = 2 ** 28
const KEPT = 2 ** 29

/** Images that run together, and what lies before the layer for them, as the programs hold it. */
interface Batch {
  size: number
  frontier: Map<string, Floats>
}

/** The objective of the weights at `kept` places of a layer; all others are 0. */
export class LayerReconstruction implements Objective {
  /** How many activations are compared. */
  readonly steps: number
  readonly #executable: Executable
  readonly #batches: Batch[] = []
  readonly #weight: string
  readonly #kept: Uint32Array
  readonly #count: number
  readonly #curvature: number
  readonly #frontier: HorizonGraphs['frontier']

  /** Throws UserError where what has to be kept of so many images does not fit into memory. */
  constructor(network: PrunedNetwork, weight: string, kept: Uint32Array, options: LayerOptions) {
    const { horizon, images, curvature, memory = KEPT } = options
    this.#weight = weight
    this.#kept = kept
    this.#curvature = curvature
    this.#count = images.length / sizeOf(network.data.image)
    const { graphs, batch, first } = this.#graphs(network, horizon)
    this.steps = first.steps
    this.#frontier = first.frontier
    const most = Math.floor(memory / first.frontierSize)
    if (this.#count > most)
      throw new UserError(
        `samples: what lies before ${weight} takes ${grouped(4 * first.frontierSize)} bytes for an image, expected at most ${grouped(most)} images, found ${grouped(this.#count)}`,
      )
    this.#executable = compile(network.machine, graphs)
    writeSamples(this.#executable, 'calibration.images', images)
    for (const { name } of network.stored) {
      if (this.#executable.has(name)) this.#executable.view(name).set(network.values(name))
      if (this.#executable.has(denseName(name))) this.#executable.view(denseName(name)).set(network.denseValues(name))
    }
    this.#keepFrontier(batch)
  }

  /** The weights at the kept places. */
  kept(values: Floats): Float64Array {
    return Float64Array.from(this.#kept, (place) => values[place])
  }

  evaluate(at: Float64Array): Evaluation {
    this.#place(this.#weight, at)
    const gradient = new Float64Array(at.length)
    let loss = 0
    for (const { size, frontier } of this.#batches) {
      const program = `gradient ${size}`
      this.#run(program, frontier)
      for (const one of this.#executable.raw(program, 'losses')) loss += one
      this.#add(gradient, program, 'gradient')
    }
    return { loss: loss / this.#count, gradient: gradient.map((g) => g / this.#count) }
  }

  hessian(at: Float64Array, step: number): (v: Float64Array) => Float64Array {
    const number = Math.min(this.#batches.length, Math.ceil(this.#curvature / this.#batches[0].size))
    const some = Array.from({ length: number }, (_, i) => this.#batches[(step * number + i) % this.#batches.length])
    const images = some.reduce((sum, { size }) => sum + size, 0)
    return (v) => {
      this.#place(this.#weight, at)
      // A direction of a size near 1 keeps small products out of the denormal numbers.
      const scale = v.reduce((most, x) => Math.max(most, Math.abs(x)), 0) || 1
      this.#place(
        DIRECTION,
        v.map((x) => x / scale),
      )
      const product = new Float64Array(v.length)
      for (const { size, frontier } of some) {
        this.#run(`product ${size}`, frontier)
        this.#add(product, `product ${size}`, 'product')
      }
      return product.map((p) => (p * scale) / images)
    }
  }

  /** Graphs by the names of programs, for as many images at once as fit into memory. */
  #graphs(network: PrunedNetwork, horizon: number) {
    for (let batch = Math.min(this.#count, BATCH); ; batch = Math.ceil(batch / 2)) {
      const sizes = [...new Set([batch, this.#count % batch])].filter((size) => size > 0)
      const graphs: Record<string, Graph> = {}
      const built = sizes.map((size) => {
        const found = horizonGraphs(network, this.#weight, horizon, this.#count, size)
        for (const kind of ['prefix', 'gradient', 'product'] as const) graphs[`${kind} ${size}`] = found[kind]
        return found
      })
      if (batch === 1 || layOut(graphs).memory.temporary <= PROGRAM) return { graphs, batch, first: built[0] }
    }
  }

  #keepFrontier(most: number): void {
    for (let at = 0; at < this.#count; at += most) {
      const index = Uint32Array.from({ length: Math.min(most, this.#count - at) }, (_, i) => at + i)
      const program = `prefix ${index.length}`
      this.#executable.write(program, 'index', index)
      this.#executable.run(program)
      const frontier = new Map(this.#frontier.map((name) => [name, this.#executable.raw(program, name).slice()]))
      this.#batches.push({ size: index.length, frontier })
    }
  }

  #run(program: string, frontier: ReadonlyMap<string, Floats>): void {
    for (const [name, values] of frontier) this.#executable.writeRaw(program, name, values)
    this.#executable.run(program)
  }

  /** Puts values at the kept places of a tensor of the weight's shape, and zeros elsewhere. */
  #place(tensor: string, values: Float64Array): void {
    const view = this.#executable.view(tensor)
    view.fill(0)
    this.#kept.forEach((place, i) => {
      view[place] = values[i]
    })
  }

  #add(sum: Float64Array, program: string, output: string): void {
    const values = this.#executable.raw(program, output)
    this.#kept.forEach((place, i) => {
      sum[i] += values[place]
    })
  }
}
