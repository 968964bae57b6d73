/**
 * @file Rewiring: a network that is trained sparse from start to end moves its weights. At an event some
 * weights are taken away, and as many grow elsewhere, at value zero (or drawn anew) and without momentum. How
 * many there are in all never changes, unless something else prunes the network meanwhile, or a structure
 * needs it (srigl.ts).
 */

import { z } from 'zod'
import type { Floats } from '../../engine/machine.ts'
import { checkSchema } from '../../util/check-schema.ts'
import type { Random } from '../../util/random.ts'
import { count } from '../../util/schema.ts'

/**
 * A sparse tensor as an event sees it. Where runs of weights are moved (runs.ts), a place is a run, and its
 * value the mean |w|.
 */
export interface SparseLayer {
  readonly name: string
  /** Weights of a place. */
  readonly length: number
  /** Places that there are. */
  readonly size: number
  /** Outputs: the places of each are `size / rows` in a row. */
  readonly rows: number
  /** Places, ascending, whose input never varies: a weight there can learn nothing. Default: none. */
  readonly idle?: Int32Array
  /** The places that hold a weight, row-major and ascending. */
  readonly positions: Int32Array
  /** Their weights; an event may change those that it does not take away. */
  readonly values: Float64Array
}

/** What an event does to a tensor. */
export interface Moves {
  /** Which of the layer's weights are taken away: places in `positions`, ascending. */
  pruned: Int32Array
  /** Positions where weights grow, ascending. None of them holds one that stays. */
  grown: Int32Array
}

export interface RewiringContext {
  /** A stream of random numbers for this event and that name. */
  draw(name: string): Random
  /** Optimizer steps taken, and the learning rate of the last one. */
  step: number
  rate: number
  /**
   * Weights that are missing because no place was as short: less than the longest place has. 0 where the
   * network is pruned meanwhile.
   */
  owed: number
  /** How much of the time in which there are events is over, 0 to 1. */
  elapsed: number
  /** Whether a normalization follows one of the sparse layers. */
  normalized: boolean
  /** The tensor of the layer that makes the network's output, sparse or not. */
  outputLayer: string
  /**
   * The gradient of the loss with respect to all places of a tensor, held or not: of a mini-batch, or
   * smoothed over the steps so far, as the method asks.
   */
  gradient(layer: string): Floats
}

export interface Rewiring {
  /**
   * Whether weights that grow are drawn anew, from a normal distribution as wide as the initial one of their
   * tensor. Default: they begin at zero.
   */
  drawn?: boolean
  /** The value that a weight begins with at a place of a tensor, of one that was drawn. Default: that. */
  beginsWith?(layer: string, place: number, value: number): number
  /** Changes weights before the first step, where a method needs it. */
  begin?(layers: readonly SparseLayer[]): void
  /**
   * What to do to each of the layers, in order. Over all, as many weights grow as are taken away and owed, to
   * within the shortest place.
   */
  event(layers: readonly SparseLayer[], context: RewiringContext): Moves[]
  /** What an event depends on besides the network, for checkpoints, and for the log: numbers by name. */
  state(): Record<string, number>
  /** Goes on from a state. */
  restore(state: Readonly<Record<string, number>>): void
}

/** A way to rewire: what stands in its file, all that a recipe, a list and the library know of it. */
export interface RewiringMethod<Settings extends z.ZodObject = z.ZodObject> {
  /** One line: what goes, what grows, and the paper. */
  summary: string
  /** What can be set, beside when events are: keys of a recipe's section `rewire`. */
  settings: Settings
  /** Whether it looks at dense gradients: of a mini-batch at events, or smoothed over all steps. */
  gradients?: 'batch' | 'smoothed'
  /** The granularities that it moves. Default: single weights, and runs of them (runs.ts). */
  granularities?: readonly string[]
  /** Whether the network may be pruned on while it is rewired. */
  gradual?: boolean
  /** Whether there is an event after every step. */
  everyStep?: boolean
  make(settings: z.output<Settings> & { seed: number }): Rewiring
}

/**
 * The method, whose `make` throws UserError where a setting is missing, unknown or has no value that it can
 * have.
 */
export const rewiringMethod = <Settings extends z.ZodObject>(
  method: RewiringMethod<Settings>,
): Omit<RewiringMethod, 'make'> & { make(settings: z.input<Settings> & { seed: number }): Rewiring } => ({
  ...method,
  make(given) {
    const { seed, ...settings } = given
    checkSchema(z.object({ seed: count }), { seed }, { source: 'rewiring', whole: 'settings' })
    const checked = checkSchema(method.settings.strict(), settings, { source: 'rewiring', whole: 'settings' })
    return method.make({ ...(checked as z.output<Settings>), seed })
  },
})

/** The share of the weights of every tensor that moves at an event, where a method has one. */
export const fraction = (usual: number) =>
  z.number().min(0).max(1).default(usual).describe(`share of the weights of a tensor that move at an event (${usual})`)

/** What weights begin with that grow, where a method leaves the choice. */
export const newWeights = z
  .enum(['zero', 'drawn'])
  .default('zero')
  .describe('what weights begin with that grow: zero, or drawn anew, normally distributed and as wide as at the start')
export type NewWeights = z.output<typeof newWeights>

export const drawn = (settings: { newWeights: NewWeights }): boolean => settings.newWeights === 'drawn'

/** The places in `positions` that are not `pruned`. */
export function survivors({ positions }: SparseLayer, pruned: Int32Array): Int32Array {
  const left = new Int32Array(positions.length - pruned.length)
  let at = 0
  let next = 0
  positions.forEach((position, e) => {
    if (pruned[next] === e) next++
    else left[at++] = position
  })
  return left
}

/** The positions of a layer after an event, ascending. */
export function movedPositions(layer: SparseLayer, { pruned, grown }: Moves): Int32Array {
  const left = survivors(layer, pruned)
  const all = new Int32Array(left.length + grown.length)
  for (let i = 0, j = 0, at = 0; at < all.length; at++)
    all[at] = j >= grown.length || left[i] < grown[j] ? left[i++] : grown[j++]
  return all
}
