/**
 * @file Re-estimates the statistics of batch normalizations, which no longer fit where weights were pruned
 * without training after it.
 *
 * Training images pass through the network as in training, every batch normalized with its own statistics.
 * Mean and variance of each layer's inputs over all of the images replace the running ones: from means m_b
 * and biased variances v_b of batches of n_b values, n in all,
 *
 *     m = sum n_b m_b / n,   v = (sum n_b (v_b + m_b^2) / n - m^2) n / (n - 1),
 *
 * so that, unlike with a momentum, nothing of the old values stays and no batch counts more than another.
 * Weights do not change.
 */
import { Graph } from '../graph/graph.ts'
import { BatchNormTrain, RunningAverage } from '../graph/operators/norm.ts'
import { sizeOf, type Tensor } from '../graph/tensor.ts'
import { graphOf, type Model } from '../models/model.ts'
import type { Network } from './network.ts'
import type { Forward } from './options.ts'

/** How many images are normalized together at most. */
export const MOST_TOGETHER = 128

/**
 * A batch normalization: the names of its buffers [C], and how many values per channel an image has there.
 */
interface Layer {
  mean: string
  variance: string
  positions: number
}

/** Whether a model has batch normalizations. */
export function hasBatchNorm(model: Model): boolean {
  return graphOf(model, true).nodes.some(({ operator }) => operator === BatchNormTrain)
}

/**
 * Refreshes the statistics of a network. It is made before the network, whose option `programs` takes its
 * programs.
 */
export class BatchNormRefresh {
  readonly programs: Record<string, (forward: Forward) => Graph> = {}
  readonly #sizes: readonly number[]
  readonly #name: string
  /** The batch normalizations, which are known once the network is made. */
  #layers?: readonly Layer[]

  /**
   * Takes the number of training images, at least 2; they are cut into batches of nearly equal size, at most
   * `atOnce`. `name` is what its programs are called, and has to be unique among those of a network.
   */
  constructor(images: number, { name = 'statistics', atOnce = MOST_TOGETHER } = {}) {
    this.#name = name
    const batches = Math.ceil(images / atOnce)
    this.#sizes = Array.from({ length: batches }, (_, b) => Math.floor((images + b) / batches))
    for (const size of this.#sizes) this.programs[`${name}/${size}`] = (forward) => this.#build(forward, size)
  }

  /** How many batch normalizations the network has, once it is made. */
  get layers(): number {
    return this.#layers?.length ?? 0
  }

  /**
   * Replaces the running statistics by those of the given training images, as many as the constructor said,
   * with the present weights.
   */
  run(network: Network, images: Uint32Array, progress: (done: number, total: number) => void = () => {}): void {
    const expected = this.#sizes.reduce((sum, size) => sum + size, 0)
    if (images.length !== expected) throw new Error(`expected ${expected} training images, found ${images.length}`)
    const layers = this.#layers
    if (!layers) throw new Error('the network was made without the programs of this refresh')
    const sums = layers.map(({ mean }) => {
      const channels = network.values(mean).length
      return { first: new Float64Array(channels), second: new Float64Array(channels) }
    })
    let done = 0
    for (const size of this.#sizes) {
      const program = `${this.#name}/${size}`
      network.executable.write(program, 'index', images.subarray(done, done + size))
      network.executable.run(program)
      layers.forEach((layer, l) => {
        const { first, second } = sums[l]
        const means = network.executable.raw(program, layer.mean)
        const variances = network.executable.raw(program, layer.variance)
        for (let c = 0; c < first.length; c++) {
          first[c] += (size / images.length) * means[c]
          second[c] += (size / images.length) * (variances[c] + means[c] ** 2)
        }
      })
      done += size
      progress(done, images.length)
    }
    layers.forEach(({ mean, variance, positions }, l) => {
      const { first, second } = sums[l]
      const n = images.length * positions
      network.values(mean).set(first)
      network.values(variance).set(second.map((square, c) => (Math.max(0, square - first[c] ** 2) * n) / (n - 1)))
    })
  }

  /** The forward pass of training, with the statistics of the batch as outputs in place of updates. */
  #build(forward: Forward, size: number): Graph {
    const graph = new Graph(forward(size, true).graph)
    graph.outputs.clear()
    const updates = graph.nodes.filter(({ operator }) => operator === RunningAverage)
    const rest = graph.nodes.filter(({ operator }) => operator !== RunningAverage)
    graph.nodes.splice(0, graph.nodes.length, ...rest)
    const readable = (statistic: Tensor): string => {
      const [buffer] = updates.find(({ inputs }) => inputs[1] === statistic)!.inputs
      graph.output(buffer.name, statistic)
      return buffer.name
    }
    this.#layers = rest
      .filter(({ operator }) => operator === BatchNormTrain)
      .map(({ inputs: [x], outputs: [, mean, variance] }) => ({
        mean: readable(mean),
        variance: readable(variance),
        positions: sizeOf(x.shape) / (x.shape[0] * x.shape[1]),
      }))
    return graph
  }
}
