/**
 * @file How far an output is from that of another model, sample after sample, without keeping either: the
 * distances of distance.ts from probabilities, as a file gives them.
 */
import { UserError } from '../util/errors.ts'
import type { OutputDistance } from './distance.ts'
import type { MetricArray } from './metric.ts'
import type { RuntimeOutput } from './runtime-model.ts'

/** The least probability whose logarithm is taken. */
const LEAST = 2 ** -149

export class OutputApart {
  readonly name: string
  readonly #closing: RuntimeOutput['closing']
  /** What messages call the model. */
  readonly #model: string
  /** Sums over elements: of squared differences, and of dense values less the first of them. */
  #squares = 0
  #first?: number
  #sum = 0
  #sumOfSquares = 0
  #elements = 0
  /** The sum over samples of mean divergences. */
  #divergence = 0

  constructor({ name, closing }: RuntimeOutput, model: { name: string; outputs?: unknown }) {
    this.name = name
    // One score of a classifier is a probability; any other sigmoid gives numbers like others.
    this.#closing = closing === 'sigmoid' && model.outputs !== undefined ? undefined : closing
    this.#model = model.name
  }

  /** Adds samples, [n, ...] each; `at` is the first of them. Throws UserError where their shapes differ. */
  add(found: MetricArray, dense: MetricArray, at: number): void {
    if (String(found.shape) !== String(dense.shape))
      throw new UserError(
        `${this.#model}: its output ${this.name} of test sample ${at} is [${found.shape.slice(1)}], and [${dense.shape.slice(1)}] of the dense model: expected one shape, or another output with --only-output`,
      )
    const { values, shape } = found
    if (this.#closing === undefined) this.#addSquares(values, dense.values)
    else {
      const classes = shape[shape.length - 1]
      this.#divergence += (shape[0] * classes * divergences(values, dense.values, this.#closing)) / values.length
    }
  }

  result(count: number): OutputDistance {
    if (this.#closing !== undefined) return { name: this.name, distance: this.#divergence / count, unit: 'nats' }
    const mean = this.#sum / this.#elements
    const variance = this.#sumOfSquares / this.#elements - mean ** 2
    const level = (this.#first ?? 0) + mean
    // Rounding leaves a little variance of what is the same everywhere (distanceWeights).
    const spread = variance > 1e-12 * level ** 2 ? variance : level ** 2 || 1
    return { name: this.name, distance: this.#squares / this.#elements / spread, unit: 'variance' }
  }

  #addSquares(values: ArrayLike<number>, dense: ArrayLike<number>): void {
    this.#first ??= dense[0]
    for (let i = 0; i < values.length; i++) {
      const own = dense[i] - this.#first
      this.#squares += (values[i] - dense[i]) ** 2
      this.#sum += own
      this.#sumOfSquares += own ** 2
    }
    this.#elements += values.length
  }
}

/** The sum of p (log p - log q), p of the dense model; of a sigmoid over both of its classes. */
function divergences(found: ArrayLike<number>, dense: ArrayLike<number>, closing: RuntimeOutput['closing']): number {
  const log = (share: number) => Math.log(Math.max(share, LEAST))
  const of = (p: number, q: number) => (p === 0 ? 0 : p * (log(p) - log(q)))
  let sum = 0
  for (let i = 0; i < found.length; i++) {
    const [p, q] = [dense[i], found[i]]
    if (closing === 'log-softmax') sum += Math.exp(p) * (p - q)
    else sum += of(p, q) + (closing === 'sigmoid' ? of(1 - p, 1 - q) : 0)
  }
  return sum
}
