/** @file The order of the rows of a table, by one of its columns. */
import type { ViewTable } from '../../src/report/view.ts'

export interface Sorting {
  column: number
  order: 'ascending' | 'descending'
}

const names = new Intl.Collator('en', { numeric: true })

/** The indices of the rows in their order; rows with an empty cell come last in either. */
export function orderOf({ rows }: ViewTable, sorting: Sorting | undefined): number[] {
  const order = rows.map((_, i) => i)
  if (!sorting) return order
  const { column } = sorting
  const sign = sorting.order === 'ascending' ? 1 : -1
  const empty = (i: number) => rows[i][column].text === ''
  return order.sort((a, b) => {
    if (empty(a) || empty(b)) return Number(empty(a)) - Number(empty(b)) || a - b
    const [one, other] = [rows[a][column], rows[b][column]]
    const difference =
      one.value !== undefined && other.value !== undefined
        ? one.value - other.value
        : names.compare(one.text, other.text)
    return sign * difference || a - b
  })
}

/** A first press sorts a column, numbers from the largest; a second turns it round, a third undoes it. */
export function pressed(before: Sorting | undefined, column: number, numeric: boolean): Sorting | undefined {
  const first = numeric ? 'descending' : 'ascending'
  if (before?.column !== column) return { column, order: first }
  if (before.order !== first) return undefined
  return { column, order: first === 'ascending' ? 'descending' : 'ascending' }
}
