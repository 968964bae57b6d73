/** @file How far a network may be pruned for what that costs on the samples that judge. */
import type { Tensor } from '../graph/tensor.ts'
import { UserError } from '../util/errors.ts'
import { grouped } from '../util/format.ts'
import { smallestBudget } from './max-drop.ts'
import { type Choice, type SearchOptions, search } from './search.ts'
import type { Judged, Trials } from './trials.ts'

/** Budgets that are tried, each by really pruning to it. */
const TRIES = 7

export interface Limited {
  trials: Trials
  tensors: readonly Tensor[]
  /** What messages call the limit. */
  name: string
  /** Called after each try with what it lost. */
  onTry?(sentence: string): void
}

export class DropLimit {
  readonly #most: number
  readonly #limited: Limited

  /** `most`: points of accuracy, or the distance of outputs of a network that is judged by it. */
  constructor(most: number, limited: Limited) {
    this.#most = most
    this.#limited = limited
  }

  /**
   * The choice that meets the targets, where it costs no more; without targets that with the fewest
   * multiply-adds which costs no more. Throws UserError where there is none.
   */
  async choose(options: SearchOptions): Promise<Choice> {
    const { trials, name } = this.#limited
    const dense = trials.judge(await trials.dense())
    if (Object.values(options.targets).some((target) => target !== undefined)) {
      const choice = await search(options)
      const drop = await this.#drop(choice, dense)
      if (drop > this.#most)
        throw new UserError(
          `${name} ${this.#most}: pruned to its targets the network loses ${this.#text(drop, dense)}; nothing is written`,
        )
      return choice
    }
    const least = leastFlops(options)
    const { best, nearest } = await smallestBudget(
      [least, 1],
      this.#most,
      async (flops) => {
        const choice = await search({ ...options, targets: { flops } })
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

  async #drop({ sparsities }: Choice, dense: Judged): Promise<number> {
    const { trials, tensors } = this.#limited
    const { network } = await trials.prune(tensors, sparsities, { afterwards: true })
    const { loss, accuracy } = trials.judge(network)
    return accuracy === undefined || dense.accuracy === undefined ? loss : 100 * (dense.accuracy - accuracy)
  }

  #text(drop: number, { accuracy }: Judged): string {
    const on = `on ${grouped(this.#limited.trials.judges)} training samples`
    return accuracy === undefined ? `a distance of ${drop.toFixed(4)} ${on}` : `${drop.toFixed(2)} points ${on}`
  }
}

/** The share of the multiply-adds that the sparsest levels leave. */
function leastFlops({ tensors, costs }: SearchOptions): number {
  const sum = (kept: (tensor: SearchOptions['tensors'][number]) => number) =>
    tensors.reduce((all, tensor) => all + kept(tensor) * costs.get(tensor.name)!, 0)
  return sum(({ levels }) => Math.min(...levels.map(({ kept }) => kept))) / sum(({ size }) => size)
}
