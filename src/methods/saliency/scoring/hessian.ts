/**
 * @file Products of the loss's Hessian with a vector, exact: the gradient, by the graph of a backward pass,
 * of the inner product of the gradient with that vector (Pearlmutter 1994). With the gradient for the vector
 * that is what GraSP asks for; with random signs it estimates the diagonal (Hutchinson 1990).
 */
import { differentiate } from '../../../graph/differentiate.ts'
import type { Graph } from '../../../graph/graph.ts'
import { add, mul } from '../../../graph/operators/elementwise.ts'
import { reduceSum } from '../../../graph/operators/shape.ts'
import type { Tensor } from '../../../graph/tensor.ts'
import type { Network } from '../../../train/network.ts'
import type { Forward } from '../../../train/options.ts'
import type { Random } from '../../../util/random.ts'
import { addTo, LossGradients } from './gradients.ts'
import {
  type ByTensor,
  cut,
  type LossSettings,
  type Measurement,
  MOST_AT_ONCE,
  miniBatches,
  type Programs,
  programName,
  programsFor,
  type Results,
  sampleLosses,
  tensorsOf,
} from './measurement.ts'

/** The most samples per run: a backward pass through a backward pass takes the room of two. */
const mostOf = ({ atOnce = MOST_AT_ONCE }: LossSettings): number => Math.max(1, Math.floor(atOnce / 2))

/** The state that holds the vector, by tensor. */
const directionName = (tensor: string) => `${tensor}.direction`

/**
 * Programs that multiply the Hessian of the summed loss of some samples with a vector over prunable weights,
 * or over all parameters.
 */
class HessianProducts {
  readonly programs: Programs
  readonly sizes: readonly number[]
  readonly #settings: LossSettings
  readonly #all: boolean

  constructor(settings: LossSettings, all: boolean) {
    const { samples, batchNorm } = settings
    this.#all = all
    this.#settings = settings
    // Mini-batches matter only to those who see the batch's statistics.
    this.sizes = batchNorm === 'train' ? miniBatches(settings) : cut(samples, mostOf(settings))
    this.programs = programsFor(this.#kind, settings, this.sizes, (forward, size) => this.#build(forward, size))
  }

  get #kind(): string {
    return this.#all ? 'Hessian of all' : 'Hessian'
  }

  #build(forward: Forward, size: number): Graph {
    const { graph: pass, losses } = sampleLosses(forward, size, this.#settings, 'curvature')
    const along = tensorsOf(pass, this.#settings.prunable, this.#all)
    const { graph: first, gradients } = differentiate(pass, reduceSum(pass, losses, [0], 0), along)
    const product = gradients
      .map((gradient, i) => inner(first, gradient, first.state(directionName(along[i].name), along[i].shape)))
      .reduce((a, b) => add(first, a, b))
    const scored = tensorsOf(pass, this.#settings.prunable)
    const { graph, gradients: products } = differentiate(first, product, scored)
    scored.forEach(({ name }, i) => {
      graph.output(name, products[i])
    })
    return graph
  }

  /** The vector's part at a tensor: a live view. */
  direction(network: Network, tensor: string) {
    return network.executable.view(directionName(tensor))
  }

  /** Runs over some samples; the result is by prunable tensor. */
  run(network: Network, samples: Uint32Array): (tensor: string) => ArrayLike<number> {
    const program = programName(this.#kind, this.#settings, samples.length)
    network.executable.write(program, 'index', samples)
    network.executable.run(program)
    return (tensor) => network.executable.raw(program, tensor)
  }
}

/** H g: the gradient of the mean loss first, then the Hessian times it, over the same samples. */
export class HessianGradient implements Measurement {
  readonly programs: Programs
  readonly runs: number
  readonly gradients: number
  readonly #gradients: LossGradients
  readonly #products: HessianProducts
  readonly #all: boolean

  /** `all`: g over all parameters, and the inner product, too. */
  constructor(settings: LossSettings, all: boolean) {
    this.#all = all
    this.#gradients = new LossGradients(settings, { all })
    this.#products = new HessianProducts(settings, all)
    this.programs = { ...this.#gradients.programs, ...this.#products.programs }
    this.runs = this.#gradients.runs + this.#products.sizes.length
    this.gradients = this.#gradients.gradients + settings.samples
  }

  measure(network: Network, samples: Uint32Array, draw: (name: string) => Random, ran: () => void): Results {
    const gradient = this.#gradients.measure(network, samples, draw, ran).gradient!
    let largest = 0
    for (const values of gradient.values()) for (const g of values) largest = Math.max(largest, Math.abs(g))
    // A gradient of a size near 1 keeps small products out of the denormal numbers.
    const scale = largest > 0 ? largest : 1
    for (const [name, values] of gradient) this.#products.direction(network, name).set(values.map((g) => g / scale))
    const sums = zerosOf(network)
    eachRun(this.#products.sizes, samples, (some) => {
      const result = this.#products.run(network, some)
      for (const [name, sum] of sums) addTo(sum, result(name), scale / samples.length)
      ran()
    })
    return this.#all ? { hessianGradientOfAll: sums } : { hessianGradient: sums }
  }
}

/**
 * The mean of z (H z) over vectors z of random signs; each run has its own, so that their number grows with
 * that of the samples.
 */
export class HessianDiagonal implements Measurement {
  readonly programs: Programs
  readonly runs: number
  readonly gradients: number
  readonly #probes: number
  readonly #products: HessianProducts

  /** `probes`: vectors z per run. */
  constructor(settings: LossSettings, probes: number) {
    this.#probes = probes
    this.#products = new HessianProducts(settings, false)
    this.programs = this.#products.programs
    this.runs = this.#products.sizes.length * probes
    this.gradients = settings.samples * probes
  }

  measure(network: Network, samples: Uint32Array, draw: (name: string) => Random, ran: () => void): Results {
    const stream = draw('probes')
    const sums = zerosOf(network)
    const share = 1 / (samples.length * this.#probes)
    eachRun(this.#products.sizes, samples, (some) => {
      for (let probe = 0; probe < this.#probes; probe++) {
        for (const name of sums.keys()) fillWithSigns(this.#products.direction(network, name), stream)
        const result = this.#products.run(network, some)
        for (const [name, sum] of sums) {
          const signs = this.#products.direction(network, name)
          const product = result(name)
          for (let i = 0; i < sum.length; i++) sum[i] += share * signs[i] * product[i]
        }
        ran()
      }
    })
    return { hessianDiagonal: sums }
  }
}

const zerosOf = (network: Network): ByTensor =>
  new Map(network.prunable.map(({ name }) => [name, new Float64Array(network.values(name).length)]))

function eachRun(sizes: readonly number[], samples: Uint32Array, run: (some: Uint32Array) => void): void {
  let at = 0
  for (const size of sizes) run(samples.subarray(at, (at += size)))
}

/** The sum of the products of two tensors' elements, a scalar. */
function inner(graph: Graph, a: Tensor, b: Tensor): Tensor {
  return reduceSum(
    graph,
    mul(graph, a, b),
    a.shape.map((_, axis) => axis),
    0,
  )
}

/** 1 or -1, each with probability 1/2; 32 of them from one draw. */
function fillWithSigns(values: { length: number; [index: number]: number }, stream: Random): void {
  for (let i = 0, bits = 0; i < values.length; i++, bits >>>= 1) {
    if (i % 32 === 0) bits = stream.bits()
    values[i] = bits & 1 ? 1 : -1
  }
}
