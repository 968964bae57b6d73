/** @file Tables whose cells are still numbers, so that every format can write them its own way. */

/** A mean, with the sample deviation where there is more than one value. */
export interface Spread {
  mean: number
  deviation?: number
}

export type Cell = string | number | Spread | undefined

export interface Column {
  name: string
  /**
   * How many digits stand behind the decimal point; a function says it by the size of the number. Absent:
   * numbers are written as they are.
   */
  digits?: number | ((mean: number) => number)
}

export interface Table {
  columns: readonly Column[]
  rows: readonly (readonly Cell[])[]
}

export const isSpread = (cell: Cell): cell is Spread => typeof cell === 'object'

/** The texts of a cell: its mean, and its deviation where it has one. */
export function partsOf(cell: Cell, { digits }: Column): string[] {
  if (cell === undefined) return ['']
  if (typeof cell === 'string') return [cell]
  const { mean, deviation }: Spread = typeof cell === 'number' ? { mean: cell } : cell
  const places = typeof digits === 'function' ? digits(mean) : digits
  const text = (value: number) => (places === undefined ? value.toLocaleString('en-US') : value.toFixed(places))
  return deviation === undefined ? [text(mean)] : [text(mean), text(deviation)]
}

/** The number of digits behind the point that makes three in all, for numbers of any size. */
export const threeDigits = (mean: number): number => Math.max(0, 2 - Math.floor(Math.log10(Math.abs(mean) || 1)))

/** Whether a column holds numbers, which stand to the right. */
export const isNumeric = ({ rows }: Table, column: number): boolean =>
  rows.every((row) => typeof row[column] !== 'string') && rows.some((row) => row[column] !== undefined)

/** The table without columns that hold nothing. */
export function withoutEmpty({ columns, rows }: Table): Table {
  const kept = columns.flatMap((_, i) => (rows.some((row) => row[i] !== undefined && row[i] !== '') ? [i] : []))
  return { columns: kept.map((i) => columns[i]), rows: rows.map((row) => kept.map((i) => row[i])) }
}
