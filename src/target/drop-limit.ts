/** @file How far a network may be pruned for what that costs on the samples that judge. */
import type { Network } from '../train/network.ts'
import { UserError } from '../util/errors.ts'
import { grouped } from '../util/format.ts'
import { smallestBudget } from './max-drop.ts'
import type { Targets } from './search.ts'
import type { Judged, Trials } from './trials.ts'

/** Budgets that are tried, each by really pruning to it. */
const TRIES = 7

interface Limited<Choice> {
  trials: Trials
  /** What messages call the limit. */
  name: string
  targets: Targets
  /** The share of the multiply-adds that the cheapest levels leave. */
  leastFlops: number
  /** The choice for some targets. */
  search(targets: Targets): Choice | Promise<Choice>
  /** The network at a choice, with what is done to all weights afterwards. */
  prune(choice: Choice): Promise<Network>
  /** Called after each try with what it lost. */
  onTry?(sentence: string): void
}

export class DropLimit<Choice> {
  readonly #most: number
  readonly #limited: Limited<Choice>

  /** `most`: points of accuracy, or the distance of outputs of a network that is judged by it. */
  constructor(most: number, limited: Limited<Choice>) {
    this.#most = most
    this.#limited = limited
  }

  /**
   * The choice that meets the targets, where it costs no more; without targets that with the fewest
   * multiply-adds which costs no more. Throws UserError where there is none.
   */
  async choose(): Promise<Choice> {
    const { trials, name, targets, leastFlops, search } = this.#limited
    const dense = trials.judge(await trials.dense())
    if (Object.values(targets).some((target) => target !== undefined)) {
      const choice = await search(targets)
      const drop = await this.#drop(choice, dense)
      if (drop > this.#most)
        throw new UserError(
          `${name} ${this.#most}: pruned to its targets the network loses ${this.#text(drop, dense)}; nothing is written`,
        )
      return choice
    }
    const { best, nearest } = await smallestBudget(
      [leastFlops, 1],
      this.#most,
      async (flops) => {
        const choice = await search({ flops })
        const drop = await this.#drop(choice, dense)
        const share = (100 * flops).toFixed(1)
        this.#limited.onTry?.(`${share} % of the multiply-adds lose ${this.#text(drop, dense)}`)
        return { drop, made: choice }
      },
      TRIES,
    )
    if (best) return best.made
    throw new UserError(
      `${name} ${this.#most}: of all that was tried the least loss was ${this.#text(nearest ?? 0, dense)}; nothing is written`,
    )
  }

  async #drop(choice: Choice, dense: Judged): Promise<number> {
    const { trials, prune } = this.#limited
    const network = await prune(choice)
    const { loss, accuracy } = trials.judge(network)
    return accuracy === undefined || dense.accuracy === undefined ? loss : 100 * (dense.accuracy - accuracy)
  }

  #text(drop: number, { accuracy }: Judged): string {
    const on = `on ${grouped(this.#limited.trials.judges)} training samples`
    return accuracy === undefined ? `a distance of ${drop.toFixed(4)} ${on}` : `${drop.toFixed(2)} points ${on}`
  }
}
