/**
 * @file Finds what a ledger is made of in folders: records, verifications of them, weights that were scored,
 * and runs of recipes.
 */
import { existsSync, readdirSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { FILES } from '../experiment/run/folder.ts'
import { UserError } from '../util/errors.ts'
import { RECORD } from './record.ts'
import { SCORE } from './scored.ts'
import { VERIFICATION } from './verification.ts'

export interface Found {
  records: string[]
  verifications: string[]
  /** Weights that somebody brought, as they were scored. */
  scores: string[]
  /** Folders of runs. */
  runs: string[]
}

/**
 * Paths below folders, links not followed, and files of records by their own name, each once, in the order of
 * their names. Throws UserError where one of them has neither record, score nor run.
 */
export function collect(paths: readonly string[]): Found {
  const all = paths.map((path) => {
    const files = filesOf(path)
    const found = {
      records: files.filter((file) => file.endsWith(RECORD)),
      verifications: files.filter((file) => file.endsWith(VERIFICATION)),
      scores: files.filter((file) => file.endsWith(SCORE)),
      runs: files
        .filter((file) => basename(file) === FILES.metrics)
        .map((file) => file.slice(0, -FILES.metrics.length - 1) || '.'),
    }
    if (found.records.length + found.runs.length + found.scores.length === 0)
      throw new UserError(
        existsSync(path)
          ? `${path} holds no row of a ledger: expected files that end in ${RECORD} or ${SCORE}, or folders of runs`
          : `there is no file or folder ${path}`,
      )
    return found
  })
  const unique = (key: keyof Found) => [...new Set(all.flatMap((found) => found[key]))].sort()
  return {
    records: unique('records'),
    verifications: unique('verifications'),
    scores: unique('scores'),
    runs: unique('runs'),
  }
}

function filesOf(path: string): string[] {
  if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) return existsSync(path) ? [path] : []
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
}
