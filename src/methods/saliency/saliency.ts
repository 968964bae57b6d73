/**
 * @file What a saliency is: a function from the network to a score per prunable weight. The higher, the more
 * it is worth keeping.
 *
 * A saliency says in `needs` what its formula is made of besides the weights; a scoring pass
 * (src/methods/saliency/scoring) measures just that and hands it over beside the weights. Saliencies
 * themselves run nothing.
 */
import type { Floats } from '../../engine/machine.ts'
import type { Random } from '../../util/random.ts'

/**
 * What can be measured of every weight of a tensor, row-major. L is the mean loss of all scoring samples, g
 * its gradient, g_b that of the mean loss of mini-batch b, H the Hessian of L. Means over mini-batches are
 * weighted by their samples.
 */
export interface Measured {
  /** g. */
  gradient: Floats
  /** Mean over b of g_b^2; with mini-batches of one sample the diagonal of the empirical Fisher matrix. */
  squares: Floats
  /** H g, both over prunable weights alone: half the gradient of |g|^2. */
  hessianGradient: Floats
  /** H g over all parameters. */
  hessianGradientOfAll: Floats
  /** The diagonal of H by Hutchinson's estimate. */
  hessianDiagonal: Floats
  /**
   * dR / d|w|, R the sum of outputs for an input of ones with |w| for w everywhere, but for one positive
   * factor. Needs no data.
   */
  flow: Floats
}
export type Statistic = keyof Measured

/** A prunable tensor to be scored, with what the saliency needs. */
export type ScoredLayer<Needed extends Statistic = never> = {
  name: string
  /** Current values, row-major. Not to be changed. */
  weights: Floats
  /** Where the scores go, one per weight. Must be finite. */
  scores: Floats
} & Pick<Measured, Needed>

export interface ScoreContext {
  /** A stream of random numbers for this event and that name. */
  draw(name: string): Random
  /** Samples per mini-batch of `squares`. */
  miniBatch: number
  /** Of the first-order term, where the saliency says that it has one to choose. */
  sign: 1 | -1
}

export interface Saliency<Needed extends Statistic = never> {
  /** One line: formula and paper. */
  summary: string
  /** What is to be measured, in this order. Default: nothing, the weights are enough. */
  needs?: readonly Needed[]
  /** What logits are divided by where derivatives of the loss are measured. Default 1. */
  temperature?: number
  /** The default of `context.sign`, where it means something. */
  sign?: 1 | -1
  /** Scores are taken, and weights removed, in so many rounds on the way to a sparsity. Default: one. */
  rounds?: Rounds
  /**
   * What is summed, where weights of different costs compete: the scores (the default), or their squares, in
   * the place of scores that rank alike.
   */
  summed?: 'scores' | 'squares'
  score(layers: readonly ScoredLayer<Needed>[], context: ScoreContext): void
}

export interface Rounds {
  /** Default number T. After round t the share d^(t/T) of the weights is left, d the final density. */
  count: number
  /** Whether a weight that an earlier round removed may come back (with the value that it had). */
  returning: boolean
}
