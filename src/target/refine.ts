/**
 * @file What tensors lose alone does not add up, and new statistics and updates afterwards repair some of it,
 * so that the choice with the least sum of losses need not be the best network. As in SPDY (Frantar &
 * Alistarh 2022, section 3.3) losses are weighted tensor by tensor, the choice of the weighted problem is
 * really pruned and judged, and weights are searched that lead to a better network: from those of the best
 * one so far, each times e^x, x from N(0, s^2), s from 1 down to 0.3.
 */
import type { Random } from '../util/random.ts'
import type { Choice } from './search.ts'
import { keeps, lossesOf, type TensorLevels } from './tensor-levels.ts'

/** What levels count as, by tensor. */
export type Losses = ReadonlyMap<string, readonly number[]>

export interface RefineOptions {
  /** As they were measured, and others to begin with. */
  losses: Losses
  others: readonly Losses[]
  /** Choices that are judged, the first and those of `others` among them. */
  tries: number
  draw: Random
  /** The choice for some losses; undefined where it meets no target. */
  search(losses: Losses): Promise<Choice | undefined>
  /** The loss of the network that is really pruned so. */
  judge(choice: Choice): Promise<number>
  /** Called after each try with the least loss until then. */
  onTry?(done: number, least: number): void
}

/** A choice, the losses that it is the best choice for, and the loss of the network that is pruned so. */
export interface Refined {
  choice: Choice
  losses: Losses
  loss: number
}

/** The choice whose network has the least loss of all that were tried; `first` is that for the losses. */
export async function refine(first: Choice, options: RefineOptions): Promise<Refined> {
  const { losses: measured, others, tries, draw, search, judge, onTry = () => {} } = options
  let best: Refined = { choice: first, losses: measured, loss: await judge(first) }
  const seen = new Set([keyOf(first)])
  onTry(1, best.loss)
  for (let done = 1; done < tries; done++) {
    const drawn = done - 1 - others.length
    const losses = others[done - 1] ?? weighted(best.losses, draw, spread(drawn, tries - 1 - others.length))
    const choice = await search(losses)
    if (choice && !seen.has(keyOf(choice))) {
      seen.add(keyOf(choice))
      const loss = await judge(choice)
      if (loss < best.loss) best = { choice, losses, loss }
    }
    onTry(done + 1, best.loss)
  }
  return best
}

/** Says which levels a choice is of. */
export const keyOf = ({ levels }: Choice): string => JSON.stringify([...levels])

const spread = (done: number, of: number): number => (of < 2 ? 1 : 0.3 ** (done / (of - 1)))

function weighted(losses: Losses, draw: Random, deviation: number): Losses {
  return new Map(
    [...losses].map(([name, list]) => {
      const weight = Math.exp(deviation * draw.normal())
      return [name, list.map((loss) => weight * loss)]
    }),
  )
}

/** As measured, each tensor alone. */
export const measuredLosses = (levels: readonly TensorLevels[]): Losses =>
  new Map(levels.map((tensor) => [tensor.name, lossesOf(tensor)]))

/**
 * The sum of the squares of what goes, with which magnitudes of all tensors compete, and its share of that of
 * the whole tensor, which is what is left of an error where a normalization follows (as in LAMP, Lee et al.
 * 2021).
 */
export function energyLosses(
  levels: readonly TensorLevels[],
  weights: (name: string) => ArrayLike<number>,
): { energy: Losses; share: Losses } {
  const removed = levels.map(({ name, levels: all }) => {
    const values = weights(name)
    const energy = (isCounted: (i: number) => boolean) => {
      let sum = 0
      for (let i = 0; i < values.length; i++) if (isCounted(i)) sum += values[i] * values[i]
      return sum
    }
    return { name, whole: energy(() => true), sums: all.map((level) => energy((i) => !keeps(level, i))) }
  })
  return {
    energy: new Map(removed.map(({ name, sums }) => [name, sums])),
    share: new Map(removed.map(({ name, sums, whole }) => [name, sums.map((sum) => (whole > 0 ? sum / whole : 0))])),
  }
}
