/** @file All that is shown of one run, read from its folder anew. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { settingsOf } from '../experiment/recipe/sections/about.ts'
import type { EpochReport, PruneReport } from '../experiment/run/events.ts'
import { FILES } from '../experiment/run/folder.ts'
import type { MetricsRecord } from '../experiment/run/records.ts'
import type { RewiringEvent } from '../methods/rewiring/event.ts'
import { FolderLock } from '../util/folder-lock.ts'
import { grouped, percent } from '../util/format.ts'
import type { RunDetail, RunNote, RunSummary } from './api.ts'
import { checkpointHead, checkpointLayers } from './checkpoint.ts'
import { allRecords } from './metrics.ts'
import { recipeValue, stepsOf } from './summary.ts'

/** How many events are told one by one. */
const MOST_NOTES = 200

export function detailOf(summary: RunSummary, stoppable: boolean): RunDetail {
  const folder = summary.id
  const { records, unreadable } = attempt(() => allRecords(folder)) ?? { records: [], unreadable: 0 }
  const recipe = attempt(() => recipeValue(folder)) as Record<string, unknown> | undefined
  const epochs = records.filter((record): record is EpochReport => record.type === 'epoch')
  const result = records.find((record) => record.type === 'final')
  const notes = records.flatMap((record) => noteOf(record) ?? [])
  const head = checkpointHead(folder)
  const last = epochs.at(-1)
  return {
    summary,
    about: typeof recipe?.summary === 'string' ? recipe.summary : undefined,
    epochs,
    unreadable,
    prunings: records.filter((record) => record.type === 'prune').map(({ step, sparsity }) => ({ step, sparsity })),
    notes: notes.slice(-MOST_NOTES),
    events: notes.length,
    layers: result?.layers ?? checkpointLayers(folder),
    result,
    seconds: result?.seconds ?? head?.seconds,
    step: result ? last?.step : Math.max(head?.step ?? 0, last?.step ?? 0),
    steps: head?.steps ?? (last && summary.epochs > 0 ? stepsOf(last, summary.epochs) : undefined),
    owner: summary.state === 'done' ? undefined : FolderLock.owner(folder),
    environment: environmentOf(folder),
    settings: [...settingsOf(recipe ?? {})].map(([key, value]) => [key, textOf(value)]),
    stoppable,
  }
}

/** An event in words; undefined of records that are none. */
function noteOf(record: MetricsRecord): RunNote | undefined {
  if (record.type === 'prune') return { step: record.step, kind: 'prune', text: pruneText(record) }
  return record.type === 'rewire' ? { step: record.step, kind: 'rewire', text: rewireText(record) } : undefined
}

function pruneText({
  target,
  sparsity,
  effectiveSparsity,
  collapsed,
  deadOutputs,
  outputs,
  floor,
}: PruneReport): string {
  return [
    `${percent(sparsity)} zeros (asked for ${percent(target)})`,
    ...(effectiveSparsity - sparsity > 5e-5 ? [`${percent(effectiveSparsity)} with weights on no path`] : []),
    ...(collapsed?.length > 0 ? [`nothing left in ${collapsed.join(', ')}`] : []),
    ...(deadOutputs > 0 ? [`no path to ${deadOutputs} of ${outputs} outputs`] : []),
    ...(floor === undefined ? [] : [`floor: ${floor}`]),
  ].join('; ')
}

const rewireText = ({ pruned, grown, explored }: RewiringEvent): string =>
  `${grouped(pruned)} weights taken away, ${grouped(grown)} grown; ${percent(explored)} of the places were ever used`

/** What the file says, in the order in which it does; what it holds beside single values is left out. */
function environmentOf(folder: string): [string, string][] {
  const value = attempt(() => JSON.parse(readFileSync(join(folder, FILES.environment), 'utf8'))) ?? {}
  return Object.entries(value as object).flatMap(([name, one]): [string, string][] =>
    typeof one === 'object' ? [] : [[name, typeof one === 'number' ? grouped(one) : String(one)]],
  )
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value))

/** Undefined where it throws: a file is gone, damaged, or being written. */
function attempt<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}
