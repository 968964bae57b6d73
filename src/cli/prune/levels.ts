/** @file Levels of a network's tensors, measured with progress and kept in the cache. */
import { join } from 'node:path'
import { cacheFolder } from '../../data/folders.ts'
import { openMachine } from '../../engine/machines/open.ts'
import type { WeightsFile } from '../../formats/weights-file.ts'
import { dataHash, tensorsHash } from '../../ledger/content-hash.ts'
import { LevelStore } from '../../target/level-store.ts'
import { measureLevels } from '../../target/levels.ts'
import type { TensorLevels } from '../../target/tensor-levels.ts'
import { Trials } from '../../target/trials.ts'
import { version } from '../../util/version.ts'
import { lastWords } from '../display/last-words.ts'
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
  sparsities: readonly number[]
  judges?: string
  part?: 'train' | 'test'
  display?: PruneDisplay
}

/** Every tensor of the task at every level, and the trials that measured them. */
export async function levelsOf(given: Levelled): Promise<{ levels: TensorLevels[]; trials: Trials }> {
  const { file, path, task, inputs, sparsities, part, display } = given
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
    sparsities,
    machine: machine.description,
  }
  const store = new LevelStore(join(cacheFolder(), 'levels'), JSON.stringify(key))
  display?.show('levels', '', 0)
  lastWords('the levels that were measured so far are kept, and the same command goes on there')
  try {
    const progress = (tensor: string, done: number, total: number) =>
      display?.show('levels', `${tensor}, ${done} of ${total}`, done / total)
    return { levels: await measureLevels(trials, tensors, { sparsities, store, progress }), trials }
  } finally {
    lastWords()
  }
}
