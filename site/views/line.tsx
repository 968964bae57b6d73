/** @file A line of a chart: straight segments, deviations, and a mark at each point where there is room. */
import { type Frame, placeOf } from './frame.ts'
import { colorOf, markOf, type Point, type Series } from './series.ts'

/** Pixels between marks that still stand apart, and of segments that are worth drawing. */
const [APART, SEGMENT] = [9, 1.5]

export function Line({ series, frame }: { series: Series; frame: Frame }) {
  const { points, beside = [], index, shade } = series
  const placed = points.map((point) => ({ point, ...placeOf(frame, point) }))
  // Where a value has no place on a logarithmic axis the line is broken, and a hollow mark lies at its end.
  const held = ({ point }: { point: Point }) => frame.x.holds(point.x) && frame.y.holds(point.y)
  const wide = frame.width - frame.left - frame.right
  const marked = points.length <= 2 || wide / points.length >= APART
  const radius = points.length * APART > wide / 2 ? 2.6 : 4
  return (
    <g style={{ color: colorOf(index, shade) }}>
      <path class="stroke" d={pathOf(placed.map((one) => (held(one) ? one : undefined)))} />
      {placed.map(({ point, px }, i) =>
        point.low === undefined || point.high === undefined || point.high === point.low ? null : (
          <line
            key={`d${i}`}
            class="stroke thin"
            x1={px}
            x2={px}
            y1={placeOf(frame, { x: point.x, y: point.low }).py}
            y2={placeOf(frame, { x: point.x, y: point.high }).py}
          />
        ),
      )}
      {placed.map((one, i) =>
        marked || !held(one) ? (
          <path
            key={i}
            class={held(one) ? 'fill' : 'hollow'}
            d={markOf(index, radius)}
            transform={`translate(${one.px} ${one.py})`}
          />
        ) : null,
      )}
      {beside.map((point, i) => {
        const { px, py } = placeOf(frame, point)
        return <circle key={`b${i}`} class="hollow" cx={px} cy={py} r="6.5" />
      })}
    </g>
  )
}

/** Segments shorter than the eye can tell are left out; undefined places break the line. */
function pathOf(places: readonly ({ px: number; py: number } | undefined)[]): string {
  const parts: string[] = []
  let last: { px: number; py: number } | undefined
  places.forEach((place, i) => {
    if (!place) {
      last = undefined
      return
    }
    const near = last && Math.abs(place.px - last.px) < SEGMENT && Math.abs(place.py - last.py) < SEGMENT
    if (near && i < places.length - 1) return
    parts.push(`${last ? 'L' : 'M'}${place.px.toFixed(1)} ${place.py.toFixed(1)}`)
    last = place
  })
  return parts.join('')
}
