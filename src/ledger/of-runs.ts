/** @file The entries of runs of recipes: what their folders say. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { publishedFor } from '../experiment/recipe/sections/about.ts'
import { instructionsOf } from '../experiment/run/environment.ts'
import type { RunResult } from '../experiment/run/events.ts'
import { FILES } from '../experiment/run/folder.ts'
import { groupRuns } from '../report/groups.ts'
import { type ReportedRun, readRuns } from '../report/run.ts'
import { checkSchema } from '../util/check-schema.ts'
import { UserError } from '../util/errors.ts'
import { readText } from '../util/files.ts'
import { groupBy } from '../util/group-by.ts'
import type { Entry } from './entry.ts'
import { methodOfRun } from './method-of-run.ts'
import type { Figure } from './published.ts'
import { hash, plainText } from './sealed.ts'

/** What is read of environment.json; older ones have less. */
const environmentSchema = z.looseObject({
  espalier: plainText(40).optional(),
  engine: plainText(80).optional(),
  peakMemory: z.number().optional(),
  weights: hash.optional(),
})

export interface RunEntries {
  entries: Entry[]
  /** Folders of runs that are not complete. */
  incomplete: string[]
}

/** Throws UserError where a folder is no run, or its files are damaged. */
export function entriesOfRuns(folders: readonly string[]): RunEntries {
  const runs = folders.length > 0 ? readRuns(folders) : []
  const networks = groupBy(runs, ({ recipe: { model, data } }) => `${model.name} on ${data.name}`)
  const entries = [...networks.values()].flatMap((some) => {
    const { groups, keys } = groupRuns(some, { named: methodOfRun })
    return groups.flatMap(({ runs, method, sparsity = 0, settings }, i) => {
      const options = settings.flatMap((value, k) => (value === '' ? [] : [`${keys[k].split('.').at(-1)} ${value}`]))
      return runs.flatMap((run) => entryOf(run, { method, sparsity, options, group: i }) ?? [])
    })
  })
  return { entries, incomplete: runs.filter(({ result }) => !result).map(({ folder }) => folder) }
}

/** The hash of a checkpoint in folders of runs that do not say it. */
const UNKNOWN = 'unknown'

interface Grouped extends Pick<Entry, 'method' | 'sparsity' | 'options'> {
  /** The number of its group among those of its network. */
  group: number
}

function entryOf({ folder, recipe, result, epochs }: ReportedRun, grouped: Grouped): Entry | undefined {
  if (!result) return undefined
  const { group, ...named } = grouped
  const environment = environmentIn(folder)
  const { espalier, engine, peakMemory, weights } = environment
  const instructions = engine === undefined ? undefined : instructionsOf(engine)
  const [network, data] = [recipe.model.name, recipe.data.name]
  const trained = recipe.train.epochs > 0
  const events = gradientsIn(folder)
  return {
    ...named,
    path: folder,
    kind: trained ? 'trained' : 'pruned',
    network,
    data,
    ...(!trained && { checkpoint: { sha256: weights ?? UNKNOWN } }),
    inputs: new Map(),
    settings: new Map(),
    identity: JSON.stringify(['run', network, data, group, instructions, weights]),
    seed: recipe.seed,
    epochs: epochs.length,
    ...countsOf(result),
    accuracy: 100 * result.final.accuracy,
    dense: result.dense && 100 * result.dense.accuracy,
    gradients: trained ? events || undefined : events,
    instructions,
    seconds: result.seconds,
    peakMemory,
    espalier,
    outcome: outcomeOf(result),
    published: figuresOf(recipe),
  }
}

/** Without what older runs do not say. */
function outcomeOf(result: RunResult): string {
  const { loss, accuracy, correct, count, constant } = result.final
  return JSON.stringify([{ loss, accuracy, correct, count, constant }, countsOf(result)])
}

const countsOf = ({ layers }: RunResult) => ({
  size: layers.reduce((sum, { size }) => sum + size, 0),
  kept: layers.reduce((sum, { learnable, kept }) => sum + (learnable ?? kept), 0),
})

/** What a recipe says was published of it. */
function figuresOf(recipe: ReportedRun['recipe']): Figure[] {
  const { paper, table } = recipe.about ?? {}
  return publishedFor(recipe).map(({ value, deviation, source }) => {
    return {
      accuracy: value,
      deviation,
      source: source ?? ([paper, table].filter(Boolean).join(', ') || recipe.name),
      settings: `those of the recipe ${recipe.name}`,
      recalled: false,
    }
  })
}

/** Gradients of single samples that pruning events took. */
function gradientsIn(folder: string): number {
  const events = readText(join(folder, FILES.metrics))
    .split('\n')
    .filter((line) => line.startsWith('{"type":"prune"'))
    .map((line): { gradients?: number; polished?: { gradients: number } } => JSON.parse(line))
  return events.reduce((sum, { gradients = 0, polished }) => sum + gradients + (polished?.gradients ?? 0), 0)
}

/** What environment.json in the folder of a run says; nothing where there is none. */
export function environmentIn(folder: string): z.output<typeof environmentSchema> {
  const path = join(folder, FILES.environment)
  if (!existsSync(path)) return {}
  try {
    return checkSchema(environmentSchema, JSON.parse(readText(path)), { source: path, whole: 'environment' })
  } catch (error) {
    throw error instanceof UserError ? error : new UserError(`${path} is damaged: expected JSON`)
  }
}
