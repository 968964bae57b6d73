/**
 * @file What the published program of dynamic sparse reparameterization calls its runs, and where what it
 * says of other runs is found here. It writes `./runs/<model>_<job>`, and the same with `_initial` before
 * training.
 */
import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { UserError } from '../../util/errors.ts'
import { FILES } from '../run/folder.ts'
import { networks } from './options.ts'

/** Where a dense network is pruned the name goes on with what to. */
const NAME = new RegExp(
  `(?:^|/)(${networks.join('|')})_(\\d+)(?:_target_[\\d.,]+)?(_initial|_StopRewiringPoint_\\d+)?$`,
  'i',
)

/** The name of the recipe, and of the run folder, of a job. */
export const runName = ({ model, job }: { model: string; job: number }): string => `${model}_${job}`.toLowerCase()

/** What a path of the program names. */
export interface NamedRun {
  /** A file that is there: a checkpoint of that program or any other file of weights. */
  file?: string
  /** Else a run, by the name of its recipe, and its number. */
  run?: { name: string; job: number }
  /** Whether what it began with is meant, not what it ended with. */
  initial: boolean
}

/** Throws UserError, beginning with `what`, where the path is neither a file nor the name of a run. */
export function namedRun(path: string, what: string): NamedRun {
  if (existsSync(path) && statSync(path).isFile()) return { file: path, initial: false }
  const [, stem, job, end = ''] = NAME.exec(path) ?? []
  if (stem === undefined)
    throw new UserError(
      `${what}: expected a file that is there or a run such as ./runs/cifar10_WideResNet_0, found ${path}`,
    )
  if (end.startsWith('_Stop'))
    throw new UserError(`${what}: no file of the point at which rewiring stopped is written here, found ${path}`)
  return { run: { name: runName({ model: stem, job: Number(job) }), job: Number(job) }, initial: end === '_initial' }
}

/** The file of a run folder that a path of the program stands for. */
export const fileOf = ({ file, run }: NamedRun, kind: 'model' | 'checkpoint', runs: (name: string) => string): string =>
  file ?? join(runs(run!.name), FILES[kind])
