/** @file Where the first layer of a network keeps weights. */
import type { Grid } from '../../src/report/pictures/masks.ts'

export function Mask({ label, grid: { rows, columns, pixels } }: { label: string; grid: Grid }) {
  const most = Math.max(...pixels.map(({ kept }) => kept))
  const side = Math.min(200 / rows, 200 / columns)
  return (
    <figure class="grid-picture">
      <h3>{label}</h3>
      <svg
        width={side * columns}
        height={side * rows}
        viewBox={`0 0 ${columns} ${rows}`}
        role="img"
        aria-label={`Weights kept at ${pixels.filter(({ kept }) => kept > 0).length} of ${pixels.length} places`}
      >
        {pixels.map(({ row, column, kept }) =>
          kept > 0 ? (
            <rect
              key={row * columns + column}
              x={column + 0.03}
              y={row + 0.03}
              width="0.94"
              height="0.94"
              opacity={(0.08 + (0.92 * kept) / most).toFixed(2)}
            />
          ) : null,
        )}
      </svg>
    </figure>
  )
}
