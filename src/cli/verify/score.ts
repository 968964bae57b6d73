/** @file Weights that somebody brings, scored as a row of the ledger is, and what is written of that. */
import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { countsOf } from '../../ledger/record.ts'
import { methodText, SCORE, type Scored } from '../../ledger/scored.ts'
import { sealed, sealedText } from '../../ledger/sealed.ts'
import { type Standing, standingOf } from '../../ledger/standing.ts'
import { checkValue } from '../../util/check-schema.ts'
import { UserError } from '../../util/errors.ts'
import { makeFolder, writeAtomically } from '../../util/files.ts'
import { plainEvaluation } from '../prune/record.ts'
import type { Done } from './again.ts'
import { measureFile } from './pruned-file.ts'

export interface ScoreOptions {
  row: string
  data?: string
  method?: string
  add?: string
  by?: string
}

export interface Score {
  standing: Standing
  done: Done
  /** Weights of the row's layers, and how many of them are not zero. */
  size: number
  kept: number
  /** Right on the test set, in percent; absent where the data set is not on this machine. */
  accuracy?: number
  /** Whether no more weights are left than the row allows. */
  fits: boolean
}

/** Throws UserError where there is no such row, or the file or the data are not what it needs. */
export async function scoreFile(path: string, { row, data }: ScoreOptions): Promise<Score> {
  const standing = standingOf(row)
  const done = await measureFile(standing, path, data)
  const { final } = done.again
  const counts = countsOf(done.again)
  return {
    standing,
    done,
    ...counts,
    ...(final && { accuracy: (100 * final.correct) / final.count }),
    fits: counts.kept <= standing.kept,
  }
}

/** Throws UserError where what is needed to add a row is missing. */
export function checkAdding({ add, method }: ScoreOptions): void {
  if (method !== undefined) checkValue(methodText, method, '--method')
  if (add !== undefined && method === undefined)
    throw new UserError('--add with --row needs --method: a few words on how the weights were made')
  if (add === undefined && method !== undefined)
    throw new UserError('--method goes with --add: nothing is written without it')
}

/** Writes what a ledger shows of weights that fit the row, and returns the path. */
export function addScore(path: string, { add, by, method }: ScoreOptions, { standing, done }: Score): string {
  const { again, environment } = done
  if (!again.final) throw new UserError('--add needs the data set: the accuracy was not measured')
  const { row, network, data, sparsity } = standing
  const scored: Omit<Scored, 'digest'> = {
    format: 'espalier scored weights 1',
    row,
    network,
    data,
    sparsity,
    layers: again.layers,
    method: method!,
    by: by!,
    final: plainEvaluation(again.final),
    bytes: statSync(path).size,
    result: again.result!,
    environment,
  }
  makeFolder(add!)
  const name = `${row}-${by!.replace(/[^A-Za-z0-9]+/g, '-')}-${again.result!.slice(0, 8)}${SCORE}`
  const written = join(add!, name)
  if (existsSync(written))
    throw new UserError(
      `${written} exists already, a score of these weights by ${by}: expected none, or another folder`,
    )
  writeAtomically(written, sealedText(sealed(scored)))
  return written
}
