/** @file espalier prune --compare: the same network pruned by several methods, in one table. */
import { markdownTable } from 'markdown-table'
import type { WeightsFile } from '../../formats/weights-file.ts'
import type { Model } from '../../models/model.ts'
import { clock, grouped, percent } from '../../util/format.ts'
import { withLastWords } from '../display/last-words.ts'
import { print, printJson } from '../display/output.ts'
import { fitting } from '../display/width.ts'
import { chanceWarning, guessWarning, preprocessingJson, preprocessingLines } from '../flags/data.ts'
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
  const names = flags.compare.split(',').map((name) => methodName(name.trim(), '--compare'))
  const tasks = names.map((name) => pruneTask(flags, model, name))
  const inputs = await loadInputs(file, path, model, flags)
  const display = flags.json ? undefined : new PruneDisplay()
  try {
    if (display) for (const line of preprocessingLines(inputs, model)) print(line)
    const results = []
    const warnings: string[] = []
    let dense: ReturnType<Awaited<ReturnType<typeof prepare>>['network']['evaluate']> | undefined
    for (const task of tasks) {
      const { network, ...prune } = await prepare(file, path, { flags, task, inputs, display })
      dense ??= network.evaluate('test')
      const started = performance.now()
      const outcome = withLastWords(leftBehind(flags), prune.run, (sentence) => display?.hint(sentence))
      const { pruned, refreshed = pruned, polished = refreshed, statistics, polish } = outcome
      const { accuracy, loss } = polished
      const seconds = (performance.now() - started) / 1000
      const { prunable, multiplyAdds, paths } = pruneCounts(network, prune.names)
      results.push({
        method: task.name,
        ...prunable,
        multiplyAdds,
        accuracy,
        loss,
        heldOut: heldOutLoss(outcome),
        ...costOf(task, outcome, prune.settings),
        seconds,
      })
      const guessing = worseThanGuessing({ dense, final: polished, statistics, polish, paths }, task)
      if (guessing) warnings.push(`${task.name}: ${guessing}`)
      display?.line(`${task.name}: test accuracy ${percent(accuracy)}, loss ${loss.toFixed(4)}, ${clock(seconds)}`)
    }
    const warning = chanceWarning(dense!, model)
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
    const rows = results
      .toSorted((a, b) => b.accuracy - a.accuracy)
      .map(({ method, sparsity, accuracy, loss, heldOut, images, gradients, seconds }) => [
        method,
        percent(sparsity),
        percent(accuracy),
        percent(accuracy - dense!.accuracy),
        loss.toFixed(4),
        heldOut?.toFixed(4) ?? '',
        grouped(images),
        grouped(gradients),
        clock(seconds),
      ])
    const first = ['dense', percent(0), percent(dense!.accuracy), percent(0), dense!.loss.toFixed(4), '', '', '', '']
    const head = [
      'method',
      'sparsity',
      'test accuracy',
      'change',
      'loss',
      'held-out loss',
      'images',
      'gradients',
      'time',
    ]
    const table = markdownTable([head, first, ...rows], { align: ['l', ...head.slice(1).map(() => 'r' as const)] })
    print(`\n${fitting(table, ['loss', 'change', 'held-out loss', 'time', 'images'])}\n\n${SAYS}`)
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
