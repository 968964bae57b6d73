/**
 * @file A size that levels say roughly only: choices are really pruned and stored, and the budget corrected
 * until the size is met.
 */
import type { TensorFile } from '../formats/safetensors-bytes.ts'
import { UserError } from '../util/errors.ts'
import type { Choice, SearchOptions } from './search.ts'

/** A choice, and the losses that it was found by where these are not those that were measured. */
export type Sought = { choice: Choice } & Pick<SearchOptions, 'losses'>

export interface MetSize {
  /** Of what is written, at most. */
  bytes: number
  /** What messages call that. */
  name: string
  /** The best choice; where losses are given, for those. */
  choose(options: SearchOptions): Promise<Sought>
  /** The weights that are really pruned so, and the bytes that they take where they are stored. */
  prune(choice: Choice): Promise<TensorFile>
  sizeOf(weights: TensorFile): number | Promise<number>
  onTry?(text: string): void
}

/** A size is met where it is at most the target, and at least this share of it. */
const NEAR = 0.97
/** Corrections of the budget of bytes, each by really pruning. */
const CORRECTIONS = 5

/** The choice whose weights, really pruned, take no more than the target once they are stored. */
export async function sized(
  all: SearchOptions,
  { bytes, name, choose, prune, sizeOf, onTry = () => {} }: MetSize,
): Promise<Choice> {
  let budget = bytes
  let losses: SearchOptions['losses']
  let best: { choice: Choice; size: number } | undefined
  let smallest = Number.POSITIVE_INFINITY
  let [below, above] = [0, Number.POSITIVE_INFINITY]
  for (let round = 0; round < CORRECTIONS; round++) {
    const found = await choose({ ...all, losses, targets: { ...all.targets, bytes: budget } }).catch((error) => {
      if (round === 0 || !(error instanceof UserError)) throw error
    })
    if (!found) break // The corrected budget is out of reach.
    const { choice } = found
    losses = found.losses
    const size = await sizeOf(await prune(choice))
    onTry(`the file takes ${(size / 1000).toFixed(1)} kB of ${bytes / 1000} kB`)
    smallest = Math.min(smallest, size)
    if (size <= bytes && size > (best?.size ?? 0)) best = { choice, size }
    if (size <= bytes && size >= NEAR * bytes) break
    if (size <= bytes) below = Math.max(below, budget)
    else above = Math.min(above, budget)
    // By the proportion, but between what was too little and what was too much.
    const proportional = budget * ((1 + NEAR) / 2) * (bytes / size)
    const between = proportional > below && proportional < above
    budget = between || above === Number.POSITIVE_INFINITY ? proportional : (below + above) / 2
  }
  if (best) return best.choice
  throw new UserError(
    `${name}: a size of ${bytes / 1000} kB was not met: what was tried takes ${(smallest / 1000).toFixed(1)} kB or more`,
  )
}
