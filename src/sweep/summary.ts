/**
 * @file What a sweep came to: mean and standard deviation over seeds, a row per combination of all keys but
 * the last, which are the columns.
 */
import { markdownTable } from 'markdown-table'
import type { RunResult } from '../experiment/run/events.ts'
import type { Scalar, Sweep } from './sweep-file.ts'

/** Runs that differ by their seed alone. */
export interface Group {
  /** Values of all keys of the grid but `seed`. */
  values: Readonly<Record<string, Scalar>>
  /** Of those runs that are complete. */
  results: RunResult[]
}

export function groups(sweep: Sweep, results: ReadonlyMap<string, RunResult>): Group[] {
  const found = new Map<string, Group>()
  for (const { name, values } of sweep.cells) {
    const { seed: _, ...others } = values
    const key = JSON.stringify(others)
    const group = found.get(key) ?? { values: others, results: [] }
    found.set(key, group)
    const result = results.get(name)
    if (result) group.results.push(result)
  }
  return [...found.values()]
}

/** Values of a single key that still stand side by side. */
const BESIDE = 8

/**
 * A Markdown table of test accuracies in percent: `90.12 ± 0.34`, `(2)` behind it where fewer runs than the
 * most are complete, and ! where outputs are the same for every image in some. Many values of a single key
 * are rows, not columns.
 */
export function accuracyTable(sweep: Sweep, results: ReadonlyMap<string, RunResult>): string {
  const all = groups(sweep, results)
  const keys = sweep.keys.filter((key) => key !== 'seed')
  const most = Math.max(...all.map((group) => group.results.length))
  const [column, rows] = [keys[keys.length - 1], keys.slice(0, -1)]
  const text = (group: Group | undefined) => {
    const runs = group?.results ?? []
    if (runs.length === 0) return ''
    const { mean, deviation } = meanAndDeviation(runs.map(({ final }) => 100 * final.accuracy))
    const spread = deviation === undefined ? '' : ` ± ${deviation.toFixed(2)}`
    const constant = runs.some(({ final }) => final.constant) ? ' !' : ''
    return `${mean.toFixed(2)}${spread}${runs.length < most ? ` (${runs.length})` : ''}${constant}`
  }
  if (column === undefined) return markdownTable([['accuracy'], [text(all[0])]])
  const columns = [...new Set(all.map(({ values }) => values[column]))]
  if (rows.length === 0 && columns.length > BESIDE)
    return markdownTable([[column, 'accuracy'], ...all.map((group) => [String(group.values[column]), text(group)])], {
      align: ['l', 'r'],
    })
  const labels = [...new Set(all.map(({ values }) => rows.map((key) => String(values[key])).join(' ')))]
  const at = (label: string, value: Scalar) =>
    all.find(({ values }) => rows.map((key) => String(values[key])).join(' ') === label && values[column] === value)
  const head = [rows.join(' '), ...columns.map((value) => `${column.split('.').at(-1)} ${value}`)]
  return markdownTable(
    [head, ...labels.map((label) => [label || 'accuracy', ...columns.map((value) => text(at(label, value)))])],
    {
      align: ['l', ...columns.map(() => 'r' as const)],
    },
  )
}

/** The sample deviation; undefined of a single value. */
export function meanAndDeviation(values: readonly number[]): { mean: number; deviation?: number } {
  const mean = values.reduce((sum, x) => sum + x, 0) / values.length
  if (values.length < 2) return { mean }
  return { mean, deviation: Math.sqrt(values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (values.length - 1)) }
}
