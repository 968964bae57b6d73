/** @file espalier prune --compare: the same network pruned by several methods, in one table. */
import type { WeightsFile } from '../../formats/weights-file.ts'
import type { Model } from '../../models/model.ts'
import { clock } from '../../util/format.ts'
import { withLastWords } from '../display/last-words.ts'
import { DISTANCES, isDistance, type Measured, measured, measuredText } from '../display/measured.ts'
import { print, printJson } from '../display/output.ts'
import { fitting } from '../display/width.ts'
import { chanceWarning, guessWarning, preprocessingJson, preprocessingLines } from '../flags/data-report.ts'
import { readMetric } from '../flags/metric.ts'
import { comparison } from './comparison.ts'
import { worseThanGuessing } from './guessing.ts'
import { PruneDisplay } from './progress.ts'
import { costOf } from './record.ts'
import { pruneCounts } from './report.ts'
import { methodName, type PruneFlags, pruneTask } from './settings.ts'
import { leftBehind, loadInputs } from './with-data.ts'
import { type Outcome, prepare } from './work.ts'

const SAYS =
  'sparsity is that of the pruned tensors; images are those of calibration and new statistics, gradients those of single samples that were taken, in updates afterwards, too'

export async function compareMethods(
  file: WeightsFile,
  path: string,
  model: Model,
  flags: PruneFlags & { data: string; compare: string },
) {
  const metric = flags.metric === undefined ? undefined : await readMetric(flags.metric)
  const names = flags.compare.split(',').map((name) => methodName(name.trim(), '--compare'))
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
      const { network, ...prune } = await prepare(file, path, { flags, task, inputs, metric, display })
      dense ??= measured(network, metric)
      const started = performance.now()
      const outcome = withLastWords(leftBehind(flags), prune.run, (sentence) => display?.hint(sentence))
      const { pruned, refreshed = pruned, polished = refreshed, statistics, polish } = outcome
      const { loss } = polished
      const accuracy = isDistance(polished) ? undefined : polished.accuracy
      const outputs = isDistance(polished) ? polished.outputs : undefined
      const seconds = (performance.now() - started) / 1000
      const { prunable, multiplyAdds, paths } = pruneCounts(network, prune.names)
      results.push({
        method: task.name,
        ...prunable,
        multiplyAdds,
        accuracy,
        loss,
        outputs,
        metrics: polished.metrics,
        heldOut: heldOutLoss(outcome),
        ...costOf(task, outcome, prune.settings),
        seconds,
      })
      const guessing = worseThanGuessing({ dense, final: polished, statistics, polish, paths }, task)
      if (guessing) warnings.push(`${task.name}: ${guessing}`)
      display?.line(`${task.name}: ${measuredText(polished)}, ${clock(seconds)}`)
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

/** Loss of the last step on the training samples that judge; where a method asked for none, unknown. */
function heldOutLoss({ polish, statistics, stages }: Outcome): number | undefined {
  if (polish) return polish.after
  if (statistics) return statistics.taken ? statistics.after : statistics.before
  const last = stages?.at(-1)
  return last?.updated ?? last?.selected
}
