/** @file Mean and spread of the outputs of a network's layers over some training images, by channel. */
import { channelsOf } from '../graph/channel-axes.ts'
import { weightOf } from '../graph/channels.ts'
import { Graph } from '../graph/graph.ts'
import type { Node } from '../graph/operator.ts'
import { mul } from '../graph/operators/elementwise.ts'
import { reduceMean } from '../graph/operators/mean.ts'
import type { Model } from '../models/model.ts'
import { batchTaken } from '../train/batch-limit.ts'
import type { Network } from '../train/network.ts'
import type { Forward } from '../train/options.ts'
import { type LayerMatrix, layerMatrix } from './layerwise/layer.ts'

/** How many images run at once at most. */
const MOST = 100

/** A layer whose weight no other layer shares, and the name of its bias, where it has one. */
export interface OutputLayer {
  matrix: LayerMatrix
  bias?: string
}

/** Of a layer's outputs, one value per channel: those of a sample and position, with the bias. */
export interface Moments {
  mean: Float64Array
  deviation: Float64Array
}

/**
 * Make it before the network, whose option `programs` takes its programs; then measure as often as the
 * weights change.
 */
export class OutputMoments {
  readonly programs: Record<string, (forward: Forward, model: Model) => Graph> = {}
  readonly #names: readonly string[]
  readonly #images: number
  readonly #atOnce: number
  #layers: readonly OutputLayer[] = []

  /** Measures the layers of the named tensors of a model on so many training images. */
  constructor(names: readonly string[], images: number, model: Model) {
    this.#names = names
    this.#images = images
    this.#atOnce = batchTaken(model, Math.min(images, MOST))
    for (const size of [this.#atOnce, images % this.#atOnce])
      if (size > 0) this.programs[`output moments/${size}`] = (forward) => this.#build(forward, size)
  }

  /** The layers from the input on, once the network is made. */
  get layers(): readonly OutputLayer[] {
    return this.#layers
  }

  /** The moments of every layer over training images by their indices; on dense kernels only. */
  measure(network: Network, images: Uint32Array): Moments[] {
    if (images.length !== this.#images) throw new Error(`expected ${this.#images} images, found ${images.length}`)
    const sums = this.#layers.map(({ matrix: { rows } }) => [new Float64Array(rows), new Float64Array(rows)])
    for (let first = 0; first < images.length; first += this.#atOnce) {
      const some = images.subarray(first, first + this.#atOnce)
      const program = `output moments/${some.length}`
      network.executable.write(program, 'index', some)
      network.executable.run(program)
      this.#layers.forEach(({ matrix: { name } }, l) => {
        for (const [i, what] of ['mean', 'square'].entries()) {
          const values = network.executable.raw(program, `${name}/${what}`)
          for (let c = 0; c < values.length; c++) sums[l][i][c] += (some.length / images.length) * values[c]
        }
      })
    }
    return sums.map(([mean, square]) => ({
      mean,
      deviation: square.map((x, c) => Math.sqrt(Math.max(0, x - mean[c] ** 2))),
    }))
  }

  #build(forward: Forward, size: number): Graph {
    const { graph: pass } = forward(size)
    const graph = new Graph(pass)
    graph.outputs.clear()
    const weighted = pass.nodes.flatMap((node) => {
      const weight = weightOf(node)
      return weight && node.operator.weight !== undefined ? [{ node, weight }] : []
    })
    const single = weighted.filter(
      ({ weight }) => this.#names.includes(weight.name) && weighted.filter((one) => one.weight === weight).length === 1,
    )
    // Of sparse kernels, which are built later, the weights are not these.
    if (this.#layers.length === 0)
      this.#layers = single.map(({ node }) => ({ matrix: layerMatrix(node), bias: biasOf(node) }))
    for (const { node, weight } of single) {
      const [y] = node.outputs
      const axes = y.shape.map((_, axis) => axis).filter((axis) => axis !== 1)
      if (channelsOf(y) !== y.shape[1]) throw new Error(`${weight.name}: expected channels on the second axis`)
      graph.output(`${weight.name}/mean`, reduceMean(graph, y, axes, 0))
      graph.output(`${weight.name}/square`, reduceMean(graph, mul(graph, y, y), axes, 0))
    }
    return graph
  }
}

function biasOf({ operator, inputs }: Node): string | undefined {
  const bias = inputs[operator.weight! + 1]
  return bias?.role === 'parameter' ? bias.name : undefined
}
