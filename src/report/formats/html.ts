/** @file Writes tables as HTML. */
import { isNumeric, partsOf, type Table } from '../table.ts'

/** `best`: the rows that are marked as such. */
export function toHtml(table: Table, best: readonly number[] = []): string {
  const cells = (tag: string, texts: readonly string[]) =>
    texts.map((text, i) => `<${tag}${isNumeric(table, i) ? ' class="number"' : ''}>${text}</${tag}>`).join('')
  const head = cells(
    'th',
    table.columns.map(({ name }) => escapeHtml(name)),
  )
  const rows = table.rows.map((row, at) => {
    const marked = best.includes(at)
    const texts = row.map((cell, i) => {
      const [mean, deviation] = partsOf(cell, table.columns[i]).map(escapeHtml)
      return deviation === undefined ? mean : `${mean} <small>± ${deviation}</small>`
    })
    if (marked) texts[0] += ' <span class="mark">best</span>'
    return `<tr${marked ? ' class="best"' : ''}>${cells('td', texts)}</tr>`
  })
  return `<table>\n<thead><tr>${head}</tr></thead>\n<tbody>\n${rows.join('\n')}\n</tbody>\n</table>`
}

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

/** Escapes a text, so that nothing in it is markup, also inside attributes. */
export const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (character) => entities[character])
