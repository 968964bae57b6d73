/**
 * @file CHITA (Benbaki et al. 2023): pruning as sparse regression on the per-sample gradients A (N x n) at the weights w0,
 *
 *   minimize Q(w) = |A (w - w0) + g 1|^2 / 2 + N lambda |w - w0|^2 / 2   subject to |w|_0 <= k,
 *
 * which is N times the quadratic model of the loss with the empirical Fisher matrix, its first-order term scaled by g. Iterative hard thresholding finds
 * the support; {@link systematicUpdate} solves for the weights on it. No n x n matrix.
 */
import { dot, type Vector } from '../../linear/vector.ts'
import { selectTop } from '../../select/top.ts'
import type { FisherBlock } from './columns.ts'

export interface ChitaOptions {
  /** Weights to keep, over all tensors. */
  keep: number
  /** Damping. */
  lambda: number
  /** g, the scale of the first-order term. Default 1; 0 leaves it out. */
  firstOrder?: number
  /** Default 50. */
  iterations?: number
  /** Called after every iteration with Q. */
  progress?: (iteration: number, objective: number) => void
}

/** The support: one mask per tensor (in the order of the blocks), with exactly `keep` ones. Weights that are 0 already stay pruned. Q never increases. */
export function chitaSupport(
  blocks: readonly FisherBlock[],
  weights: readonly Vector[],
  options: ChitaOptions,
): Float32Array[] {
  const { keep, lambda, firstOrder = 1, iterations = 50, progress } = options
  const model = new Model(blocks, weights, lambda, firstOrder)
  let current = model.evaluate(
    topK(
      weights.map((w) => Float64Array.from(w)),
      weights,
      keep,
    ),
  )
  for (let iteration = 1; iteration <= iterations; iteration++) {
    const gradient = model.gradient(current)
    let step = model.exactStep(current, gradient)
    let next: Point | undefined
    for (let tries = 0; tries < 12 && !next; tries++, step /= 2) {
      const moved = current.w.map((w, t) => w.map((value, q) => value - step * gradient[t][q]))
      const candidate = model.evaluate(topK(moved, weights, keep))
      if (candidate.objective < current.objective * (1 - 1e-7)) next = candidate
    }
    if (!next) break
    current = next
    progress?.(iteration, current.objective)
  }
  return current.w.map((w) => Float32Array.from(w, (value) => (value === 0 ? 0 : 1)))
}

/** Weights, the images A (w - w0) + g 1 per block, and Q. */
interface Point {
  w: Float64Array[]
  images: Float64Array[]
  objective: number
}

class Model {
  readonly #blocks: readonly FisherBlock[]
  readonly #dense: readonly Vector[]
  readonly #lambda: number
  /** g 1 - A w0 per block. */
  readonly #offsets: Float64Array[]

  constructor(blocks: readonly FisherBlock[], dense: readonly Vector[], lambda: number, firstOrder: number) {
    this.#blocks = blocks
    this.#dense = dense
    this.#lambda = lambda
    this.#offsets = this.#images(dense.map((w) => Float64Array.from(w))).map((image) =>
      image.map((value) => firstOrder - value),
    )
  }

  evaluate(w: Float64Array[]): Point {
    const images = this.#images(w)
    let objective = 0
    images.forEach((image, b) => {
      for (let i = 0; i < image.length; i++) image[i] += this.#offsets[b][i]
      objective += dot(image, image) / 2
    })
    w.forEach((values, t) => {
      let squares = 0
      for (let q = 0; q < values.length; q++) squares += (values[q] - this.#dense[t][q]) ** 2
      objective += (this.#damping * squares) / 2
    })
    return { w, images, objective }
  }

  /** A' (A (w - w0) + g 1) + N lambda (w - w0). */
  gradient({ w, images }: Point): Float64Array[] {
    return this.#eachTensor((tensor, t, b) => {
      const sums = new Float64Array(tensor.size)
      tensor.correlate(images[b], sums)
      for (let q = 0; q < sums.length; q++) sums[q] += this.#damping * (w[t][q] - this.#dense[t][q])
      return sums
    })
  }

  /** The minimizer of Q along the gradient restricted to the support of w. */
  exactStep({ w }: Point, gradient: readonly Float64Array[]): number {
    const supported = gradient.map((values, t) => values.map((value, q) => (w[t][q] === 0 ? 0 : value)))
    const length = supported.reduce((sum, values) => sum + dot(values, values), 0)
    const curvature = this.#images(supported).reduce((sum, image) => sum + dot(image, image), 0)
    return length === 0 ? 0 : length / (curvature + this.#damping * length)
  }

  get #damping(): number {
    return this.#blocks[0].samples * this.#lambda
  }

  #images(w: readonly Float64Array[]): Float64Array[] {
    const images = this.#blocks.map(({ samples }) => new Float64Array(samples))
    this.#eachTensor((tensor, t, b) => tensor.combine(w[t], images[b]))
    return images
  }

  #eachTensor<T>(visit: (tensor: FisherBlock['tensors'][number], t: number, b: number) => T): T[] {
    let t = 0
    return this.#blocks.flatMap(({ tensors }, b) => tensors.map((tensor) => visit(tensor, t++, b)))
  }
}

/** The `keep` values of largest magnitude, zeros elsewhere; where w0 is 0 there is nothing to keep. */
function topK(w: readonly Float64Array[], dense: readonly Vector[], keep: number): Float64Array[] {
  const scores = w.map((values, t) => values.map((value, q) => (dense[t][q] === 0 ? -1 : Math.abs(value))))
  const masks = w.map((values) => new Float64Array(values.length))
  selectTop(scores, keep, masks)
  // A kept value stays distinguishable from a pruned one even where it passes through zero.
  return w.map((values, t) => values.map((value, q) => (masks[t][q] === 0 ? 0 : value || Number.MIN_VALUE)))
}
