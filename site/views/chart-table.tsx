/** @file The values of a chart as a table, for those who read them that way; made when it is opened. */

import { useState } from 'preact/hooks'
import type { Axis } from './frame.ts'
import type { Series } from './series.ts'
import { Sideways } from './sideways.tsx'

interface Props {
  title: string
  series: readonly Series[]
  x: Axis
  y: Axis
}

export function ChartTable({ title, series, x, y }: Props) {
  const [open, setOpen] = useState(false)
  const columns = [...new Set(series.flatMap(({ points }) => points.map((point) => point.x)))].sort((a, b) =>
    x.kind === 'density' ? b - a : a - b,
  )
  return (
    <details class="values" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>Values</summary>
      {open && (
        <Sideways label={`Values of ${title}`}>
          <table>
            <thead>
              <tr>
                <th scope="col">{x.title}</th>
                {series.map(({ name }) => (
                  <th key={name} scope="col" class="number">
                    {name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {columns.map((at) => (
                <tr key={at}>
                  <th scope="row">{x.shown(at)}</th>
                  {series.map(({ name, points }) => {
                    const point = points.find((one) => one.x === at)
                    return (
                      <td key={name} class="number">
                        {point ? y.shown(point.y) : ''}
                      </td>
                    )
                  })}
                </tr>
              ))}
            </tbody>
          </table>
        </Sideways>
      )}
    </details>
  )
}
