/** @file What the runs of a folder of recipes came to: a row for each file, and means over seeds. */
import { markdownTable } from 'markdown-table'
import { settingsOf } from '../experiment/recipe/sections/about.ts'
import { percent } from '../util/format.ts'
import { groupBy } from '../util/group-by.ts'
import type { RecipeFolder } from './folder.ts'
import { meanAndDeviation } from './summary.ts'
import type { SweepOutcome } from './sweep.ts'
import type { Cell } from './sweep-file.ts'

/**
 * A Markdown table, below it the means of files that differ by their seed alone, and a sentence for every
 * file that failed.
 */
export function folderTable({ cells, broken }: RecipeFolder, outcome: SweepOutcome): string {
  const { results, failed } = outcome
  const all = [...cells, ...broken].sort((a, b) => (a.name < b.name ? -1 : 1))
  const rows = all.map(({ name, values }) => {
    const result = results.get(name)
    const state = result ? 'done' : failed.has(name) ? 'failed' : 'not done'
    const figures = result ? [percent(result.final.accuracy), percent(result.sparsity)] : ['', '']
    return [String(values.file), state, ...figures]
  })
  const table = markdownTable([['file', 'state', 'test accuracy', 'sparsity'], ...rows], {
    align: ['l', 'l', 'r', 'r'],
  })
  const reasons = all.flatMap(({ name, values }) => {
    const reason = results.has(name) ? undefined : failed.get(name)
    return reason === undefined ? [] : [`${values.file} failed: ${reason.replace(/^espalier: /, '')}`]
  })
  return [table, ...meansTable(cells, outcome), ...reasons].join('\n\n')
}

/** All that a recipe asks for but what goes with its seed. */
function beside({ recipe }: Cell): string {
  const { seed: _, name: __, summary: ___, about: ____, ...others } = recipe
  return JSON.stringify([...settingsOf(others)])
}

/** Mean and sample deviation of files that differ by their seeds alone, each with one of its own. */
function meansTable(cells: readonly Cell[], { results }: SweepOutcome): string[] {
  const rows = [...groupBy(cells, beside).values()].flatMap((alike) => {
    const accuracies = alike.flatMap(({ name }) => {
      const result = results.get(name)
      return result ? [100 * result.final.accuracy] : []
    })
    const distinct = new Set(alike.map(({ recipe }) => recipe.seed)).size === alike.length
    if (alike.length === 1 || !distinct || accuracies.length === 0) return []
    const { mean, deviation } = meanAndDeviation(accuracies)
    const spread = deviation === undefined ? '' : ` ± ${deviation.toFixed(2)}`
    const seeds = alike.map(({ recipe }) => recipe.seed).join(', ')
    const done = accuracies.length === alike.length ? '' : ` (${accuracies.length})`
    return [[alike.map(({ values }) => values.file).join(', '), seeds, `${mean.toFixed(2)}${spread}${done}`]]
  })
  if (rows.length === 0) return []
  return [markdownTable([['files', 'seeds', 'mean test accuracy, %'], ...rows], { align: ['l', 'l', 'r'] })]
}
