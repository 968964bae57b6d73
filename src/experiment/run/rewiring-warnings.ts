/** @file What is to be said of rewiring that starves a network, once for each layer. */
import type { RewiringEvent } from '../../methods/rewiring/event.ts'
import { grouped } from '../../util/format.ts'

/** Fewer outputs than these, or new weights than outputs, say nothing. */
const LEAST = 20
/** Half of the growth in this share of the outputs is a crowd. */
const CROWD = 0.05
/** An output with fewer weights than this dies at the next events. */
const FEW = 3

export class RewiringWarnings {
  readonly #told = new Set<string>()

  /** Sentences that an event is a reason for and that were not said before. */
  of({ step, layers }: Pick<RewiringEvent, 'step' | 'layers'>): string[] {
    return layers.flatMap(({ name, weights, grown, rows, halfRows }) => [
      ...(rows >= LEAST && grown >= rows && halfRows <= CROWD * rows
        ? this.#once(
            `${name} crowds`,
            `at step ${step} half of the ${grouped(grown)} weights that grew in ${name} went to ${halfRows} of its ` +
              `${grouped(rows)} outputs: the others starve, and prune.scope: erk and rewire.growth: row help`,
          )
        : []),
      ...(weights < FEW * rows
        ? this.#once(
            `${name} is thin`,
            `${name} has ${grouped(weights)} weights for ${grouped(rows)} outputs, fewer than ${FEW} each: ` +
              'prune.scope: erk leaves small layers more',
          )
        : []),
    ])
  }

  #once(key: string, sentence: string): string[] {
    if (this.#told.has(key)) return []
    this.#told.add(key)
    return [sentence]
  }
}
