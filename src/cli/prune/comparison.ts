/** @file The table of espalier prune --compare: a method on each row, the best first. */
import { markdownTable } from 'markdown-table'
import type { Measurements } from '../../train/metric.ts'
import { clock, grouped, percent } from '../../util/format.ts'
import { isDistance, type Measured, metricLabels, metricText } from '../display/measured.ts'

export interface ComparedRow {
  method: string
  sparsity: number
  accuracy?: number
  loss: number
  /** Of a measure of one's own, whose first number then says which method is best. */
  metrics?: Measurements
  heldOut?: number
  images: number
  gradients: number
  seconds: number
}

/** The table, and its columns that a narrow terminal does without, in the order in which they go. */
export function comparison(results: readonly ComparedRow[], dense: Measured): { table: string; narrow: string[] } {
  const own = dense.metrics ? metricLabels(dense.metrics) : []
  const numbers = ({ metrics }: Pick<Measured, 'metrics'>) => Object.values(metrics?.values ?? {}).map(metricText)
  const costs = ({ images, gradients, seconds }: ComparedRow) => [grouped(images), grouped(gradients), clock(seconds)]
  const table = (head: string[], rows: string[][]) =>
    markdownTable([head, ...rows], { align: ['l', ...head.slice(1).map(() => 'r')] })
  const sorted = results.toSorted((a, b) => worth(b) - worth(a))
  if (isDistance(dense)) {
    const head = ['method', 'sparsity', 'distance', ...own, 'held-out distance', 'images', 'gradients', 'time']
    const first = ['dense', percent(0), dense.loss.toFixed(4), ...numbers(dense), '', '', '', '']
    const rows = sorted.map((row) => [
      row.method,
      percent(row.sparsity),
      row.loss.toFixed(4),
      ...numbers(row),
      row.heldOut?.toFixed(4) ?? '',
      ...costs(row),
    ])
    return {
      table: table(head, own.length > 0 ? [first, ...rows] : rows),
      narrow: ['held-out distance', 'time', 'images'],
    }
  }
  const judged = ['test accuracy', 'change', ...own, 'loss', 'held-out loss']
  const head = ['method', 'sparsity', ...judged, 'images', 'gradients', 'time']
  const { accuracy: before, loss } = dense
  const first = ['dense', percent(0), percent(before), percent(0), ...numbers(dense), loss.toFixed(4), '', '', '', '']
  const rows = sorted.map(({ accuracy = 0, ...row }) => [
    row.method,
    percent(row.sparsity),
    percent(accuracy),
    percent(accuracy - before),
    ...numbers(row),
    row.loss.toFixed(4),
    row.heldOut?.toFixed(4) ?? '',
    ...costs(row),
  ])
  return { table: table(head, [first, ...rows]), narrow: ['loss', 'change', 'held-out loss', 'time', 'images'] }
}

/** What rows are sorted by, the largest first. */
export function worth({ metrics, accuracy, loss }: Pick<ComparedRow, 'metrics' | 'accuracy' | 'loss'>): number {
  if (!metrics) return accuracy ?? -loss
  const [value] = Object.values(metrics.values)
  return metrics.better === 'high' ? value : -value
}
