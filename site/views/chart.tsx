/**
 * @file Lines over an axis, with straight segments and marked points. Values are told where the pointer is,
 * by the arrow keys, and in a table below.
 */
import { useRef, useState } from 'preact/hooks'
import { Axes } from './axes.tsx'
import { ChartTable } from './chart-table.tsx'
import { type Axis, type Frame, placeOf } from './frame.ts'
import { Legend } from './legend.tsx'
import { Line } from './line.tsx'
import { scaleOf } from './scale.ts'
import type { Point, Series } from './series.ts'
import { useWidth } from './use-width.ts'

export interface ChartProps {
  title: string
  caption?: string
  series: readonly Series[]
  x: Axis
  y: Axis
  /** A line across, such as that of the dense network. */
  across?: { value: number; text: string }
  /** Places on the x axis where something happened, such as pruning events. */
  events?: readonly number[]
  /** Whether it takes the whole width of the page. */
  whole?: boolean
}

interface At {
  series: Series
  point: Point
}

export function Chart({ title, caption, series, x, y, across, events = [], whole }: ChartProps) {
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set())
  const [at, setAt] = useState<At>()
  const plot = useRef<HTMLDivElement>(null)
  const width = useWidth(plot)
  const height = width > 0 && width < 480 ? 240 : 320
  const shown = series.filter(({ group }) => !hidden.has(group))
  const points = shown.flatMap((one) => [...one.points, ...(one.beside ?? [])])
  const scales = {
    x: scaleOf(x.kind, [...points.map((point) => point.x), ...events], x),
    y: scaleOf(
      y.kind,
      [
        ...points.flatMap((point) => [point.y, point.low ?? point.y, point.high ?? point.y]),
        ...(across ? [across.value] : []),
      ],
      y,
    ),
  }
  const frame: Frame = { width, height, left: 58, right: 26, top: 10, bottom: 44, ...scales }
  const placed = shown.flatMap((one) => one.points.map((point) => ({ series: one, point, ...placeOf(frame, point) })))
  const move = (event: PointerEvent) => {
    const box = plot.current!.getBoundingClientRect()
    const [px, py] = [event.clientX - box.left, event.clientY - box.top]
    const away = (one: (typeof placed)[number]) => (one.px - px) ** 2 + 0.4 * (one.py - py) ** 2
    setAt(placed.length > 0 ? placed.reduce((best, one) => (away(one) < away(best) ? one : best)) : undefined)
  }
  const step = (event: KeyboardEvent) => {
    const by = { ArrowRight: 1, ArrowLeft: -1, Home: -placed.length, End: placed.length }[event.key]
    if (event.key === 'Escape') setAt(undefined)
    if (by === undefined || placed.length === 0) return
    event.preventDefault()
    const now = placed.findIndex((one) => one.point === at?.point)
    setAt(placed[Math.max(0, Math.min(placed.length - 1, now + by))])
  }
  const toggle = (name: string) => {
    setAt(undefined)
    setHidden((before) => new Set(before.has(name) ? [...before].filter((one) => one !== name) : [...before, name]))
  }
  const groups = [...new Map(series.map(({ group, index }) => [group, { name: group, index }])).values()]
  return (
    <figure class={`card chart ${whole ? 'whole' : ''}`}>
      <h2>{title}</h2>
      <Legend groups={groups} hidden={hidden} onToggle={toggle} />
      {/* biome-ignore lint/a11y/useSemanticElements: no element stands for a group that keys move in */}
      <div
        ref={plot}
        class="plot-area"
        style={{ height: `${height}px` }}
        role="group"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: the arrow keys walk along its values
        tabIndex={0}
        aria-label={`${title}: ${y.title} by ${x.title}. The arrow keys tell the values.`}
        onPointerMove={move}
        onPointerDown={move}
        onPointerLeave={() => setAt(undefined)}
        onKeyDown={step}
        onBlur={() => setAt(undefined)}
      >
        {width > 0 && (
          <svg width={width} height={height} aria-hidden="true">
            <Axes frame={frame} x={x.title} y={y.title} across={across} events={events} />
            {shown.map((one) => (
              <Line key={`${one.group} ${one.name}`} series={one} frame={frame} />
            ))}
            {at && <circle class="ring" cx={placeOf(frame, at.point).px} cy={placeOf(frame, at.point).py} r="8" />}
          </svg>
        )}
        <output class="tip" style={at ? tipPlace(frame, at.point) : { visibility: 'hidden' }}>
          {at && <Told at={at} x={x} y={y} />}
        </output>
      </div>
      {caption && <figcaption>{caption}</figcaption>}
      <ChartTable title={title} series={series} x={x} y={y} />
    </figure>
  )
}

function Told({ at: { series, point }, x, y }: { at: At; x: Axis; y: Axis }) {
  const deviation = point.high === undefined ? '' : ` ± ${y.shown(point.high - point.y).replace(/ %$/, '')}`
  return (
    <>
      <strong>{series.name}</strong>
      <span>
        {y.title}: {y.shown(point.y)}
        {deviation}
      </span>
      <span>
        {x.title}: {x.shown(point.x)}
      </span>
    </>
  )
}

/** Beside the point, on the side where there is room. */
function tipPlace(frame: Frame, point: Point) {
  const { px, py } = placeOf(frame, point)
  const side = px > frame.width / 2 ? { right: `${frame.width - px + 14}px` } : { left: `${px + 14}px` }
  return { ...side, top: `${Math.max(0, Math.min(py - 30, frame.height - 90))}px` }
}
