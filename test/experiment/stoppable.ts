/** @file A run that is stopped at a step, or goes on, without checkpoints by the clock. */

import type { Recipe } from '../../src/experiment/recipe/recipe.ts'
import type { RunEvent, RunResult } from '../../src/experiment/run/events.ts'
import { runRecipe } from '../../src/experiment/run/run.ts'
import { best } from '../support/engines.ts'

export interface Stoppable {
  out: string
  stopAt?: number
  resume?: boolean
}

export async function runUntil(
  recipe: Recipe,
  { out, stopAt, resume }: Stoppable,
): Promise<{ result?: RunResult; events: RunEvent[] }> {
  const controller = new AbortController()
  const events: RunEvent[] = []
  const { result } = await runRecipe(recipe, {
    machine: best,
    out,
    checkpointSeconds: 1e9,
    resume,
    signal: controller.signal,
    onEvent: (event) => {
      events.push(event)
      if (event.type === 'progress' && event.step === stopAt) controller.abort()
    },
  })
  return { result, events }
}
