import { expect, it } from 'vitest'
import { toCsv } from '../../src/report/formats/csv.ts'
import { escapeHtml, toHtml } from '../../src/report/formats/html.ts'
import { escapeLatex, toLatex } from '../../src/report/formats/latex.ts'
import { toMarkdown } from '../../src/report/formats/markdown.ts'
import { type Table, threeDigits, withoutEmpty } from '../../src/report/table.ts'

const table: Table = {
  columns: [{ name: 'method' }, { name: 'runs' }, { name: 'accuracy, %', digits: 2 }, { name: 'note' }],
  rows: [
    ['a|b & <i>_50 %</i>', 12000, { mean: 91.234567, deviation: 0.5 }, 'says "1,2"'],
    ['dense', 1, { mean: 9 }, undefined],
    ['none', 0, undefined, undefined],
  ],
}

it('Markdown', () => {
  const lines = toMarkdown(table).split('\n')
  expect(lines[1]).toMatch(/^\| :-+ \| -+: \| -+: \| :-+ +\|$/)
  expect(lines.slice(2).map((line) => line.replace(/ +/g, ' '))).toEqual([
    '| a\\|b & <i>_50 %</i> | 12,000 | 91.23 ± 0.50 | says "1,2" |',
    '| dense | 1 | 9.00 | |',
    '| none | 0 | | |',
  ])
})

it('CSV: unrounded, deviations apart, fields quoted where they must be', () => {
  expect(toCsv(table)).toBe(
    [
      'method,runs,"accuracy, %","accuracy, %, deviation",note',
      'a|b & <i>_50 %</i>,12000,91.234567,0.5,"says ""1,2"""',
      'dense,1,9,,',
      'none,0,,,',
      '',
    ].join('\r\n'),
  )
})

it('LaTeX: no text is a command', () => {
  expect(toLatex(table).split('\n')).toEqual([
    '% needs \\usepackage{booktabs}',
    '\\begin{tabular}{lrrl}',
    '  \\toprule',
    '  method & runs & accuracy, \\% & note \\\\',
    '  \\midrule',
    '  a|b \\& <i>\\_50 \\%</i> & 12,000 & 91.23 $\\pm$ 0.50 & says "1,2" \\\\',
    '  dense & 1 & 9.00 &  \\\\',
    '  none & 0 &  &  \\\\',
    '  \\bottomrule',
    '\\end{tabular}',
    '',
  ])
  expect(escapeLatex('\\input{~^#$} 1 ± 2')).toBe(
    '\\textbackslash{}input\\{\\textasciitilde{}\\textasciicircum{}\\#\\$\\} 1 $\\pm$ 2',
  )
})

it('HTML: no text is markup', () => {
  const html = toHtml(table)
  expect(html).toContain('<td>a|b &amp; &lt;i&gt;_50 %&lt;/i&gt;</td>')
  expect(html).toContain('<td class="number">91.23 <small>± 0.50</small></td>')
  expect(html).toContain('<td>says &quot;1,2&quot;</td>')
  expect(escapeHtml(`<a href='x'>`)).toBe('&lt;a href=&#39;x&#39;&gt;')
})

it('columns that hold nothing are left out', () => {
  const { columns, rows } = withoutEmpty({ ...table, rows: table.rows.slice(1) })
  expect(columns.map(({ name }) => name)).toEqual(['method', 'runs', 'accuracy, %'])
  expect(rows[1]).toEqual(['none', 0, undefined])
})

it.each([
  [0.001234, 5],
  [0.99, 3],
  [12.3, 1],
  [123, 0],
  [4e6, 0],
  [0, 2],
])('three digits of %f: %i places', (value, places) => expect(threeDigits(value)).toBe(places))
