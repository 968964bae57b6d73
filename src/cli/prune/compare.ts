/** @file espalier prune --compare: the same network pruned by several methods, in one table. */
import type { WeightsFile } from '../../formats/weights-file.ts'
import type { MethodName } from '../../methods/index.ts'
import type { Model } from '../../models/model.ts'
import { UserError } from '../../util/errors.ts'
import { clock } from '../../util/format.ts'
import { withLastWords } from '../display/last-words.ts'
import { DISTANCES, isDistance, type Measured, measured, measuredText } from '../display/measured.ts'
import { print, printJson } from '../display/output.ts'
import { fitting } from '../display/width.ts'
import { chanceWarning, guessWarning, preprocessingJson, preprocessingLines } from '../flags/data-report.ts'
import { readMetric } from '../flags/metric.ts'
import { ascendingShares } from '../flags/sparsities.ts'
import { judged } from './attempt.ts'
import { comparison } from './comparison.ts'
import { compareOverSparsities } from './grid.ts'
import { PruneDisplay } from './progress.ts'
import { methodName, type PruneFlags, pruneTask } from './settings.ts'
import { leftBehind, loadInputs } from './with-data.ts'
import { prepare } from './work.ts'

const SAYS =
  'sparsity is that of the pruned tensors; images are those of calibration and new statistics, gradients those of single samples that were taken, in updates afterwards, too'

export async function compareMethods(
  file: WeightsFile,
  path: string,
  model: Model,
  flags: PruneFlags & { data: string; compare: string },
) {
  const metric = flags.metric === undefined ? undefined : await readMetric(flags.metric)
  const names = namesOf(flags.compare)
  const sparsity = flags.sparsity ?? ''
  if (sparsity.includes(',')) {
    const grid = ascendingShares(sparsity, '--sparsity')
    return compareOverSparsities(file, path, model, { ...flags, names, grid, measure: metric })
  }
  if (flags.picture !== undefined)
    throw new UserError(
      `--picture: expected several sparsities to draw curves over, such as 0.5,0.7,0.9, found ${sparsity}`,
    )
  const tasks = names.map((name) => pruneTask(flags, model, name))
  const inputs = await loadInputs(
    file,
    path,
    model,
    flags,
    tasks.map(({ method }) => method),
  )
  const display = flags.json ? undefined : new PruneDisplay()
  try {
    if (display) for (const line of preprocessingLines(inputs, model)) print(line)
    const results = []
    const warnings: string[] = []
    let dense: Measured | undefined
    for (const task of tasks) {
      const prepared = await prepare(file, path, { flags, task, inputs, metric, display })
      dense ??= measured(prepared.network, metric)
      const started = performance.now()
      const outcome = withLastWords(leftBehind(flags), prepared.run, (sentence) => display?.hint(sentence))
      const seconds = (performance.now() - started) / 1000
      const { row, final, guessing } = judged(task, prepared, outcome, dense)
      results.push({ ...row, seconds })
      if (guessing) warnings.push(`${task.name}: ${guessing}`)
      display?.line(`${task.name}: ${measuredText(final)}, ${clock(seconds)}`)
    }
    const warning = dense && !isDistance(dense) ? chanceWarning(dense, model) : undefined
    if (!display)
      return printJson({
        model: model.name,
        dataset: flags.data,
        ...preprocessingJson(inputs),
        dense,
        results,
        warning,
        warnings,
      })
    display.stop()
    const { table, narrow } = comparison(results, dense!)
    print(`\n${fitting(table, narrow)}\n\n${SAYS}${isDistance(dense!) ? `; ${DISTANCES}` : ''}`)
    for (const line of [guessWarning(inputs), warning, ...warnings]) if (line) print(line)
  } finally {
    display?.stop()
  }
}

/** The methods to compare. Throws UserError, naming the flag. */
function namesOf(list: string): MethodName[] {
  const names = list.split(',').map((name) => methodName(name.trim(), '--compare'))
  const twice = names.find((name, i) => names.indexOf(name) < i)
  if (twice) throw new UserError(`--compare: expected every method once, found ${twice} twice`)
  return names
}
