/** @file espalier prune --compare: the same network pruned by several methods, in one table. */
import { markdownTable } from 'markdown-table'
import type { WeightsFile } from '../../formats/weights-file.ts'
import type { Model } from '../../models/model.ts'
import { clock, percent } from '../../util/format.ts'
import { print, printJson } from '../display/output.ts'
import { fitting } from '../display/width.ts'
import { chanceWarning, guessWarning, preprocessingJson, preprocessingLines } from '../flags/data.ts'
import { PruneDisplay } from './progress.ts'
import { pruneCounts } from './report.ts'
import { methodName, type PruneFlags, pruneTask } from './settings.ts'
import { loadInputs } from './with-data.ts'
import { prepare } from './work.ts'

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
    let dense: ReturnType<Awaited<ReturnType<typeof prepare>>['network']['evaluate']> | undefined
    for (const task of tasks) {
      const { network, ...prune } = await prepare(file, path, { flags, task, inputs, display })
      dense ??= network.evaluate('test')
      const started = performance.now()
      const { pruned, refreshed, polished } = prune.run()
      const { accuracy, loss } = polished ?? refreshed ?? pruned
      const seconds = (performance.now() - started) / 1000
      const { prunable, multiplyAdds } = pruneCounts(network, prune.names)
      results.push({ method: task.name, ...prunable, multiplyAdds, accuracy, loss, seconds })
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
      })
    display.stop()
    const rows = results
      .toSorted((a, b) => b.accuracy - a.accuracy)
      .map(({ method, sparsity, accuracy, loss, seconds }) => [
        method,
        percent(sparsity),
        percent(accuracy),
        percent(accuracy - dense!.accuracy),
        loss.toFixed(4),
        clock(seconds),
      ])
    const first = ['dense', percent(0), percent(dense!.accuracy), percent(0), dense!.loss.toFixed(4), '']
    const head = ['method', 'sparsity', 'test accuracy', 'change', 'loss', 'time']
    const table = markdownTable([head, first, ...rows], { align: ['l', 'r', 'r', 'r', 'r', 'r'] })
    print(`\n${fitting(table, ['loss', 'change', 'time'])}\n\nsparsity is that of the pruned tensors`)
    for (const line of [guessWarning(inputs), warning]) if (line) print(line)
  } finally {
    display?.stop()
  }
}
