/**
 * @file The mean loss of a network on some training samples, with weights and masks that it does not keep.
 */
import type { Vector } from '../../linear/vector.ts'
import { EVALUATION_BATCH } from '../../train/evaluation.ts'
import type { Network } from '../../train/network.ts'

type Masks = readonly ArrayLike<number>[]

/**
 * Of the judging samples, how many choose start masks, dampings and how far an update goes, where there are
 * several blocks, whose networks take longer to judge. All of them decide which masks of a search are best,
 * and between the updated candidates.
 */
export const FIRST_LOOK = 32 * EVALUATION_BATCH

export class Judge {
  /**
   * Judges by the first samples only, in a fraction of the time; this one where all of them are the first.
   */
  readonly first: Judge
  readonly #network: Network
  readonly #names: readonly string[]
  readonly #samples: Uint32Array

  /**
   * `samples`: as many as the network's option `judged`, or a multiple of EVALUATION_BATCH, as `first` is.
   * Default of `first`: all.
   */
  constructor(network: Network, names: readonly string[], samples: Uint32Array, first = samples.length) {
    this.#network = network
    this.#names = names
    this.#samples = samples
    this.first = first < samples.length ? new Judge(network, names, samples.subarray(0, first)) : this
  }

  /** Infinity where the loss is not a number. The tensors' own weights come back. */
  loss(weights: readonly Vector[], masks: Masks): number {
    return this.#loss(weights, masks, this.#samples)
  }

  /**
   * Losses of masks one after the other, for finding the lowest. Masks that do worse than the best so far on
   * the first samples are not shown to the others: their loss is that of the best, and the difference on the
   * first samples.
   */
  contest(weights: readonly Vector[]): (masks: Masks) => number {
    const { first } = this
    if (first === this) return (masks) => this.loss(weights, masks)
    const [all, some] = [this.#samples.length, first.#samples.length]
    let best: { early: number; loss: number } | undefined
    return (masks) => {
      const early = first.loss(weights, masks)
      if (best && early >= best.early) return best.loss + early - best.early
      const rest = this.#loss(weights, masks, this.#samples.subarray(some))
      const loss = (early * some + rest * (all - some)) / all
      if (!best || loss < best.loss) best = { early, loss }
      return loss
    }
  }

  #loss(weights: readonly Vector[], masks: Masks, samples: Uint32Array): number {
    const present = this.#names.map((name) => this.#network.values(name).slice())
    const put = (values: (t: number) => ArrayLike<number>) =>
      this.#names.forEach((name, t) => void this.#network.values(name).set(values(t)))
    put((t) => weights[t].map((w, q) => (masks[t][q] === 0 ? 0 : w)))
    const loss = this.#network.trainingLoss(samples)
    put((t) => present[t])
    return Number.isNaN(loss) ? Number.POSITIVE_INFINITY : loss
  }
}
