/** @file Writes tables as LaTeX, with the rules of the package booktabs. */
import { isNumeric, partsOf, type Table } from '../table.ts'

export function toLatex(table: Table): string {
  const { columns, rows } = table
  const line = (cells: readonly string[]) => `  ${cells.join(' & ')} \\\\`
  return [
    '% needs \\usepackage{booktabs}',
    `\\begin{tabular}{${columns.map((_, i) => (isNumeric(table, i) ? 'r' : 'l')).join('')}}`,
    '  \\toprule',
    line(columns.map(({ name }) => escapeLatex(name))),
    '  \\midrule',
    ...rows.map((row) => line(row.map((cell, i) => partsOf(cell, columns[i]).map(escapeLatex).join(' $\\pm$ ')))),
    '  \\bottomrule',
    '\\end{tabular}',
    '',
  ].join('\n')
}

const special: Record<string, string> = {
  '\\': '\\textbackslash{}',
  '~': '\\textasciitilde{}',
  '^': '\\textasciicircum{}',
  '±': '$\\pm$',
}

/** Escapes a text, so that nothing in it is a command. */
export const escapeLatex = (text: string): string =>
  text.replace(/[\\~^±&%$#_{}]/g, (character) => special[character] ?? `\\${character}`).replace(/\s+/g, ' ')
