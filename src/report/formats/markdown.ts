/** @file Writes tables as Markdown, which is also what the terminal shows. */
import { markdownTable } from 'markdown-table'
import { isNumeric, partsOf, type Table } from '../table.ts'

export function toMarkdown(table: Table): string {
  const text = (value: string) => value.replaceAll('|', '\\|').replace(/\s+/g, ' ')
  const rows = table.rows.map((row) => row.map((cell, i) => text(partsOf(cell, table.columns[i]).join(' ± '))))
  return markdownTable([table.columns.map(({ name }) => text(name)), ...rows], {
    align: table.columns.map((_, i) => (isNumeric(table, i) ? 'r' : 'l')),
  })
}
