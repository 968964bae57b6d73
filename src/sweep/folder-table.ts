/** @file What the runs of a folder of recipes came to: a row for each file. */
import { markdownTable } from 'markdown-table'
import { percent } from '../util/format.ts'
import type { RecipeFolder } from './folder.ts'
import type { SweepOutcome } from './sweep.ts'

/** A Markdown table, and below it a sentence for every file that failed. */
export function folderTable({ cells, broken }: RecipeFolder, { results, failed }: SweepOutcome): string {
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
  return [table, ...reasons].join('\n\n')
}
