/** @file Runs of a tiny recipe that rewires, and what they leave. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { checkRecipe } from '../../src/experiment/recipe/recipe.ts'
import type { RunEvent } from '../../src/experiment/run/events.ts'
import { runRecipe } from '../../src/experiment/run/run.ts'
import { readSafetensors } from '../../src/formats/safetensors.ts'
import type { RewiringEvent } from '../../src/methods/rewiring/event.ts'
import { jsonLines } from '../cli/cli.ts'
import { temporaryFolder } from '../cli/temporary.ts'
import { rows } from '../support/breadth.ts'
import { best } from '../support/engines.ts'
import { tiny } from './tiny.ts'

/** A section `rewire`, and beside it `prune`, where it is not that of most tests. */
export interface Given {
  method: string
  prune?: object
  [setting: string]: unknown
}

export const recipe = (
  { prune = { method: 'random', scope: 'layerwise', sparsity: 0.9 }, ...rewire }: Given,
  kernels = 'auto',
) =>
  checkRecipe(
    {
      ...tiny,
      train: { ...tiny.train, kernels, epochs: 4, l1: 1e-5 },
      prune,
      rewire: { every: { '0ep': '5it', '2ep': '7it' }, end: '55it', ...rewire },
    },
    'tiny',
  )

export async function run(rewire: Given, out: string, stopAt = Infinity, kernels = 'auto'): Promise<RunEvent[]> {
  const events: RunEvent[] = []
  const controller = new AbortController()
  const options = { machine: best, out, checkpointSeconds: 1e9, resume: stopAt === -1, signal: controller.signal }
  await runRecipe(recipe(rewire, kernels), {
    ...options,
    onEvent: (event) => {
      events.push(event)
      if (event.type === 'progress' && event.step >= stopAt && stopAt >= 0) controller.abort()
    },
  })
  return events
}

/** What a run leaves, times aside. */
export function remains(out: string): unknown {
  const metrics = jsonLines(readFileSync(join(out, 'metrics.jsonl'), 'utf8'))
  for (const line of metrics) {
    delete line.seconds
    delete line.time
  }
  const { tensors } = readSafetensors(join(out, 'checkpoint.safetensors'))
  return {
    metrics,
    tensors: [...tensors].map(([name, { data }]) => [
      name,
      Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64'),
    ]),
  }
}

/**
 * Stopped after each of these steps, for every change after the second of them alone, and resumed, a run ends
 * as the one that was not stopped.
 */
export async function endsAlike(rewire: Given, whole: string, stops: readonly number[]) {
  for (const stop of rows(stops, (_, i) => i === 1)) {
    const out = join(temporaryFolder(), 'run')
    await run(rewire, out, stop)
    await run(rewire, out, -1)
    expect(remains(out)).toEqual(remains(whole))
  }
}

/** The events at which weights moved. */
export const rewirings = (events: readonly RunEvent[]) =>
  events.filter((event): event is { type: 'rewire' } & RewiringEvent => event.type === 'rewire')
