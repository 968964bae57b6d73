/** @file The grid of a chart: what its axes name, and lines across it. */
import type { Frame } from './frame.ts'
import { apart, type Tick } from './scale.ts'

interface Props {
  frame: Frame
  x: string
  y: string
  across?: { value: number; text: string }
  events: readonly number[]
}

/** Pixels of a character, and of a line of text. */
const [CHARACTER, LINE] = [7, 15]

export function Axes({ frame, x, y, across, events }: Props) {
  const { width, height, left, right, top, bottom } = frame
  const [wide, high] = [width - left - right, height - top - bottom]
  const xAt = (value: number) => left + frame.x.place(value) * wide
  const yAt = (value: number) => height - bottom - frame.y.place(value) * high
  const room = ({ text }: Tick) => ((text.length + 1.5) * CHARACTER) / wide
  const columns = apart(frame.x, frame.x.ticks(Math.max(2, Math.floor(wide / 60))), room)
  const rows = apart(frame.y, frame.y.ticks(Math.max(2, Math.floor(high / 40))), () => LINE / high)
  return (
    <g class="axes">
      <Events at={events.map(xAt)} top={top} end={height - bottom} />
      {rows.map(({ value, text }) => (
        <g key={value}>
          <line x1={left} x2={width - right} y1={yAt(value)} y2={yAt(value)} />
          <text x={left - 7} y={yAt(value) + 4} text-anchor="end">
            {text}
          </text>
        </g>
      ))}
      {columns.map(({ value, text }) => (
        <text key={value} x={xAt(value)} y={height - bottom + 17} text-anchor="middle">
          {text}
        </text>
      ))}
      <text class="title" x={left + wide / 2} y={height - 5} text-anchor="middle">
        {x}
      </text>
      <text class="title" transform={`translate(12 ${top + high / 2}) rotate(-90)`} text-anchor="middle">
        {y}
      </text>
      {across && (
        <g class="across">
          <line x1={left} x2={width - right} y1={yAt(across.value)} y2={yAt(across.value)} />
          <text x={left + 6} y={yAt(across.value) + (frame.y.place(across.value) > 0.85 ? 14 : -5)}>
            {across.text}
          </text>
        </g>
      )}
    </g>
  )
}

/** A band from the first event to the last, and a tick for each; in pixels. */
function Events({ at, top, end }: { at: readonly number[]; top: number; end: number }) {
  if (at.length === 0) return null
  const [first, last] = [Math.min(...at), Math.max(...at)]
  return (
    <g class="events-band">
      <rect x={first} width={Math.max(1, last - first)} y={top} height={end - top} />
      {at.map((x) => (
        <line key={x} x1={x} x2={x} y1={end - 5} y2={end} />
      ))}
    </g>
  )
}
