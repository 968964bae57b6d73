/** @file The ledger of folders: all rows, and what has to be said beside them. */
import { collect } from './collect.ts'
import { entryOfRecord } from './of-record.ts'
import { entriesOfRuns } from './of-runs.ts'
import { type Published, readPublished } from './published.ts'
import { readRecord } from './record.ts'
import { type Row, rowsOf } from './rows.ts'
import { entryOfScored, readScored } from './scored.ts'
import { readVerification } from './verification.ts'

export interface Ledger {
  rows: readonly Row[]
  published: Published
  /** Runs that are not complete, which no row counts. */
  incomplete: readonly string[]
  /** Verifications of records that are not here, or were changed since. */
  unfounded: readonly string[]
}

/** Throws UserError where something in the folders is not as it should be. */
export function ledgerOf(paths: readonly string[], published: Published = readPublished()): Ledger {
  const found = collect(paths)
  const records = found.records.map((path) => entryOfRecord(path, readRecord(path), published))
  const scored = found.scores.map((path) => entryOfScored(path, readScored(path)))
  const { entries, incomplete } = entriesOfRuns(found.runs)
  const verifications = found.verifications.map((path) => ({ path, verification: readVerification(path) }))
  const digests = new Set(records.map(({ digest }) => digest))
  return {
    rows: rowsOf(
      [...records, ...scored, ...entries],
      verifications.map(({ verification }) => verification),
    ),
    published,
    incomplete,
    unfounded: verifications.filter(({ verification: { record } }) => !digests.has(record)).map(({ path }) => path),
  }
}
