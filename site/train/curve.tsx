/** @file A value over the time of training. */

export interface Point {
  /** The share of training that is over. */
  at: number
  value: number
}

interface Props {
  name: string
  points: readonly Point[]
  least?: number
  most: number
  shown(value: number): string
}

const [WIDTH, HEIGHT] = [300, 120]

export function Curve({ name, points, least = 0, most, shown }: Props) {
  const x = (at: number) => WIDTH * at
  const y = (value: number) => HEIGHT * (1 - Math.min(1, Math.max(0, (value - least) / (most - least))))
  const last = points.at(-1)
  return (
    <figure class="card curve">
      <figcaption>
        <span>{name}</span>
        <strong>{last ? shown(last.value) : '–'}</strong>
      </figcaption>
      <div class="plot">
        <span class="soft top-label">{shown(most)}</span>
        <svg
          role="img"
          aria-label={`${name}${last ? `, now ${shown(last.value)}` : ''}`}
          viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
          preserveAspectRatio="none"
        >
          {[0, 0.5, 1].map((share) => (
            <line key={share} class="grid" x1="0" x2={WIDTH} y1={HEIGHT * share} y2={HEIGHT * share} />
          ))}
          <polyline points={points.map(({ at, value }) => `${x(at).toFixed(1)},${y(value).toFixed(1)}`).join(' ')} />
          {points.length === 1 && <circle cx={x(points[0].at)} cy={y(points[0].value)} r="2" />}
        </svg>
        <span class="soft bottom-label">{shown(least)}</span>
      </div>
    </figure>
  )
}
