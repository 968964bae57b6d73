/** @file What sensitivity prints: a row for each tensor or group, a column for each level. */
import { markdownTable } from 'markdown-table'
import { percent } from '../../util/format.ts'

/** At levels, the dense one first. */
interface Row {
  name: string
  levels: readonly { sparsity: number; loss: number }[]
}

const atSparsity = (sparsity: number): string => percent(sparsity).replace('.00', '')

const tableOf = (head: string[], rows: string[][]): string =>
  markdownTable([head, ...rows], { align: ['l', ...head.slice(1).map(() => 'r')] })

/** What every level adds to the loss; `facts`: columns between the name and the levels. */
export function lossTable<R extends Row>(
  rows: readonly R[],
  called: string,
  facts: Readonly<Record<string, (row: R) => string>>,
): string {
  const [{ levels }] = rows
  return tableOf(
    [called, ...Object.keys(facts), ...levels.slice(1).map(({ sparsity }) => atSparsity(sparsity))],
    rows.map((row) => {
      const [dense, ...rest] = row.levels
      return [
        row.name,
        ...Object.values(facts).map((text) => text(row)),
        ...rest.map(({ loss }) => signed(loss - dense.loss)),
      ]
    }),
  )
}

/** What every level takes, in words. */
export function timeTable<R extends Row>(rows: readonly R[], textsOf: (row: R) => string[]): string {
  const [{ levels }] = rows
  return tableOf(
    ['time', ...levels.map(({ sparsity }) => (sparsity === 0 ? 'dense' : atSparsity(sparsity)))],
    rows.map((row) => [row.name, ...textsOf(row)]),
  )
}

/** Such as `+0.0123`. */
const signed = (loss: number): string => `${loss < 0 ? '-' : '+'}${Math.abs(loss).toFixed(4)}`
