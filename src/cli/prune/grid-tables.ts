/** @file The tables of espalier prune --compare over sparsities: a row for each method. */
import { markdownTable } from 'markdown-table'
import { onFront } from '../../report/pareto.ts'
import { clock, grouped, percent } from '../../util/format.ts'
import { isDistance, type Measured, metricLabels, metricText } from '../display/measured.ts'
import { type ComparedRow, worth } from './comparison.ts'

/** A method at a sparsity that was pruned and judged. */
export interface GridRow extends ComparedRow {
  /** The sparsity that was asked for. */
  asked: number
  /** Of one sample, in the pruned tensors. */
  multiplyAdds: { dense: number; kept: number }
  /** Of one image. */
  milliseconds: number
  /** Whether batch normalizations took new statistics; undefined where nothing tried that. */
  refreshed?: boolean
  /** Rounds of updates at constant masks. */
  polished: number
  /** How far the method moved the weights that are left, as a share of their size. */
  moved?: number
  warnings: string[]
}

/** A method at a sparsity at which it could not do its work. */
export interface FailedRow {
  method: string
  asked: number
  /** Why. */
  failed: string
  seconds: number
}

export interface Grid {
  methods: readonly string[]
  sparsities: readonly number[]
  dense: Measured & { milliseconds: number }
  rows: readonly (GridRow | FailedRow)[]
}

export const isFailed = (row: GridRow | FailedRow): row is FailedRow => 'failed' in row

/** The rows on the front of value and latency, on which the dense network may lie, too. */
export function frontOf({ dense, rows }: Pick<Grid, 'dense' | 'rows'>): GridRow[] {
  const done = rows.filter((row): row is GridRow => !isFailed(row))
  const all = [
    { ...(isDistance(dense) ? { loss: dense.loss } : dense), metrics: dense.metrics, milliseconds: dense.milliseconds },
    ...done,
  ]
  const front = onFront(all.map((one) => ({ cost: one.milliseconds, worth: worth(one) })))
  return done.filter((_, i) => front[i + 1])
}

/** `50 %`, `97.5 %`. */
export const shareText = (share: number): string => percent(share).replace(/\.?0+ %$/, ' %')

/** Tables of values, times, multiply-adds and budgets, each a text. */
export function gridTables(grid: Grid): string[] {
  const { dense, rows } = grid
  const front = new Set(frontOf(grid))
  const judged = isDistance(dense) ? 'distance' : 'test accuracy'
  const own = dense.metrics ? metricLabels(dense.metrics) : []
  const value = (row: GridRow) => (isDistance(dense) ? row.loss.toFixed(4) : percent(row.accuracy ?? Number.NaN))
  return [
    cells(grid, judged, (row) => `${value(row)}${front.has(row) ? ' *' : ''}`),
    ...own.map((label, k) => cells(grid, label, ({ metrics }) => metricText(Object.values(metrics!.values)[k]))),
    cells(grid, 'ms of one image', ({ milliseconds }) => milliseconds.toPrecision(3)),
    cells(grid, 'multiply-adds', ({ multiplyAdds }) => grouped(multiplyAdds.kept)),
    ...(rows.length > 0 ? [budgets(grid)] : []),
  ]
}

/** A row for each method, a column for each sparsity. */
function cells({ methods, sparsities, rows }: Grid, title: string, text: (row: GridRow) => string): string {
  const cell = (method: string, sparsity: number) => {
    const row = rows.find((one) => one.method === method && one.asked === sparsity)
    if (row === undefined) return ''
    return isFailed(row) ? 'failed' : text(row)
  }
  return markdownTable(
    [
      [title, ...sparsities.map(shareText)],
      ...methods.map((method) => [method, ...sparsities.map((sparsity) => cell(method, sparsity))]),
    ],
    { align: ['l', ...sparsities.map(() => 'r')] },
  )
}

/** What every method was given. */
function budgets({ methods, rows }: Grid): string {
  const head = ['budget', 'images', 'gradients', 'time', 'new statistics', 'polished']
  const body = methods.flatMap((method) => {
    const own = rows.filter((row) => row.method === method)
    const done = own.filter((row): row is GridRow => !isFailed(row))
    if (own.length === 0) return []
    const seconds = own.reduce((sum, row) => sum + row.seconds, 0)
    return [
      [
        method,
        range(done.map(({ images }) => images)),
        range(done.map(({ gradients }) => gradients)),
        clock(seconds),
        statistics(done),
        range(done.map(({ polished }) => polished)),
      ],
    ]
  })
  return markdownTable([head, ...body], { align: ['l', 'r', 'r', 'r', 'l', 'r'] })
}

const range = (values: readonly number[]): string => {
  if (values.length === 0) return ''
  const [least, most] = [Math.min(...values), Math.max(...values)]
  return least === most ? grouped(least) : `${grouped(least)} to ${grouped(most)}`
}

function statistics(rows: readonly GridRow[]): string {
  const taken = rows.filter(({ refreshed }) => refreshed)
  if (taken.length === 0) return 'no'
  return taken.length === rows.length ? 'yes' : `at ${taken.map(({ asked }) => shareText(asked)).join(', ')}`
}
