/** @file The work of espalier verify: a record or run done again, what was found, and the exit status. */
import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { FILES } from '../../experiment/run/folder.ts'
import { collect } from '../../ledger/collect.ts'
import { compared, type Finding } from '../../ledger/compare.ts'
import { countsOf, type PruneRecord, RECORD, readRecord } from '../../ledger/record.ts'
import { sealed, sealedText } from '../../ledger/sealed.ts'
import { VERIFICATION, type Verification, verifierName } from '../../ledger/verification.ts'
import { percentText } from '../../report/groups.ts'
import { checkValue } from '../../util/check-schema.ts'
import { UserError } from '../../util/errors.ts'
import { makeFolder, writeAtomically } from '../../util/files.ts'
import { grouped } from '../../util/format.ts'
import { print, printJson } from '../display/output.ts'
import { exitWith } from '../io.ts'
import { type Done, pruneAgain } from '../verify/again.ts'
import { measureFile } from '../verify/pruned-file.ts'
import { runAgain } from '../verify/run-folder.ts'
import { addScore, checkAdding, scoreFile } from '../verify/score.ts'

export interface VerifyOptions {
  row?: string
  method?: string
  checkpoint?: string
  pruned?: string
  data?: string
  tolerance?: number
  add?: string
  by?: string
  json?: boolean
}

/** Points of percent by which accuracies may differ where nobody says otherwise. */
const TOLERANCE = 0.5

export async function verify(given: string, options: VerifyOptions): Promise<void> {
  const { row, method, checkpoint, pruned, add, by, tolerance = TOLERANCE } = options
  if ((add === undefined) !== (by === undefined)) throw new UserError('--add and --by go together')
  if (by !== undefined) checkValue(verifierName, by, '--by')
  if (row !== undefined) return score(given, { ...options, row })
  if (method !== undefined) throw new UserError('--method goes with --row: a record says its own')
  if (isRun(given)) {
    for (const flag of ['checkpoint', 'pruned', 'add'] as const)
      if (options[flag] !== undefined) throw new UserError(`--${flag} is for records: ${given} is the folder of a run`)
    const { claim, again } = await runAgain(given, options.data)
    tell(given, compared(claim, again, tolerance), options)
    return
  }
  if ((checkpoint === undefined) === (pruned === undefined))
    throw new UserError(
      'verify needs either --checkpoint with the weights that were pruned or --pruned with the result of a record, or --row with a file of weights',
    )
  const paths = collect([given]).records
  if (pruned !== undefined && paths.length > 1)
    throw new UserError(`--pruned is one network: ${given} holds ${paths.length} records`)
  for (const [path, record] of paths.map((path) => [path, readRecord(path)] as const)) {
    const done =
      pruned === undefined
        ? await pruneAgain(record, { ...options, checkpoint: checkpoint! })
        : await measureFile(record, pruned, options.data)
    const findings = compared(record, done.again, tolerance)
    const what = `${record.network} pruned to ${percentText(record.sparsity)} by ${record.method}, seed ${record.seed} (${path})`
    const holds = tell(what, findings, options)
    if (!holds || add === undefined) continue
    const written = addTo(add, record, done, by!)
    if (!options.json) print(`written: ${written}`)
  }
}

/** Scores weights as a row of the ledger is; exit status 1 where more are left than it has. */
async function score(path: string, options: VerifyOptions & { row: string }): Promise<void> {
  for (const flag of ['checkpoint', 'pruned'] as const)
    if (options[flag] !== undefined)
      throw new UserError(`--${flag} is for records: --row scores the file that is given`)
  if (options.tolerance !== undefined)
    throw new UserError('--tolerance is for records and runs: --row compares no accuracy')
  checkAdding(options)
  const scored = await scoreFile(path, options)
  const { standing, accuracy, kept, size, fits, done } = scored
  const { row, sparsity } = standing
  if (!fits) exitWith(1)
  if (options.json) {
    printJson({
      row,
      file: path,
      sparsity,
      allowed: standing.kept,
      kept,
      size,
      accuracy,
      fits,
      layers: done.again.layers,
    })
  } else {
    const [left, all, most] = [kept, size, standing.kept].map(grouped)
    print(`${path} as ${row}`)
    print(`  counts: ${fits ? '' : 'WRONG: '}${left} of ${all} weights are left, the row has ${most}`)
    if (accuracy !== undefined)
      print(`  accuracy: ${accuracy.toFixed(2)} % are right on the test set of ${standing.data.name}`)
  }
  if (options.add === undefined || !fits) return
  const written = addScore(path, options, scored)
  if (!options.json) print(`written: ${written}`)
}

const isRun = (path: string): boolean =>
  statSync(path, { throwIfNoEntry: false })?.isDirectory() === true && existsSync(join(path, FILES.recipe))

/** Says what was found; exit status 1 where something does not hold. */
function tell(what: string, findings: readonly Finding[], { json }: VerifyOptions): boolean {
  const failed = findings.filter(({ holds }) => !holds)
  if (failed.length > 0) exitWith(1)
  if (json) printJson({ what, verified: failed.length === 0, findings })
  else {
    print(what)
    for (const { what, holds, text } of findings) print(`  ${what}: ${holds ? '' : 'WRONG: '}${text}`)
    print(failed.length === 0 ? 'verified' : `not verified: ${failed.map(({ what }) => what).join(', ')}`)
  }
  return failed.length === 0
}

/** Writes the record, under a name that is ours, and its verification, whose path it returns. */
function addTo(folder: string, record: PruneRecord, { again, environment }: Done, by: string): string {
  const { correct, count } = again.final ?? record.final
  if (!again.final) throw new UserError('--add needs the data set: the accuracy was not measured')
  const { network, method, sparsity, seed, digest } = record
  const name = `${network}-${method}-${Number((100 * sparsity).toFixed(4))}-${seed}-${digest.slice(0, 8)}`
  const verification: Omit<Verification, 'digest'> = {
    format: 'espalier verification 1',
    record: digest,
    by,
    how: again.given ? 'file' : 'again',
    correct,
    count,
    kept: countsOf(again).kept,
    same: again.result === record.result,
    environment,
  }
  makeFolder(folder)
  const verifier = by.replace(/[^A-Za-z0-9]+/g, '-')
  writeAtomically(join(folder, `${name}${RECORD}`), sealedText(record))
  const path = join(folder, `${name}-${verifier}${VERIFICATION}`)
  writeAtomically(path, sealedText(sealed(verification)))
  return path
}
