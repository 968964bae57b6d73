/** @file Levels of a network's tensors, measured with progress and kept in the cache. */
import { join } from 'node:path'
import { cacheFolder } from '../../data/folders.ts'
import { openMachine } from '../../engine/machines/open.ts'
import type { WeightsFile } from '../../formats/weights-file.ts'
import { dataHash, tensorsHash } from '../../ledger/content-hash.ts'
import { LevelStore } from '../../target/level-store.ts'
import { measureLevels } from '../../target/levels.ts'
import { type Estimates, estimateLevels } from '../../target/proxy.ts'
import type { TensorLevels } from '../../target/tensor-levels.ts'
import { Trials } from '../../target/trials.ts'
import { UserError } from '../../util/errors.ts'
import { grouped } from '../../util/format.ts'
import { version } from '../../util/version.ts'
import { lastWords } from '../display/last-words.ts'
import { printNote } from '../display/output.ts'
import type { EvaluationData } from '../flags/data.ts'
import { wholeNumber } from '../flags/parse.ts'
import type { PruneDisplay } from './progress.ts'
import { settingFlag } from './setting-flags.ts'
import type { PruneTask } from './settings.ts'

export interface Levelled {
  file: WeightsFile
  path: string
  task: PruneTask
  inputs: EvaluationData
  judges?: string
  part?: 'train' | 'test'
  display?: PruneDisplay
}

interface Measuring {
  trials: Trials
  store?: LevelStore
}

/** Fewer samples say little of small differences. */
const FEW = 100

/** Where levels are kept; undefined, with a note, where that cannot be written. */
function storeFor(key: string): LevelStore | undefined {
  try {
    return new LevelStore(join(cacheFolder(), 'levels'), key)
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    printNote(`levels are not kept for another time: ${error.message} (ESPALIER_CACHE names the folder)`)
    return undefined
  }
}

/** Every tensor of the task at every level, and the trials that measured them. */
export async function levelsOf(
  given: Levelled & { sparsities: readonly number[] },
): Promise<{ levels: TensorLevels[]; trials: Trials }> {
  const { sparsities, task } = given
  const { trials, store } = await trialsOf(given)
  const options = { sparsities, store }
  const measure = (progress: Progress) => measureLevels(trials, task.request.tensors, { ...options, progress })
  return { levels: await shown(given, measure), trials }
}

/** Estimates of the same, and how they were checked; they are not kept. */
export async function estimatesOf(
  given: Levelled & { sparsities: readonly number[] },
): Promise<Estimates & { trials: Trials }> {
  const { trials } = await trialsOf(given)
  const { sparsities, task, display } = given
  display?.show('estimates', '', 0)
  const progress = (what: string, share: number) => display?.show('estimates', what, share)
  return { ...(await estimateLevels(trials, task.request.tensors, { sparsities, progress })), trials }
}

type Progress = (what: string, share: number) => void

/** What is left where measuring is interrupted. */
export const LEVELS_LEFT = 'levels that were measured are kept, and the same command goes on there'

/** What measures levels, with its progress and what is left where it is interrupted. */
async function shown<T>({ display }: Levelled, measure: (progress: Progress) => Promise<T>): Promise<T> {
  display?.show('levels', '', 0)
  lastWords(LEVELS_LEFT)
  try {
    return await measure((what, share) => display?.show('levels', what, share))
  } finally {
    lastWords()
  }
}

/** Trials of a task, and where levels that they measure are kept. */
export async function trialsOf(given: Omit<Levelled, 'display'>): Promise<Measuring> {
  const { file, path, task, inputs, part } = given
  const { model, tensors, seed } = task.request
  const { data } = inputs
  const machine = await openMachine()
  const trials = new Trials({
    machine,
    model,
    data,
    weights: file,
    source: path,
    tensors,
    method: task.name,
    settings: task.settings,
    granularity: task.request.masks?.granularity,
    seed,
    judges: given.judges === undefined ? undefined : wholeNumber('--judges', given.judges, 1, 2 ** 32 - 1),
    part,
    nameOf: settingFlag,
  })
  const key = {
    version: version(),
    weights: tensorsHash(file.tensors),
    model: model.name,
    tensors: tensors.map(({ name }) => name),
    data: [dataHash(data), data.mean, data.std],
    method: [task.name, task.settings, seed],
    judges: part === 'test' ? 'test' : trials.judges,
    granularity: task.request.masks,
    machine: machine.description,
  }
  const store = storeFor(JSON.stringify(key))
  if (trials.judges < FEW && part !== 'test')
    printNote(`only ${grouped(trials.judges)} training samples tell levels apart, so that they are told roughly`)
  return { trials, store }
}
