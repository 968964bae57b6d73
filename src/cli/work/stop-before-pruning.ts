/** @file `espalier run --until-pruning`: the training that runs with the same beginning share. */

import type { Recipe } from '../../experiment/recipe/recipe.ts'
import type { RunEvent } from '../../experiment/run/events.ts'
import { trainsFirst } from '../../sweep/trunk.ts'
import { toSteps } from '../../util/duration.ts'
import { UserError } from '../../util/errors.ts'

/**
 * Ends a run a step before its first pruning event, which comes with the step that it is at and so still lies
 * ahead when the run goes on.
 */
export class StopBeforePruning {
  readonly #controller = new AbortController()
  readonly #start: string
  #last = Number.POSITIVE_INFINITY

  constructor(recipe: Recipe) {
    const { prune } = recipe
    if (!prune || !trainsFirst(recipe))
      throw new UserError(
        `--until-pruning: expected a recipe that trains from step 0 to prune.start, found ${prune?.start ?? 'no pruning'}`,
      )
    this.#start = prune.start
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  see(event: RunEvent): void {
    if (event.type === 'start') this.#last = toSteps(this.#start, event.steps / event.epochs) - 1
    const step = event.type === 'start' ? (event.resumedAt ?? 0) : 'step' in event ? event.step : 0
    if (step >= this.#last) this.#controller.abort()
  }
}
