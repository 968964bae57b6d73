/** @file A table that is sorted by a press on the head of a column. */

import { useState } from 'preact/hooks'
import type { ViewTable } from '../../src/report/view.ts'
import { Sideways } from './sideways.tsx'
import { orderOf, pressed, type Sorting } from './sort.ts'

/** The most rows that are shown without being asked for. */
const MOST = 200

export function SortableTable({ table, label }: { table: ViewTable; label: string }) {
  const [sorting, setSorting] = useState<Sorting>()
  const [all, setAll] = useState(false)
  const shown = orderOf(table, sorting).slice(0, all ? undefined : MOST)
  const best = new Set(table.best)
  return (
    <Sideways label={label}>
      <table class="figures">
        <thead>
          <tr>
            {table.columns.map(({ name, numeric }, column) => {
              const order = sorting?.column === column ? sorting.order : undefined
              return (
                <th key={name} scope="col" class={numeric ? 'number' : undefined} aria-sort={order ?? 'none'}>
                  <button type="button" onClick={() => setSorting(pressed(sorting, column, numeric))}>
                    {name}
                    <span class="arrow" aria-hidden="true">
                      {order === undefined ? '' : order === 'ascending' ? '▲' : '▼'}
                    </span>
                  </button>
                </th>
              )
            })}
          </tr>
        </thead>
        <tbody>
          {shown.map((i) => (
            <tr key={i} class={best.has(i) ? 'best' : undefined}>
              {table.rows[i].map(({ text, deviation }, column) => {
                const Cell = column === 0 ? 'th' : 'td'
                return (
                  <Cell
                    key={table.columns[column].name}
                    scope={column === 0 ? 'row' : undefined}
                    class={table.columns[column].numeric ? 'number' : undefined}
                  >
                    {text}
                    {deviation !== undefined && <small> ± {deviation}</small>}
                    {column === 0 && best.has(i) && <span class="mark">best</span>}
                  </Cell>
                )
              })}
            </tr>
          ))}
        </tbody>
      </table>
      {shown.length < table.rows.length && (
        <button type="button" onClick={() => setAll(true)}>
          Show all {table.rows.length.toLocaleString('en-US')}
        </button>
      )}
    </Sideways>
  )
}
