/** @file Writes tables as CSV (RFC 4180), with unrounded numbers and with deviations in separate columns. */
import { isSpread, type Table } from '../table.ts'

export function toCsv({ columns, rows }: Table): string {
  const spread = columns.map((_, i) => rows.some((row) => isSpread(row[i])))
  const head = columns.flatMap(({ name }, i) => (spread[i] ? [name, `${name}, deviation`] : [name]))
  const lines = rows.map((row) =>
    row.flatMap((cell, i) => {
      const values = isSpread(cell) ? [cell.mean, cell.deviation] : [cell]
      return spread[i] ? [values[0], values[1]] : values
    }),
  )
  return [head, ...lines].map((line) => `${line.map(field).join(',')}\r\n`).join('')
}

function field(value: string | number | undefined): string {
  const text = value === undefined ? '' : String(value)
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
