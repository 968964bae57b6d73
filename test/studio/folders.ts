/** @file Folders that a studio watches in tests. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { RunIndex } from '../../src/studio/run-index.ts'
import { type OpenStudio, openStudio, type StudioOptions } from '../../src/studio/server.ts'
import { tiny } from '../experiment/tiny.ts'
import { writeRun } from '../report/runs.ts'

/** A sweep over two methods, two sparsities and two seeds, of which `done` have a result. */
export function writeSweep(folder: string, done = 8): string {
  const runs: Record<string, object> = {}
  for (const method of ['magnitude', 'random'])
    for (const sparsity of [0.9, 0.95])
      for (const seed of [0, 1]) {
        const recipe = { seed, prune: { ...tiny.prune, method, sparsity } }
        const name = `${method}-${sparsity}-${seed}`
        const accuracy = (method === 'random' ? 0.9 : 0.94) - sparsity / 50 + seed / 100
        const kept = sparsity === 0.9 ? ([3136, 80, 20] as const) : ([1568, 40, 10] as const)
        const complete = Object.keys(runs).length < done
        const path = writeRun(join(folder, 'runs', name), {
          recipe,
          kept,
          ...(complete && { accuracy, weights: true }),
        })
        if (complete) writeFileSync(join(path, 'report.md'), '# tiny\n')
        runs[name] = { ...tiny, ...recipe }
      }
  const lines = Object.entries(runs).map(([name, recipe]) => `  ${name}:\n    name: ${JSON.stringify(recipe)}\n`)
  writeFileSync(join(folder, 'sweep.yaml'), `name: two-methods\nsummary: A & B\nruns:\n${lines.join('')}`)
  return folder
}

/** A run with its result. */
export function writeDone(folder: string, accuracy = 0.9, recipe: Record<string, unknown> = {}): string {
  writeRun(folder, { accuracy, recipe })
  writeFileSync(join(folder, 'report.md'), '# tiny\n')
  return folder
}

/** An index of what is below some folders, until the test ends. */
export async function indexOf(...folders: string[]): Promise<RunIndex> {
  const index = new RunIndex(folders)
  onTestFinished(() => index.end())
  await index.begin()
  return index
}

/** A studio on a port of its own, until the test ends. */
export async function opened(options: Partial<StudioOptions> & Pick<StudioOptions, 'folders'>): Promise<OpenStudio> {
  const studio = await openStudio({ host: '127.0.0.1', port: 0, ...options })
  onTestFinished(() => studio.end())
  return studio
}
