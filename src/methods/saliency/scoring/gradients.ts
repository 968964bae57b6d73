/**
 * @file The mean gradient of the loss, and the mean square of the gradients of mini-batches. Mini-batches of
 * one sample go through the network many at a time: one backward pass gives the sum of their gradients and,
 * by a kernel that keeps samples apart, the sum of the squares. Larger ones go through in parts whose
 * gradients are added before they are squared. Sums over runs are in float64.
 */
import { differentiate } from '../../../graph/differentiate.ts'
import type { Graph } from '../../../graph/graph.ts'
import { reduceSum } from '../../../graph/operators/shape.ts'
import { perSampleSquares } from '../../../graph/per-sample.ts'
import type { Tensor } from '../../../graph/tensor.ts'
import type { Network } from '../../../train/network.ts'
import type { Forward } from '../../../train/options.ts'
import type { Random } from '../../../util/random.ts'
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

export interface GradientWishes {
  /** Whether the mean gradient is measured. Default true. */
  gradient?: boolean
  /** Whether squares are measured, too. Default false. */
  squares?: boolean
  /** Whether gradients are with respect to all parameters, not to prunable weights alone. Default false. */
  all?: boolean
}

export class LossGradients implements Measurement {
  readonly programs: Programs
  readonly runs: number
  readonly gradients: number
  readonly #settings: LossSettings
  readonly #wishes: GradientWishes
  /** Samples per run of each mini-batch; of mini-batches of one sample, per run of many of them. */
  readonly #batches: readonly (readonly number[])[]

  constructor(settings: LossSettings, wishes: GradientWishes = {}) {
    this.#settings = settings
    this.#wishes = wishes
    const { samples, miniBatch, batchNorm, atOnce = MOST_AT_ONCE } = settings
    this.#batches =
      miniBatch === 1
        ? cut(samples, atOnce).map((size) => [size])
        : miniBatches(settings).map((size) => (batchNorm === 'train' ? [size] : cut(size, atOnce)))
    const sizes = this.#batches.flat()
    this.runs = sizes.length
    this.gradients = samples
    this.programs = programsFor(this.#kind, settings, sizes, (forward, size) => this.#build(forward, size))
  }

  /** Whether squares come from the program, sample by sample; a sample that is alone is squared here. */
  get #perSample(): boolean {
    const { miniBatch, atOnce } = this.#settings
    return this.#wishes.squares === true && miniBatch === 1 && atOnce !== 1
  }

  /** Whether sums over samples come from the program: where they are wished for, or squared here. */
  get #sums(): boolean {
    return this.#wishes.gradient !== false || !this.#perSample
  }

  get #kind(): string {
    const { all } = this.#wishes
    const kinds = this.#perSample ? (this.#sums ? 'gradients and squares' : 'squares') : 'gradients'
    return `${kinds}${all ? ' of all' : ''}`
  }

  #build(forward: Forward, size: number): Graph {
    const { graph: pass, losses } = sampleLosses(forward, size, this.#settings)
    const wrt = tensorsOf(pass, this.#settings.prunable, this.#wishes.all)
    const { graph, sums, squares } = this.#perSample ? withSquares(pass, losses, wrt) : plain(pass, losses, wrt)
    wrt.forEach(({ name }, i) => {
      if (this.#sums) graph.output(`${name}/sum`, sums[i])
      if (squares) graph.output(`${name}/squares`, squares[i])
    })
    return graph
  }

  measure(network: Network, samples: Uint32Array, _draw: (name: string) => Random, ran: () => void): Results {
    const tensors = this.#wishes.all ? network.parameters : network.prunable
    const sizes = tensors.map(({ name }) => ({ name, size: network.values(name).length }))
    const zeros = (): ByTensor => new Map(sizes.map(({ name, size }) => [name, new Float64Array(size)]))
    const gradient = this.#wishes.gradient === false ? undefined : zeros()
    const squares = this.#wishes.squares ? zeros() : undefined
    const ofBatch = squares && !this.#perSample ? zeros() : undefined
    let at = 0
    for (const batch of this.#batches) {
      const first = at
      for (const size of batch) {
        const program = programName(this.#kind, this.#settings, size)
        network.executable.write(program, 'index', samples.subarray(at, at + size))
        network.executable.run(program)
        at += size
        for (const { name } of sizes) {
          const read = (what: string) => network.executable.raw(program, `${name}/${what}`)
          if (gradient) addTo(gradient.get(name)!, read('sum'), 1 / samples.length)
          if (ofBatch) addTo(ofBatch.get(name)!, read('sum'), 1)
          else if (squares) addTo(squares.get(name)!, read('squares'), 1 / samples.length)
        }
        ran()
      }
      if (!squares || !ofBatch) continue
      // The square of the mean, (sum / n)^2, counts n / N.
      const share = 1 / ((at - first) * samples.length)
      for (const [name, sum] of ofBatch) {
        const total = squares.get(name)!
        for (let i = 0; i < sum.length; i++) total[i] += share * sum[i] ** 2
        sum.fill(0)
      }
    }
    return { gradient, squares }
  }
}

type Derived = { graph: Graph; sums: readonly Tensor[]; squares?: readonly Tensor[] }

function plain(pass: Graph, losses: Tensor, wrt: readonly Tensor[]): Derived {
  const { graph, gradients } = differentiate(pass, reduceSum(pass, losses, [0], 0), wrt)
  return { graph, sums: gradients }
}

function withSquares(pass: Graph, losses: Tensor, wrt: readonly Tensor[]): Derived {
  const { graph, sums, results } = perSampleSquares(pass, losses, wrt)
  return { graph, sums, squares: results }
}

/** total += scale x. */
export function addTo(total: Float64Array, x: ArrayLike<number>, scale: number): void {
  for (let i = 0; i < total.length; i++) total[i] += scale * x[i]
}
